"""Finding and loading dlib's weights."""

import sys
import threading

import pytest

from faceswap_cli.engine.analysers import dlib_weights
from faceswap_cli.engine.analysers.dlib_weights import SharedModel, weights_file, weights_folder
from faceswap_cli.errors import ModelError


def test_found_without_importing_the_package():
    assert weights_file("shape_predictor_68_face_landmarks.dat").stat().st_size > 50e6
    assert "face_recognition_models" not in sys.modules


def test_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr(dlib_weights, "PACKAGE", "no_such_package_at_all")
    with pytest.raises(ModelError, match="pip install"):
        weights_folder()


def test_missing_file_names_it():
    with pytest.raises(ModelError, match=r"no_such\.dat is missing; run: pip install"):
        weights_file("no_such.dat")


@pytest.mark.parametrize("content", [b"", b"not a model at all", None])
def test_damaged_file_is_a_model_error(tmp_path, monkeypatch, content):
    name = dlib_weights._PREDICTOR
    if content is None:
        with weights_file(name).open("rb") as whole:
            content = whole.read(100_000)
    (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(dlib_weights, "weights_folder", lambda: tmp_path)
    model = SharedModel(dlib_weights._load_predictor, name)
    with pytest.raises(ModelError, match=f"{name} is damaged") as raised:
        model.get()
    assert "\n" not in str(raised.value)


def test_loaded_once_by_many_threads():
    loaded = []
    model = SharedModel(lambda: loaded.append(1) or object())
    got = []
    threads = [threading.Thread(target=lambda: got.append(model.get())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loaded) == 1
    assert len(set(map(id, got))) == 1


def test_a_failing_run_is_one_line():
    def fail(_: object) -> None:
        raise RuntimeError("\n\nError detected at line 1.\nmore")

    with pytest.raises(ModelError, match=r"^dlib failed on a picture \(Error detected at line 1\.\)"):
        SharedModel(object).run(fail)
