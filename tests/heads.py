"""Heads for tests: the mean face under any pose, and the portraits of `assets/` with their faces, found once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from faceswap_cli.faces.face import Face
from faceswap_cli.faces.landmarks68 import MEAN_SHAPE
from faceswap_cli.faces.pose import Camera
from faceswap_cli.image import Image, Points

ASSETS = Path(__file__).parents[1] / "assets"


def camera(scale: float = 100.0, yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0,
           at: tuple[float, float] = (200.0, 200.0)) -> Camera:
    """A camera of known pose, in degrees; `at` is where the middle of the head is seen."""
    y, p, r = np.radians([yaw, pitch, roll])
    turned = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    raised = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    leaned = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return Camera(scale, leaned @ raised @ turned, np.array(at))


def mean_face(scale: float = 100.0, yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0,
              at: tuple[float, float] = (200.0, 200.0)) -> Points:
    """68 landmarks of the mean face."""
    return camera(scale, yaw, pitch, roll, at).project(MEAN_SHAPE)


@dataclass(frozen=True)
class Portrait:
    pixels: Image
    face: Face


@cache
def analyser():
    from faceswap_cli.engine.analysers.embedded import EmbeddedAnalyser

    return EmbeddedAnalyser()


@cache
def portrait(name: str) -> Portrait:
    """A portrait of `assets/` such as `man-2`, and its one face. The pixels are read-only."""
    return find(cv2.cvtColor(cv2.imread(str(ASSETS / f"{name}.jpg")), cv2.COLOR_BGR2RGB))


def find(image: Image) -> Portrait:
    """A picture of one face, analysed."""
    (face,) = analyser().find(image)
    image.setflags(write=False)
    return Portrait(image, face)


def between_eyes(points: Points) -> float:
    return float(np.linalg.norm(points[42:48].mean(0) - points[36:42].mean(0)))


def with_glasses(image: Image, points: Points, colour: tuple[int, int, int] = (25, 22, 20)) -> Image:
    """The picture with round dark frames and a bridge drawn over the eyes of an upright face."""
    drawn, unit = image.copy(), between_eyes(points)
    width = max(1, round(0.05 * unit))
    lower = np.array([0, 0.05 * unit])
    left, right = points[36:42].mean(0) + lower, points[42:48].mean(0) + lower
    for x, y in (left, right):
        cv2.ellipse(drawn, (round(x), round(y)), (round(0.4 * unit), round(0.3 * unit)), 0, 0, 360, colour, width,
                    cv2.LINE_AA)
    height = round((left[1] + right[1]) / 2 - 0.05 * unit)
    cv2.line(drawn, (round(left[0] + 0.4 * unit), height), (round(right[0] - 0.4 * unit), height), colour, width,
             cv2.LINE_AA)
    return drawn


def with_beard(image: Image, points: Points) -> Image:
    """The picture with a dark, rough beard drawn from ear to ear around the mouth of an upright face."""
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(np.vstack([points[3:14], points[35:30:-1]])).astype(np.int32)], 255)
    cv2.fillPoly(mask, [np.round(points[48:60]).astype(np.int32)], 0)
    weight = 0.85 * cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), 0.04 * between_eyes(points))[..., None]
    noise = np.random.default_rng(0).normal(0, 1, mask.shape).astype(np.float32)
    hair = 45 + 25 * np.clip(3 * cv2.GaussianBlur(noise, (0, 0), 1.2), -1, 1)[..., None]
    return np.clip(image + (hair - image) * weight, 0, 255).astype(np.uint8)
