"""Which detector reads the outputs of which family of models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faceswap_cli.errors import ModelError
from faceswap_cli.models.spec import Family
from faceswap_cli.text import opt

if TYPE_CHECKING:
    from faceswap_cli.engine.analysers.detectors.base import Detector
    from faceswap_cli.runtime.session import SharedSession


def detector_for(family: Family, session: SharedSession) -> Detector:
    """The detector that reads the outputs of a family of models; the graph is opened at its first use.

    Raises:
        ModelError: The family finds no faces.
    """
    if family is Family.SCRFD:
        from faceswap_cli.engine.analysers.detectors.scrfd import ScrfdDetector

        return ScrfdDetector(session)
    if family is Family.RETINAFACE:
        from faceswap_cli.engine.analysers.detectors.retinaface import RetinaFaceDetector

        return RetinaFaceDetector(session)
    if family is Family.YOLOV5_FACE:
        from faceswap_cli.engine.analysers.detectors.yolov5_face import Yolov5FaceDetector

        return Yolov5FaceDetector(session)
    raise ModelError(f"{session.name} finds no faces",
                     advice=f"take a detector with {opt('detector')}: faceswap models list")
