"""What outputs tell of themselves, as a user asks for it: marks, signatures, the label, the target's metadata."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import error_tables
import exiftool
import numpy as np
import pytest
from authority import Authority, digital_sources
from PIL import Image as PILImage

STILLS = ["jpg", "png", "webp", "tiff", "avif", "bmp"]
CLIPS = ["gif", "webp", "apng", "mp4", "mov", "mkv", "webm"]
TERM = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic"


@pytest.fixture
def signing(tmp_path_factory) -> tuple[Authority, list[str]]:
    """An authority, and the options that sign with a certificate of it."""
    authority = Authority(tmp_path_factory.mktemp("keys"))
    credentials = authority.issue()
    return authority, ["--c2pa-cert", credentials.certificate, "--c2pa-key", credentials.key]


def one_line(stderr: bytes) -> str:
    lines = [line for line in stderr.decode().splitlines() if "a note on the engine" not in line]
    assert len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize("name", [*(f"still.{suffix}" for suffix in STILLS), *(f"clip.{suffix}" for suffix in CLIPS)])
def test_every_format_is_marked_and_trusted(place, dance, signing, name):
    """The mark is read by exiftool, where that is installed, the signature by C2PA's own reader."""
    authority, options = signing
    done = place.run("swap", "me.jpg", "party.jpg" if name.startswith("still") else "dance.gif", "-o", name, "--json",
                     *options)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["output"]["marks"] == (["c2pa"] if name.endswith("bmp") else ["xmp", "c2pa"])
    assert b"signer" not in done.stdout + done.stderr and b"no place" not in done.stderr
    state, manifests = authority.read(place / name)
    assert state == "Trusted" and digital_sources(manifests) == ["compositeSynthetic"]
    beside = {f"{name}.c2pa"} if name.endswith(("bmp", "mkv", "webm")) else set()
    assert {found for found in place.names() if found.startswith((".", name[:5]))} == {name} | beside
    if exiftool.found and not name.endswith("bmp"):
        group = "Matroska" if name.endswith(("mkv", "webm")) else "XMP-iptcExt"
        assert exiftool.read(place / name)[f"{group}:DigitalSourceType"] == TERM


def test_no_mark_is_said_and_recorded(place):
    done = place.run("swap", "me.jpg", "party.jpg", "-o", "out.png", "--no-provenance", "--json")
    assert done.returncode == 0
    assert done.stderr.count(b"does not say that it is a composite") == 1
    report = json.loads(done.stdout)
    assert report["output"]["marks"] == []
    assert sum("--no-provenance" in line for line in report["warnings"]) == 1
    assert b"compositeSynthetic" not in (place / "out.png").read_bytes()


def test_a_format_without_a_place_for_the_mark_is_told(place):
    done = place.run("swap", "me.jpg", "party.jpg", "-o", "out.bmp", "--json")
    report = json.loads(done.stdout)
    assert report["output"]["marks"] == [] and b"BMP has no place" in done.stderr


@pytest.mark.parametrize("name", ["out.jpg", "out.gif"])
def test_the_label_is_seen_in_every_frame(place, dance, name):
    target = "dance.gif" if name.endswith("gif") else "dark.png"
    frames = {}
    for more in ([], ["--label", "AI"]):
        done = place.run("swap", "me.jpg", target, "-o", name, "--overwrite", "--json", "--on-no-face", "copy", *more)
        assert done.returncode == 0, done.stderr
        with PILImage.open(place / name) as image:
            frames[bool(more)] = []
            for number in range(getattr(image, "n_frames", 1)):
                image.seek(number)
                frames[bool(more)].append(np.asarray(image.convert("RGB")).astype(int))
    if name.endswith("jpg"):  # nothing was swapped: a copy is the target as it came
        assert all(np.array_equal(one, other) for one, other in zip(*frames.values(), strict=True))
        return
    for plain, labelled in zip(frames[False], frames[True], strict=True):
        assert np.abs(plain - labelled)[24:, 32:].max() > 100
    assert json.loads(done.stdout)["output"]["marks"] == ["xmp", "label"]


def test_workers_sign(place, signing):
    authority, options = signing
    done = place.run("batch", "me.jpg", "party.jpg", "group.jpg", "-o", "results", "--workers", "2", "--json", *options)
    assert done.returncode == 0, done.stderr
    written = sorted((place / "results").glob("*.jpg"))
    assert len(written) == 2
    assert all(authority.read(path)[0] == "Trusted" for path in written)
    key = Path(options[3]).read_text().splitlines()[1]
    assert key.encode() not in done.stdout + done.stderr


@pytest.mark.parametrize(("more", "code", "told"), error_tables.MARKS)
def test_refused_before_any_work(place, signing, more, code, told):
    _, (_, certificate, _, key) = signing
    given = [{"CERT": certificate, "KEY": key}.get(word, word) for word in more]
    done = place.run("swap", "me.jpg", "missing.jpg", "-o", "out.jpg", *given)
    assert done.returncode == code, done.stderr
    assert told in one_line(done.stderr)
    assert "out.jpg" not in place.names()


def test_a_batch_is_refused_before_any_work(place):
    done = place.run("batch", "me.jpg", "party.jpg", "-o", "results", "--label", "fun \U0001F600")
    assert done.returncode == 2 and "no glyph" in one_line(done.stderr) and "results" not in place.names()


@pytest.mark.skipif(sys.platform == "win32", reason="arguments and variables are Unicode there")
@pytest.mark.parametrize("command", ["swap", "swap-gif", "batch"])
@pytest.mark.parametrize("door", ["flag", "variable"])
def test_a_label_that_is_no_text_is_refused(place, command, door):
    more, env = (["--label", "caf\udce9"], {}) if door == "flag" else ([], {"FACESWAP_LABEL": "caf\udce9"})
    done = place.run(command, "me.jpg", "party.jpg", "-o", "out.jpg", "--json", *more, env=env)
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["type"], error["exit_code"]) == (2, "UsageError", 2)
    assert "--label is not UTF-8; write it in UTF-8" in error["message"] and "out.jpg" not in place.names()


@pytest.mark.parametrize("table", [b"target,label\nparty.jpg,caf\xe9\n",
                                   b'{"target": "party.jpg", "label": "\\ud83d"}\n', b"target,label\nparty.jpg,\x07\n"])
def test_a_label_in_a_table_is_refused_before_any_work(place, table):
    (place / "jobs.csv").write_bytes(table)
    done = place.run("batch", "me.jpg", "--manifest", "jobs.csv", "-o", "results")
    assert done.returncode == 2 and "results" not in place.names()
    assert re.search(r"jobs\.csv, line [12]: (the text given to --label is not UTF-8|--label: .*U\+0007)",
                     one_line(done.stderr))


def test_a_signature_beside_the_output_needs_a_file(place, signing):
    _, options = signing
    done = place.run("swap", "me.jpg", "party.jpg", "-o", "-", "--image-format", "bmp", *options)
    assert done.returncode == 2 and not done.stdout
    assert "name a file with -o" in one_line(done.stderr)


@exiftool.needed
def test_the_place_stays_behind_unless_metadata_are_kept(place):
    exiftool.write(place / "party.jpg", "-GPSLatitude=48.1374", "-GPSLatitudeRef=N", "-GPSLongitude=11.5755",
                   "-GPSLongitudeRef=E", "-Artist=Ann")
    assert place.run("swap", "me.jpg", "party.jpg", "-o", "bare.jpg").returncode == 0
    assert place.run("swap", "me.jpg", "party.jpg", "-o", "kept.jpg", "--keep-metadata").returncode == 0
    bare, kept = exiftool.read(place / "bare.jpg"), exiftool.read(place / "kept.jpg")
    assert not [name for name in bare if name.startswith("GPS") or "Artist" in name]
    assert kept["GPS:GPSLatitude"] == exiftool.read(place / "party.jpg")["GPS:GPSLatitude"]
    assert kept["IFD0:Artist"] == "Ann" and kept["XMP-iptcExt:DigitalSourceType"] == TERM
