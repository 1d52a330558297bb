"""Which parts there are: lazy registries of strings, so that only the chosen ones are imported.

A swapper of a family that is listed here needs one row in `models/catalogue.py` and nothing else; one of a new family
needs its class and a line in `SWAPPERS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from faceswap_cli.errors import ModelError
from faceswap_cli.models.spec import Family
from faceswap_cli.options import EngineName
from faceswap_cli.text import opt

if TYPE_CHECKING:
    from faceswap_cli.engine.analysers.detectors.base import Detector
    from faceswap_cli.runtime.session import SharedSession


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """One engine.

    Attributes:
        analyser: Its analyser, as "module:Class"; follows `engine.parts.Analyser`.
        swapper: Its swapper; None: that of the model's family, in `SWAPPERS`. Follows `engine.parts.Swapper`.
        restorer: Its restorer; None: it restores no faces. Follows `engine.parts.Restorer`.
        summary: What to tell the user about it, in a few words.
    """

    analyser: str
    swapper: str | None
    restorer: str | None
    summary: str


ENGINES: dict[EngineName, EngineSpec] = {
    EngineName.EMBEDDED: EngineSpec(
        analyser="faceswap_cli.engine.analysers.embedded:EmbeddedAnalyser",
        swapper="faceswap_cli.engine.swappers.mesh:MeshSwapper",
        restorer=None,
        summary="needs no download",
    ),
    EngineName.NEURAL: EngineSpec(
        analyser="faceswap_cli.engine.analysers.insightface:InsightFaceAnalyser",
        swapper=None,
        restorer="faceswap_cli.engine.restorers:OnnxRestorer",
        summary="runs trained models",
    ),
}

SWAPPERS: dict[Family, str] = {
    Family.INSWAPPER: "faceswap_cli.engine.swappers.inswapper:InswapperSwapper",
    Family.HYPERSWAP: "faceswap_cli.engine.swappers.inswapper:InswapperSwapper",
}
"""The class that runs the swappers of a family."""

DETECTORS: dict[Family, str] = {
    Family.SCRFD: "faceswap_cli.engine.analysers.detectors.scrfd:ScrfdDetector",
    Family.RETINAFACE: "faceswap_cli.engine.analysers.detectors.retinaface:RetinaFaceDetector",
    Family.YOLOV5_FACE: "faceswap_cli.engine.analysers.detectors.yolov5_face:Yolov5FaceDetector",
}
"""The class that reads the outputs of the detectors of a family."""


def load_part(path: str) -> Any:
    """Import the class that "module:Class" names."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def detector_for(family: Family, session: SharedSession) -> Detector:
    """The detector that reads the outputs of a family of models; the graph is opened at its first use.

    Raises:
        ModelError: The family finds no faces.
    """
    name = DETECTORS.get(family)
    if name is None:
        raise ModelError(f"{session.name} finds no faces",
                         advice=f"take a detector with {opt('detector')}: faceswap models list")
    detector: Detector = load_part(name)(session)
    return detector
