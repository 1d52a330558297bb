"""The formats: whether pictures and audio can be written and read again, tried on one tiny frame of each."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import Any

from faceswap_cli.doctor.checks import Check, DoctorOptions, Look, fail, ok, reason_of, warn

_SIDE = 64
_RATE = 48_000

_PICTURES = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF")
"""Pillow's names."""

_SURE = frozenset(("JPEG", "PNG", "GIF", "TIFF", "BMP"))
"""Formats that every build has: where one is missing, Pillow is damaged."""

_STREAMS = {
    "h264": ("H.264", "libx264", "h264"),
    "h265": ("H.265", "libx265", "hevc"),
    "vp9": ("VP9", "libvpx-vp9", "vp9"),
    "av1": ("AV1", "libsvtav1", "libdav1d"),  # FFmpeg's own av1 decodes on a GPU only
    "aac": ("AAC", "aac", "aac"),
    "opus": ("Opus", "libopus", "opus"),
}
"""What people call it, its encoder and its decoder."""

_QUIET = {"libx265": {"x265-params": "log-level=none"}}
"""Options of encoders that talk past all streams."""


def _pictures(options: DoctorOptions) -> Iterator[Check]:
    """Still formats."""
    import PIL
    from PIL import Image

    picture = Image.new("RGB", (_SIDE, _SIDE), (200, 120, 80))
    good = []
    for kind in _PICTURES:
        try:
            written = io.BytesIO()
            picture.save(written, kind)
            with Image.open(io.BytesIO(written.getvalue())) as again:
                again.load()
                if again.size != picture.size:
                    raise ValueError(f"it comes back as {again.size[0]}x{again.size[1]}")
        except Exception as error:  # a build without the format raises KeyError, OSError or an error of its own
            bad = fail if kind in _SURE else warn
            yield bad(kind.lower(), f"this Pillow ({PIL.__version__}) cannot write and read it: {reason_of(error)}",
                      "pip install --force-reinstall pillow", pillow=PIL.__version__)
        else:
            good.append(kind)
    names = ", ".join("WebP" if kind == "WEBP" else kind for kind in good)
    yield ok("pictures", f"{names} (Pillow {PIL.__version__})", pillow=PIL.__version__, formats=good)


def _stream(name: str, options: DoctorOptions) -> Iterator[Check]:
    """A codec of videos or their audio: one frame through the encoder and back."""
    import av

    label, encoder, decoder = _STREAMS[name]
    advice = "pip install --force-reinstall av (its wheels have all of these)"
    bad = fail if name == "h264" else warn
    try:
        packets, extra = _encode(encoder)
    except Exception as error:  # PyAV has an error for each of FFmpeg's, and others for codecs that are not there
        yield bad(name, f"{label} cannot be written: {encoder}: {reason_of(error)}", advice, encoder=encoder)
        return
    try:
        frames = _decode(decoder, packets, extra)
    except Exception as error:  # likewise
        yield bad(name, f"{label} cannot be read: {decoder}: {reason_of(error)}", advice, decoder=decoder)
        return
    if not frames:
        yield bad(name, f"{label}: what {encoder} writes cannot be read again", advice, encoder=encoder)
    else:
        by = f"{encoder}, PyAV {av.__version__}" if name == "h264" else encoder
        yield ok(name, f"{label} ({by})", encoder=encoder, decoder=decoder, pyav=av.__version__)


def _encode(encoder: str) -> tuple[list[Any], bytes | None]:
    """One frame as packets, and what a decoder needs before them."""
    import av
    import numpy as np

    av.logging.set_level(None)
    context: Any = av.CodecContext.create(encoder, "w")
    frame: Any
    if context.type == "video":
        context.width = context.height = _SIDE
        context.pix_fmt = "yuv420p"
        context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
        context.options = _QUIET.get(encoder, {})
        frame = av.VideoFrame.from_ndarray(np.full((_SIDE, _SIDE, 3), 128, np.uint8), format="rgb24")
        frame = frame.reformat(format="yuv420p")
        frame.time_base = context.time_base
    else:
        context.sample_rate, context.layout = _RATE, "mono"
        context.format = "fltp" if encoder == "aac" else "flt"
        context.open()
        silence = np.zeros((1, context.frame_size), np.float32)
        frame = av.AudioFrame.from_ndarray(silence, format=context.format.name, layout="mono")
        frame.sample_rate = _RATE
    frame.pts = 0
    return [*context.encode(frame), *context.encode(None)], context.extradata


def _decode(decoder: str, packets: list[Any], extra: bytes | None) -> list[Any]:
    """The frames that packets hold."""
    import av

    context: Any = av.CodecContext.create(decoder, "r")
    if extra:
        context.extradata = extra
    return [frame for packet in [*packets, None] for frame in context.decode(packet)]


LOOKS: dict[str, Look] = {
    "pictures": _pictures,
    **{name: partial(_stream, name) for name in _STREAMS},
}
