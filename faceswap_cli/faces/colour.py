"""Colour: the source face is lit and tinted as the target's skin is. All in CIE LAB, float32, L 0..100."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from faceswap_cli.faces.masks import blur, smoothstep
from faceswap_cli.faces.statistics import percentiles
from faceswap_cli.image import FloatArray

_ENOUGH_PIXELS = 4000

FIELD_SIGMA = 0.32
"""Sigma of the lighting field, in inter-ocular distances."""


def to_lab(rgb: FloatArray) -> FloatArray:
    """RGB 0..1 to LAB."""
    lab: FloatArray = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)
    return lab


def to_rgb(lab: FloatArray) -> FloatArray:
    """LAB to RGB 0..1, clipped."""
    rgb: FloatArray = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
    return np.clip(rgb, 0.0, 1.0, out=rgb)


class MaskedBlur:
    """Blurs that see only where a mask is: normalised convolution (Knutsson & Westin 1993) at reduced resolution.

    Where the mask is empty a blur three times as wide fills in, and beyond that the mean.

    Args:
        mask: float32 (H, W), 0..1.
        sigma: In pixels.
    """

    def __init__(self, mask: FloatArray, sigma: float) -> None:
        height, width = mask.shape
        shrink = max(1, int(sigma / 4))
        self._size = (width, height)
        self._grid = (max(16, width // shrink), max(16, height // shrink))
        self._mask = cv2.resize(mask, self._grid, interpolation=cv2.INTER_AREA)
        self._full_mask = mask
        self._sigma = sigma * self._grid[1] / height
        self._near = self._blur(self._mask, 1)
        self._far = self._blur(self._mask, 3)
        self._total = float(self._mask.sum()) + 1e-6

    def _blur(self, x: FloatArray, factor: float) -> FloatArray:
        blurred: FloatArray = cv2.GaussianBlur(x, (0, 0), self._sigma * factor, borderType=cv2.BORDER_CONSTANT)
        return blurred

    def __call__(self, x: FloatArray) -> FloatArray:
        """Blur (H, W) or (H, W, 2)."""
        full, near, far = self._full_mask, self._near, self._far
        if x.ndim == 3:
            full, near, far = full[..., None], near[..., None], far[..., None]
        small = cv2.resize(x * full, self._grid, interpolation=cv2.INTER_AREA)
        mean = small.sum((0, 1)) / self._total
        wide = (self._blur(small, 3) + 1e-3 * mean) / (far + 1e-3)
        field = (self._blur(small, 1) + 0.03 * wide) / (near + 0.03)
        result: FloatArray = cv2.resize(field.astype(np.float32), self._size)
        return result


def chroma_curve(lab: FloatArray, mask: FloatArray, bins: int = 12) -> Callable[[FloatArray], FloatArray]:
    """The skin's (a, b) as a smooth function of its L, from the pixels where `mask` is above 0.5."""
    samples = lab[mask > 0.5]
    if len(samples) > _ENOUGH_PIXELS:
        samples = samples[:: len(samples) // _ENOUGH_PIXELS]
    light, chroma = samples[:, 0], samples[:, 1:]
    if len(light) < 200:
        mean = chroma.mean(0) if len(chroma) else np.zeros(2, np.float32)
        return lambda x: np.broadcast_to(mean, (*x.shape, 2))
    edges = percentiles(light, np.linspace(2, 98, bins + 1))
    bin_of = np.clip(np.searchsorted(edges, light) - 1, 0, bins - 1)
    count = np.bincount(bin_of, minlength=bins) + 1e-3
    centres = np.bincount(bin_of, light, bins) / count
    means = np.stack([np.bincount(bin_of, chroma[:, k], bins) / count for k in (0, 1)], 1)
    means = cv2.GaussianBlur(means.astype(np.float32), (1, 5), 1.2, borderType=cv2.BORDER_REPLICATE)
    levels = np.arange(0, 100.5, 0.5)
    table = np.stack([np.interp(levels, centres, means[:, k]) for k in (0, 1)], 1).astype(np.float32)

    def lookup(x: FloatArray) -> FloatArray:
        index = np.clip(x * 2, 0, 200).astype(np.uint8)
        found: FloatArray = table[index]
        return found

    return lookup


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Canvas:
    """What the colour steps share: the target's face and where things are, at one size.

    Attributes:
        target: float32 (H, W, 3) LAB, the target warped to the geometry of the result.
        features: 0..1, eyes, brows, nostrils, mouth, softened.
        grey: 0..1, eyes and teeth: what is without colour in every face.
        limits: Darkest and brightest L that the target's face shows.
        eye_distance: In pixels.
    """

    target: FloatArray
    features: FloatArray
    grey: FloatArray
    limits: tuple[float, float]
    eye_distance: float


def _match_spread(light: FloatArray, target: FloatArray, mask: FloatArray) -> FloatArray:
    """Mean and, within limits, standard deviation of L over the mask become the target's (Reinhard et al. 2001)."""
    weight = mask * np.float32(1 / (float(mask.sum()) + 1e-6))
    mean_source, mean_target = float((light * weight).sum()), float((target * weight).sum())
    spread_source = float(np.sqrt(((light - mean_source) ** 2 * weight).sum()))
    spread_target = float(np.sqrt(((target - mean_target) ** 2 * weight).sum()))
    gain = min(max(spread_target / (spread_source + 1e-3), 0.6), 1.25)
    matched: FloatArray = (light - np.float32(mean_source)) * np.float32(gain) + np.float32(mean_target)
    return matched


def _knee(light: FloatArray, limits: tuple[float, float]) -> FloatArray:
    """Bend L softly so that nothing is darker or brighter than the target's face shows."""
    low, high = np.float32(limits[0]), np.float32(limits[1])
    over = light > high - 6
    light[over] = high - 6 + 8 * (1 - np.exp(-(light[over] - high + 6) / 8))
    under = light < low + 4
    light[under] = low + 4 - 8 * (1 - np.exp(-(low + 4 - light[under]) / 8))
    return light


def colourfulness(lab: FloatArray, mask: FloatArray) -> np.float32:
    """0 for LAB without colour under the mask, 1 from a chroma of 6 on: on a grey target no lips may stay red."""
    chroma = np.sqrt(np.einsum("ijk,ijk->ij", lab[..., 1:], lab[..., 1:]))
    mean = float((chroma * mask).sum()) / (float(mask.sum()) + 1e-6)
    return np.float32(min(max((mean - 1.0) / 5.0, 0.0), 1.0))


def relight(source: FloatArray, skin: FloatArray, canvas: Canvas) -> FloatArray:
    """The source with the target's light and tint, its own detail kept.

    L: the low-frequency field over bare skin becomes the target's; what is finer is scaled with it, within limits, so
    that pupils and lashes stay dark on any skin. (a, b): along the target's own curve of chroma against lightness,
    keeping the source's difference to its own curve (lips, freckles); eyes and teeth keep the ratio: grey stays grey.

    Args:
        source: float32 (H, W, 3) LAB, in the geometry of the result.
        skin: Weight of each pixel in the statistics: where both faces show bare skin.

    Returns:
        float32 (H, W, 3) LAB.
    """
    target, eye_distance = canvas.target, canvas.eye_distance
    field = MaskedBlur(skin, FIELD_SIGMA * eye_distance)
    light = _match_spread(source[..., 0], target[..., 0], skin)
    low_source, low_target = field(light), field(np.ascontiguousarray(target[..., 0]))
    ratio = low_target / np.maximum(low_source, 5)
    detail = light - low_source
    dark_gain = np.clip(ratio, 0.6, 1.5)
    dark_gain += (np.clip(ratio, 0.25, 3.5) - dark_gain) * canvas.features
    detail *= np.where(detail < 0, dark_gain, np.clip(ratio, 0.6, 1.2))
    result = np.empty_like(source)
    result[..., 0] = _knee(low_target + detail, canvas.limits)

    # JPEG's chroma blocks must not be amplified: what steers colour is blurred a little.
    fine = max(0.5, 0.02 * eye_distance)
    smooth = blur(source, fine)
    own = chroma_curve(source, skin)(smooth[..., 0])
    wanted = chroma_curve(target, skin)(blur(np.ascontiguousarray(result[..., 0]), fine))
    chroma = smooth[..., 1:]
    # In less light a tint has less chroma: lipstick must not glow on dark skin.
    dimmed = np.asarray(np.clip(ratio, 0.5, 1.0), np.float32)[..., None]
    tinted = wanted + (chroma - own) * dimmed
    # Nor may they turn from red to magenta, which skin never is: some of the skin's own hue stays in everything.
    weight = skin * np.float32(1 / (float(skin.sum()) + 1e-6))
    usual: FloatArray = np.einsum("ijk,ij->k", target[..., 1:], weight)
    floor = np.maximum(np.float32(0.35) * wanted, np.float32(0.45) * usual)
    tinted = np.where(wanted > 0, np.maximum(tinted, floor), tinted)
    scaled = chroma * np.clip(wanted / np.maximum(own, 1.0), 0.3, 2.5)
    keep_ratio = smoothstep((own - 1.5) * np.float32(0.25)) * canvas.grey[..., None]
    tinted += keep_ratio * (scaled - tinted)
    tinted += field(np.ascontiguousarray(target[..., 1:]) - tinted)
    tinted *= colourfulness(target, skin)
    result[..., 1:] = tinted
    return result


def match_sharpness(source: FloatArray, skin: FloatArray, canvas: Canvas) -> FloatArray:
    """L of the source with each of four bands brought to the energy it has on the target's skin.

    A global form of Shih et al. 2014, "Style transfer for headshot portraits". Features take part only in the finest
    band, the sharpness, so that brows do not grow or fade with the skin's texture.

    Args:
        source: float32 (H, W, 3) LAB, changed in place.
        skin: Weight of each pixel in the statistics.

    Returns:
        `source`.
    """
    weight = skin * np.float32(1 / (float(skin.sum()) + 1e-6))
    eye_distance = canvas.eye_distance
    own = np.ascontiguousarray(source[..., 0])
    reference = np.ascontiguousarray(canvas.target[..., 0])
    sigmas = (max(0.7, 0.01 * eye_distance), 0.03 * eye_distance, 0.07 * eye_distance, 0.16 * eye_distance)
    limits = ((0.45, 1.7), (0.45, 1.5), (0.5, 1.25), (0.5, 1.15))
    total = np.zeros_like(own)
    for band, (sigma, (low, high)) in enumerate(zip(sigmas, limits, strict=True)):
        own_low, reference_low = blur(own, sigma), blur(reference, sigma)
        own_band = own - own_low
        energy = float((np.abs(own_band) * weight).sum())
        wanted = float((np.abs(reference - reference_low) * weight).sum())
        gain = min(max((wanted + 0.05) / (energy + 0.05), low), high)
        feature_gain = (gain if gain > 1 else gain**0.7) if band == 0 else min(1.1, max(gain, 0.85))
        total += own_band * (np.float32(gain) + np.float32(feature_gain - gain) * canvas.features)
        own, reference = own_low, reference_low
    source[..., 0] = total + own
    return source
