"""Checkpoints become graphs, or are refused. torch is a stand-in of a few lines here, except in the last tests, which
run where torch and the gfpgan package are installed.

The stand-in is a folder of packages with what is used of the true ones, the trap in basicsr included. Its network
multiplies a picture by a gain; its export writes that as a graph.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import pickle
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from faceswap_cli.errors import ExitCode, InputError, MissingDependencyError, ModelError
from faceswap_cli.models.convert import INSTALL, convert
from faceswap_cli.models.spec import Checkpoint, ModelSpec
from faceswap_cli.models.store import ModelStore
from faceswap_cli.options import Provider, RuntimeOptions
from faceswap_cli.runtime.session import open_session

PACKAGES = ("torch", "torchvision", "onnxscript", "gfpgan", "basicsr")

TORCH = """
import io, pickle
from contextlib import contextmanager
__version__ = "2.99.0"

class Tensor:
    def __init__(self, array): self.array = array
    def numpy(self): return self.array

class _WeightsOnly(pickle.Unpickler):
    def find_class(self, module, name):
        raise pickle.UnpicklingError(f"Weights only load failed.\\n{module}.{name} is no tensor")

def load(path, map_location, weights_only=False):
    assert map_location == "cpu"
    with open(path, "rb") as file:
        return (_WeightsOnly if weights_only else pickle.Unpickler)(file).load()

@contextmanager
def no_grad():
    yield

def zeros(*shape):
    import numpy
    return Tensor(numpy.zeros(shape, "float32"))

def from_numpy(array):
    return Tensor(array)

class onnx:
    spoiled = 0.0
    @classmethod
    def export(cls, network, args, path, kwargs, input_names, output_names, opset_version, **other):
        import pathlib, graphs
        assert args[0].array.shape == (1, 3, 512, 512)
        assert (input_names, output_names) == (["input"], ["output"])
        graphs.write_restorer(pathlib.Path(path), side=512, gain=network.gain + cls.spoiled)
"""

NETWORK = """
from basicsr.data import degradations
import torch

class GFPGANv1Clean:
    def __init__(self, out_size, num_style_feat, channel_multiplier, decoder_load_path, fix_decoder, num_mlp,
                 input_is_latent, different_w, narrow, sft_half):
        assert (out_size, channel_multiplier) == (512, 2)

    def load_state_dict(self, weights, strict):
        if set(weights) != {"gain"}:
            raise RuntimeError("Error(s) in loading state_dict for GFPGANv1Clean:\\n\\tMissing key(s): gain")
        self.gain = weights["gain"]

    def eval(self):
        return self

    def __call__(self, picture, return_rgb, randomize_noise):
        assert not return_rgb and not randomize_noise
        return torch.Tensor(picture.array * picture.array.dtype.type(self.gain)), []
"""


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of stand-ins on the path; nothing is imported yet."""
    folder = tmp_path / "packages"
    files = {
        "torch/__init__.py": TORCH,
        "onnxscript/__init__.py": "",
        "torchvision/__init__.py": "",
        "torchvision/transforms/__init__.py": "",
        "torchvision/transforms/functional.py": "def rgb_to_grayscale(picture): ...",
        "basicsr/__init__.py": "",
        "basicsr/data/__init__.py": "",
        "basicsr/data/degradations.py": "from torchvision.transforms.functional_tensor import rgb_to_grayscale",
        "gfpgan/__init__.py": "",
        "gfpgan/archs/__init__.py": "",
        "gfpgan/archs/gfpganv1_clean_arch.py": NETWORK,
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    before = {name: sys.modules.pop(name) for name in loaded()}
    monkeypatch.syspath_prepend(folder)
    yield folder
    for name in loaded():
        del sys.modules[name]
    sys.modules.update(before)


def loaded() -> set[str]:
    return {name for name in sys.modules if name.partition(".")[0] in PACKAGES}


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


def checkpoint_of(path: Path, name: str = "GFPGANv1.4.pth", architecture: str = "GFPGANv1Clean") -> Checkpoint:
    """A record that takes this file for the official one."""
    return Checkpoint(name, hashlib.sha256(path.read_bytes()).hexdigest(), architecture)


def write_checkpoint(path: Path, content: Any) -> Path:
    path.write_bytes(pickle.dumps(content))
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "mine.pth", {"params_ema": {"gain": 0.5}})


def run(path: Path, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    return open_session(path, RuntimeOptions(provider=Provider.CPU), name=path.name, threads=1).run(None, feeds)


def converted(store: ModelStore, file: Path, **options: Any) -> ModelSpec:
    return convert(store, file, checkpoint_of(file), **{"run": run, **options})


def left_in(store: ModelStore) -> list[Path]:
    return list(store.folder.rglob("*")) if store.folder.exists() else []


def test_a_checkpoint_becomes_a_verified_model(packages: Path, store: ModelStore, file: Path) -> None:
    steps: list[str] = []
    spec = converted(store, file, progress=steps.append)
    assert spec.id == "gfpgan_1.4"
    assert store.is_installed(spec)
    assert store.verify(spec).name == "GFPGANv1.4.onnx"
    picture = np.full((1, 3, 512, 512), 0.8, np.float32)
    assert np.abs(run(store.path(spec), {"input": picture})[0] - 0.4).max() < 1e-6
    assert steps == ["loading torch", "reading mine.pth", "exporting to ONNX", "comparing with torch"]
    assert file.exists()


def test_the_other_checkpoint_becomes_the_other_model(packages: Path, store: ModelStore, file: Path) -> None:
    spec = convert(store, file, checkpoint_of(file, "GFPGANv1.3.pth"), run=run)
    assert spec.id == "gfpgan_1.3"
    assert store.path(spec).name == "GFPGANv1.3.onnx"
    assert spec.sha256 is not None


def test_the_graph_and_its_record_say_where_the_weights_come_from(packages: Path, store: ModelStore,
                                                                  file: Path) -> None:
    spec = converted(store, file)
    sha256 = checkpoint_of(file).sha256
    properties = {entry.key: entry.value for entry in onnx.load(store.path(spec)).metadata_props}
    assert properties == {"checkpoint": "GFPGANv1.4.pth", "checkpoint_sha256": sha256}
    record = (store.folder / "imported" / "gfpgan_1.4.json").read_text(encoding="utf-8")
    assert f"GFPGANv1.4.pth ({sha256}) with torch 2.99.0" in record


def test_nothing_is_left_beside_the_model(packages: Path, store: ModelStore, file: Path) -> None:
    converted(store, file)
    assert {path.name for path in left_in(store)} == {"GFPGANv1.4.onnx", "imported", "gfpgan_1.4.json",
                                                      "verified.json"}
    # The alias that mends basicsr is gone again; other libraries ask for that module to tell torchvision's version.
    assert "basicsr.data.degradations" in sys.modules
    assert "torchvision.transforms.functional_tensor" not in sys.modules


def test_an_older_torchvision_needs_no_mending(packages: Path, store: ModelStore, file: Path) -> None:
    own = packages / "torchvision" / "transforms" / "functional_tensor.py"
    own.write_text("def rgb_to_grayscale(picture): ...", encoding="utf-8")
    converted(store, file)
    assert sys.modules["torchvision.transforms.functional_tensor"].__file__ == str(own)


def test_without_the_extra_the_install_line_is_told(store: ModelStore, file: Path,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependencyError, match="needs torch, which is not installed") as caught:
        converted(store, file)
    assert caught.value.exit_code is ExitCode.MISSING_DEPENDENCY == 8
    assert INSTALL == 'pip install "faceswap-cli[gfpgan]"'
    assert INSTALL in str(caught.value)
    assert "faceswap models pull gfpgan_1.4" in str(caught.value)
    assert not left_in(store)


@pytest.mark.parametrize("missing", ["gfpgan", "onnxscript", "torchvision"])
def test_each_missing_package_is_named(packages: Path, store: ModelStore, file: Path, missing: str,
                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingDependencyError, match=f"needs {missing}, which is not installed"):
        converted(store, file)


def test_packages_that_do_not_fit_together_are_told(packages: Path, store: ModelStore, file: Path) -> None:
    (packages / "torchvision" / "__init__.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')", encoding="utf-8")
    with pytest.raises(MissingDependencyError, match=r"operator torchvision::nms does not exist.*new virtual env"):
        converted(store, file)


def test_a_file_with_another_hash_is_not_opened(packages: Path, store: ModelStore, file: Path) -> None:
    official = store.find("gfpgan_1.4").checkpoints[0]
    with pytest.raises(ModelError, match=r"mine\.pth is not the official GFPGANv1\.4\.pth.*it was not opened"):
        convert(store, file, official, run=run)
    assert "torch" not in sys.modules
    assert not left_in(store)


def test_a_file_that_is_not_there(store: ModelStore, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.pth cannot be read"):
        convert(store, tmp_path / "none.pth", store.find("gfpgan_1.4").checkpoints[0], run=run)


def test_codeformer_is_recognised_and_the_ready_graph_named(store: ModelStore, file: Path) -> None:
    checkpoint = store.find("codeformer").checkpoints[0]
    with pytest.raises(ModelError, match="CodeFormer; run: faceswap models pull codeformer") as caught:
        convert(store, file, checkpoint, run=run)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code is ExitCode.MODEL == 5


def test_an_unknown_checkpoint_makes_no_model(store: ModelStore, file: Path) -> None:
    with pytest.raises(ModelError, match=r"no model is made of other\.pth"):
        convert(store, file, checkpoint_of(file, "other.pth"), run=run)


class Malicious:
    """Runs code when it is unpickled: creates a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def test_code_in_a_checkpoint_is_not_run(packages: Path, store: ModelStore, tmp_path: Path) -> None:
    """Not even where the hash is the one that is expected."""
    mark = tmp_path / "mark"
    file = write_checkpoint(tmp_path / "mine.pth", {"params_ema": {"gain": 0.5}, "extra": Malicious(mark)})
    with pytest.raises(ModelError, match="more than weights, or is damaged: refused") as caught:
        converted(store, file)
    assert "\n" not in str(caught.value)
    assert not mark.exists()
    assert not left_in(store)
    pickle.loads(file.read_bytes())  # noqa: S301  what the refusal prevented
    assert mark.exists()


@pytest.mark.parametrize("content", [[1, 2], {"model": {"gain": 0.5}}, {"params_ema": 7}])
def test_a_checkpoint_without_weights(packages: Path, store: ModelStore, tmp_path: Path, content: Any) -> None:
    with pytest.raises(ModelError, match="holds no weights under `params_ema`"):
        converted(store, write_checkpoint(tmp_path / "mine.pth", content))


def test_the_weights_of_another_network(packages: Path, store: ModelStore, tmp_path: Path) -> None:
    file = write_checkpoint(tmp_path / "mine.pth", {"params_ema": {"bias": 0.5}})
    with pytest.raises(ModelError, match=r"weights of another network than GFPGANv1Clean .*Missing key") as caught:
        converted(store, file)
    assert "\n" not in str(caught.value)


def damaged_export(packages: Path, code: str) -> None:
    path = packages / "torch" / "__init__.py"
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{code}\n", encoding="utf-8")


@pytest.mark.parametrize("gain", ["0.01", "float('nan')"])
def test_a_graph_that_differs_from_torch_is_not_kept(packages: Path, store: ModelStore, file: Path,
                                                     gain: str) -> None:
    kept = store.folder / "GFPGANv1.4.onnx"
    kept.parent.mkdir()
    kept.write_bytes(b"what was there")
    damaged_export(packages, f"onnx.spoiled = {gain}")
    with pytest.raises(ModelError, match=r"differs from torch by (0\.01|nan), more than 0\.00392; it was not kept"):
        converted(store, file)
    assert left_in(store) == [kept]
    assert kept.read_bytes() == b"what was there"


def test_a_graph_that_gives_something_else_is_not_kept(packages: Path, store: ModelStore, file: Path) -> None:
    with pytest.raises(ModelError, match=r"gives 1 outputs of shape \(1, 3, 8, 8\), torch one of \(1, 3, 512, 512\)"):
        converted(store, file, run=lambda path, feeds: [np.zeros((1, 3, 8, 8), np.float32)])
    assert not left_in(store)


def test_an_exporter_that_fails_is_told(packages: Path, store: ModelStore, file: Path) -> None:
    damaged_export(packages, "def fails(*args, **kwargs): raise ValueError('no such\\noperator')\nonnx.export = fails")
    with pytest.raises(ModelError, match=r"torch 2\.99\.0 could not export GFPGANv1\.4\.pth \(no such operator\)"):
        converted(store, file)
    assert not left_in(store)


# --- with the true torch ----------------------------------------------------------------------------------------------

installed = all(importlib.util.find_spec(name) for name in ("torch", "gfpgan", "onnxscript"))
needs_torch = pytest.mark.skipif(not installed, reason='needs the extra: pip install "faceswap-cli[gfpgan]"')


@needs_torch
def test_torch_itself_refuses_code(store: ModelStore, tmp_path: Path) -> None:
    """In the format that torch writes, a zip archive around a pickle."""
    mark = tmp_path / "mark"
    file = tmp_path / "mine.pth"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"params_ema": Malicious(mark)}, protocol=2))
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", "little")
    with pytest.raises(ModelError, match="more than weights, or is damaged: refused"):
        converted(store, file)
    assert not mark.exists()


@needs_torch
@pytest.mark.filterwarnings("ignore")
def test_the_true_architecture_is_converted(store: ModelStore, tmp_path: Path) -> None:
    """With random weights, through the packages as they are; takes half a minute and 2.5 GB."""
    import torch

    from faceswap_cli.models import convert as module

    architecture = module._ARCHITECTURES["GFPGANv1Clean"]
    with module._basicsr_mended():
        network = getattr(importlib.import_module(architecture.module), architecture.name)(**architecture.build)
    file = tmp_path / "mine.pth"
    content = io.BytesIO()
    torch.save({"params_ema": network.state_dict()}, content)
    file.write_bytes(content.getvalue())
    spec = converted(store, file)
    (picture,) = (tensor for tensor in onnx.load(store.path(spec)).graph.input)
    assert picture.name == "input"
    assert [side.dim_value for side in picture.type.tensor_type.shape.dim] == [1, 3, 512, 512]
