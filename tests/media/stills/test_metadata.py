"""Where a photograph was taken stays behind, unless metadata are kept; then all that is still true comes along."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import exiftool
import numpy as np
import pytest
from authority import Authority
from PIL import Image as PILImage

from faceswap_cli.media.marks.provenance import xmp_packet
from faceswap_cli.media.open import create_media, open_media
from faceswap_cli.media.stills.exif import ExifError, copy_exif
from faceswap_cli.media.stills.metadata import merge_xmp
from faceswap_cli.options import MediaOptions

KEEP = MediaOptions(keep_metadata=True)
KEEPERS = ["jpg", "png", "webp", "avif", "tiff"]
ARTIST, COPYRIGHT, DESCRIPTION, ORIENTATION, GPS, EXIF = 0x013B, 0x8298, 0x010E, 0x0112, 0x8825, 0x8769


def picture() -> PILImage.Image:
    return PILImage.fromarray(np.random.default_rng(3).integers(0, 256, (24, 40, 3), dtype=np.uint8))


def photograph(path: Path) -> Path:
    """40x24, turned by a quarter, with a place, an artist and a thumbnail."""
    exif = PILImage.Exif()
    exif[ARTIST] = "Ann"
    exif[ORIENTATION] = 6
    exif[EXIF] = {0x9003: "2024:05:06 07:08:09", 0xA002: 40, 0xA003: 24, 0x927C: b"maker's own" * 9}
    exif[GPS] = {1: "N", 2: (48.0, 8.0, 14.5), 3: "E", 4: (11.0, 34.0, 31.5)}
    picture().save(path, exif=exif.tobytes())
    return path


def through(source: Path, output: Path, options: MediaOptions) -> tuple[str, ...]:
    """Read and write a picture; what was warned of."""
    with open_media(source, options) as reader, \
            create_media(output, reader.info, options, overwrite=True) as writer:
        for frame in reader.frames():
            writer.write(frame)
        writer.commit()
        return reader.info.warnings


def exif_of(path: Path) -> PILImage.Exif:
    with PILImage.open(path) as image:
        exif = image.getexif()
        exif.get_ifd(GPS), exif.get_ifd(EXIF)
        return exif


@pytest.mark.parametrize("output", [*KEEPERS, "bmp", "gif"])
@pytest.mark.parametrize("source", KEEPERS)
def test_by_default_nothing_is_kept(tmp_path: Path, source: str, output: str) -> None:
    path = photograph(tmp_path / f"in.{source}")
    assert exif_of(path).get_ifd(GPS)[1] == "N"
    out = tmp_path / f"out.{output}"
    through(path, out, MediaOptions())
    exif = exif_of(out)
    assert not exif.get_ifd(GPS) and ARTIST not in exif
    assert b"2024:05:06" not in out.read_bytes() and b"maker" not in out.read_bytes()


@pytest.mark.parametrize("output", KEEPERS)
@pytest.mark.parametrize("source", KEEPERS)
def test_kept_where_that_is_asked_for(tmp_path: Path, source: str, output: str) -> None:
    path, out = photograph(tmp_path / f"in.{source}"), tmp_path / f"out.{output}"
    assert through(path, out, KEEP) == ()
    exif = exif_of(out)
    assert exif[ARTIST] == "Ann" and exif.get(ORIENTATION, 1) == 1
    details = exif.get_ifd(EXIF)
    assert details[0x9003] == "2024:05:06 07:08:09"
    assert (details[0xA002], details[0xA003]) == (24, 40)  # upright
    assert 0x927C not in details and b"maker" not in out.read_bytes()
    assert tuple(exif.get_ifd(GPS)[2]) == (48.0, 8.0, 14.5)
    with PILImage.open(out) as image:
        assert image.size == (24, 40)
        assert image.info["xmp"] == xmp_packet()
    first = out.read_bytes()
    through(path, out, KEEP)
    assert out.read_bytes() == first


FULL = [
    "-GPSLatitude=48.1374", "-GPSLatitudeRef=N", "-GPSLongitude=11.5755", "-GPSLongitudeRef=E", "-Orientation#=8",
    "-Make=Cam", "-Model=X1", "-DateTimeOriginal=2024:05:06 07:08:09", "-OffsetTimeOriginal=+02:00",
    "-ExposureTime=1/250", "-FNumber=2.8", "-ISO=200", "-UserComment=Gr\u00fc\u00dfe", "-Artist=Ann \u00d6",
    "-Copyright=(c) Ann", "-ImageDescription=A door", "-LensModel=50mm", "-LensInfo=24 70 2.8 2.8",
    "-XPComment=hello", "-FlashpixVersion=0100", "-InteropIndex=R98", "-ImageUniqueID=aabb",
    "-XMP-dc:Title=Titel", "-XMP-dc:Subject=one", "-XMP-dc:Subject=two", "-XMP-mwg-rs:RegionName=Bob",
    "-XMP-iptcExt:PersonInImage=Bob", "-XMP:CreatorTool=Cam 1.0", "-XMP-xmpMM:DocumentID=xmp.did:1",
    "-XMP-iptcExt:DigitalSourceType=digitalCapture", "-XMP-photoshop:City=Bonn",
]
KEPT = {
    "GPS:GPSLatitude", "GPS:GPSLongitude", "IFD0:Make", "IFD0:Model", "ExifIFD:DateTimeOriginal",
    "ExifIFD:OffsetTimeOriginal", "ExifIFD:ExposureTime", "ExifIFD:FNumber", "ExifIFD:ISO", "ExifIFD:UserComment",
    "IFD0:Artist", "IFD0:Copyright", "IFD0:ImageDescription", "ExifIFD:LensModel", "ExifIFD:LensInfo",
    "IFD0:XPComment", "ExifIFD:FlashpixVersion", "XMP-dc:Title", "XMP-dc:Subject", "XMP-photoshop:City",
}


def full(path: Path) -> Path:
    picture().save(path)
    thumbnail = path.with_name("thumbnail.jpg")
    picture().save(thumbnail)
    more = [f"-ThumbnailImage<={thumbnail}"] if path.suffix == ".jpg" else []
    iptc = ["-IPTC:Caption-Abstract=Cap", "-IPTC:By-line=Ann"] if path.suffix in (".jpg", ".tiff") else []
    return exiftool.write(path, *FULL, *more, *iptc)


@exiftool.needed
@pytest.mark.parametrize(("source", "output"), [*(("jpg", output) for output in KEEPERS), ("png", "png"),
                                                ("tiff", "tiff")])
def test_kept_as_exiftool_sees_it(tmp_path: Path, source: str, output: str) -> None:
    path, out = full(tmp_path / f"in.{source}"), tmp_path / f"out.{output}"
    assert through(path, out, KEEP) == ()
    before, after = exiftool.read(path), exiftool.read(out)
    iptc = {"IPTC:Caption-Abstract", "IPTC:By-line"}
    kept = KEPT | iptc if source in ("jpg", "tiff") and output in ("jpg", "tiff") else KEPT
    assert {name: before[name] for name in kept} == {name: after.get(name) for name in kept}
    assert after["XMP-iptcExt:DigitalSourceType"].endswith("/compositeSynthetic")
    assert after["XMP-xmp:CreatorTool"].startswith("faceswap")
    text = str(after)
    assert "Bob" not in text and "aabb" not in text and "xmp.did:1" not in text
    unwanted = "Thumbnail", "InteropIndex", "Warning", "Error"
    assert not [name for name in after if name.split(":")[-1].startswith(unwanted)]
    assert after.get("IFD0:Orientation", "Horizontal (normal)") == "Horizontal (normal)"


@exiftool.needed
@pytest.mark.parametrize("output", KEEPERS)
def test_kept_in_what_is_signed(tmp_path: Path, output: str) -> None:
    authority = Authority(tmp_path)
    path, out = full(tmp_path / "in.jpg"), tmp_path / f"out.{output}"
    through(path, out, MediaOptions(keep_metadata=True, credentials=authority.issue()))
    assert authority.read(out)[0] == "Trusted"
    before, after = exiftool.read(path), exiftool.read(out)
    assert {name: before[name] for name in KEPT} == {name: after.get(name) for name in KEPT}


@exiftool.needed
@pytest.mark.parametrize("output", [*KEEPERS, "bmp"])
def test_dropped_as_exiftool_sees_it(tmp_path: Path, output: str) -> None:
    path, out = full(tmp_path / "in.jpg"), tmp_path / f"out.{output}"
    through(path, out, MediaOptions())
    after = exiftool.read(out)
    assert not [name for name in after if name.startswith(("GPS", "ExifIFD", "IPTC", "XMP-dc", "XMP-photoshop"))]
    text = str(after)
    assert "Ann" not in text and "48 deg" not in text


def test_without_provenance_the_target_speaks_for_itself() -> None:
    packet = xmp_packet().replace(b"compositeSynthetic", b"digitalCapture").replace(b"faceswap", b"Cam")
    merged = merge_xmp(None, packet)
    assert merged is not None and b"digitalCapture" in merged and b"Cam" in merged
    marked = merge_xmp(xmp_packet(), packet)
    assert marked == xmp_packet()


@pytest.mark.parametrize("packet", [
    b"<!DOCTYPE x [<!ENTITY a 'b'>]><x:xmpmeta xmlns:x='adobe:ns:meta/'/>", b"not xml", b"<a/>", b"\xff\xfe<",
    b"<x>" * 500 + b"</x>" * 500, b" " * 300_000 + b"<x/>",
])
def test_odd_xmp_is_left_out(packet: bytes) -> None:
    assert merge_xmp(xmp_packet(), packet) == xmp_packet()
    assert merge_xmp(None, packet) is None


def test_xmp_of_great_depth_is_left_out() -> None:
    rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    deep = (f"<r:RDF xmlns:r='{rdf}' xmlns:a='u:'><r:Description r:about=''>" + "<a:b>" * 5000 + "</a:b>" * 5000
            + "</r:Description></r:RDF>").encode()
    assert merge_xmp(xmp_packet(), deep) == xmp_packet()


def test_damaged_exif_is_told_and_the_picture_is_read(tmp_path: Path) -> None:
    path = tmp_path / "in.jpg"
    picture().save(path, exif=b"Exif\0\0II*\0\xff\xff\0\0garbage")
    warnings = through(path, tmp_path / "out.jpg", KEEP)
    assert len(warnings) == 1 and "EXIF is not kept" in warnings[0]
    assert through(path, tmp_path / "out.jpg", MediaOptions()) == ()


@pytest.mark.parametrize("seed", range(60))
def test_garbled_exif_is_refused_or_read(seed: int) -> None:
    exif = PILImage.Exif()
    exif[ARTIST] = "Ann" * 20
    exif[GPS] = {1: "N", 2: (48.0, 8.0, 14.5)}
    data = bytearray(exif.tobytes()[6:])
    dice = np.random.default_rng(seed)
    for _ in range(4):
        data[int(dice.integers(8, len(data)))] = int(dice.integers(0, 256))
    try:
        found = copy_exif(io.BytesIO(bytes(data[:int(dice.integers(40, len(data) + 1))])), 40, 24)
    except (ExifError, struct.error):
        return
    assert found is None or len(found) < 65_000


def test_a_directory_that_points_to_itself_ends() -> None:
    table = struct.pack("<HHHII", 1, EXIF, 4, 1, 8) + b"\0\0\0\0"
    assert copy_exif(io.BytesIO(b"II*\0\x08\0\0\0" + table), 1, 1) is None
