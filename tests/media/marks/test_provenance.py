"""The mark is in every output that has a place for it, the same each time, and can be switched off."""

from __future__ import annotations

import io
import re
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import exiftool
import numpy as np
import pytest
from PIL import Image as PILImage

from faceswap_cli.media.frame import ClipInfo, Frame
from faceswap_cli.media.marks.provenance import (
    DigitalSource,
    Mark,
    gif_xmp_extension,
    mark,
    marks,
    notes,
    png_xmp_chunk,
    xmp_packet,
)
from faceswap_cli.media.open import create_media
from faceswap_cli.options import Credentials, MediaFormat, MediaOptions
from faceswap_cli.text import as_flag, spell

EXT = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
XMP = "{http://ns.adobe.com/xap/1.0/}"
PILLOW = ["jpg", "png", "webp", "tiff", "avif"]
STILLS = [*PILLOW, "gif"]
CLIPS = ["gif", "webp", "png", "apng", "mp4", "mov", "mkv", "webm"]
TAGS = {"mkv": ("Matroska:DigitalSourceType", "Matroska:CreatorTool"),
        "webm": ("Matroska:DigitalSourceType", "Matroska:CreatorTool")}
XMP_TAGS = ("XMP-iptcExt:DigitalSourceType", "XMP-xmp:CreatorTool")


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


def save(path: Path, options: MediaOptions, frames: int = 1) -> bytes:
    noise = np.random.default_rng(7).integers(0, 256, (frames, 48, 64, 3), dtype=np.uint8)
    like = ClipInfo(format=MediaFormat.PNG if frames == 1 else MediaFormat.GIF, width=64, height=48, frame_count=frames)
    with create_media(path, like, options, overwrite=True) as writer:
        for pixels in noise:
            writer.write(Frame(pixels=pixels, duration=Fraction(0 if frames == 1 else 1, 10)))
        writer.commit()
    return path.read_bytes()


@pytest.mark.parametrize("suffix", PILLOW)
def test_read_back_from_every_still(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out.{suffix}"
    first = save(path, MediaOptions())
    with PILImage.open(path) as image:
        image.load()
        packet = image.info["xmp"]
    assert packet == xmp_packet()
    assert save(path, MediaOptions()) == first
    assert b"compositeSynthetic" not in save(path, MediaOptions(provenance=False))


@exiftool.needed
@pytest.mark.parametrize(("suffix", "frames"), [(suffix, 1) for suffix in STILLS] + [(suffix, 3) for suffix in CLIPS])
def test_exiftool_reads_it_in_every_format(tmp_path: Path, suffix: str, frames: int) -> None:
    path = tmp_path / f"out.{suffix}"
    save(path, MediaOptions(trained=frames > 1), frames)
    found = exiftool.read(path)
    source, tool = TAGS.get(suffix, XMP_TAGS)
    term = DigitalSource.COMPOSITE_TRAINED if frames > 1 else DigitalSource.COMPOSITE_SYNTHETIC
    assert found[source] == f"http://cv.iptc.org/newscodes/digitalsourcetype/{term}"
    assert re.fullmatch(r"faceswap( [\w.+]+)?", found[tool])
    assert "ExifTool:Warning" not in found and "ExifTool:Error" not in found
    assert not [name for name in found if name.startswith("XMP-") and name not in (*XMP_TAGS, "XMP-x:XMPToolkit")]
    save(path, MediaOptions(provenance=False), frames)
    assert not {source, tool} & exiftool.read(path).keys()


def test_what_a_format_cannot_hold_is_told() -> None:
    assert marks(MediaOptions(), MediaFormat.JPEG) == (Mark.XMP,)
    assert notes(MediaOptions(), MediaFormat.JPEG) == ()
    everything = MediaOptions(label="AI", credentials=Credentials("a", "b"))
    assert marks(everything, MediaFormat.WEBM) == (Mark.XMP, Mark.C2PA, Mark.LABEL)
    assert marks(everything, MediaFormat.BMP) == (Mark.C2PA, Mark.LABEL)
    assert marks(MediaOptions(), MediaFormat.BMP) == ()
    [line] = notes(MediaOptions(), MediaFormat.BMP)
    assert "BMP has no place" in line and ".png" in line
    assert notes(everything, MediaFormat.BMP) == ()


def test_switched_off_is_told_and_what_is_seen_stays() -> None:
    off = MediaOptions(provenance=False, label="AI", credentials=Credentials("a", "b"))
    assert marks(off, MediaFormat.JPEG) == (Mark.LABEL,)
    [line] = notes(off, MediaFormat.BMP)
    assert "--no-provenance" in spell(line, as_flag)


@pytest.mark.parametrize(("kind", "animated", "told"), [
    (MediaFormat.JPEG, False, False), (MediaFormat.WEBP, False, False), (MediaFormat.WEBP, True, True),
    (MediaFormat.GIF, True, True), (MediaFormat.APNG, True, True), (MediaFormat.BMP, False, True),
    (MediaFormat.MP4, True, False),
])
def test_metadata_that_a_format_does_not_keep_are_told(kind: MediaFormat, animated: bool, told: bool) -> None:
    lines = notes(MediaOptions(keep_metadata=True), kind, animated=animated)
    assert any("--keep-metadata" in spell(line, as_flag) for line in lines) is told


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
