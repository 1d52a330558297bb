"""Pictures of what was found: numbered boxes and landmarks on a copy, and crops of single faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from faceswap_cli.faces.align import upright_crop, warp_crop
from faceswap_cli.faces.face import Box, Face
from faceswap_cli.faces.five_points import camera_of
from faceswap_cli.image import Image
from faceswap_cli.media.frame import Frame

_LINE = (0, 230, 118)
_DOT = (255, 214, 0)
_INK = (0, 0, 0)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_BOX_MARGIN = 0.25


def annotate(frame: Frame, faces: Sequence[tuple[int, Face]]) -> Frame:
    """A copy of the frame with a numbered box and dots for the landmarks of each face.

    Lines grow with the picture, so that they can be seen when it is shown smaller. Where the picture is transparent
    the marks are opaque all the same.
    """
    if not faces:
        return frame
    pixels = frame.pixels.copy()
    marks = np.zeros(pixels.shape[:2], np.uint8) if frame.alpha is not None else None
    for index, face in faces:
        _mark(pixels, index, face)
        if marks is not None:
            _mark(marks, index, face)
    alpha = None if frame.alpha is None or marks is None else np.maximum(frame.alpha, np.where(marks > 0, 255, 0))
    return replace(frame, pixels=pixels, alpha=None if alpha is None else alpha.astype(np.uint8))


def crop_face(image: Image, face: Face, side: int) -> Image:
    """One face alone: upright and `side` x `side` where 68 or five landmarks tell its pose, else its box with a margin.

    A box crop keeps the picture's scale, and ends where the picture does.
    """
    if len(face.landmarks) in (5, 68):
        crop = warp_crop(image, upright_crop(camera_of(face.landmarks), side), side)
        return np.ascontiguousarray(crop, dtype=np.uint8)
    x1, y1, x2, y2 = _clip(face.box, _BOX_MARGIN, image.shape[1], image.shape[0])
    return np.ascontiguousarray(image[y1:y2, x1:x2])


def _mark(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], index: int, face: Face) -> None:
    """Draw one face's marks in place, in colour on (H, W, 3), in white on (H, W)."""
    colour = pixels.ndim == 3
    height, width = pixels.shape[:2]
    stroke = max(1, round(min(width, height) / 400))
    x1, y1, x2, y2 = _clip(face.box, 0.0, width, height)
    line, dot, ink = (_LINE, _DOT, _INK) if colour else ((255,), (255,), (255,))
    cv2.rectangle(pixels, (x1, y1), (x2 - 1, y2 - 1), line, stroke)
    radius = max(1, round(face.box.width / 120))
    for x, y in np.round(face.landmarks).astype(int).tolist():
        cv2.circle(pixels, (x, y), radius, dot, cv2.FILLED, cv2.LINE_AA if colour else cv2.LINE_8)
    scale = max(0.4, min(width, height) / 900)
    text = str(index)
    (text_width, text_height), _ = cv2.getTextSize(text, _FONT, scale, stroke)
    pad = 2 * stroke
    # The label sits inside the upper left corner of the box, which is never outside the picture.
    cv2.rectangle(pixels, (x1, y1), (x1 + text_width + 2 * pad, y1 + text_height + 2 * pad), line, cv2.FILLED)
    cv2.putText(pixels, text, (x1 + pad, y1 + text_height + pad), _FONT, scale, ink, stroke,
                cv2.LINE_AA if colour else cv2.LINE_8)


def _clip(box: Box, margin: float, width: int, height: int) -> tuple[int, int, int, int]:
    """The box, widened by a fraction of its size, in whole pixels inside the picture; at least one pixel."""
    dx, dy = margin * box.width, margin * box.height
    x1, y1 = min(max(round(box.x1 - dx), 0), width - 1), min(max(round(box.y1 - dy), 0), height - 1)
    x2, y2 = min(max(round(box.x2 + dx), x1 + 1), width), min(max(round(box.y2 + dy), y1 + 1), height)
    return x1, y1, x2, y2
