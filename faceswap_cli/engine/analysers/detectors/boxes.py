"""What the detectors share: pictures fitted into the square that a network sees, and each face reported once."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from faceswap_cli.engine.analysers.detectors.base import Detected, Detector
from faceswap_cli.faces.face import Box
from faceswap_cli.image import Image
from faceswap_cli.runtime.session import Session, SharedSession

OVERLAP = 0.4
"""Intersection over union from which two boxes are the same face."""

STRIDE = 32
"""The coarsest grid of every detector: sides of its input are multiples of this."""

Array = npt.NDArray[np.floating]


class OnnxDetector(Detector):
    """A detector over one graph, whose input is (1, 3, H, W), H and W open or fixed."""

    def __init__(self, session: SharedSession) -> None:
        """Nothing is opened yet."""
        self.name = session.name
        self._session = session

    def fixed_side(self, clip: bool) -> int | None:
        """As `Detector.fixed_side`."""
        size = input_size(self._session.get(clip))
        return None if size is None else min(size)


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A picture as the network sees it.

    Attributes:
        canvas: uint8 (H, W, 3) RGB: the picture in the upper left corner, one colour beside and below it.
        unit: float64 (2,), pixels of the picture per pixel of the canvas, across and down: they differ a little, since
            sides are whole pixels.
    """

    canvas: Image
    unit: npt.NDArray[np.float64]


def fit(image: Image, side: int, session: Session, *, square: bool, colour: tuple[int, int, int]) -> Fitted:
    """Fit a picture into the input of a network.

    Args:
        image: uint8 (H, W, 3) RGB.
        side: Of the square that the picture is fitted into, unless the network's input is smaller.
        session: Of the network; its input is (N, 3, H, W), each of H and W a number or open.
        square: Whether an open input is always `side` long and wide, and not only as large as the picture needs.
        colour: RGB of what the picture leaves over.
    """
    height, width = image.shape[:2]
    fixed = input_size(session)
    wide, high = (side, side) if fixed is None else (min(side, fixed[0]), min(side, fixed[1]))
    # Whole pixels are counted as insightface counts them, so that its detector sees the very same picture.
    ratio = height / width
    if ratio > high / wide:
        wide = max(1, int(high / ratio))
    else:
        high = max(1, int(wide * ratio))
    room = fixed or ((side, side) if square else (_up(wide), _up(high)))
    canvas = np.empty((room[1], room[0], 3), np.uint8)
    canvas[high:] = canvas[:high, wide:] = colour
    canvas[:high, :wide] = cv2.resize(image, (wide, high), interpolation=cv2.INTER_LINEAR)
    return Fitted(canvas, np.array([width / wide, height / high]))


def input_size(session: Session) -> tuple[int, int] | None:
    """Width and height of the only picture that a network takes; None: of any."""
    shape = session.inputs[0].shape
    if len(shape) == 4 and isinstance(shape[2], int) and isinstance(shape[3], int) and min(shape[2], shape[3]) > 0:
        return shape[3], shape[2]
    return None


def collect(boxes: Array, scores: Array, landmarks: Array | None, fitted: Fitted) -> list[Detected]:
    """The faces among candidates, best first, in pixels of the picture.

    Args:
        boxes: (N, 4): x1, y1, x2, y2 on the canvas.
        scores: (N,).
        landmarks: (N, 5, 2) on the canvas, or None.
        fitted: The canvas.
    """
    found = []
    for number in distinct(boxes, scores):
        corners = boxes[number].reshape(2, 2).astype(np.float64) * fitted.unit
        points = None if landmarks is None else landmarks[number].astype(np.float64) * fitted.unit
        found.append(Detected(Box(*corners.ravel().tolist()), float(scores[number]), points))
    return found


def distinct(boxes: Array, scores: Array, overlap: float = OVERLAP) -> list[int]:
    """Numbers of the boxes that stay when of those that overlap only the best does: best first.

    Greedy non-maximum suppression; of equal scores the first one stays.

    Args:
        boxes: (N, 4): x1, y1, x2, y2.
        scores: (N,).
        overlap: Intersection over union above which two boxes are the same thing.
    """
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while order.size:
        best, order = int(order[0]), order[1:]
        kept.append(best)
        order = order[shared_part(boxes[best], boxes[order]) <= overlap]
    return kept


def shared_part(box: Array, others: Array) -> Array:
    """Intersection over union, 0..1, of one box (4,) with others (N, 4)."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    common = (high - low).clip(min=0).prod(1)
    areas = (others[:, 2:] - others[:, :2]).clip(min=0).prod(1) + (box[2:] - box[:2]).clip(min=0).prod()
    part: Array = common / np.maximum(areas - common, 1e-9)
    return part


def _up(pixels: int) -> int:
    return -(-pixels // STRIDE) * STRIDE
