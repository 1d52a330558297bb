"""Official PyTorch checkpoints turned into ONNX graphs, once: from then on torch is not needed.

A checkpoint is a pickle, which can run any code when it is loaded. Only a file with a hash of the catalogue is opened
here, and even that with `weights_only=True`, which builds nothing but tensors; nothing else in the project loads one.

The architecture is that of the `gfpgan` package. CodeFormer's is in no package that can be installed, and a copy of it
is not kept here: its checkpoint is recognised, and the user told of the ready-made graph.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec as find_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from faceswap_cli.errors import InputError, MissingDependencyError, ModelError
from faceswap_cli.models.contents import sha256_of
from faceswap_cli.models.spec import Checkpoint, ModelSpec
from faceswap_cli.models.store import ModelStore, storing
from faceswap_cli.text import squeeze

Run = Callable[[Path, Mapping[str, npt.NDArray[Any]]], Sequence[npt.NDArray[Any]]]
"""Runs a graph once: its file and inputs by name -> its outputs. The caller gives it: this room knows no runtime."""

INSTALL = 'pip install "faceswap-cli[gfpgan]"'
"""What installs torch, the gfpgan package and the exporter."""

TOLERANCE = 1 / 255
"""By how much graph and torch may differ, where the picture is -1..1: half a grey level."""

_OPSET = 18
"""The lowest that torch's exporter writes without converting it down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Architecture:
    """How a network is built.

    Attributes:
        module, name: Of its class.
        side: Pixels of the picture it takes.
        build: Arguments of the class.
        call: Arguments of a run, after the picture.
    """

    module: str
    name: str
    side: int
    build: Mapping[str, Any]
    call: Mapping[str, Any]


_ARCHITECTURES = {
    # As `GFPGANer` of the same package builds the official 1.3 and 1.4. The stored noise instead of a new one at every
    # run: the same picture gives the same bytes.
    "GFPGANv1Clean": _Architecture(
        module="gfpgan.archs.gfpganv1_clean_arch", name="GFPGANv1Clean", side=512,
        build={"out_size": 512, "num_style_feat": 512, "channel_multiplier": 2, "decoder_load_path": None,
               "fix_decoder": False, "num_mlp": 8, "input_is_latent": True, "different_w": True, "narrow": 1,
               "sft_half": True},
        call={"return_rgb": False, "randomize_noise": False}),
}


def convert(store: ModelStore, path: Path, checkpoint: Checkpoint, *, run: Run,
            progress: Callable[[str], None] | None = None) -> ModelSpec:
    """Convert a checkpoint and put the graph into the store, or change nothing.

    Args:
        store: Takes the graph under the id of the model that names `checkpoint`, with a record of where it comes from.
        path: Of the user's file; left as it is.
        checkpoint: What the file must be.
        run: Runs the graph, to compare it with torch.
        progress: Is told each step, one short phrase.

    Returns:
        The model's row with the hash of the new graph.

    Raises:
        InputError: The file cannot be read.
        ModelError: It is not the checkpoint, has no architecture here, or the graph gives another picture than torch.
        MissingDependencyError: torch or the gfpgan package is missing or cannot be loaded.
        OutputError: The models folder cannot be written.
    """
    say = progress if progress is not None else _silent
    spec = _model_of(store, checkpoint)
    architecture = _ARCHITECTURES.get(checkpoint.architecture)
    if architecture is None:
        raise ModelError(f"{path} cannot be converted: no package that can be installed has the architecture "
                         f"{checkpoint.architecture}", advice=_ready_made(spec))
    _check_hash(path, checkpoint)
    say("loading torch")
    torch, network_class = _load_packages(checkpoint, architecture, spec)
    say(f"reading {path.name}")
    network = _read_network(torch, network_class, path, architecture)
    target = store.location(spec)
    with storing(target):
        store.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=store.folder, prefix=f".{target.name}-") as folder:
            graph = Path(folder) / target.name
            say("exporting to ONNX")
            _export(torch, network, graph, checkpoint, architecture)
            say("comparing with torch")
            _compare(torch, network, graph, architecture, run)
            return store.add(graph, spec, sha256=sha256_of(graph), move=True,
                             origin=f"{checkpoint.name} ({checkpoint.sha256}) with torch {torch.__version__}")


def _silent(step: str) -> None:
    pass


def _model_of(store: ModelStore, checkpoint: Checkpoint) -> ModelSpec:
    """The model that the checkpoint becomes."""
    for spec in store.specs():
        if any(known.name == checkpoint.name for known in spec.checkpoints):
            return spec
    raise ModelError(f"no model is made of {checkpoint.name}", advice="see `faceswap models list`")


def _ready_made(spec: ModelSpec) -> str:
    """The end of a message: how to get the model without converting."""
    if spec.urls:
        return f"run: faceswap models pull {spec.id}"
    return f"import a graph instead: faceswap models import {spec.file} --as {spec.id}"


def _check_hash(path: Path, checkpoint: Checkpoint) -> None:
    try:
        found = sha256_of(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    if found != checkpoint.sha256:
        raise ModelError(f"{path} is not the official {checkpoint.name}: its SHA-256 is {found}, not "
                         f"{checkpoint.sha256}", advice="it was not opened, download it again")


# --- torch ------------------------------------------------------------------------------------------------------------

def _load_packages(checkpoint: Checkpoint, architecture: _Architecture, spec: ModelSpec) -> tuple[Any, Any]:
    """torch, and the class of the network."""
    other = f"; or {_ready_made(spec)}" if spec.urls else ""
    # basicsr, on which gfpgan stands, has no wheel and does not build on later ones.
    versions = " with Python 3.11 or 3.12" if sys.version_info >= (3, 13) else ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch = import_module("torch")
            import_module("onnxscript")  # torch's exporter needs it
            with _basicsr_mended():
                module = import_module(architecture.module)
        return torch, getattr(module, architecture.name)
    except ModuleNotFoundError as error:
        missing = (error.name or "torch").partition(".")[0]
        raise MissingDependencyError(f"converting {checkpoint.name} needs {missing}, which is not installed",
                                     advice=f"run{versions}: {INSTALL}{other}") from error
    except Exception as error:  # builds of torch and torchvision that do not match fail in many ways
        reason = squeeze(error)[:200]
        raise MissingDependencyError(f"converting {checkpoint.name} needs torch and gfpgan, which cannot be loaded "
                                     f"({reason})",
                                     advice=f"run in a new virtual environment{versions}: {INSTALL}{other}") \
            from error


@contextmanager
def _basicsr_mended() -> Iterator[None]:
    """While this lasts, basicsr 1.4.2, the last there is, can be imported beside a current torchvision.

    It takes `rgb_to_grayscale` from `torchvision.transforms.functional_tensor`, which torchvision removed in 0.17; the
    function is in `functional`.
    """
    name = "torchvision.transforms.functional_tensor"
    functional = import_module("torchvision.transforms.functional")
    if find_module(name) is not None:
        yield
        return
    alias = ModuleType(name)
    alias.__dict__["rgb_to_grayscale"] = functional.rgb_to_grayscale
    sys.modules[name] = alias
    try:
        yield
    finally:
        sys.modules.pop(name, None)


def _read_network(torch: Any, network_class: Any, path: Path, architecture: _Architecture) -> Any:
    """The network with the weights of the checkpoint; of those the averaged ones, as the package itself takes them."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch has no class of its own for what it refuses
        reason = squeeze(error)[:160]
        raise ModelError(f"{path} holds more than weights, or is damaged: refused ({reason})",
                         advice="download it again") \
            from error
    weights = content.get("params_ema", content.get("params")) if isinstance(content, dict) else None
    if not isinstance(weights, dict):
        raise ModelError(f"{path} holds no weights under `params_ema`", advice="download it again")
    network = network_class(**architecture.build)
    try:
        network.load_state_dict(weights, strict=True)
    except (RuntimeError, TypeError) as error:
        reason = squeeze(error)[:160]
        raise ModelError(f"{path} holds the weights of another network than {architecture.name} ({reason})") from error
    return network.eval()


def _export(torch: Any, network: Any, graph: Path, checkpoint: Checkpoint, architecture: _Architecture) -> None:
    """Write the network as a graph with one input, `input`, and one output, `output`, both (1, 3, side, side)."""
    picture = torch.zeros(1, 3, architecture.side, architecture.side)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(network, (picture,), str(graph), kwargs=dict(architecture.call), input_names=["input"],
                              output_names=["output"], opset_version=_OPSET, dynamo=True, external_data=False,
                              verbose=False)
    except Exception as error:  # whatever a version of torch cannot do
        reason = squeeze(error)[:200]
        raise ModelError(f"torch {torch.__version__} could not export {checkpoint.name} ({reason})",
                         advice="try another version of torch") from error
    _tidy(graph, checkpoint)


def _tidy(graph: Path, checkpoint: Checkpoint) -> None:
    """Take out what torch notes of the machine (paths of sources, stack traces); note where the weights are from."""
    import onnx

    model = onnx.load(str(graph))
    for part in (model, model.graph, *model.graph.node, *model.graph.initializer, *model.graph.value_info,
                 *model.graph.input, *model.graph.output):
        del part.metadata_props[:]
        part.doc_string = ""
    onnx.helper.set_model_props(model, {"checkpoint": checkpoint.name, "checkpoint_sha256": checkpoint.sha256})
    onnx.save(model, str(graph))


def _compare(torch: Any, network: Any, graph: Path, architecture: _Architecture, run: Run) -> None:
    """Run graph and network on one picture; raises ModelError: they differ."""
    shape = (1, 3, architecture.side, architecture.side)
    picture = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(picture), **architecture.call)[0].numpy()
    outputs = run(graph, {"input": picture})
    if len(outputs) != 1 or outputs[0].shape != expected.shape:
        raise ModelError(f"the exported graph gives {len(outputs)} outputs of shape {outputs[0].shape}, torch one of "
                         f"{expected.shape}", advice="it was not kept, try another version of torch")
    difference = float(np.abs(outputs[0] - expected).max())
    if not difference <= TOLERANCE:  # not a number is no match either
        raise ModelError(f"the exported graph differs from torch by {difference:.3g}, more than {TOLERANCE:.3g}",
                         advice="it was not kept, try another version of torch")
