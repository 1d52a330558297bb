"""What an ONNX file takes and gives, and which family of models that is. Reads the graph; runs nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from faceswap_cli.errors import ModelError, UsageError
from faceswap_cli.models.contents import describe_contents
from faceswap_cli.models.spec import Crop, Family, ModelRole, Template

if TYPE_CHECKING:
    import onnx

EMBEDDING = 512
"""Numbers in the identity of a face, as ArcFace gives it."""


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output: its name, and its shape with None where it is not fixed."""

    name: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """What a graph takes and gives.

    Attributes:
        inputs, outputs: In the graph's order; inputs that are weights are left out.
        last_weight: Shape of the last initializer.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    last_weight: tuple[int, ...] | None

    @property
    def image(self) -> Port | None:
        """The input that is a picture of three channels."""
        return next((port for port in self.inputs if _side(port) is not None), None)

    @property
    def side(self) -> int | None:
        """Pixels of the picture's side; None where it is not fixed."""
        return None if self.image is None else _side(self.image) or None

    @property
    def other(self) -> Port | None:
        """The second of two inputs, beside the picture."""
        others = [port for port in self.inputs if port is not self.image]
        return others[0] if len(others) == 1 else None


def read_signature(path: Path) -> Signature:
    """Read the graph of an ONNX file.

    Raises:
        UsageError: It is a PyTorch file, which is not loaded.
        ModelError: It is no ONNX file, or its weights lie in other files.
    """
    import onnx

    if is_pickle(path):
        raise UsageError(f"{path} is a PyTorch file, which is not loaded",
                         advice="only the official files of the catalogue are converted, so export it to ONNX and "
                                "import that")
    try:
        graph = onnx.load(str(path), format="protobuf", load_external_data=False).graph
    except Exception as error:  # What protobuf raises for bytes that it cannot read is a class of a package below onnx.
        raise ModelError(f"{path} is no ONNX model but {describe_contents(path)}",
                         advice="check where it comes from") from error
    if not graph.node or not graph.input or not graph.output:
        raise ModelError(f"{path} is no ONNX model but {describe_contents(path)}", advice="check where it comes from")
    if any(weight.data_location == onnx.TensorProto.EXTERNAL for weight in graph.initializer):
        raise ModelError(f"{path} has its weights in other files", advice="save it as one file and import that")
    weights = {weight.name for weight in graph.initializer}
    return Signature(
        inputs=tuple(_port(value) for value in graph.input if value.name not in weights),
        outputs=tuple(_port(value) for value in graph.output),
        last_weight=tuple(graph.initializer[-1].dims) if graph.initializer else None)


def is_pickle(path: Path) -> bool:
    """Whether a file is one that PyTorch would unpickle, by its first bytes or its suffix."""
    if path.suffix.lower() in (".pth", ".pt", ".ckpt", ".pkl"):
        return True
    with path.open("rb") as file:
        head = file.read(2)
    return head == b"PK" or (head[:1] == b"\x80" and head[1:] in (b"\x02", b"\x03", b"\x04", b"\x05"))


def fits(signature: Signature, family: Family) -> bool:
    """Whether a graph takes and gives what models of a family do."""
    test = _TESTS.get(family)
    return test is not None and test(signature)


def recognise(signature: Signature) -> Family | None:
    """The family of a graph, where its inputs and outputs leave no doubt."""
    # Of swappers only inswapper's own kind is known by its last weight: others take the same and mean another identity.
    families = [family for family in _TESTS if family is not Family.HYPERSWAP and fits(signature, family)]
    return families[0] if len(families) == 1 else None


def role_of(family: Family) -> ModelRole:
    """What models of a family are for."""
    return _ROLES[family]


def crop_of(signature: Signature, family: Family) -> Crop:
    """The picture that a graph of this family takes; where the side is not fixed, the family's usual one."""
    usual = _CROPS[family]
    if family in _DETECTORS:
        return usual
    return Crop(signature.side or usual.side, usual.template, usual.mean, usual.std)


def names_of(signature: Signature, family: Family) -> dict[str, str]:
    """Our words for the inputs -> the graph's names."""
    image, other = signature.image, signature.other
    if image is None:
        return {}
    if family in (Family.INSWAPPER, Family.HYPERSWAP):
        return {"target": image.name} | ({"source": other.name} if other else {})
    if family is Family.RESTORER:
        return {"image": image.name} | ({"weight": other.name} if other else {})
    return {"image": image.name} if family is Family.XSEG else {}


_CROPS = {
    Family.SCRFD: Crop(640), Family.RETINAFACE: Crop(640), Family.YOLOV5_FACE: Crop(640),
    Family.ARCFACE: Crop(112, Template.ARCFACE, mean=0.5, std=0.5), Family.GENDER_AGE: Crop(96),
    Family.LANDMARKS_106: Crop(192), Family.LANDMARKS_68_3D: Crop(192),
    Family.INSWAPPER: Crop(128, Template.ARCFACE), Family.HYPERSWAP: Crop(256, Template.ARCFACE, mean=0.5, std=0.5),
    Family.RESTORER: Crop(512, Template.FFHQ, mean=0.5, std=0.5), Family.XSEG: Crop(256, Template.ARCFACE),
}

_DETECTORS = (Family.SCRFD, Family.RETINAFACE, Family.YOLOV5_FACE)

_ROLES = {
    **dict.fromkeys(_DETECTORS, ModelRole.DETECTOR), Family.ARCFACE: ModelRole.RECOGNISER,
    Family.GENDER_AGE: ModelRole.ATTRIBUTES, Family.LANDMARKS_106: ModelRole.LANDMARKS,
    Family.LANDMARKS_68_3D: ModelRole.LANDMARKS, Family.INSWAPPER: ModelRole.SWAPPER,
    Family.HYPERSWAP: ModelRole.SWAPPER, Family.RESTORER: ModelRole.RESTORER, Family.XSEG: ModelRole.MASK,
}


def _port(value: onnx.ValueInfoProto) -> Port:
    dims = value.type.tensor_type.shape.dim
    return Port(value.name, tuple(dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None
                                  for dim in dims))


def _side(port: Port) -> int | None:
    """Side of a square picture of three channels, 0 where it is not fixed; None: it is none."""
    if len(port.shape) != 4:
        return None
    channels_first = port.shape[1] == 3
    if not channels_first and port.shape[3] != 3:
        return None
    height, width = port.shape[2:] if channels_first else port.shape[1:3]
    if height is None or width is None:
        return 0
    return height if height == width else None


def _swaps(signature: Signature) -> bool:
    other = signature.other
    return (signature.image is not None and other is not None and other.shape[-1:] == (EMBEDDING,)
            and len(signature.outputs) == 1 and _side(signature.outputs[0]) is not None)


def _has_emap(signature: Signature) -> bool:
    return _swaps(signature) and signature.last_weight == (EMBEDDING, EMBEDDING)


def _lone_picture(signature: Signature) -> bool:
    return signature.image is not None and len(signature.inputs) == 1


def _gives(side: int, numbers: int) -> Callable[[Signature], bool]:
    """A picture of this side in, this many numbers out."""
    def test(signature: Signature) -> bool:
        return (_lone_picture(signature) and signature.side in (side, None) and len(signature.outputs) == 1
                and len(signature.outputs[0].shape) == 2 and signature.outputs[0].shape[1] == numbers)
    return test


def _heads(*widths: int) -> Callable[[Signature], bool]:
    """A picture in, and outputs whose last dimensions are these, in any order."""
    def test(signature: Signature) -> bool:
        last = [port.shape[-1] if port.shape else None for port in signature.outputs]
        return (_lone_picture(signature) and None not in last
                and sorted(width or 0 for width in last) == sorted(widths))
    return test


def _restores(signature: Signature) -> bool:
    """A large picture in, the same size out; CodeFormer takes a number beside it."""
    other = signature.other
    weighted = other is not None and len(other.shape) <= 1 and other.shape in ((), (1,), (None,))
    first = signature.outputs[0] if signature.outputs else None
    return (signature.side is not None and signature.side >= 256 and (_lone_picture(signature) or weighted)
            and first is not None and _side(first) in (signature.side, 0))


def _masks(signature: Signature) -> bool:
    """A picture in, one channel out."""
    return (_lone_picture(signature) and len(signature.outputs) == 1 and len(signature.outputs[0].shape) == 4
            and 1 in (signature.outputs[0].shape[1], signature.outputs[0].shape[3]))


_TESTS: dict[Family, Callable[[Signature], bool]] = {
    Family.SCRFD: _heads(1, 1, 1, 4, 4, 4, 10, 10, 10),
    Family.RETINAFACE: _heads(4, 2, 10),
    Family.YOLOV5_FACE: _heads(16),
    Family.ARCFACE: _gives(112, EMBEDDING),
    Family.GENDER_AGE: _gives(96, 3),
    Family.LANDMARKS_106: _gives(192, 212),
    Family.LANDMARKS_68_3D: _gives(192, 3309),
    Family.INSWAPPER: _has_emap,
    Family.HYPERSWAP: _swaps,
    Family.RESTORER: _restores,
    Family.XSEG: _masks,
}
