"""YOLOv5-face (Qi et al. 2021), any size, in both forms in which it is exported: decoded rows, or the three heads."""

from __future__ import annotations

import numpy as np

from faceswap_cli.engine.analysers.detectors.base import Detected
from faceswap_cli.engine.analysers.detectors.boxes import OnnxDetector, collect, fit
from faceswap_cli.errors import ModelError
from faceswap_cli.image import FloatArray, Image
from faceswap_cli.text import opt

_ANCHORS = {
    8: ((4, 5), (8, 10), (13, 16)),
    16: ((23, 29), (43, 55), (73, 105)),
    32: ((146, 217), (231, 300), (335, 433)),
}
"""Widths and heights, in pixels, of the anchors in each cell of the grid with that step."""

_ROW = 16
"""Numbers of a row: centre and size of the box, objectness, five landmarks, and the class."""

_GREY = (114, 114, 114)
"""What the picture leaves over is filled with, as in training."""


class Yolov5FaceDetector(OnnxDetector):
    """YOLOv5-face: n, s, m and l.

    Its graph takes RGB / 255, and has an output (1, N, 16) of decoded rows, or three heads (1, 3, h, w, 16) or
    (1, 48, h, w) as the last convolutions give them.
    """

    def detect(self, image: Image, side: int, score: float, clip: bool) -> list[Detected]:
        """As `Detector.detect`; the score is that of a thing times that of a face."""
        session = self._session.get(clip)
        fitted = fit(image, side, session, square=False, colour=_GREY)
        pixels = (fitted.canvas.astype(np.float32) / 255).transpose(2, 0, 1)[None]
        outputs = session.run(None, {session.inputs[0].name: np.ascontiguousarray(pixels)})
        rows = self._rows(outputs, fitted.canvas.shape[0])
        scores = rows[:, 4] * rows[:, 15]
        rows, scores = rows[scores >= score], scores[scores >= score]
        middle, half = rows[:, :2], rows[:, 2:4] / 2
        return collect(np.hstack([middle - half, middle + half]), scores, rows[:, 5:15].reshape(-1, 5, 2), fitted)

    def _rows(self, outputs: list[FloatArray], height: int) -> FloatArray:
        """Decoded rows (N, 16), in pixels of the canvas."""
        for output in outputs:
            if output.ndim == 3 and output.shape[-1] == _ROW:
                return output.reshape(-1, _ROW)
        heads = [_as_grid(output) for output in outputs]
        rows = [decode(grid, height // grid.shape[1]) for grid in heads
                if grid is not None and height // grid.shape[1] in _ANCHORS]
        if len(rows) != len(_ANCHORS):
            raise ModelError(f"{self.name} does not give YOLOv5-face's rows of {_ROW} numbers",
                             advice=f"take another one with {opt('detector')}")
        return np.concatenate(rows)


def _as_grid(output: FloatArray) -> FloatArray | None:
    """A head as (3, h, w, 16), or None when it is none."""
    if output.ndim == 5 and output.shape[1] == 3 and output.shape[-1] == _ROW:
        return output.reshape(output.shape[1:])
    if output.ndim == 4 and output.shape[1] == 3 * _ROW:
        return output.reshape(3, _ROW, *output.shape[2:]).transpose(0, 2, 3, 1)
    return None


def decode(grid: FloatArray, step: int) -> FloatArray:
    """Rows (N, 16) in pixels, from one head.

    Args:
        grid: (3, h, w, 16), a row for each anchor and cell, before any sigmoid.
        step: Pixels per cell: 8, 16 or 32.
    """
    rows, columns = grid.shape[1:3]
    cells = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).astype(np.float32)
    anchors = np.array(_ANCHORS[step], np.float32)[:, None, None]
    decoded = grid.astype(np.float32)
    rated = [0, 1, 2, 3, 4, 15]
    decoded[..., rated] = 1 / (1 + np.exp(-decoded[..., rated]))
    decoded[..., :2] = (decoded[..., :2] * 2 - 0.5 + cells) * step
    decoded[..., 2:4] = (decoded[..., 2:4] * 2) ** 2 * anchors
    for start in range(5, 15, 2):
        decoded[..., start:start + 2] = decoded[..., start:start + 2] * anchors + cells * step
    return decoded.reshape(-1, _ROW)
