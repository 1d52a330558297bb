"""RetinaFace (Deng et al. 2019) in the form of its PyTorch port, as facexlib and the Segmind API use it.

Boxes, scores and landmarks come as three tables with a row for each prior box; priors and their variances are those of
SSD (Liu et al. 2016).
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from faceswap_cli.engine.analysers.detectors.base import Detected
from faceswap_cli.engine.analysers.detectors.boxes import OnnxDetector, collect, fit
from faceswap_cli.errors import ModelError
from faceswap_cli.image import FloatArray, Image
from faceswap_cli.text import opt

_PRIORS = ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))
"""Steps of the grids, in pixels, and the sides of the square prior boxes in each of their cells."""

_VARIANCES = 0.1, 0.2
_MEAN = (123, 117, 104)
"""RGB; what the picture leaves over is filled with it too, so that the network sees nothing there."""


class RetinaFaceDetector(OnnxDetector):
    """RetinaFace with any backbone (mobile0.25, resnet50).

    Its graph takes BGR minus its mean, and has outputs (1, N, 4), (1, N, 2) and (1, N, 10) in any order and of any
    names, scores as probabilities or before the softmax.
    """

    def detect(self, image: Image, side: int, score: float, clip: bool) -> list[Detected]:
        """As `Detector.detect`."""
        session = self._session.get(clip)
        fitted = fit(image, side, session, square=False, colour=_MEAN)
        pixels = (fitted.canvas.astype(np.float32) - np.array(_MEAN, np.float32))[..., ::-1]
        outputs = session.run(None, {session.inputs[0].name: np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])})
        high, wide = fitted.canvas.shape[:2]
        priors = prior_boxes(wide, high)
        tables = {table.shape[-1]: table.reshape(-1, table.shape[-1]) for table in outputs if table.ndim >= 2}
        if any(len(tables.get(columns, ())) != len(priors) for columns in (4, 2, 10)):
            raise ModelError(f"{self.name} does not give RetinaFace's boxes, scores and landmarks",
                             advice=f"take another one with {opt('detector')}")
        faces = _probabilities(tables[2])[:, 1]
        sure = np.flatnonzero(faces >= score)
        boxes, landmarks = decode(tables[4][sure], tables[10][sure], priors[sure])
        return collect(boxes, faces[sure], landmarks, fitted)


@functools.lru_cache(maxsize=8)
def prior_boxes(width: int, height: int) -> FloatArray:
    """The prior boxes of an input: float32 (N, 4), centre x and y, width and height, in pixels. Read-only."""
    grids = []
    for step, sides in _PRIORS:
        rows, columns = -(-height // step), -(-width // step)
        y, x, side = np.meshgrid((np.arange(rows) + 0.5) * step, (np.arange(columns) + 0.5) * step, sides,
                                 indexing="ij")
        grids.append(np.stack([x, y, side, side], axis=-1).reshape(-1, 4))
    priors = np.concatenate(grids).astype(np.float32)
    priors.setflags(write=False)
    return priors


def decode(boxes: npt.NDArray[np.float32], landmarks: npt.NDArray[np.float32],
           priors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Corners (N, 4) and landmarks (N, 5, 2) in pixels, from rows of the network and their prior boxes."""
    centres, sizes = priors[:, :2], priors[:, 2:]
    middle = centres + boxes[:, :2] * _VARIANCES[0] * sizes
    half = sizes * np.exp(boxes[:, 2:] * _VARIANCES[1]) / 2
    points = centres[:, None] + landmarks.reshape(-1, 5, 2) * _VARIANCES[0] * sizes[:, None]
    return np.hstack([middle - half, middle + half]), points


def _probabilities(scores: FloatArray) -> FloatArray:
    """Scores (N, 2) as probabilities: most exports end with the softmax, some before it."""
    if scores.size == 0 or (scores.min() >= 0 and np.abs(scores.sum(1) - 1).max() < 1e-3):
        return scores
    powers = np.exp(scores - scores.max(1, keepdims=True))
    shares: FloatArray = powers / powers.sum(1, keepdims=True)
    return shares
