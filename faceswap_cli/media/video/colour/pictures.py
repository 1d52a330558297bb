"""Frames of a clip as pictures for an encoder: planes kept where they can be, colour converted where it must be."""

from __future__ import annotations

from typing import Any

import numpy as np

from faceswap_cli.errors import OutputError
from faceswap_cli.image import Image, Plane, on_white
from faceswap_cli.media.frame import Frame
from faceswap_cli.media.video.colour.layout import Layout, is_rgb
from faceswap_cli.media.video.colour.planes import FULL, LIMITED, convert, enlarged, new_picture, plane_array

_BT709 = 1


class PictureMaker:
    """Makes pictures of one layout.

    Attributes:
        flattened: Whether a pixel was not opaque, and lies on white now.
    """

    def __init__(self, layout: Layout) -> None:
        self.flattened = False
        self._layout = layout

    def make(self, frame: Frame) -> Any:
        """A frame as an `av.VideoFrame` of the layout. One that needs no change is the decoder's own."""
        if frame.native is None:
            picture = self._from_rgb(frame.pixels, frame.alpha)
        elif frame.pixels is frame.native.shown:
            picture = frame.native.picture
        else:
            from faceswap_cli.media.video.colour.tones import add_change

            picture = add_change(frame.native.picture, frame.native.shown, frame.pixels)
        return self._fit(self._convert(picture))

    def _from_rgb(self, pixels: Image, alpha: Plane | None) -> Any:
        import av

        if alpha is not None and int(alpha.min()) < 255:
            self.flattened = True
            pixels = on_white(pixels, alpha)
        return av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")

    def _convert(self, picture: Any) -> Any:
        """The layout's pixel format, with the planes as they are where that is enough."""
        target = self._layout.pixel_format
        name = picture.format.name
        if name == target:
            return picture
        if is_rgb(name):
            return _rgb_to_yuv(picture, target)
        if name.startswith("gray"):
            return self._convert(_add_neutral_colour(picture))
        return convert(picture, target)

    def _fit(self, picture: Any) -> Any:
        """One column or row more where the layout wants it: the last one again."""
        width, height = self._layout.width, self._layout.height
        more_columns, more_rows = width - picture.width, height - picture.height
        if not (more_columns or more_rows):
            return picture
        if not (0 <= more_columns <= 1 and 0 <= more_rows <= 1):
            raise OutputError(f"a frame of {picture.width} x {picture.height} pixels does not fit a video of "
                              f"{width} x {height}")
        return enlarged(picture, width, height)


def _rgb_to_yuv(picture: Any, target: str) -> Any:
    """RGB in the usual form of video: BT.709, limited range."""
    from av.video.reformatter import Colorspace, Interpolation

    told = LIMITED if picture.color_range == LIMITED else FULL
    flags = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP | Interpolation.BITEXACT
    made = picture.reformat(format=target, interpolation=flags, src_color_range=told, dst_color_range=LIMITED,
                            dst_colorspace=Colorspace.ITU709, threads=1)
    made.colorspace, made.color_range = _BT709, LIMITED
    return made


def _add_neutral_colour(picture: Any) -> Any:
    """A grey picture as 4:2:0 without colour, the brightness as it is."""
    layout = picture.format.name.replace("gray", "yuv420p")
    made = new_picture(picture, layout=layout)
    plane_array(made, 0)[:] = plane_array(picture, 0)
    middle = 1 << (picture.format.components[0].bits - 1)
    for index in (1, 2):
        plane_array(made, index)[:] = middle
    return made
