"""Python, machine, terminal, models, saved faces, engines and formats, each as it is and as it should not be."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import graphs
import pytest

from faceswap_cli.doctor import codecs, engines, installed_models, machine, python, saved_faces, terminal
from faceswap_cli.doctor.checks import Check, CheckState, DoctorOptions, Look
from faceswap_cli.doctor.looks import guarded
from faceswap_cli.models.importing import import_file
from faceswap_cli.models.spec import ModelRole
from faceswap_cli.models.store import ModelStore
from faceswap_cli.runtime.machine import memory_limit, processor_name


def look(looks: dict[str, Look], **options) -> dict[str, Check]:
    return {check.name: check for one in looks.values() for check in one(DoctorOptions(**options))}


# --- Python and machine -----------------------------------------------------------------------------------------------


def test_the_versions_of_python_are_those_of_the_project() -> None:
    wanted = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["requires-python"]
    assert wanted == ">={}.{},<{}.{}".format(*python._FIRST, *python._END)


def test_another_python_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    assert look(python.LOOKS)["version"].state is CheckState.OK
    monkeypatch.setattr(python, "_END", sys.version_info[:2])
    check = look(python.LOOKS)["version"]
    assert check.state is CheckState.FAIL and "3.11" in check.advice


def test_another_faceswap_in_the_path_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "faceswap"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    check = look(python.LOOKS)["command"]
    assert check.state is CheckState.NOTE and str(other) in check.finding
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert "python -m faceswap_cli" in look(python.LOOKS)["command"].advice


def test_little_memory_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceswap_cli.runtime.machine.free_memory", lambda: 300_000_000)
    monkeypatch.setattr(machine, "memory_limit", lambda: 1_000_000_000)
    check = look(machine.LOOKS)["memory"]
    assert check.state is CheckState.WARN and "300 MB free" in check.finding and "container" in check.advice
    monkeypatch.setattr("faceswap_cli.runtime.machine.free_memory", lambda: None)
    assert look(machine.LOOKS)["memory"].state is CheckState.NOTE


def test_the_limit_of_a_container_is_known(tmp_path: Path) -> None:
    group = tmp_path / "sys/fs/cgroup"
    (tmp_path / "proc/self").mkdir(parents=True)
    group.mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/\n")
    assert memory_limit(tmp_path) is None
    (group / "memory.max").write_text("max\n")
    assert memory_limit(tmp_path) is None
    (group / "memory.max").write_text("536870912\n")
    assert memory_limit(tmp_path) == 512 * 2**20


def test_the_processor_has_a_name(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    assert processor_name(tmp_path)
    (tmp_path / "proc/cpuinfo").write_text("processor\t: 0\nmodel name\t: Fine CPU 3000\n")
    assert processor_name(tmp_path) == "Fine CPU 3000"


def test_a_folder_that_cannot_be_written_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert look(machine.LOOKS)["current folder"].state is CheckState.OK
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(machine, "_is_writable", lambda folder: folder != tmp_path)
    check = look(machine.LOOKS)["current folder"]
    assert check.state is CheckState.WARN and str(tmp_path) in check.finding and "-o" in check.advice


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESWAP_CACHE_DIR", str(tmp_path / "deep" / "cache"))
    check = look(machine.LOOKS)["cache"]
    assert check.state is CheckState.OK and "not there yet" in check.finding
    assert not list(tmp_path.iterdir())


def test_what_is_shown_depends_on_the_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "NO_COLOR" in look(terminal.LOOKS)["colour"].finding
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert "dumb" in look(terminal.LOOKS)["colour"].finding
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "ascii")
    check = look(terminal.LOOKS)["encoding"]
    assert check.state is CheckState.NOTE and "PYTHONUTF8=1" in check.advice


# --- models and saved faces -------------------------------------------------------------------------------------------


def test_no_models_are_no_fault(tmp_path: Path) -> None:
    checks = look(installed_models.LOOKS, models_folder=str(tmp_path / "models"))
    assert {check.state for check in checks.values()} == {CheckState.OK}
    assert "none is installed" in checks["models"].finding
    assert not (tmp_path / "models").exists()


def test_a_model_that_is_cut_short_is_a_failure_with_the_command_that_gets_it(tmp_path: Path) -> None:
    (tmp_path / "inswapper_128.onnx").write_bytes(b"\x08" * 1000)
    check = look(installed_models.LOOKS, models_folder=str(tmp_path))["inswapper_128"]
    assert check.state is CheckState.FAIL and "cut short" in check.finding
    assert check.advice.startswith("faceswap models pull inswapper_128")


def test_the_bytes_of_a_model_are_read_with_verify(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models")
    spec, _ = import_file(store, graphs.write_inswapper(tmp_path / "mine.onnx"), role=ModelRole.SWAPPER)
    file = store.location(spec)
    assert look(installed_models.LOOKS, models_folder=str(store.folder))["mine"].state is CheckState.OK
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))
    for verify in (False, True):
        check = look(installed_models.LOOKS, models_folder=str(store.folder), verify=verify)["mine"]
        assert check.state is CheckState.FAIL and "faceswap models import" in check.advice


def test_a_models_folder_that_is_a_file_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("")
    assert look(installed_models.LOOKS, models_folder=str(tmp_path / "models"))["folder"].state is CheckState.FAIL


def test_saved_faces_are_looked_at_where_there_are_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESWAP_FACES_DIR", str(tmp_path / "faces"))
    assert not look(saved_faces.LOOKS)
    (tmp_path / "faces").mkdir()
    assert look(saved_faces.LOOKS)["folder"].state is CheckState.OK
    (tmp_path / "faces" / "anna.safetensors").write_bytes(b"no tensors")
    checks = look(saved_faces.LOOKS)
    assert checks["anna"].state is CheckState.WARN and checks["anna"].advice
    assert checks["folder"].data["faces"] == 0


# --- engines and formats ----------------------------------------------------------------------------------------------


def test_the_embedded_engine_swaps_a_face() -> None:
    checks = look(engines.LOOKS)
    assert checks["embedded"].state is CheckState.OK and checks["weights"].state is CheckState.OK
    assert checks["neural"].state is CheckState.NOTE and "faceswap models pull neural" in checks["neural"].advice


def test_missing_weights_are_a_failure_with_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from faceswap_cli.engine.analysers import dlib_weights

    monkeypatch.setattr(dlib_weights.DESCRIPTOR_NETWORK, "_model", None)
    monkeypatch.setattr(dlib_weights, "PACKAGE", "no_such_package")
    (check,) = guarded("weights", engines.LOOKS["weights"], DoctorOptions())
    assert check.state is CheckState.FAIL and "not installed" in check.finding
    assert check.advice.startswith("pip install") and "face-recognition-models" in check.advice


def test_an_engine_that_finds_nothing_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    from faceswap_cli.engine.analysers.embedded import EmbeddedAnalyser

    find, pictures = EmbeddedAnalyser.find, []

    def find_in_the_source_only(self, image, memory=None):
        pictures.append(image)
        return find(self, image, memory) if len(pictures) == 1 else []

    monkeypatch.setattr(EmbeddedAnalyser, "find", find_in_the_source_only)
    assert look(engines.LOOKS)["embedded"].state is CheckState.FAIL


def test_the_neural_engine_is_tried_with_verify_only(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models")
    for name, write, role in (("swap", graphs.write_inswapper, ModelRole.SWAPPER),
                              ("find", graphs.write_scrfd, ModelRole.DETECTOR),
                              ("know", graphs.write_arcface, ModelRole.RECOGNISER)):
        import_file(store, write(tmp_path / f"{name}.onnx"), role=role)
    check = look(engines.LOOKS, models_folder=str(store.folder))["neural"]
    assert check.state is CheckState.OK and "--verify" in check.finding
    check = look(engines.LOOKS, models_folder=str(store.folder), verify=True)["neural"]
    assert check.state is CheckState.OK and "on cpu" in check.finding
    store.location(store.find("know")).write_bytes(b"no graph")
    check = look(engines.LOOKS, models_folder=str(store.folder), verify=True)["neural"]
    assert check.state is CheckState.FAIL and check.advice


def test_all_formats_are_written_and_read() -> None:
    checks = look(codecs.LOOKS)
    assert list(checks) == ["pictures", "h264", "h265", "vp9", "av1", "aac", "opus"]
    assert {check.state for check in checks.values()} == {CheckState.OK}
    assert checks["pictures"].data["formats"] == list(codecs._PICTURES)


def test_a_format_that_is_missing_is_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    Image.init()
    monkeypatch.delitem(Image.SAVE, "AVIF")
    monkeypatch.delitem(Image.SAVE, "PNG")
    monkeypatch.setitem(codecs._STREAMS, "vp9", ("VP9", "libnothing", "vp9"))
    monkeypatch.setitem(codecs._STREAMS, "h264", ("H.264", "libx264", "libnothing"))
    checks = look(codecs.LOOKS)
    assert checks["avif"].state is CheckState.WARN
    assert checks["png"].state is CheckState.FAIL and "Pillow" in checks["png"].finding
    assert checks["vp9"].state is CheckState.WARN and "libnothing" in checks["vp9"].finding
    assert checks["h264"].state is CheckState.FAIL and "cannot be read" in checks["h264"].finding
    assert checks["h265"].state is CheckState.OK and "PNG" not in checks["pictures"].finding
