"""Stills out: JPEG, PNG, WebP, TIFF, BMP and AVIF through Pillow."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from faceswap_cli.errors import OutputError, UsageError
from faceswap_cli.image import on_white
from faceswap_cli.media.formats import FORMATS
from faceswap_cli.media.frame import Frame, Metadata
from faceswap_cli.media.handles import FileWriter
from faceswap_cli.media.pillow import quiet
from faceswap_cli.media.stills.colour import GREY_MODES, grey_of, icc_space
from faceswap_cli.media.stills.metadata import merge_xmp, photoshop_segment, tag_tiff
from faceswap_cli.options import MediaFormat
from faceswap_cli.text import squeeze

_AVIF_THREADS = 4
_FULL_COLOUR_QUALITY = 90
"""From this quality on colour is stored at full resolution (4:4:4), below it at a quarter (4:2:0)."""

_XMP_TAG = 700
_BYTE = 1


class StillWriter(FileWriter):
    """Encodes one picture into an output.

    A grey target stays grey. Transparency in JPEG becomes white. Of the target's metadata the colour profile and the
    resolution are kept, and what `ClipInfo.metadata` holds: nothing, unless it was asked for.
    """

    def _add(self, frame: Frame) -> None:
        if self._frames:
            raise UsageError(f"cannot write {self._out.name}: {self._kind} holds one picture")
        image = self._layout(frame)
        if self._kind is MediaFormat.BMP and image.mode == "RGBA":
            data = encode_bmp_with_alpha(np.asarray(image), self._like.dpi)
        else:
            data = self._encode(image)
        with self._out.writing():
            self._out.file.write(data)

    def _encode(self, image: PILImage.Image) -> bytes:
        buffer = io.BytesIO()  # Pillow would write around the file's own buffer, and hide why a full disk fails
        with quiet:
            try:
                image.save(buffer, format=self._kind.value, **self._settings(image))
            except (OSError, ValueError, MemoryError) as error:
                reason = squeeze(error) or "not enough memory"
                raise OutputError(f"cannot write {self._out.name} as {self._kind}: {reason}") from error
        data = buffer.getvalue()
        if self._kind is MediaFormat.TIFF and self._like.metadata is not None:
            return tag_tiff(data, self._like.metadata)
        return data

    def _layout(self, frame: Frame) -> PILImage.Image:
        pixels, alpha = frame.pixels, frame.alpha
        if alpha is not None and not FORMATS[self._kind].transparency:
            pixels, alpha = on_white(pixels, alpha), None
        if self._like.mode in GREY_MODES and FORMATS[self._kind].grey:
            grey = grey_of(pixels)
            if alpha is None:
                return PILImage.fromarray(grey)
            if self._kind is not MediaFormat.BMP:  # whose pictures with alpha are coloured
                return PILImage.fromarray(np.dstack([grey, alpha]))
        return PILImage.fromarray(pixels if alpha is None else np.dstack([pixels, alpha]))

    def _settings(self, image: PILImage.Image) -> dict[str, Any]:
        """Arguments of Pillow's `save`."""
        settings: dict[str, Any] = {}
        space = "GRAY" if image.mode in ("L", "LA") else "RGB"
        icc = self._like.icc if icc_space(self._like.icc) == space else None
        kept = self._like.metadata or Metadata()
        packet = merge_xmp(self._mark, kept.xmp)
        quality = self._options.image_quality
        subsampling = "4:4:4" if quality >= _FULL_COLOUR_QUALITY else "4:2:0"
        match self._kind:
            case MediaFormat.JPEG:
                settings = {"quality": quality, "subsampling": subsampling, "optimize": True}
            case MediaFormat.WEBP:
                # Quality 100 means all of it; a lossless target is not made worse by saving it again.
                lossless = quality == 100 or (self._like.format is MediaFormat.WEBP and self._like.lossless)
                settings = {"quality": 75 if lossless else quality, "lossless": lossless, "method": 4, "exact": True}
            case MediaFormat.AVIF:
                # Speed 8 of 10 takes a sixth of the time of the default 6, for 1% more bytes and 0.2 dB less at 95.
                # The bytes depend on the number of threads, which would be that of the cores.
                settings = {"quality": quality, "subsampling": subsampling, "speed": 8, "max_threads": _AVIF_THREADS}
            case MediaFormat.TIFF:
                settings = {"compression": "tiff_adobe_deflate"}
        row = FORMATS[self._kind]
        if row.resolution and self._like.dpi:
            settings["dpi"] = self._like.dpi
        if icc is not None and row.profile:
            settings["icc_profile"] = icc
        if packet is not None and row.mark:
            settings |= self._marked(packet)
        if kept.exif is not None and row.exif:
            settings["exif"] = b"Exif\0\0" + kept.exif
        if kept.iptc is not None and self._kind is MediaFormat.JPEG:
            settings["extra"] = photoshop_segment(kept.iptc)
        return settings

    def _marked(self, packet: bytes) -> dict[str, Any]:
        if self._kind is MediaFormat.PNG:
            chunks = PngInfo()
            chunks.add_itxt("XML:com.adobe.xmp", packet.decode())
            return {"pnginfo": chunks}
        if self._kind is MediaFormat.TIFF:
            directory = ImageFileDirectory_v2()
            directory.tagtype[_XMP_TAG] = _BYTE
            directory[_XMP_TAG] = packet
            return {"tiffinfo": directory}
        return {"xmp": packet}


def encode_bmp_with_alpha(rgba: npt.NDArray[np.uint8], dpi: tuple[float, float] | None) -> bytes:
    """A BMP whose header says that it has alpha (BITMAPV4HEADER); in the older one that Pillow writes alpha is void.

    Args:
        rgba: uint8 (H, W, 4).
        dpi: Resolution, or None.
    """
    height, width = rgba.shape[:2]
    per_metre = [round(value / 0.0254) for value in dpi or (0.0, 0.0)]
    masks = (0x00FF0000, 0x0000FF00, 0x000000FF, 0xFF000000)
    offset, size = 14 + 108, rgba.size
    head = struct.pack("<2sIHHI", b"BM", offset + size, 0, 0, offset)
    head += struct.pack("<IiiHHIIiiII", 108, width, height, 1, 32, 3, size, *per_metre, 0, 0)
    head += struct.pack("<4I4s", *masks, b"BGRs") + bytes(48)  # sRGB: no end points, no gamma
    return head + rgba[::-1, :, [2, 1, 0, 3]].tobytes()
