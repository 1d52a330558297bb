"""The neural engine on small stand-ins for its models, from the command line to the pixels."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import error_tables
import graphs
import numpy as np
import pytest
from PIL import Image as PILImage

from faceswap_cli import EngineName, EngineOptions, MediaOptions, SwapJob, SwapSpec, open_backend, swap_file
from faceswap_cli.media.open import open_media
from faceswap_cli.models.importing import import_file
from faceswap_cli.models.spec import ModelRole
from faceswap_cli.models.store import ModelStore

DETECTOR = Path(__file__).parents[3] / "shared" / "models" / "scrfd_2.5g_kps.onnx"


def install(folder: Path, made: Path, *, detector: Path | None = None) -> Path:
    """A models folder with a whole set, brought by its user."""
    store = ModelStore(folder)
    for name, write, role in (
        ("swap", lambda path: graphs.write_inswapper(path, echo=0.5), ModelRole.SWAPPER),
        ("find", graphs.write_scrfd, ModelRole.DETECTOR), ("know", graphs.write_arcface, ModelRole.RECOGNISER),
        ("tell", graphs.write_genderage, ModelRole.ATTRIBUTES), ("sharpen", graphs.write_restorer, ModelRole.RESTORER),
        ("cover", graphs.write_xseg, ModelRole.MASK),
    ):
        path = detector if role is ModelRole.DETECTOR and detector else write(made / f"{name}.onnx")
        import_file(store, path, role=role)
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    return install(tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("made"))


def portrait(colour: tuple[int, int, int], side: int = 80, at: tuple[int, int] = (60, 40), seed: int = 0) -> np.ndarray:
    """A dark picture with a bright, slightly uneven square: what the stand-in takes for a face."""
    rng = np.random.default_rng(seed)
    image = rng.integers(20, 60, (200, 240, 3)).astype(np.uint8)
    x, y = at
    patch = np.array(colour) - rng.integers(0, 12, (side, side, 1))
    image[y:y + side, x:x + side] = patch.astype(np.uint8)
    return image


@pytest.fixture
def room(place):
    PILImage.fromarray(portrait((255, 235, 225), seed=1)).save(place / "one.png")
    PILImage.fromarray(portrait((225, 240, 255), 100, (30, 50), seed=2)).save(place / "two.png")
    PILImage.fromarray(portrait((250, 245, 240), seed=3)).save(place / "target.png")
    frames = [PILImage.fromarray(portrait((250, 245, 240), 80, (40 + 6 * k, 50), seed=4)).quantize(128)
              for k in range(6)]
    frames[0].save(place / "clip.gif", save_all=True, append_images=frames[1:], loop=3,
                   duration=[40, 120, 60, 60, 200, 80])
    return place


def run(room, models: Path, *arguments: str, code: int = 0):
    done = room.run(*arguments, "--json", backend=None, env={"FACESWAP_MODELS_DIR": str(models)})
    assert done.returncode == code, done.stderr.decode()
    return json.loads(done.stdout)


def read(path) -> np.ndarray:
    with PILImage.open(path) as image:
        return np.array(image.convert("RGB"))


def frames_of(path):
    with open_media(path, MediaOptions()) as reader:
        return reader.info, list(reader.frames())


# --- what comes out ---------------------------------------------------------------------------------------------------


def test_a_still_is_swapped_within_the_face_and_nowhere_else(room, models):
    report = run(room, models, "swap", "one.png", "target.png", "-o", "out.png", "--engine", "neural")
    assert report["engine"] == {"engine": "neural", "analyser": "insightface", "swapper": "swap", "restorer": None,
                                "provider": "cpu"}
    (face,) = report["faces"]
    assert face["swapped"] and face["source_picture"] == "one.png"
    assert face["box"] == pytest.approx([60, 40, 140, 120], abs=1.5)
    before, after = read(room / "target.png"), read(room / "out.png")
    changed = (before != after).any(2)
    assert changed[60:100, 80:120].mean() > 0.9
    rows, columns = np.nonzero(changed)
    # The crop of the stand-in's landmarks reaches about as far beyond the box as that of a face.
    assert rows.min() > 0 and rows.max() < 180 and columns.min() > 15 and columns.max() < 185


def test_the_result_depends_on_who_the_source_is_and_on_nothing_else(room, models):
    for name, source in (("a", "one.png"), ("b", "two.png"), ("c", "one.png")):
        run(room, models, "swap", source, "target.png", "-o", f"{name}.png", "--engine", "neural")
    assert (read(room / "a.png") != read(room / "b.png")).any()
    assert (room / "a.png").read_bytes() == (room / "c.png").read_bytes()


def test_the_mark_says_that_a_trained_model_drew(room, models):
    run(room, models, "swap", "one.png", "target.png", "-o", "out.jpg", "--engine", "neural")
    run(room, models, "swap", "one.png", "clip.gif", "-o", "out.gif", "--engine", "neural")
    for name in ("out.jpg", "out.gif"):
        assert b"compositeWithTrainedAlgorithmicMedia" in (room / name).read_bytes()


def test_an_animation_keeps_its_time_and_every_frame_is_swapped(room, models):
    report = run(room, models, "swap", "one.png", "clip.gif", "-o", "out.gif", "--engine", "neural")
    assert report["frames"] == {"total": 6, "swapped": 6, "without_face": 0}
    info, frames = frames_of(room / "out.gif")
    assert [frame.duration for frame in frames] == [Fraction(ms, 1000) for ms in (40, 120, 60, 60, 200, 80)]
    was, before = frames_of(room / "clip.gif")
    assert info.loop == was.loop
    for k, (old, new) in enumerate(zip(before, frames, strict=True)):
        changed = (old.pixels != new.pixels).any(2)
        assert changed[70:110, 60 + 6 * k:100 + 6 * k].mean() > 0.8
        assert not changed[:, 200:].any()


def test_the_bytes_do_not_depend_on_the_number_of_workers(room, models):
    written = []
    for workers in (1, 3):
        backend = open_backend(EngineOptions(engine=EngineName.NEURAL, models_folder=str(models)))
        out = room / f"{workers}.gif"
        swap_file(SwapJob(spec=SwapSpec(sources=(str(room / "one.png"),)), target=str(room / "clip.gif"),
                          output=str(out)), backend,
                  workers=workers)
        written.append(out.read_bytes())
    assert written[0] == written[1]


def test_the_installed_set_is_taken_by_itself_and_told(room, models):
    done = room.run("swap", "one.png", "target.png", "-o", "out.png", backend=None,
                    env={"FACESWAP_MODELS_DIR": str(models)})
    assert done.returncode == 0
    assert b"engine: neural" in done.stderr and b"--engine embedded" in done.stderr
    assert done.stdout == b""


@pytest.mark.parametrize("option", [
    ("--swap-size", "256"), ("--mask", "hull"), ("--mask", "box,occlusion"), ("--keep-mouth",),
    ("--restore", "sharpen"), ("--restore", "sharpen", "--interpolation", "Lanczos", "--restore-weight", "0.4"),
], ids=" ".join)
def test_options_of_the_engine_change_the_face_and_nothing_beside_it(room, models, option):
    run(room, models, "swap", "one.png", "target.png", "-o", "plain.png", "--engine", "neural")
    run(room, models, "swap", "one.png", "target.png", "-o", "out.png", "--engine", "neural", *option)
    before, plain, after = (read(room / name) for name in ("target.png", "plain.png", "out.png"))
    assert (plain != after).any()
    assert (before[:, 215:] == after[:, 215:]).all() and (before != after).any()


def test_detect_counts_as_swap_does_and_tells_age_apart_from_nothing(room, models):
    report = run(room, models, "detect", "target.png", "--engine", "neural")
    (face,) = report["files"][0]["faces"]
    assert face["index"] == 0 and len(face["landmarks"]) == 5
    assert face["score"] == pytest.approx(0.9, abs=0.01)


@pytest.mark.skipif(not DETECTOR.exists(), reason="needs ../shared/models")
def test_a_group_on_a_real_detector(place, assets, tmp_path):
    (tmp_path / "made").mkdir()
    folder = install(tmp_path / "models", tmp_path / "made", detector=DETECTOR)
    listed = run(place, folder, "detect", str(assets / "group.jpg"), "--order", "left-right", "--engine", "neural")
    faces = listed["files"][0]["faces"]
    assert len(faces) == 6
    report = run(place, folder, "swap", str(assets / "woman-1.jpg"), str(assets / "group.jpg"), "-o", "out.png",
                 "--engine", "neural", "--order", "left-right", "--target-index", "1,4")
    assert [(face["index"], face["swapped"]) for face in report["faces"]] == [
        (0, False), (1, True), (2, False), (3, False), (4, True), (5, False)]
    assert [face["box"] for face in report["faces"]] == [pytest.approx(face["box"], abs=0.2) for face in faces]
    changed = (read(assets / "group.jpg") != read(place / "out.png")).any(2)
    for number, face in enumerate(faces):
        x1, y1, x2, y2 = (round(value) for value in face["box"])
        middle = changed[(3 * y1 + y2) // 4:(y1 + 3 * y2) // 4, (3 * x1 + x2) // 4:(x1 + 3 * x2) // 4].mean()
        assert middle > 0.9 if number in (1, 4) else middle < 0.5, number


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_without_models_the_command_that_gets_them_is_named(room, tmp_path):
    told = run(room, tmp_path / "none", "swap", "one.png", "target.png", "-o", "out.png", "--engine", "neural", code=5)
    assert "faceswap models pull neural" in told["error"]["message"]
    assert "out.png" not in room.names()


def test_the_api_s_restorer_is_taken_for_ours_and_told_when_it_is_missing(room, models):
    told = run(room, models, "swap", "one.png", "target.png", "-o", "out.png", "--face-restore", "GFPGANv1.4.pth",
               "--face-restore-weight", "0.5", code=5)
    assert "gfpgan_1.4 is not installed; run: faceswap models pull gfpgan_1.4" in told["error"]["message"]
    told = run(room, models, "swap", "one.png", "target.png", "-o", "out.png", "--facedetection", "YOLOv5n", code=5)
    assert "yolov5n_face is not installed; run: faceswap models pull yolov5n_face" in told["error"]["message"]


@pytest.mark.parametrize("damage", [lambda data: data[:-7], lambda data: b"<!doctype html><html>no such page</html>",
                                    lambda data: data[:500] + bytes([data[500] ^ 4]) + data[501:]],
                         ids=["cut off", "page", "bit"])
def test_a_damaged_model_is_refused(room, tmp_path, damage):
    (tmp_path / "made").mkdir()
    folder = install(tmp_path / "models", tmp_path / "made")
    path = folder / "swap.onnx"
    path.write_bytes(damage(path.read_bytes()))
    (room / "out.png").write_bytes(b"old")
    told = run(room, folder, "swap", "one.png", "target.png", "-o", "out.png", "--overwrite", "--engine", "neural",
               code=5)
    assert "swap.onnx" in told["error"]["message"] and "\n" not in told["error"]["message"]
    assert (room / "out.png").read_bytes() == b"old"


def test_a_provider_that_is_not_there_is_told_with_what_to_install(room, models):
    told = run(room, models, "swap", "one.png", "target.png", "-o", "out.png", "--engine", "neural",
               "--provider", "cuda", code=8)
    assert "pip install" in told["error"]["message"]


@pytest.mark.parametrize(("option", "says"), error_tables.OUT_OF_RANGE, ids=" ".join)
def test_values_out_of_range_are_usage_errors(room, models, option, says):
    told = run(room, models, "swap", "one.png", "target.png", "-o", "out.png", *option, code=2)
    assert says in told["error"]["message"]
