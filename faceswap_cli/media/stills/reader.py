"""Stills in: JPEG, PNG, WebP, TIFF, BMP and AVIF through Pillow, the TIFFs that it refuses through imageio.

A still is decoded when it is opened, so that a damaged file is refused at once and `info` is exact. The size is checked
on the header before anything is decoded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import AvifImagePlugin, BmpImagePlugin, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin
from PIL import Image as PILImage
from PIL.ImageFile import ImageFile

from faceswap_cli.errors import InputError, LimitError
from faceswap_cli.media.formats import FORMATS
from faceswap_cli.media.frame import ClipInfo, Frame, Reader
from faceswap_cli.media.headers import TiffHeader, read_png, read_tiff, read_webp
from faceswap_cli.media.limits import check_pixels
from faceswap_cli.media.pillow import decoding, libtiff_errors
from faceswap_cli.media.stills.colour import Converted, convert, from_samples
from faceswap_cli.media.stills.metadata import read_metadata
from faceswap_cli.options import MediaFormat, MediaOptions
from faceswap_cli.text import opt

# The classes themselves, not Image.open: no other plugin can ever see the file.
_PLUGINS: dict[MediaFormat, type[ImageFile]] = {
    MediaFormat.JPEG: JpegImagePlugin.JpegImageFile,
    MediaFormat.PNG: PngImagePlugin.PngImageFile,
    MediaFormat.WEBP: WebPImagePlugin.WebPImageFile,
    MediaFormat.TIFF: TiffImagePlugin.TiffImageFile,
    MediaFormat.BMP: BmpImagePlugin.BmpImageFile,
    MediaFormat.AVIF: AvifImagePlugin.AvifImageFile,
}

_ORIENTATION = 0x0112
_MAX_BYTES_PER_PIXEL = 16
_MAX_OVERHEAD = 1 << 24


class StillReader(Reader):
    """A decoded still."""

    def __init__(self, info: ClipInfo, frame: Frame) -> None:
        self.info = info
        self._frame: Frame | None = frame

    def frames(self) -> Iterator[Frame]:
        """The one frame; given away, so that its memory ends with its use."""
        frame, self._frame = self._frame, None
        if frame is not None:
            yield frame

    def close(self) -> None:
        """Release the pixels."""
        self._frame = None


def open_still(path: Path, name: str, kind: MediaFormat, options: MediaOptions) -> StillReader:
    """Decode a still.

    Args:
        path: The file.
        name: How to call the file in messages.
        kind: The format that the file has, by content.
        options: Bounds.

    Raises:
        LimitError: Too many pixels.
        InputError: The file is damaged, or of a layout that is not supported.
    """
    row = FORMATS[kind]
    with decoding(name, row.label), path.open("rb") as file:
        if row.decoded_whole and path.stat().st_size > options.max_pixels * _MAX_BYTES_PER_PIXEL + _MAX_OVERHEAD:
            raise LimitError(f"{name} is a {row.label} file too large for {options.max_pixels} pixels",
                             advice=f"raise {opt('max-pixels')}")
        if kind is MediaFormat.TIFF:
            return _open_tiff(file, name, options)
        depth, lossless, grey_alpha = 8, kind is MediaFormat.BMP, False
        if kind is MediaFormat.PNG:
            png = read_png(file)
            check_pixels(png.width, png.height, 1, options, name)
            depth, lossless, grey_alpha = png.depth, True, png.colour == 4
        elif kind is MediaFormat.WEBP:
            webp = read_webp(file)
            check_pixels(webp.width, webp.height, 1, options, name)
            lossless = webp.lossless
        image: PILImage.Image = _load(file, name, kind, options)
        mode = image.mode
        count = getattr(image, "n_frames", 1)
        if grey_alpha and mode == "RGBA":  # Pillow widens 16-bit grey with alpha
            image, mode = _keep_info(image.convert("LA"), image), "LA"
        picture = convert(image, depth=16 if grey_alpha and depth == 16 else depth)
        notes = (f"{row.label} with {count} pictures: only the first is used",) if count > 1 else ()
        return _reader(kind, picture, _orientation(image), mode, _dpi(image.info.get("dpi")), lossless, notes,
                       (image.info, file) if options.keep_metadata else None)


def _load(file: BinaryIO, name: str, kind: MediaFormat, options: MediaOptions) -> ImageFile:
    file.seek(0)
    image = _PLUGINS[kind](file)
    check_pixels(image.width, image.height, 1, options, name)
    image.load()
    return image


def _open_tiff(file: BinaryIO, name: str, options: MediaOptions) -> StillReader:
    header = read_tiff(file)
    check_pixels(header.width, header.height, 1, options, name)
    check_pixels(header.tag(322, 1), header.tag(323, 1), 1, options, name)  # tiles are decoded whole
    notes = ("more than one page: only the first is used",) if header.more_pages else ()
    try:
        file.seek(0)
        image = TiffImagePlugin.TiffImageFile(file)
    except SyntaxError as refusal:  # a layout that Pillow does not know
        picture, orientation, mode = _read_with_imageio(file, name, header, refusal)
        return _reader(MediaFormat.TIFF, picture, orientation, mode, None, header.lossless, notes,
                       ({}, file) if options.keep_metadata else None)
    check_pixels(image.width, image.height, 1, options, name)
    with libtiff_errors() as errors:
        image.load()
    if errors:
        raise ValueError(errors[0])
    mode = image.mode
    inverted = mode.startswith("I;16") and header.tag(262, 1) == 0
    picture = convert(image, depth=header.bits, white_is_zero=inverted)
    # Pillow has turned the pixels already and taken the tag away.
    return _reader(MediaFormat.TIFF, picture, _orientation(image), mode, _dpi(image.info.get("dpi")), header.lossless,
                   notes, (image.info, file) if options.keep_metadata else None)


def _read_with_imageio(file: BinaryIO, name: str, header: TiffHeader,
                       refusal: Exception) -> tuple[Converted, int, str]:
    """Read a TIFF with 16-bit grey and alpha, 32-bit or float colour and the like.

    Raises:
        InputError: Neither Pillow nor imageio knows the layout.
    """
    import imageio.v3 as iio

    photometric, samples = header.tag(262, 1), header.tag(277, 1)
    bytes_per_pixel = samples * -(-header.bits // 8)
    if photometric not in (0, 1, 2, 5) or not 1 <= samples <= 5 or bytes_per_pixel > 40:
        raise InputError(f"{name} is a TIFF of a layout that is not supported", advice="convert it to PNG") from refusal
    file.seek(0)
    opened: Any = iio.imopen(file, "r", plugin="tifffile")  # the plugin has more parameters than its base class tells
    with opened as tiff:
        if math.prod(tiff.properties(index=..., page=0).shape) > header.width * header.height * samples:
            raise ValueError("more samples than the header says")
        array: npt.NDArray[Any] = np.asarray(tiff.read(index=..., page=0))
    if samples > 1 and header.tag(284, 1) == 2 and array.ndim == 3:
        array = np.moveaxis(array, 0, -1)  # one plane per sample
    expected = (header.height, header.width, samples) if samples > 1 else (header.height, header.width)
    if array.shape != expected or array.dtype.kind not in "buif":
        raise InputError(f"{name} is a TIFF of a layout that is not supported", advice="convert it to PNG") from refusal
    has_alpha = header.tag(338, 0) in (1, 2)
    picture = from_samples(array, photometric, associated=header.tag(338, 0) == 1, has_alpha=has_alpha)
    mode = {0: "L", 1: "L", 2: "RGB", 5: "CMYK"}[photometric] + ("A" if has_alpha and photometric != 5 else "")
    return picture, header.tag(274, 1), mode


def _reader(kind: MediaFormat, picture: Converted, orientation: int, mode: str, dpi: tuple[float, float] | None,
            lossless: bool, notes: tuple[str, ...], told: tuple[dict[Any, Any], BinaryIO] | None) -> StillReader:
    """`told`: what Pillow found beside the pixels, and the file, where metadata are kept."""
    pixels = orient(picture.pixels, orientation)
    alpha = None if picture.alpha is None else orient(picture.alpha, orientation)
    if dpi is not None and orientation in (5, 6, 7, 8):
        dpi = dpi[1], dpi[0]
    height, width = pixels.shape[:2]
    metadata, warnings = (None, ()) if told is None else read_metadata(kind, *told, width, height)
    info = ClipInfo(format=kind, width=width, height=height, mode=mode, icc=picture.icc, dpi=dpi, lossless=lossless,
                    warnings=(*notes, *picture.warnings, *warnings), metadata=metadata)
    return StillReader(info, Frame(pixels=pixels, alpha=alpha))


def orient(array: npt.NDArray[np.uint8], orientation: int) -> npt.NDArray[np.uint8]:
    """Turn stored pixels upright.

    Args:
        array: uint8 (H, W) or (H, W, C).
        orientation: Value of the EXIF tag, 1..8; anything else leaves the array as it is.

    Returns:
        C-contiguous; for 5..8 width and height are swapped.
    """
    if orientation in (5, 6, 7, 8):
        array = array.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    return np.ascontiguousarray(array)


def _orientation(image: PILImage.Image) -> int:
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged EXIF is no reason to refuse a good picture; it fails in as many ways as pictures do
        return 1
    return value if isinstance(value, int) else 1


def _dpi(value: object) -> tuple[float, float] | None:
    """A resolution that makes sense, of what the file says."""
    if not isinstance(value, tuple) or len(value) != 2:
        return None
    try:
        x, y = float(value[0]), float(value[1])
    except (TypeError, ValueError, ZeroDivisionError):  # a fraction over zero
        return None
    return (x, y) if 1 <= x <= 100_000 and 1 <= y <= 100_000 else None


def _keep_info(image: PILImage.Image, original: PILImage.Image) -> PILImage.Image:
    """Hand the metadata of `original` to a conversion of it."""
    image.info = dict(original.info)
    image.getexif()  # loads from `info`
    return image
