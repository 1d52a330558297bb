from __future__ import annotations

import threading
from pathlib import Path

import dlib
import numpy as np
import pytest
from PIL import Image

from faceswap_cli.engine.analysers import shape_cache
from faceswap_cli.engine.analysers.dlib_weights import LANDMARK_PREDICTOR, weights_file
from faceswap_cli.engine.analysers.regression_trees import FitBox, RegressionTrees
from faceswap_cli.engine.analysers.shape_cache import load_cascade
from faceswap_cli.engine.analysers.shape_file import read_shape_file

ASSETS = Path(__file__).parents[3] / "assets"
WEIGHTS = weights_file("shape_predictor_68_face_landmarks.dat")


@pytest.fixture(scope="module")
def cascade():
    return read_shape_file(WEIGHTS)


@pytest.fixture(scope="module")
def predictor(cascade) -> RegressionTrees:
    return RegressionTrees(cascade)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "faceswap"


def grey(name: str, side: int = 384) -> np.ndarray:
    with Image.open(ASSETS / name) as picture:
        return np.asarray(picture.convert("L").resize((side, side)))


def same(one, other) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in shape_cache._SHAPES)


# --- fits -------------------------------------------------------------------------------------------------------------


def test_fits_are_those_of_dlib_to_the_pixel(predictor):
    """On faces and beside them, on mirror images, and on boxes that reach far out of the picture."""
    oracle = dlib.shape_predictor(str(WEIGHTS))
    rng = np.random.default_rng(7)
    for name in ("woman-1.jpg", "man-1.jpg"):
        picture = grey(name)
        mirror = np.ascontiguousarray(picture[:, ::-1])
        boxes = []
        for _ in range(60):
            left, top, side = (int(value) for value in (*rng.integers(-150, 250, 2), rng.integers(40, 400)))
            boxes.append(FitBox(left, top, left + side, top + side, bool(rng.integers(2))))
        for box, fit in zip(boxes, predictor.fit(picture, boxes), strict=True):
            shape = oracle(mirror if box.mirrored else picture, dlib.rectangle(*box[:4]))
            assert [(part.x, part.y) for part in shape.parts()] == [tuple(xy) for xy in np.floor(fit + 0.5).astype(int)]


def test_a_fit_does_not_depend_on_its_company(predictor):
    picture = grey("woman-2.jpg")
    boxes = [FitBox(60 + 5 * k, 80, 300, 320 - 3 * k, bool(k % 2)) for k in range(5)]
    together = predictor.fit(picture, boxes)
    for k, box in enumerate(boxes):
        assert np.array_equal(predictor.fit(picture, [box])[0], together[k])


def test_pictures_of_any_layout_and_size(predictor):
    picture = grey("man-2.jpg")
    box = [FitBox(40, 60, 330, 350)]
    assert np.array_equal(predictor.fit(np.asfortranarray(picture), box), predictor.fit(picture, box))
    assert np.isfinite(predictor.fit(np.zeros((1, 1), np.uint8), box)).all()


def test_threads_share_one_predictor(predictor):
    picture = grey("man-3.jpg")
    boxes = [[FitBox(40 + k, 60, 330 + k, 350)] for k in range(8)]
    alone = [predictor.fit(picture, box) for box in boxes]
    found: dict[int, np.ndarray] = {}
    threads = [threading.Thread(target=lambda k=k: found.update({k: predictor.fit(picture, boxes[k])}))
               for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(found[k], alone[k]) for k in range(8))


# --- the file ---------------------------------------------------------------------------------------------------------


def test_the_file_is_read_whole(cascade):
    assert (cascade.shape > -0.1).all() and (cascade.shape < 1.1).all()
    assert cascade.first.min() >= 0 and cascade.second.max() < 500
    assert np.isfinite(cascade.leaves).all() and np.abs(cascade.leaves).max() < 1


@pytest.mark.parametrize("damage", [
    lambda data: data[:1000],
    lambda data: data[: len(data) // 2],
    lambda data: data[:-100],
    lambda data: data + b"\x01\x00",
    lambda data: data[:50_000_000] + b"<html>" + data[50_000_006:],
    lambda data: b"<!doctype html>" * 100,
    lambda data: b"",
], ids=["head", "half", "without its end", "more", "overwritten", "page", "empty"])
def test_a_damaged_file_is_told(tmp_path, damage):
    path = tmp_path / "weights.dat"
    path.write_bytes(damage(WEIGHTS.read_bytes()))
    with pytest.raises(ValueError):
        read_shape_file(path)


# --- the cache --------------------------------------------------------------------------------------------------------


def test_what_is_cached_is_what_was_read(cache, cascade):
    assert same(load_cascade(WEIGHTS), cascade)
    assert len(list(cache.iterdir())) == 1
    assert same(load_cascade(WEIGHTS), cascade)


def test_the_file_is_not_read_again(cache, cascade, monkeypatch):
    load_cascade(WEIGHTS)
    monkeypatch.setattr(shape_cache, "read_shape_file", lambda path: pytest.fail("read again"))
    assert same(load_cascade(WEIGHTS), cascade)


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"x" * 1000])
def test_a_damaged_cache_is_made_anew(cache, cascade, damage):
    load_cascade(WEIGHTS)
    (file,) = cache.iterdir()
    good = file.read_bytes()
    file.write_bytes(damage(good))
    assert same(load_cascade(WEIGHTS), cascade)
    assert list(cache.iterdir()) == [file] and file.read_bytes() == good


def test_an_earlier_version_goes(cache):
    cache.mkdir(parents=True)
    (cache / "landmarks-0-0123.npy").write_bytes(b"old")
    load_cascade(WEIGHTS)
    (file,) = cache.iterdir()
    assert file.stat().st_size > 1e6


def test_a_folder_that_cannot_be_made_only_costs_time(tmp_path, monkeypatch, cascade):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert same(load_cascade(WEIGHTS), cascade)


def test_the_model_of_the_process_is_a_predictor():
    assert isinstance(LANDMARK_PREDICTOR.get(), RegressionTrees)
