"""Which detector reads the outputs of which family of models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faceswap_cli.engine.registry import load_part
from faceswap_cli.errors import ModelError
from faceswap_cli.models.spec import Family
from faceswap_cli.text import opt

if TYPE_CHECKING:
    from faceswap_cli.engine.analysers.detectors.base import Detector
    from faceswap_cli.runtime.session import SharedSession


DETECTORS: dict[Family, str] = {
    Family.SCRFD: "faceswap_cli.engine.analysers.detectors.scrfd:ScrfdDetector",
    Family.RETINAFACE: "faceswap_cli.engine.analysers.detectors.retinaface:RetinaFaceDetector",
    Family.YOLOV5_FACE: "faceswap_cli.engine.analysers.detectors.yolov5_face:Yolov5FaceDetector",
}
"""The class that reads the outputs of a family."""


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
