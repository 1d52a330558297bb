from __future__ import annotations

import subprocess
import sys

import pytest
from heads import portrait

from faceswap_cli.engine.build import build_engine
from faceswap_cli.engine.outcome import SourcePicture
from faceswap_cli.engine.registry import ENGINES, load_part
from faceswap_cli.errors import ExitCode, ModelError
from faceswap_cli.options import EngineName, EngineOptions, RestoreOptions


def test_auto_takes_the_engine_that_needs_nothing_and_says_so():
    engine = build_engine(EngineOptions())
    assert engine.parts == {"engine": "embedded", "analyser": "embedded", "swapper": "mesh", "restorer": None}
    (note,) = engine.notes
    assert "embedded" in note and "no download" in note


def test_an_engine_that_was_asked_for_needs_no_note():
    assert build_engine(EngineOptions(engine=EngineName.EMBEDDED)).notes == ()


@pytest.mark.parametrize("name", EngineName)
def test_a_restorer_that_is_not_there_is_an_error_that_names_it(name):
    with pytest.raises(ModelError, match=r"'gfpgan-1\.4'.*embedded") as caught:
        build_engine(EngineOptions(engine=name, restore=RestoreOptions("gfpgan-1.4")))
    assert caught.value.exit_code == ExitCode.MODEL
    assert "\n" not in str(caught.value)


def test_restoring_if_available_is_left_out_and_told():
    (note,) = build_engine(EngineOptions(engine=EngineName.EMBEDDED, restore=RestoreOptions(if_available=True))).notes
    assert "not restored" in note and "--no-face-restore" in note


def test_every_engine_but_auto_is_registered_and_its_parts_load():
    assert set(ENGINES) == set(EngineName) - {EngineName.AUTO}
    for spec in ENGINES.values():
        assert load_part(spec.analyser).name and load_part(spec.swapper).name


def test_the_registry_imports_no_part():
    script = "import sys, faceswap_cli.engine.registry; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "faceswap_cli.engine.registry" in loaded
    assert not {"cv2", "dlib", "faceswap_cli.engine.swappers.mesh"} & set(loaded)


def test_the_engine_that_was_built_swaps():
    engine = build_engine(EngineOptions(describe=True))
    source = engine.prepare_source([SourcePicture("man-2.jpg", portrait("man-2").pixels)])
    image = portrait("woman-3").pixels
    plan = engine.plan(source, image)
    result = engine.render(plan, image)
    (told,) = engine.outcomes(plan, 0)
    assert (told.swapped, told.source_picture, told.gender) == (True, "man-2.jpg", "female")
    assert result.shape == image.shape and (result != image).any(2).mean() > 0.05
