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
