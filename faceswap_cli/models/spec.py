"""What is known of one model: records without behaviour, so that a model is a row of data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class ModelRole(StrEnum):
    """What a model is for."""

    DETECTOR = "detector"
    RECOGNISER = "recogniser"
    ATTRIBUTES = "attributes"
    LANDMARKS = "landmarks"
    SWAPPER = "swapper"
    RESTORER = "restorer"
    MASK = "mask"
    PACK = "pack"
    """An archive of several models; it is unpacked and not kept."""


class Family(StrEnum):
    """How a model is run: which class reads its outputs."""

    SCRFD = "scrfd"
    RETINAFACE = "retinaface"
    YOLOV5_FACE = "yolov5-face"
    ARCFACE = "arcface"
    GENDER_AGE = "gender-age"
    LANDMARKS_106 = "landmarks-106"
    LANDMARKS_68_3D = "landmarks-68-3d"
    INSWAPPER = "inswapper"
    """Identity from ArcFace, times the `emap` that is the graph's last initializer."""
    HYPERSWAP = "hyperswap"
    """Identity from ArcFace as it is."""
    RESTORER = "restorer"
    XSEG = "xseg"
    PACK = "pack"


class Template(StrEnum):
    """Where the five landmarks lie in the crop that a model takes."""

    ARCFACE = "arcface"
    """insightface's `norm_crop`: 112 pixels, or scaled to a multiple of 128 with its shift (`norm_crop2`)."""
    FFHQ = "ffhq"
    """The alignment of the FFHQ dataset, 512 pixels, as facexlib uses it."""


@dataclass(frozen=True, slots=True)
class Licence:
    """The terms of a model.

    Attributes:
        id: Short name; accepting it once is recorded under this.
        terms: One line.
        url: Where the whole text is.
        commercial: Whether commercial use is allowed.
    """

    id: str
    terms: str
    url: str
    commercial: bool


@dataclass(frozen=True, slots=True)
class Crop:
    """The picture that a model takes.

    Attributes:
        side: Pixels.
        template: Where the face lies in it; None: the whole picture (detectors).
        mean, std: The input is `(pixel / 255 - mean) / std` for RGB unless the family says otherwise.
    """

    side: int
    template: Template | None = None
    mean: float = 0.0
    std: float = 1.0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A PyTorch file that `models import` converts: its name and hash, and the architecture that it is for."""

    name: str
    sha256: str
    architecture: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One model of the catalogue.

    Attributes:
        id: What users and options call it, e.g. `inswapper_128`.
        role, family: What it is for, and how it is run.
        file: Name of the file in the models folder.
        licence: Its terms.
        summary: One short phrase for `models list`.
        sha256: Lower-case hex; None: the file is only taken with `models import`.
        bytes: Size, where known.
        urls: Where it is published, best first; empty: it comes in a pack, or only by import.
        pack: Id of the pack that holds it, or None.
        members: For a pack: ids of the models in it.
        crop: The picture it takes.
        inputs: Names of inputs that are found by name: our word -> the graph's.
        aliases: Other names, the API's among them.
        checkpoints: PyTorch files that can be converted to it.
        rank: Among the installed models of a role the lowest is taken by default.
        imported: Whether it is the user's own file and not in the catalogue.
    """

    id: str
    role: ModelRole
    family: Family
    file: str
    licence: Licence
    summary: str
    sha256: str | None = None
    bytes: int | None = None
    urls: tuple[str, ...] = ()
    pack: str | None = None
    members: tuple[str, ...] = ()
    crop: Crop | None = None
    inputs: dict[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()
    rank: int = 100
    imported: bool = False
