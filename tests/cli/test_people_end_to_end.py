"""People by the command line, with the engine of the package and the project's own portraits."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image as PILImage


@pytest.fixture
def asset(assets):
    return lambda name: str(assets / f"{name}.jpg")


def run(place, *arguments, code=0):
    done = place.run(*arguments, backend=None)
    assert done.returncode == code, done.stderr
    return done


def test_a_reference_swaps_that_person_alone_and_says_so(place, asset):
    done = run(place, "swap", asset("man-2"), asset("group"), "-o", "out.png", "--order", "left-right", "-v",
               "--reference", asset("woman-2"))
    told = done.stderr.decode().splitlines()
    faces = [line.partition(": ")[2].partition(",")[0] for line in told if line.startswith("frame 0")]
    assert faces == ["left: other-person"] * 3 + ["swapped"] + ["left: other-person"] * 2
    assert any(line.startswith("similarity to the source 0.") for line in told)


def test_pairs_and_others_in_json(place, asset):
    pairs = ["--pair", f"{asset('woman-2')}={asset('man-2')}", "--pair", f"{asset('man-4')}={asset('woman-1')}"]
    report = json.loads(run(place, "swap", *pairs, asset("group"), "-o", "out.png", "--json").stdout)
    got = {face["reference"]: face["source_picture"] for face in report["faces"] if face["swapped"]}
    assert got == {asset("woman-2"): asset("man-2"), asset("man-4"): asset("woman-1")}
    assert all(face["reference_similarity"] > 0.9 for face in report["faces"] if face["swapped"])
    assert [face["skip_reason"] for face in report["faces"] if not face["swapped"]] == ["other-person"] * 4
    assert report["similarity"]["measure"] == "dlib-distance"
    assert report["similarity"]["faces"] == 2
    assert report["similarity"]["source"] > report["similarity"]["target"]


def test_nobody_fits_and_too_unlike_end_with_4_and_write_nothing(place, asset):
    PILImage.fromarray(np.full((200, 200, 3), 90, np.uint8)).save(place / "wall.png")
    swap = ("swap", asset("man-2"), asset("man-4"), "-o", "out.png")
    for arguments, words in ((("--reference", asset("woman-2")), "no face in"),
                             (("--reference", "wall.png"), "wall.png: no face found to know the person by"),
                             (("--min-similarity", "0.95"), "--min-similarity asks for 0.95")):
        done = run(place, *swap, *arguments, code=4)
        assert words in done.stderr.decode()
        assert "out.png" not in place.names()
