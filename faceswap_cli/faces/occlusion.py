"""Beards and glasses: what lies over a face, found by plain measures on an upright crop.

The thresholds were set on 30 portraits (official photographs, historical prints, and the portraits of `assets/`). They
miss white beards and rimless glasses.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceswap_cli.faces import masks
from faceswap_cli.faces.landmarks68 import BROWS, LEFT_BROW, LEFT_EYE, OUTER_LIPS, RIGHT_BROW, RIGHT_EYE
from faceswap_cli.faces.statistics import middle
from faceswap_cli.image import FloatArray, Points

BRIDGE = 8.0
"""Step of lightness on the nose's root that the bridge of glasses makes: 12.8..31 seen, without glasses 6.4 and,
on profiles and engravings, up to 15."""

FRAME_AREA = 0.45
"""Area of dark lines around the eyes that glasses make, in squared inter-ocular distances: 0.54..0.84 seen, without
glasses at most 0.29 in photographs."""

_LOWER_LIP = np.arange(55, 60)


def _lightness(lab: FloatArray) -> FloatArray:
    return np.ascontiguousarray(lab[..., 0])


@dataclass(frozen=True, slots=True)
class Cover:
    """What lies over a face.

    Attributes:
        bridge: Step of lightness on the nose's root; see `BRIDGE`.
        frame: Area of dark lines around the eyes, in squared inter-ocular distances; see `FRAME_AREA`.
        beard: 0..1, how surely there is a beard darker than the skin.
    """

    bridge: float
    frame: float
    beard: float

    def glasses(self, was: bool | None = None) -> bool:
        """Whether glasses are worn; the answer of an earlier frame (`was`) is kept within a fifth of the limits."""
        slack = 1.0 if was is None else (0.8 if was else 1.2)
        return self.bridge >= BRIDGE * slack and self.frame >= FRAME_AREA * slack


def measure_cover(lab: FloatArray, points: Points, eye_distance: float) -> Cover:
    """Look for glasses and a beard.

    Args:
        lab: float32 (H, W, 3), L 0..100, upright.
        points: float64 (>=68, 2).
        eye_distance: In pixels.
    """
    area = float(frame_mask(lab, points, eye_distance).sum()) / eye_distance**2
    return Cover(bridge_step(lab, points, eye_distance), area, beard_strength(lab, points, eye_distance))


def bridge_step(lab: FloatArray, points: Points, eye_distance: float) -> float:
    """Steepest step of lightness (0..100) down the middle of the nose's root, where the bridge of glasses runs."""
    middle = (points[39, 0] + points[42, 0]) / 2
    half = max(1.0, 0.1 * eye_distance)
    top, bottom = points[27, 1] - 0.12 * eye_distance, points[29, 1]
    x0, x1, y0, y1 = (max(0, int(v)) for v in (middle - half, middle + half + 1, top, bottom))
    patch = _lightness(lab[y0:y1, x0:x1])
    step = max(1, round(0.045 * eye_distance))
    if patch.shape[0] <= step or patch.shape[1] == 0:
        return 0.0
    profile = cv2.GaussianBlur(patch, (0, 0), max(0.5, 0.015 * eye_distance)).mean(1)
    return float(np.abs(profile[step:] - profile[:-step]).max())


def frame_mask(lab: FloatArray, points: Points, eye_distance: float) -> FloatArray:
    """Dark thin lines around the eyes that are neither lids nor brows: 0..1, the frame of glasses.

    A black-hat transform (closing minus the picture) answers to what is darker than both its sides.
    """
    shape = lab.shape[:2]
    light = _lightness(lab)
    size = 2 * max(1, round(0.09 * eye_distance)) + 1
    closed = cv2.morphologyEx(light, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    lines = masks.smoothstep((closed - light - np.float32(9)) * np.float32(1 / 9))
    eyes = (points[LEFT_EYE], points[RIGHT_EYE])
    region = masks.polygon_mask(shape, [eye.mean(0) + 2.1 * (eye - eye.mean(0)) for eye in eyes],
                                grow=0.28 * eye_distance)
    bridge = masks.polygon_mask(shape, [points[[21, 22, 42, 28, 39]]], grow=0.08 * eye_distance)
    inside = masks.polygon_mask(shape, eyes, grow=0.09 * eye_distance, soft=0.02 * eye_distance)
    brows = masks.stroke_mask(shape, [points[LEFT_BROW] - [0, 0.03 * eye_distance],
                                      points[RIGHT_BROW] - [0, 0.03 * eye_distance]], 0.15 * eye_distance)
    frame = lines * np.maximum(region, bridge) * (1 - inside) * (1 - brows)
    soft = masks.blur(masks.grow(frame, 0.02 * eye_distance), 0.015 * eye_distance)
    return np.clip(soft, 0.0, 1 / 1.3, out=soft) * np.float32(1.3)


def beard_strength(lab: FloatArray, points: Points, eye_distance: float) -> float:
    """0..1: whether the chin is rougher than the cheeks and the upper lip darker."""
    shape = lab.shape[:2]
    light = _lightness(lab)
    rough = np.abs(light - cv2.GaussianBlur(light, (0, 0), max(0.8, 0.06 * eye_distance)))
    bare = 1 - masks.features(points, shape, eye_distance)
    between = np.vstack([points[1:4], points[[48, 31, 35, 54]], points[13:16], points[45:48], points[[42, 27, 39]],
                         points[[40, 41, 36]]])
    cheeks = masks.polygon_mask(shape, [between], grow=-0.12 * eye_distance) * bare
    below = np.vstack([points[4:13], points[[54]], points[_LOWER_LIP], points[[48]]])
    chin = masks.polygon_mask(shape, [below], grow=-0.12 * eye_distance) * bare
    above = np.vstack([points[[48]], points[31:36], points[54:47:-1]])
    lip = masks.polygon_mask(shape, [above], grow=-0.05 * eye_distance) * bare

    def mean(weight: FloatArray, values: FloatArray) -> float:
        return float((weight * values).sum()) / max(float(weight.sum()), 1.0)

    rougher = mean(chin, rough) / (mean(cheeks, rough) + 0.15)
    darker = mean(cheeks, light) - mean(lip, light)
    return float(np.clip((rougher - 1.1) / 0.3, 0, 1) * np.clip((darker - 10) / 10, 0, 1))


def beard_mask(lab: FloatArray, points: Points, eye_distance: float) -> FloatArray:
    """Where the lower face is darker than the cheeks: 0..1, smooth; the mouth counts as beard."""
    shape = lab.shape[:2]
    light = _lightness(lab)
    cheeks = masks.polygon_mask(shape, [np.vstack([points[1:3], points[31:36], points[14:16], points[BROWS[::-1]]])],
                                grow=-0.12 * eye_distance) * (1 - masks.features(points, shape, eye_distance))
    chosen = light[cheeks > 0.5]
    level = float(middle(chosen)) if chosen.size else 60.0
    dark = masks.smoothstep((np.float32(level - 7) - masks.blur(light, 0.04 * eye_distance)) * np.float32(0.125))
    lower = masks.polygon_mask(shape, [np.vstack([points[2:15], points[35:30:-1]])], soft=0.05 * eye_distance)
    mouth = masks.polygon_mask(shape, [points[OUTER_LIPS]], grow=0.1 * eye_distance)
    grown = masks.grow(np.maximum(dark * lower, mouth), 0.05 * eye_distance)
    return masks.blur(grown, 0.06 * eye_distance)

