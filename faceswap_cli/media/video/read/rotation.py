"""Turns and mirrors that a video asks its player for, applied to the planes.

Source: ISO/IEC 14496-12, the matrix of the track header, which FFmpeg hands on as side data of each frame.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

from faceswap_cli.media.video.colour.planes import PlaneArray, convert, new_picture, plane_array


@dataclass(frozen=True, slots=True)
class Turn:
    """How stored pixels become upright, in this order.

    Attributes:
        transpose: Rows and columns are swapped.
        mirror: Left and right are.
        flip: Top and bottom are.
        rounded: What was asked for is no multiple of 90 degrees; the nearest is taken.
    """

    transpose: bool = False
    mirror: bool = False
    flip: bool = False
    rounded: bool = False

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return self.transpose or self.mirror or self.flip

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the upright picture."""
        return (height, width) if self.transpose else (width, height)


NONE = Turn()


def turn_of(picture: Any) -> Turn:
    """What the display matrix of a decoded frame asks for."""
    from av.sidedata.sidedata import Type

    data = picture.side_data.get(Type.DISPLAYMATRIX)
    if data is None or len(bytes(data)) < 36:
        return NONE
    # A stored point (p, q) is shown at (a p + c q, b p + d q), down to a shift.
    a, b, _, c, d, *_ = struct.unpack("<9i", bytes(data)[:36])
    return turn_by(a, b, c, d)


def turn_by(a: int, b: int, c: int, d: int) -> Turn:
    """The turn that a matrix asks for, to the nearest 90 degrees; its scale does not count."""
    straight, across = math.hypot(a, d), math.hypot(b, c)
    if straight == across == 0:
        return NONE
    if straight >= across:
        return Turn(False, a < 0, d < 0, across > straight / 50)
    return Turn(True, c < 0, b < 0, straight > across / 50)


def turned_layout(layout: str, width: int, height: int, turn: Turn) -> str:
    """The layout of the upright picture: where chroma would not fall on whole samples, it becomes 4:4:4.

    Args:
        layout: One of `planes.CANONICAL`, of the picture as stored.
        width, height: As stored.
        turn: What is asked for.
    """
    chroma = layout[:6]
    if not turn.changes or not layout.startswith("yuv") or chroma == "yuv444":
        return layout
    halved_across, halved_down = chroma in ("yuv420", "yuv422"), chroma in ("yuv420", "yuv440")
    # Of mirrored rows with an odd number of pixels the single one at the end would come to share with a neighbour.
    mirrored_across = turn.flip if turn.transpose else turn.mirror
    mirrored_down = turn.mirror if turn.transpose else turn.flip
    off = (halved_across and mirrored_across and width % 2) or (halved_down and mirrored_down and height % 2)
    if off or (turn.transpose and chroma != "yuv420"):
        return "yuv444" + layout[6:]
    return layout


def upright(picture: Any, turn: Turn) -> Any:
    """A picture as it is meant to be seen.

    Args:
        picture: In one of `planes.CANONICAL`.
        turn: What its file asks for.

    Returns:
        A new picture in the layout of `turned_layout`; `picture` itself where there is nothing to do.
    """
    if not turn.changes:
        return picture
    layout = turned_layout(picture.format.name, picture.width, picture.height, turn)
    if layout != picture.format.name:
        picture = convert(picture, layout)
    made = new_picture(picture, *turn.size(picture.width, picture.height))
    for index in range(len(made.planes)):
        plane_array(made, index)[:] = _turned(plane_array(picture, index), turn)
    return made


def _turned(plane: PlaneArray, turn: Turn) -> PlaneArray:
    import cv2

    turned: Any = plane
    if turn.transpose:
        turned = cv2.transpose(turned)
    if turn.mirror or turn.flip:
        turned = cv2.flip(turned, -1 if turn.mirror and turn.flip else 1 if turn.mirror else 0)
    upright: PlaneArray = turned
    return upright
