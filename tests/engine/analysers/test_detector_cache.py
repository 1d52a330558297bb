from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceswap_cli.engine.analysers.detector_cache import load_frontal_detector

ASSETS = Path(__file__).parents[3] / "assets"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "faceswap"


def seen(detector) -> list[tuple[int, int, int, int, float]]:
    with Image.open(ASSETS / "group.jpg") as picture:
        grey = np.asarray(picture.convert("L"))
    boxes, scores, _ = detector.run(grey, 0, 0.0)
    return [(box.left(), box.top(), box.right(), box.bottom(), score) for box, score in zip(boxes, scores, strict=True)]


def test_the_saved_detector_sees_what_the_built_in_one_sees(cache):
    made = seen(load_frontal_detector())
    assert [path.suffix for path in cache.iterdir()] == [".svm"]
    assert seen(load_frontal_detector()) == made
    assert len(made) == 6


def test_a_damaged_file_is_made_anew(cache):
    load_frontal_detector()
    file = next(cache.iterdir())
    good = file.read_bytes()
    file.write_bytes(good[: len(good) // 2])
    assert len(seen(load_frontal_detector())) == 6
    assert file.read_bytes() == good
    assert list(cache.iterdir()) == [file]


def test_a_folder_that_cannot_be_made_only_costs_time(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert len(seen(load_frontal_detector())) == 6
    assert (tmp_path / "file").read_text() == "not a folder"
