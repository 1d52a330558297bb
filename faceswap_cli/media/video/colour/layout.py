"""The form that an encoder gets pictures in: size, pixel format, colour tags, and what is lost on the way to it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from faceswap_cli.media.frame import ClipInfo
from faceswap_cli.media.video.colour.planes import FULL, LIMITED
from faceswap_cli.text import opt

_BT709 = 1
_UNTOLD = 2
_RGB_MATRIX = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What every picture is before it is encoded.

    Attributes:
        width, height: In pixels; a side may be one more than that of the frames.
        pixel_format: FFmpeg's name.
        aspect: Width of a pixel over its height.
        color_range, primaries, transfer, matrix: FFmpeg's numbers (AVCOL_...).
    """

    width: int
    height: int
    pixel_format: str
    aspect: Fraction
    color_range: int
    primaries: int
    transfer: int
    matrix: int


@dataclass(frozen=True, slots=True)
class _Sampling:
    """Bits of a sample, and by how many powers of two colour is coarser than brightness."""

    depth: int
    across: int
    down: int


def plan_layout(like: ClipInfo, library: str, *, even: bool) -> tuple[Layout, list[str]]:
    """The layout for a clip, and what it loses, to be told.

    Args:
        like: The source.
        library: FFmpeg's name of the encoder.
        even: Whether it wants even sides where colour is coarser than brightness.
    """
    video = like.video
    warnings: list[str] = []
    if video is None:
        pixel_format = "yuv420p"
        tags = (LIMITED, _BT709, _BT709, _BT709)
    else:
        pixel_format = _nearest(library, video.pixel_format)
        warnings += _losses(video.pixel_format, pixel_format)
        tags = (video.color_range, video.primaries, video.transfer, video.matrix)
        if is_rgb(video.pixel_format):
            tags = (LIMITED, _or_bt709(video.primaries), _or_bt709(video.transfer), _BT709)
        elif video.pixel_format.startswith("yuvj") or (video.pixel_format.startswith("gray") and not video.color_range):
            tags = (FULL, *tags[1:])
    width, height = like.width, like.height
    if even:
        sampling = _sampling(pixel_format)
        width += width % 2 if sampling.across else 0
        height += height % 2 if sampling.down else 0
        if (width, height) != (like.width, like.height):
            warnings.append(f"{like.width} x {like.height} became {width} x {height}: this codec has even sides only; "
                            f"{opt('video-codec', 'av1')} (MP4, MKV, WebM) keeps odd ones")
    aspect = Fraction(1) if video is None else video.aspect
    color_range, primaries, transfer, matrix = tags
    return Layout(width=width, height=height, pixel_format=pixel_format, aspect=aspect, color_range=color_range,
                  primaries=primaries, transfer=transfer, matrix=matrix), warnings


def keeps_all(library: str, pixel_format: str) -> bool:
    """Whether an encoder keeps the depth and the colour of pixels of a format."""
    return not _losses(pixel_format, _nearest(library, pixel_format))


def source_depth(pixel_format: str) -> int:
    """Bits of a sample."""
    return _sampling(pixel_format).depth


def is_rgb(pixel_format: str) -> bool:
    """Whether pixels are red, green and blue, or a palette of them."""
    import av

    form = av.VideoFormat(pixel_format)
    return form.is_rgb or form.has_palette


@lru_cache(maxsize=64)
def _sampling(pixel_format: str) -> _Sampling:
    import av

    form = av.VideoFormat(pixel_format)
    if form.has_palette:
        return _Sampling(8, 0, 0)
    depth = max(component.bits for component in form.components)
    if len(form.components) < 3:  # grey: the colour of a new face has to go somewhere
        return _Sampling(depth, 1, 1)
    wide, high = form.chroma_width(64), form.chroma_height(64)
    return _Sampling(depth, (64 // wide).bit_length() - 1, (64 // high).bit_length() - 1)


@lru_cache(maxsize=64)
def _nearest(library: str, pixel_format: str) -> str:
    """The format of an encoder that loses least, then adds least."""
    import av

    want = _sampling(pixel_format)

    def cost(name: str) -> tuple[int, int, int, int]:
        got = _sampling(name)
        return (max(0, want.depth - got.depth),
                max(0, got.across - want.across) + max(0, got.down - want.down),
                max(0, got.depth - want.depth),
                max(0, want.across - got.across) + max(0, want.down - got.down))

    formats = [form.name for form in av.Codec(library, "w").video_formats or ()]
    planar = [name for name in formats if name.startswith("yuv4")]
    return min(planar, key=cost)


def _losses(source: str, written: str) -> list[str]:
    want, got = _sampling(source), _sampling(written)
    lost = []
    if got.depth < want.depth:
        lost.append(f"{want.depth} bits of a colour became {got.depth}: this codec keeps no more")
    if got.across > want.across or got.down > want.down:
        lost.append("colour became coarser than it was (4:2:0): this codec keeps no more")
    return lost


def _or_bt709(value: int) -> int:
    return _BT709 if value in (_UNTOLD, _RGB_MATRIX) else value
