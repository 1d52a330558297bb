"""From whatever layout a file has to 8-bit RGB with alpha, and the profile that describes the result."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage
from PIL import ImageCms

from faceswap_cli.image import Image, Plane

GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N", "F"})
"""Pillow's names of layouts without colour."""

_WHITES = (1.0, 255.0, 65535.0, 4294967295.0)


@dataclass(frozen=True, slots=True, eq=False)
class Converted:
    """A decoded picture in our one layout.

    Attributes:
        pixels: uint8 (H, W, 3) RGB; equal channels for grey.
        alpha: uint8 (H, W), or None when all is opaque.
        icc: Profile of `pixels`, for grey one of grey; None: sRGB or unknown.
        warnings: What was changed.
    """

    pixels: Image
    alpha: Plane | None
    icc: bytes | None
    warnings: tuple[str, ...]


def icc_space(profile: bytes | None) -> str:
    """Colour space that an ICC profile describes: `RGB`, `GRAY`, `CMYK` ...; empty for what is no profile."""
    if not isinstance(profile, bytes) or len(profile) < 128 or profile[36:40] != b"acsp":
        return ""
    return profile[16:20].decode("latin-1").strip()


def scale_to_bytes(samples: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Scale samples of any depth to 8 bits; nothing is clipped.

    Sixteen bits lose their low byte, as 16-bit colour does in Pillow, so that grey and colour agree. Of wider integers
    and floats files do not say what white is: it is the smallest of 1 (floats only), 255, 65535 and 4294967295 that
    holds every value. Where values are negative or larger still, the lowest becomes black and the highest white. NaN
    is black.

    Args:
        samples: Any shape; bool, integers or floats.

    Returns:
        The same shape.
    """
    if samples.dtype == np.uint8:
        return samples
    if samples.dtype == np.bool_:
        return samples.astype(np.uint8) * np.uint8(255)
    if samples.dtype == np.uint16:
        return (samples >> 8).astype(np.uint8)
    values = samples.astype(np.float64)
    finite = np.isfinite(values)
    if not finite.all():
        values[~finite] = 0.0
    low, high = float(values.min()), float(values.max())
    if low >= 0.0:
        whites = [white for white in _WHITES if high <= white and (white > 1.0 or samples.dtype.kind == "f")]
        low, high = 0.0, whites[0] if whites else high
    values -= low
    values *= 255.0 / max(high - low, np.finfo(np.float64).tiny)
    return np.rint(values, out=values).astype(np.uint8)


def convert(image: PILImage.Image, *, depth: int = 8, white_is_zero: bool = False) -> Converted:
    """Convert a decoded picture.

    Args:
        image: Any mode; its `info` may hold a profile and a transparent colour.
        depth: Bits per sample in the file, where Pillow's mode does not tell.
        white_is_zero: Samples of a 16-bit mode count from white.
    """
    profile = image.info.get("icc_profile")
    notes: list[str] = []
    alpha: Plane | None = None
    if image.mode in ("I;16", "I;16B", "I;16L", "I;16N", "I", "F"):
        samples = np.asarray(image)
        if image.mode.startswith("I;16"):
            samples = samples.astype(np.uint16)  # the machine's byte order
        alpha = _transparent_value(samples, image.info.get("transparency"))
        grey = _scale_grey(samples, depth)
        notes.append("32-bit values scaled to 8 bits" if image.mode in ("I", "F") and depth != 16
                     else "16 bits reduced to 8")
        return _grey(255 - grey if white_is_zero else grey, alpha, profile, notes)
    if depth > 8:
        notes.append(f"{depth} bits reduced to 8")
    if image.mode == "1":
        notes.append("1 bit per pixel widened to 8-bit grey")
        alpha = _transparent_value(np.asarray(image.convert("L")), image.info.get("transparency"))
        return _grey(np.array(image.convert("L")), alpha, profile, notes)
    if image.mode == "L":
        samples = np.array(image)
        transparent = image.info.get("transparency")
        if depth < 8 and isinstance(transparent, int):
            transparent = transparent * 255 // (2 ** depth - 1)  # stated in samples of the file
        return _grey(samples, _transparent_value(samples, transparent), profile, notes)
    if image.mode in ("LA", "La"):
        both = np.array(image.convert("LA"))
        return _grey(np.ascontiguousarray(both[..., 0]), np.ascontiguousarray(both[..., 1]), profile, notes)
    image, profile = _to_rgb(image, profile, depth, notes)
    array = np.array(image)
    if image.mode == "RGBA":
        array, alpha = np.ascontiguousarray(array[..., :3]), np.ascontiguousarray(array[..., 3])
    return Converted(array, _unless_opaque(alpha), profile if icc_space(profile) == "RGB" else None, tuple(notes))


def from_samples(array: npt.NDArray[Any], photometric: int, *, has_alpha: bool, associated: bool) -> Converted:
    """Convert raw samples of a TIFF.

    Args:
        array: (H, W) or (H, W, C) of bool, integers or floats.
        photometric: 0 grey that counts from white, 1 grey, 2 RGB, 5 CMYK.
        has_alpha: The sample after the colours is alpha.
        associated: The colours were multiplied with alpha.
    """
    if array.ndim == 2:
        array = array[..., None]
    colours = {0: 1, 1: 1, 2: 3, 5: 4}[photometric]
    wide = array.dtype != np.uint8
    if has_alpha and array.shape[2] > colours:
        alpha: Plane | None = _scale_alpha(array[..., colours])
    else:
        alpha, associated = None, False
    scaled = scale_to_bytes(array[..., :colours])
    if alpha is not None and associated:
        weight = np.maximum(alpha, 1)[..., None].astype(np.uint16)
        scaled = np.minimum((scaled.astype(np.uint16) * 255 + weight // 2) // weight, 255).astype(np.uint8)
    notes = [f"{array.dtype.itemsize * 8}-bit values scaled to 8 bits"] if wide else []
    if photometric == 5:
        notes.append("CMYK converted to RGB")
        pixels = np.array(PILImage.fromarray(np.ascontiguousarray(scaled), "CMYK").convert("RGB"))
    elif photometric == 2:
        pixels = np.ascontiguousarray(scaled)
    else:
        pixels = np.repeat(255 - scaled if photometric == 0 else scaled, 3, axis=2)
    return Converted(pixels, _unless_opaque(alpha), None, tuple(notes))


def grey_of(frame_pixels: Image) -> Plane:
    """One channel of a picture: its own where it is grey, luma (BT.601) where it became coloured."""
    return np.asarray(PILImage.fromarray(frame_pixels).convert("L"))


def _to_rgb(image: PILImage.Image, profile: bytes | None, depth: int,
            notes: list[str]) -> tuple[PILImage.Image, bytes | None]:
    """To mode RGB or RGBA, with the profile that describes the result."""
    if image.mode == "CMYK":
        notes.append("CMYK converted to RGB")
        if icc_space(profile) == "CMYK":
            try:
                return _through_profile(image, profile or b""), None
            except (ImageCms.PyCMSError, OSError):
                notes.append("the colour profile is damaged and was ignored")
        return image.convert("RGB"), None
    if image.mode == "LAB":
        notes.append("Lab converted to RGB")
        return image.convert("RGB"), None
    if image.mode in ("P", "PA"):
        has_alpha = image.mode == "PA" or "transparency" in image.info or (
            image.palette is not None and image.palette.mode == "RGBA")
        return image.convert("RGBA" if has_alpha else "RGB"), profile
    if image.mode == "RGB":
        transparent = image.info.get("transparency")
        if isinstance(transparent, tuple):
            if depth > 8:  # stated in samples of the file, of which the high bytes are left
                image.info["transparency"] = tuple(value >> 8 for value in transparent)
            return image.convert("RGBA"), profile
        return image, profile
    if image.mode in ("RGBA", "RGBa"):
        return image.convert("RGBA"), profile
    return image.convert("RGB"), profile  # YCbCr, HSV, RGBX


def _through_profile(image: PILImage.Image, profile: bytes) -> PILImage.Image:
    converted = ImageCms.profileToProfile(
        image, io.BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode="RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC, flags=ImageCms.Flags.BLACKPOINTCOMPENSATION)
    if converted is None:
        raise ImageCms.PyCMSError("no picture came back")
    return converted


def _grey(plane: Plane, alpha: Plane | None, profile: bytes | None, notes: list[str]) -> Converted:
    pixels = np.repeat(plane[..., None], 3, axis=2)
    return Converted(pixels, _unless_opaque(alpha), profile if icc_space(profile) == "GRAY" else None, tuple(notes))


def _scale_grey(samples: npt.NDArray[Any], depth: int) -> Plane:
    if samples.dtype == np.uint16 and 8 < depth < 16:  # 12-bit TIFF: not spread over the 16 bits
        return (samples >> (depth - 8)).astype(np.uint8)
    return scale_to_bytes(samples)


def _scale_alpha(samples: npt.NDArray[Any]) -> Plane:
    """Alpha has a white that is known: the largest integer, or 1."""
    if samples.dtype.kind in "ui" and samples.dtype.itemsize > 1:
        share: npt.NDArray[Any] = np.maximum(samples, 0) / np.iinfo(samples.dtype).max
    elif samples.dtype.kind == "f":
        share = np.nan_to_num(samples).clip(0, 1)
    else:
        return scale_to_bytes(samples)
    return np.asarray(np.rint(share * 255), dtype=np.uint8)


def _transparent_value(samples: npt.NDArray[Any], transparent: object) -> Plane | None:
    if not isinstance(transparent, int):
        return None
    return np.where(samples == transparent, 0, 255).astype(np.uint8)


def _unless_opaque(alpha: Plane | None) -> Plane | None:
    return None if alpha is None or bool((alpha == 255).all()) else alpha
