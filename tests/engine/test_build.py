from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import graphs
import pytest
from heads import portrait
from refusals import refused

from faceswap_cli.engine.build import build_engine, build_finder
from faceswap_cli.engine.outcome import SourcePicture
from faceswap_cli.engine.registry import ENGINES, SWAPPERS, load_part
from faceswap_cli.errors import ExitCode, ModelError, UsageError
from faceswap_cli.models.importing import import_file
from faceswap_cli.models.spec import Family, ModelRole
from faceswap_cli.models.store import ModelStore
from faceswap_cli.options import (
    Accelerate,
    DetectorOptions,
    EngineName,
    EngineOptions,
    Interpolation,
    MaskKind,
    Provider,
    RestoreOptions,
    RuntimeOptions,
    SwapOptions,
)
from faceswap_cli.text import as_flag, spell

NEURAL = EngineName.NEURAL


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> ModelStore:
    """A models folder with small stand-ins for a whole set, brought by their user."""
    made = tmp_path_factory.mktemp("made")
    store = ModelStore(tmp_path_factory.mktemp("models"))
    for name, write, role in (
        ("swap", graphs.write_inswapper, ModelRole.SWAPPER), ("find", graphs.write_scrfd, ModelRole.DETECTOR),
        ("know", graphs.write_arcface, ModelRole.RECOGNISER), ("tell", graphs.write_genderage, ModelRole.ATTRIBUTES),
        ("sharpen", graphs.write_restorer, ModelRole.RESTORER), ("cover", graphs.write_xseg, ModelRole.MASK),
    ):
        import_file(store, write(made / f"{name}.onnx"), role=role)
    return store


def options(store: ModelStore, **more) -> EngineOptions:
    return EngineOptions(models_folder=str(store.folder), **more)


# --- which engine -----------------------------------------------------------------------------------------------------


def test_auto_takes_the_engine_that_needs_nothing_and_says_how_to_get_the_other():
    engine = build_engine(EngineOptions())
    assert engine.parts == {"engine": "embedded", "analyser": "embedded", "swapper": "mesh", "restorer": None,
                            "provider": None}
    (note,) = engine.notes
    assert "embedded" in note and "no download" in note and "faceswap models pull neural" in note


def test_auto_takes_the_neural_engine_where_a_whole_set_is_installed(models):
    engine = build_engine(options(models))
    assert engine.parts["engine"] == "neural" and engine.parts["swapper"] == "swap"
    assert set(engine.models) == {"swap", "find", "know", "tell"}
    assert engine.models["swap"] == models.sha256(models.find("swap"))
    (note,) = engine.notes
    assert "neural" in note and "--engine embedded" in spell(note, as_flag)


@pytest.mark.parametrize("missing", [ModelRole.SWAPPER, ModelRole.DETECTOR, ModelRole.RECOGNISER])
def test_auto_takes_the_embedded_engine_where_part_of_the_set_is_missing(models, tmp_path, missing):
    store = ModelStore(tmp_path)
    for role in {ModelRole.SWAPPER, ModelRole.DETECTOR, ModelRole.RECOGNISER} - {missing}:
        import_file(store, models.path(models.installed(role)[0]), role=role)
    assert build_engine(options(store)).parts["engine"] == "embedded"
    assert build_finder(options(store)).name == "embedded"  # the numbers of `detect` are those of `swap`
    with pytest.raises(ModelError, match=f"needs a {missing}.*faceswap models pull neural"):
        build_engine(options(store, engine=NEURAL))


@pytest.mark.parametrize("name", [EngineName.EMBEDDED, EngineName.NEURAL])
def test_an_engine_that_was_asked_for_needs_no_note(models, name):
    assert build_engine(options(models, engine=name)).notes == ()


def test_a_finder_needs_no_more_than_a_detector(models, tmp_path):
    store = ModelStore(tmp_path)
    import_file(store, models.path(models.installed(ModelRole.DETECTOR)[0]), role=ModelRole.DETECTOR)
    assert build_finder(options(store, engine=NEURAL)).name == "neural"


# --- options of the neural engine -------------------------------------------------------------------------------------

NEURAL_ONLY = [
    ("--swapper", {"swap": SwapOptions(model="inswapper_128")}),
    ("--swap-size", {"swap": SwapOptions(size=256)}),
    ("--mask", {"swap": SwapOptions(masks=(MaskKind.HULL,))}),
    ("--keep-mouth", {"swap": SwapOptions(keep_mouth=True)}),
    ("--detector", {"detector": DetectorOptions(model="YOLOv5n")}),
    ("--detector-size", {"detector": DetectorOptions(size=320)}),
    ("--detector-score", {"detector": DetectorOptions(score=0.7)}),
    ("--restore", {"restore": RestoreOptions(model="gfpgan_1.4")}),
    ("--provider", {"runtime": RuntimeOptions(provider=Provider.CUDA)}),
    ("--accelerate", {"runtime": RuntimeOptions(accelerate=Accelerate.WINOGRAD)}),
]


@pytest.mark.parametrize(("option", "given"), NEURAL_ONLY, ids=[option for option, _ in NEURAL_ONLY])
def test_an_option_of_the_neural_engine_is_never_ignored(option, given):
    with refused(ModelError, rf"^{option} needs the neural engine.*faceswap models pull neural") as caught:
        build_engine(EngineOptions(**given))
    assert caught.value.exit_code == ExitCode.MODEL and "\n" not in str(caught.value)
    with refused(UsageError, rf"^{option} is for the neural engine"):
        build_engine(EngineOptions(engine=EngineName.EMBEDDED, **given))


TUNES = [
    ("--restore-weight", {"restore": RestoreOptions(weight=0.2)}),
    ("--restore-visibility", {"restore": RestoreOptions(visibility=0.3)}),
    ("--interpolation", {"restore": RestoreOptions(interpolation=Interpolation.LANCZOS)}),
    ("--device", {"runtime": RuntimeOptions(device=1)}),
]


@pytest.mark.parametrize(("option", "given"), TUNES, ids=[option for option, _ in TUNES])
def test_an_option_that_only_tunes_the_neural_engine_is_refused_or_told_once(option, given):
    with refused(UsageError, rf"^{option} is for the neural engine"):
        build_engine(EngineOptions(engine=EngineName.EMBEDDED, **given))
    engine = build_engine(EngineOptions(**given))
    assert engine.parts["engine"] == "embedded"
    (told,) = (said for note in engine.notes if option in (said := spell(note, as_flag)))
    assert told == f"warning: no effect without the neural engine: {option}"
    with refused(ModelError, r"^--keep-mouth needs the neural engine"):
        build_engine(EngineOptions(**given, swap=SwapOptions(keep_mouth=True)))


def test_what_the_embedded_engine_does_anyway_may_be_said():
    given = RuntimeOptions(provider=Provider.CPU, accelerate=Accelerate.OFF)
    assert build_engine(EngineOptions(engine=EngineName.EMBEDDED, runtime=given)).parts["swapper"] == "mesh"


@pytest.mark.parametrize(("given", "says"), [
    ({"detector": DetectorOptions(model="swap")}, "--detector swap: that is a swapper, not a detector"),
    ({"swap": SwapOptions(model="find")}, "--swapper find: that is a detector, not a swapper"),
    ({"restore": RestoreOptions(model="find")}, "--restore find: that is a detector, not a restorer"),
    ({"restore": RestoreOptions(model="gfpgan_4.1")}, "gfpgan_1.4"),
], ids=["detector", "swapper", "restorer", "unknown"])
def test_a_model_of_another_kind_is_told(models, given, says):
    with refused(UsageError, says):
        build_engine(options(models, engine=NEURAL, **given))


def test_a_named_model_that_is_not_installed_is_told_with_the_command(models):
    with pytest.raises(ModelError, match=r"codeformer is not installed; run: faceswap models pull codeformer"):
        build_engine(options(models, engine=NEURAL, restore=RestoreOptions(model="codeformer")))
    for engine in (NEURAL, EngineName.AUTO):
        with pytest.raises(ModelError, match=r"yolov5n_face is not installed; run: faceswap models pull yolov5n_face"):
            build_engine(options(models, engine=engine, detector=DetectorOptions(model="YOLOv5n")))


def test_a_damaged_model_is_never_opened(models, tmp_path):
    store = ModelStore(tmp_path)
    for role in (ModelRole.SWAPPER, ModelRole.DETECTOR, ModelRole.RECOGNISER):
        import_file(store, models.path(models.installed(role)[0]), role=role)
    path = store.path(store.installed(ModelRole.SWAPPER)[0])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match=path.name) as caught:
        build_engine(options(store))
    assert caught.value.exit_code == ExitCode.MODEL


# --- restorers --------------------------------------------------------------------------------------------------------


def test_restoring_if_available_is_left_out_and_told():
    (note,) = build_engine(EngineOptions(engine=EngineName.EMBEDDED, restore=RestoreOptions(if_available=True))).notes
    assert "not restored" in note and "(face_restore=False to say so)" in note
    assert "--no-face-restore" in spell(note, as_flag)


def test_restoring_if_available_takes_what_is_installed(models, tmp_path):
    wanted = RestoreOptions(if_available=True)
    assert build_engine(options(models, engine=NEURAL, restore=wanted)).parts["restorer"] == "sharpen"
    store = ModelStore(tmp_path)
    for role in (ModelRole.SWAPPER, ModelRole.DETECTOR, ModelRole.RECOGNISER):
        import_file(store, models.path(models.installed(role)[0]), role=role)
    engine = build_engine(options(store, engine=NEURAL, restore=wanted))
    assert engine.parts["restorer"] is None
    assert any("not restored" in note and "gfpgan_1.4" in note for note in engine.notes)


# --- the registry -----------------------------------------------------------------------------------------------------


def test_every_engine_but_auto_is_registered_and_its_parts_load():
    assert set(ENGINES) == set(EngineName) - {EngineName.AUTO}
    for spec in ENGINES.values():
        for part in filter(None, (spec.analyser, spec.swapper, spec.restorer)):
            assert isinstance(load_part(part), type)


def test_every_swapper_of_the_catalogue_has_a_class():
    families = {spec.family for spec in ModelStore(Path("none")).specs() if spec.role is ModelRole.SWAPPER}
    assert families == set(SWAPPERS) == {Family.INSWAPPER, Family.HYPERSWAP}
    for path in SWAPPERS.values():
        assert isinstance(load_part(path), type)


def test_the_registry_imports_no_part():
    script = "import sys, faceswap_cli.engine.registry; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "faceswap_cli.engine.registry" in loaded
    assert not {"cv2", "dlib", "onnxruntime", "faceswap_cli.engine.swappers.mesh"} & set(loaded)


def test_the_embedded_engine_opens_nothing_of_the_neural_one():
    script = ("import sys; from faceswap_cli.engine.build import build_engine; from faceswap_cli.options import *;"
              "build_engine(EngineOptions()); print(*sorted(sys.modules))")
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"onnxruntime", "insightface", "httpx", "onnx"} & set(loaded)


def test_the_engine_that_was_built_swaps():
    engine = build_engine(EngineOptions(describe=True))
    source = engine.prepare_source([SourcePicture("man-2.jpg", portrait("man-2").pixels)])
    image = portrait("woman-3").pixels
    plan = engine.plan(source, image)
    result = engine.render(plan, image)
    (told,) = engine.outcomes(plan, 0)
    assert (told.swapped, told.source_picture, told.gender) == (True, "man-2.jpg", "female")
    assert result.shape == image.shape and (result != image).any(2).mean() > 0.05
