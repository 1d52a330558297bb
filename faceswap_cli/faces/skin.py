"""Which pixels of a face look like its own bare skin: a robust colour model in CIE LAB."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceswap_cli.faces.statistics import middle
from faceswap_cli.image import FloatArray

_MIN_PIXELS = 50
_ENOUGH_PIXELS = 3000
_SPREAD_FLOOR = np.array([4.0, 2.0, 2.5])
_SPREAD_CEILING = np.array([12.0, 6.0, 7.0])
# Allowed deviation of L, a, b in spreads.
_TOLERANCE = np.array([2.2, 2.6, 2.6])


@dataclass(frozen=True, slots=True, eq=False)
class SkinModel:
    """Median and spread of one face's skin.

    Attributes:
        centre: float32 (3,), L 0..100, a, b.
        scale: float32 (3,), the deviation that counts as one.
    """

    centre: FloatArray
    scale: FloatArray

    def distance(self, lab: FloatArray) -> FloatArray:
        """How far each pixel of `lab` (H, W, 3; float32, L 0..100) is from this skin: (H, W), 0 at its centre."""
        z = lab - self.centre
        z *= 1.0 / self.scale
        light = z[..., 0]
        # Brighter than skin is a highlight, still skin; darker is hair.
        light *= np.where(light > 0, np.float32(0.6), np.float32(1.0))
        distance: FloatArray = np.sqrt(np.einsum("ijk,ijk->ij", z, z))
        return distance


def fit_skin(lab: FloatArray, cheeks: FloatArray) -> SkinModel | None:
    """Fit the model to the pixels where `cheeks` (H, W) is above 0.5; None when there are too few."""
    samples = lab[cheeks > 0.5]
    if len(samples) < _MIN_PIXELS:
        return None
    if len(samples) > _ENOUGH_PIXELS:
        samples = samples[:: len(samples) // _ENOUGH_PIXELS]
    centre = middle(samples)
    spread = middle(np.abs(samples - centre)) * 1.4826
    scale = np.clip(spread, _SPREAD_FLOOR, _SPREAD_CEILING) * _TOLERANCE
    return SkinModel(centre.astype(np.float32), scale.astype(np.float32))


def likelihood(distance: FloatArray, tolerance: float = 1.0) -> FloatArray:
    """0..1: 1 well inside a skin model, 0 well outside; a tolerance above 1 lets shadows and highlights pass too."""
    result: FloatArray = np.clip(np.float32(2.0) - distance * np.float32(1.25 / tolerance), 0.0, 1.0)
    return result


def skin_distance(lab: FloatArray, cheeks: FloatArray) -> FloatArray:
    """The distance of each pixel to the skin of the same picture's cheeks; 0 everywhere when those are too small."""
    model = fit_skin(lab, cheeks)
    return np.zeros(lab.shape[:2], np.float32) if model is None else model.distance(lab)
