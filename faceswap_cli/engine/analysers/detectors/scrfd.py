"""SCRFD (Guo et al. 2021) as insightface runs it: its own class decodes, over a session of ours.

That class was taken, and not a decoder of our own, after measuring: importing it costs 0.2 to 0.25 s and 50 MB, once
per process, prints nothing and asks no server; its `session=` keeps providers, threads and messages ours. What is not
taken is its `prepare` (the size is given with each call, so its two default sizes never run) and its reading of model
files.

Results are those of insightface, with one exception: it maps boxes back by one scale for both axes, although sides are
rounded to whole pixels before. Where that would move something by more than `ROUNDING` pixels (19 on a banner of 3000 x
500), each axis gets its own scale.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from faceswap_cli.engine.analysers.detectors.base import Detected
from faceswap_cli.engine.analysers.detectors.boxes import OVERLAP, OnnxDetector, collect, fit
from faceswap_cli.errors import MissingDependencyError, ModelError
from faceswap_cli.image import Image
from faceswap_cli.runtime.session import Session, SharedSession
from faceswap_cli.text import opt, squeeze

_HEADS = (6, 9, 10, 15)
"""Numbers of outputs of its graphs: three or five grids, each with scores, boxes and, in 9 and 15, landmarks."""

ROUNDING = 2.0
"""Pixels of the picture by which a place may be off so that it is the same as insightface's."""


class ScrfdDetector(OnnxDetector):
    """SCRFD, with landmarks (`_kps` graphs) or without. Its graph takes `(RGB - 127.5) / 128`."""

    def __init__(self, session: SharedSession) -> None:
        """Nothing is opened yet."""
        super().__init__(session)
        self._decoders: dict[Session, Any] = {}
        self._lock = threading.Lock()

    def detect(self, image: Image, side: int, score: float, clip: bool) -> list[Detected]:
        """As `Detector.detect`."""
        session = self._session.get(clip)
        with self._lock:  # what is opened keeps nothing of a call, so threads share it
            if session not in self._decoders:
                self._decoders[session] = _open_decoder(session)
            decoder = self._decoders[session]
        fitted = fit(image, side, session, square=True, colour=(0, 0, 0))
        one = fitted.unit[[1, 1]]
        if abs(one[0] / fitted.unit[0] - 1) * image.shape[1] <= ROUNDING:
            fitted = replace(fitted, unit=one)  # the scale of the height for both axes, as insightface has it
        high, wide = fitted.canvas.shape[:2]
        try:
            boxes, landmarks = decoder.detect(fitted.canvas[..., ::-1], input_size=(wide, high), det_thresh=score)
        except (ValueError, IndexError) as error:  # from NumPy, where tables are not as long as the grids
            raise ModelError(f"{self.name} does not give SCRFD's scores, boxes and landmarks for an input of {wide} x "
                             f"{high}", advice=f"take another one with {opt('detector')}") from error
        return collect(boxes[:, :4], boxes[:, 4], landmarks, fitted)


def _open_decoder(session: Session) -> Any:
    """The class of insightface over a session."""
    if len(session.outputs) not in _HEADS:
        raise ModelError(f"{session.name} is no SCRFD detector: it has {len(session.outputs)} outputs and not 6 or 9",
                         advice=f"take another one with {opt('detector')}")
    try:
        from insightface.model_zoo.scrfd import SCRFD
    except ImportError as error:
        reason = squeeze(error)
        raise MissingDependencyError(f"insightface cannot be loaded ({reason})", command="pip install insightface") \
            from error
    decoder = SCRFD(session=session)
    decoder.nms_thresh = OVERLAP
    return decoder
