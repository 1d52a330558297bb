"""The user's own files: known ones are recognised, unknown ones told by inputs and outputs; no pickle is loaded."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from faulty_site import BODY, HTML, sha
from onnx import TensorProto, helper, numpy_helper
from refusals import refused

from faceswap_cli.errors import InputError, ModelError, UsageError
from faceswap_cli.models.importing import identify, import_file
from faceswap_cli.models.spec import Checkpoint, Crop, Family, ModelRole, ModelSpec, Template
from faceswap_cli.models.store import ModelStore

MakeRow = Callable[..., ModelSpec]
MakePack = Callable[..., Any]
Shape = tuple[int | str | None, ...]

EMAP = (512, 512)
TARGET, SOURCE, PICTURE = (1, 3, 128, 128), (1, 512), (1, 3, 512, 512)


def write(path: Path, inputs: dict[str, Shape], outputs: list[Shape], *, last: tuple[int, ...] | None = None) -> Path:
    """A graph with these inputs and outputs; what is between them is of no concern here."""
    weights = [numpy_helper.from_array(np.zeros((1,), np.float32), "first")]
    weights += [] if last is None else [numpy_helper.from_array(np.zeros(last, np.float32), "last")]
    names = [f"out{number}" for number in range(len(outputs))]
    graph = helper.make_graph(
        [helper.make_node("Identity", [next(iter(inputs))], [name]) for name in names], "tiny",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in
         # Some exporters list the weights among the inputs.
         {**inputs, "first": (1,)}.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
         for name, shape in zip(names, outputs, strict=True)], weights)
    onnx.save(helper.make_model(graph), str(path))
    return path


SWAPPER: dict[str, Shape] = {"t": TARGET, "s": SOURCE}
SCRFD = [(12800, 1), (3200, 1), (800, 1), (12800, 4), (3200, 4), (800, 4), (12800, 10), (3200, 10), (800, 10)]

KINDS: dict[str, tuple[dict[str, Shape], list[Any], tuple[int, ...] | None, Family, Crop, dict[str, str]]] = {
    "inswapper": (SWAPPER, [TARGET], EMAP, Family.INSWAPPER, Crop(128, Template.ARCFACE),
                  {"target": "t", "source": "s"}),
    "inswapper of 256, inputs the other way": (
        {"s": SOURCE, "t": (1, 3, 256, 256)}, [(1, 3, 256, 256)], EMAP, Family.INSWAPPER, Crop(256, Template.ARCFACE),
        {"target": "t", "source": "s"}),
    "inswapper of any batch": ({"t": ("n", 3, 128, 128), "s": ("n", 512)}, [(None, 3, "h", "w")], EMAP,
                               Family.INSWAPPER, Crop(128, Template.ARCFACE), {"target": "t", "source": "s"}),
    "gfpgan": ({"x": PICTURE}, [PICTURE], None, Family.RESTORER, Crop(512, Template.FFHQ, 0.5, 0.5), {"image": "x"}),
    "codeformer": ({"x": PICTURE, "w": (1,)}, [PICTURE, (1, 256, 1024), (1, 256, 16, 16)], None, Family.RESTORER,
                   Crop(512, Template.FFHQ, 0.5, 0.5), {"image": "x", "weight": "w"}),
    "codeformer, weight a scalar": ({"x": PICTURE, "w": ()}, [PICTURE], None, Family.RESTORER,
                                    Crop(512, Template.FFHQ, 0.5, 0.5), {"image": "x", "weight": "w"}),
    "scrfd": ({"input.1": (1, 3, "h", "w")}, SCRFD, None, Family.SCRFD, Crop(640), {}),
    "retinaface": ({"input": (1, 3, None, None)}, [(1, "n", 4), (1, "n", 2), (1, "n", 10)], None, Family.RETINAFACE,
                   Crop(640), {}),
    "yolov5-face": ({"input": (1, 3, 640, 640)}, [(1, 25200, 16)], None, Family.YOLOV5_FACE, Crop(640), {}),
    "arcface": ({"input.1": (None, 3, 112, 112)}, [(1, 512)], None, Family.ARCFACE,
                Crop(112, Template.ARCFACE, 0.5, 0.5), {}),
    "genderage": ({"data": (None, 3, 96, 96)}, [(1, 3)], None, Family.GENDER_AGE, Crop(96), {}),
    "2d106det": ({"data": (None, 3, 192, 192)}, [(1, 212)], None, Family.LANDMARKS_106, Crop(192), {}),
    "1k3d68": ({"data": (None, 3, 192, 192)}, [(1, 3309)], None, Family.LANDMARKS_68_3D, Crop(192), {}),
    "xseg": ({"in_face:0": (1, 256, 256, 3)}, [(1, 256, 256, 1)], None, Family.XSEG, Crop(256, Template.ARCFACE),
             {"image": "in_face:0"}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_file_is_told_by_what_it_takes_and_gives(folder: Path, tmp_path: Path, kind: str) -> None:
    inputs, outputs, last, family, crop, names = KINDS[kind]
    path = write(tmp_path / "My Model (2).onnx", inputs, outputs, last=last)
    store = ModelStore(folder)
    spec, warnings = import_file(store, path)
    assert (spec.id, spec.family, spec.crop, spec.inputs) == ("my-model-2", family, crop, names)
    assert spec.imported and spec == store.find("my-model-2")
    assert store.path(spec).read_bytes() == path.read_bytes()
    assert len(warnings) == 1 and "not in the catalogue" in warnings[0] and family.value in warnings[0]
    assert store.installed(spec.role) == (spec,)


def test_the_same_file_may_be_imported_twice_but_no_other_over_it(folder: Path, tmp_path: Path) -> None:
    store = ModelStore(folder)
    path = write(tmp_path / "mine.onnx", {"x": PICTURE}, [PICTURE])
    first, _ = import_file(store, path)
    assert import_file(store, path)[0] == first
    other = write(tmp_path / "other.onnx", {"y": PICTURE}, [PICTURE])
    with pytest.raises(UsageError, match="faceswap models remove mine"):
        import_file(store, other, name="mine")
    assert store.path(first).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(("options", "family"), [
    ({"family": Family.HYPERSWAP}, Family.HYPERSWAP), ({"role": ModelRole.SWAPPER}, Family.HYPERSWAP)])
def test_what_cannot_be_told_is_asked_for(folder: Path, tmp_path: Path, options: dict[str, Any],
                                          family: Family) -> None:
    path = write(tmp_path / "swapper.onnx", SWAPPER, [TARGET])
    store = ModelStore(folder)
    with refused(UsageError, r"t 1x3x128x128, s 1x512 -> out0 1x3x128x128\); give --family hyperswap"):
        import_file(store, path)
    assert not folder.exists()
    spec, _ = import_file(store, path, **options)
    assert spec.family is family and spec.crop == Crop(128, Template.ARCFACE, 0.5, 0.5)


@pytest.mark.parametrize("options", [{"family": Family.ARCFACE}, {"role": ModelRole.DETECTOR},
                                     {"family": Family.INSWAPPER, "role": ModelRole.RESTORER}])
def test_options_that_do_not_fit_the_file_are_refused(folder: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    path = write(tmp_path / "swapper.onnx", SWAPPER, [TARGET], last=EMAP)
    with pytest.raises(UsageError, match="t 1x3x128x128"):
        import_file(ModelStore(folder), path, **options)
    assert not folder.exists()


def test_a_model_that_nothing_runs_is_refused(folder: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "text.onnx", {"tokens": (1, 77)}, [(1, 77, 768)])
    with pytest.raises(UsageError, match="no part of this program runs such a model"):
        import_file(ModelStore(folder), path)


@pytest.mark.parametrize(("name", "words"), [
    ("../evil", "cannot be the name"), ("Big", "cannot be the name"), ("", "cannot be the name"),
    ("a/b", "cannot be the name"), ("x" * 65, "cannot be the name"), ("inswapper_128", "its hash is another one"),
    ("yolov5n", "its hash is another one"), ("det_10g", "its hash is another one")])
def test_names_that_lead_elsewhere_or_are_taken_are_refused(folder: Path, tmp_path: Path, name: str,
                                                            words: str) -> None:
    path = write(tmp_path / "mine.onnx", {"x": PICTURE}, [PICTURE])
    with pytest.raises(UsageError, match=words):
        import_file(ModelStore(folder), path, name=name)
    assert not folder.exists()


def test_another_file_under_the_name_of_a_known_one_is_not_taken_for_it(folder: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "GFPGANv1.4.onnx", {"x": PICTURE}, [PICTURE])
    with refused(UsageError, r"is not the gfpganv1\.4 of the catalogue.*--name"):
        import_file(ModelStore(folder), path)


# --- known files ------------------------------------------------------------------------------------------------------

def test_a_known_file_is_recognised_under_any_name(row: MakeRow, folder: Path, tmp_path: Path) -> None:
    spec = row()
    path = tmp_path / "backup (3).bin"
    path.write_bytes(BODY)
    store = ModelStore(folder, (spec,))
    known = identify(path, store.catalogue)
    assert known is not None and known.spec == spec and known.checkpoint is None
    assert import_file(store, path) == (spec, ())
    assert store.path(spec) == folder / "tiny.onnx" and path.exists()
    taken, warnings = import_file(store, path, name="mine")
    assert taken == spec and "is tiny" in warnings[0]
    with pytest.raises(InputError, match="nothing cannot be read"):
        identify(tmp_path / "nothing")
    path.write_bytes(b"other")
    assert identify(path, store.catalogue) is None


def test_a_known_file_repairs_a_damaged_one(row: MakeRow, folder: Path, tmp_path: Path) -> None:
    spec = row()
    path = tmp_path / "file"
    path.write_bytes(BODY)
    store = ModelStore(folder, (spec,))
    import_file(store, path)
    (folder / "tiny.onnx").write_bytes(HTML)
    import_file(store, path)
    assert store.path(spec).read_bytes() == BODY


def test_a_known_zip_brings_its_models(pack: MakePack, folder: Path, tmp_path: Path) -> None:
    packed = pack()
    path = tmp_path / "downloads.zip"
    path.write_bytes(packed.zipped)
    store = ModelStore(folder, packed.rows)
    assert import_file(store, path) == (packed.spec, ())
    assert store.is_installed(packed.spec) and path.exists()


def test_a_known_checkpoint_is_for_the_converter(row: MakeRow, folder: Path, tmp_path: Path) -> None:
    checkpoint = Checkpoint("tiny.pth", sha(b"weights"), "Net")
    store = ModelStore(folder, (row(checkpoints=(checkpoint,)),))
    path = tmp_path / "renamed"
    path.write_bytes(b"weights")
    known = identify(path, store.catalogue)
    assert known is not None and known.checkpoint == checkpoint
    with pytest.raises(UsageError, match=r"is tiny\.pth, a PyTorch file: it is not copied but converted"):
        import_file(store, path)


def test_a_row_without_a_hash_takes_the_users_file(row: MakeRow, folder: Path, tmp_path: Path) -> None:
    spec = row(id="hyper", file="hyper.onnx", sha256=None, bytes=None, role=ModelRole.SWAPPER, family=Family.HYPERSWAP,
               crop=Crop(256, Template.ARCFACE, 0.5, 0.5), inputs={"target": "target", "source": "source"})
    store = ModelStore(folder, (spec, row()))
    path = write(tmp_path / "file.onnx", SWAPPER, [TARGET])
    with pytest.raises(UsageError, match="cannot both be given"):
        import_file(store, path, as_id="hyper", name="mine")
    with pytest.raises(UsageError, match="is not tiny, whose hash is known"):
        import_file(store, path, as_id="tiny")
    with pytest.raises(UsageError, match="does not take and give what hyper does"):
        import_file(store, write(tmp_path / "other.onnx", {"x": PICTURE}, [PICTURE]), as_id="hyper")
    assert not folder.exists()
    taken, warnings = import_file(store, path, as_id="Hyper")
    assert taken == store.find("hyper") and store.path(taken).read_bytes() == path.read_bytes()
    assert taken == replace(spec, sha256=sha(path.read_bytes()), inputs={"target": "t", "source": "s"}, imported=True)
    assert "on trust" in warnings[0]


def test_a_known_file_is_not_taken_for_another_row(row: MakeRow, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(BODY)
    store = ModelStore(folder, (row(), row(id="other", file="other.onnx", sha256=None)))
    with pytest.raises(UsageError, match="is tiny, by its hash, and not other"):
        import_file(store, path, as_id="other")


# --- files that are no models -----------------------------------------------------------------------------------------

class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.write_text, (self.path, "it ran"))


@pytest.mark.parametrize("name", ["model.pth", "model.onnx", "model"])
def test_a_pickle_is_never_loaded(folder: Path, tmp_path: Path, name: str) -> None:
    path, trace = tmp_path / name, tmp_path / "trace"
    path.write_bytes(pickle.dumps({"params": Evil(trace)}))
    with pytest.raises(UsageError, match="is a PyTorch file, which is not loaded"):
        import_file(ModelStore(folder), path)
    assert not trace.exists() and not folder.exists()


@pytest.mark.parametrize(("data", "words"), [
    (HTML, "an HTML page"), (b"", "an empty file"), (b"\x08\x07nonsense", "another file"), (BODY, "another file")])
def test_a_file_that_is_no_model_is_refused(folder: Path, tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "file.onnx"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=f"is no ONNX model but {words}"):
        import_file(ModelStore(folder), path)
    assert not folder.exists()


def test_a_truncated_model_is_refused(folder: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "file.onnx", SWAPPER, [TARGET], last=EMAP)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ModelError, match="is no ONNX model"):
        import_file(ModelStore(folder), path)


def test_weights_in_other_files_are_refused(folder: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "file.onnx", SWAPPER, [TARGET], last=EMAP)
    onnx.save(onnx.load(str(path)), str(path), save_as_external_data=True, location="weights.bin")
    with pytest.raises(ModelError, match="has its weights in other files"):
        import_file(ModelStore(folder), path)


def test_a_folder_is_an_error_of_one_line(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        import_file(ModelStore(folder), tmp_path)
