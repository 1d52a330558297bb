"""The shapes of the JSON are a contract: these tests are changed only together with the schema's number."""

from __future__ import annotations

import json
import math
from types import NoneType

import error_tables
import pytest

FACE_POSE = {"yaw": float, "pitch": float, "roll": float}
POSE = (FACE_POSE, NoneType)
BOX = [float, float, float, float]
ALIKE = {"source": float, "target": float}
ERROR = {"error": {"type": str, "message": str, "exit_code": int}}

SWAP = {
    "schema": int,
    "inputs": {"sources": [str, ...], "target": str, "references": [str, ...],
               "pairs": [{"reference": str, "source": str}, ...]},
    "output": ({"path": str, "format": str, "width": int, "height": int, "frames": int, "duration": float,
                "loop": (int, NoneType), "bytes": int, "marks": [str, ...]}, NoneType),
    "engine": {"engine": str, "analyser": str, "swapper": str, "restorer": (str, NoneType),
               "provider": (str, NoneType)},
    "frames": {"total": int, "swapped": int, "without_face": int},
    "faces": [{"frame": int, "index": int, "box": (BOX, NoneType), "score": (float, NoneType),
               "gender": (str, NoneType), "gender_probability": (float, NoneType), "pose": POSE, "swapped": bool,
               "source": (int, NoneType), "source_picture": (str, NoneType), "skip_reason": (str, NoneType),
               "warnings": [str, ...], "track": (int, NoneType), "reference": (str, NoneType),
               "reference_similarity": (float, NoneType), "similarity": (ALIKE, NoneType)}, ...],
    "similarity": ({"measure": str, **ALIKE, "faces": int}, NoneType),
    "warnings": [str, ...],
    "timings": {"load": float, "source": float, "decode": float, "analyse": float, "swap": float, "encode": float,
                "total": float},
}

FOUND = {"index": int, "box": BOX, "score": float, "landmarks": [[float, float], ...], "pose": POSE,
         "gender": (str, NoneType), "gender_probability": (float, NoneType), "warnings": [str, ...]}
STILL = {"path": str, "width": int, "height": int, "faces": [FOUND, ...]}
CLIP = STILL | {"frames": [{"frame": int, "faces": [FOUND, ...]}, ...]}
BAD = {"path": str, **ERROR}


def fits(value, shape, where="$"):
    """Fail unless `value` has exactly the shape: keys, lengths, types."""
    if isinstance(shape, tuple):
        for option in shape:
            try:
                return fits(value, option, where)
            except AssertionError as error:
                last = error
        raise last
    if isinstance(shape, dict):
        assert isinstance(value, dict), where
        assert list(value) == list(shape), where
        for key, inner in shape.items():
            fits(value[key], inner, f"{where}.{key}")
    elif isinstance(shape, list):
        assert isinstance(value, list), where
        if shape[-1] is ...:
            shape = shape[:1] * len(value)
        assert len(value) == len(shape), where
        for number, (item, inner) in enumerate(zip(value, shape, strict=True)):
            fits(item, inner, f"{where}[{number}]")
    elif shape is float:
        assert type(value) in (int, float), (where, value)
        assert math.isfinite(value), where
    else:
        assert type(value) is shape, (where, value)
    return None


def read(done) -> dict:
    """The one object on standard output."""
    assert done.stdout.count(b"\n") == 1
    return json.loads(done.stdout)


def test_a_swap(place):
    done = place.run("swap", "me.jpg", "group.jpg", "-o", "out.png", "--json", "--target-index", "1,7")
    report = read(done)
    fits(report, SWAP)
    assert done.returncode == 0
    assert report["schema"] == 1
    assert report["inputs"] == {"sources": ["me.jpg"], "target": "group.jpg", "references": [], "pairs": []}
    assert report["output"]["bytes"] == (place / "out.png").stat().st_size
    assert [(face["index"], face["swapped"], face["skip_reason"], face["source_picture"])
            for face in report["faces"]] == [(1, True, None, "me.jpg"), (7, False, "no-such-face", None),
                                             (0, False, "not-selected", None), (2, False, "not-selected", None)]


def test_a_swap_of_a_clip(place, dance):
    report = read(place.run("swap", "me.jpg", "dance.gif", "-o", "out.gif", "--json"))
    fits(report, SWAP)
    assert report["frames"] == {"total": 20, "swapped": 19, "without_face": 1}
    assert [face["frame"] for face in report["faces"]] == list(range(1, 20))
    assert report["output"]["duration"] == pytest.approx(1.1)
    assert report["output"]["loop"] == 0


@pytest.mark.parametrize("more", [["--dry-run"], ["--on-no-face", "skip", "--target-gender", "female"]])
def test_a_swap_that_writes_nothing(place, more):
    report = read(place.run("swap", "me.jpg", "party.jpg", "-o", "out.png", "--json", *more))
    fits(report, SWAP)
    assert report["output"] is None
    assert not (place / "out.png").exists()


def test_faces_of_stills(place):
    done = place.run("detect", "group.jpg", "dark.png", "--json")
    report = read(done)
    fits(report, {"files": [STILL, STILL]})
    assert done.returncode == 0
    assert [len(file["faces"]) for file in report["files"]] == [3, 0]
    assert report["files"][0]["path"] == "group.jpg"


def test_faces_of_a_clip(place, dance):
    report = read(place.run("detect", "dance.gif", "--json"))
    fits(report, {"files": [CLIP]})
    (file,) = report["files"]
    assert [len(frame["faces"]) for frame in file["frames"]] == [0] + [1] * 19
    assert file["faces"] == file["frames"][1]["faces"]


def test_a_bad_file_does_not_hide_the_others(place):
    done = place.run("detect", "text.png", "party.jpg", "none.png", "--json")
    report = read(done)
    fits(report, {"files": [BAD, STILL, BAD]})
    assert done.returncode == 3
    assert report["files"][0]["error"]["exit_code"] == 3


@pytest.mark.parametrize(("arguments", "kind", "code"), error_tables.AS_JSON)
def test_an_error(place, arguments, kind, code):
    done = place.run(*arguments, "--json")
    report = read(done)
    fits(report, ERROR)
    assert done.returncode == code
    assert report["error"]["type"] == kind
    assert report["error"]["exit_code"] == code
    assert done.stderr
    assert not (place / "out.png").exists()
