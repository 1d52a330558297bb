"""The mark is in every output that has a place for it, the same each time, and can be switched off."""

from __future__ import annotations

import io
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image as PILImage

from faceswap_cli.media.frame import ClipInfo, Frame
from faceswap_cli.media.open import create_media
from faceswap_cli.media.provenance import DigitalSource, gif_xmp_extension, mark, png_xmp_chunk, xmp_packet
from faceswap_cli.options import MediaFormat, MediaOptions

EXT = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
XMP = "{http://ns.adobe.com/xap/1.0/}"
FORMATS = ["jpg", "png", "webp", "tiff", "avif"]


def attributes(packet: bytes) -> dict[str, str]:
    root = ElementTree.fromstring(packet.decode())
    return root[0][0].attrib


def test_says_composite_and_names_the_program_and_nothing_else() -> None:
    found = attributes(xmp_packet())
    assert found.pop(EXT + "DigitalSourceType").endswith("/digitalsourcetype/compositeSynthetic")
    assert re.fullmatch(r"faceswap( [\w.+]+)?", found.pop(XMP + "CreatorTool"))
    assert list(found.values()) == [""]  # rdf:about
    trained = attributes(xmp_packet(DigitalSource.COMPOSITE_TRAINED))[EXT + "DigitalSourceType"]
    assert trained.endswith("/compositeWithTrainedAlgorithmicMedia")
    assert mark(MediaOptions(trained=True)) == xmp_packet(DigitalSource.COMPOSITE_TRAINED)
    assert mark(MediaOptions(provenance=False, trained=True)) is None


def save(path: Path, options: MediaOptions) -> bytes:
    pixels = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
    with create_media(path, ClipInfo(MediaFormat.PNG, 16, 16), options, overwrite=True) as writer:
        writer.write(Frame(pixels))
        writer.commit()
    return path.read_bytes()


@pytest.mark.parametrize("suffix", FORMATS)
def test_read_back_from_every_format(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out.{suffix}"
    first = save(path, MediaOptions())
    with PILImage.open(path) as image:
        image.load()
        packet = image.info["xmp"]
    assert packet == xmp_packet()
    assert save(path, MediaOptions()) == first
    assert b"compositeSynthetic" not in save(path, MediaOptions(provenance=False))


def test_gif_extension_can_be_skipped_as_sub_blocks_and_read() -> None:
    buffer = io.BytesIO()
    PILImage.new("P", (4, 4)).save(buffer, "GIF")
    plain = buffer.getvalue()
    assert plain.endswith(b";")
    extension = gif_xmp_extension(xmp_packet())
    at = 14  # extension introducer, label, identifier of 11 bytes and its length
    while extension[at]:
        at += extension[at] + 1
    assert at == len(extension) - 1
    with PILImage.open(io.BytesIO(plain[:-1] + extension + b";")) as image:
        image.load()
        assert image.n_frames == 1


def test_png_chunk_is_valid() -> None:
    buffer = io.BytesIO()
    PILImage.new("L", (4, 4)).save(buffer, "PNG")
    plain = buffer.getvalue()
    at = plain.index(b"IDAT") - 4
    with PILImage.open(io.BytesIO(plain[:at] + png_xmp_chunk(xmp_packet()) + plain[at:])) as image:
        image.load()
        assert image.info["xmp"] == xmp_packet()
