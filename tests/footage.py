"""Small videos that tests make by PyAV: moving pictures that can be told apart, audio, turns, odd times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

LOSSLESS = {
    "libx264": {"qp": "0", "preset": "ultrafast"},
    "libx265": {"x265-params": "lossless=1:log-level=none", "preset": "ultrafast"},
    "libvpx-vp9": {"lossless": "1", "cpu-used": "8"},
    "ffv1": {},
}


@dataclass(frozen=True)
class Clip:
    """What `make_clip` makes.

    Attributes:
        codec: FFmpeg's name of the encoder.
        pixel_format: Of the planes.
        width, height, frames, rate: As usual.
        times: Of the frames, in units of `time_base`, for variable rates; empty: even ones.
        time_base: Unit of `times`.
        options: Of the encoder.
        turn: Degrees, counter-clockwise, that a player is asked to turn the picture.
        mirrored: A player is asked to mirror it.
        aspect: Of a pixel.
        color: `color_range`, `color_primaries`, `color_trc`, `colorspace`, by FFmpeg's numbers.
        audio: Name of an encoder of audio; empty: none.
        gop: Frames from key frame to key frame.
        container_options: Of the muxer, e.g. `movflags`.
        metadata: Of the file.
        late: Seconds after which the pictures begin, when there is audio.
        pictures: RGB frames, uint8 (H, W, 3); empty: those of `picture`.
    """

    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    width: int = 64
    height: int = 48
    frames: int = 12
    rate: Fraction = Fraction(25)
    times: Sequence[int] = ()
    time_base: Fraction = Fraction(1, 1000)
    options: dict[str, str] = field(default_factory=dict)
    turn: int = 0
    mirrored: bool = False
    aspect: Fraction = Fraction(1)
    color: dict[str, int] = field(default_factory=dict)
    audio: str = ""
    gop: int = 6
    container_options: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    late: Fraction = Fraction(0)
    pictures: Sequence[np.ndarray] = ()


def picture(width: int, height: int, number: int = 0) -> np.ndarray:
    """A soft picture whose top left corner is red and whose bottom right corner is blue, brighter with each number."""
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    made = np.stack([220 - 180 * x - 40 * y, 80 + 60 * np.sin(6 * x + number / 3), 40 + 120 * x + 60 * y], -1)
    made += number * 3 % 30
    return np.clip(made, 0, 255).astype(np.uint8)


def make_clip(path: Path, clip: Clip = Clip()) -> Path:
    """Write a clip; the container goes by the suffix of `path`."""
    with av.open(str(path), "w", options=clip.container_options) as container:
        container.metadata.update(clip.metadata)
        stream: Any = container.add_stream(clip.codec, rate=clip.rate)
        stream.width, stream.height, stream.pix_fmt = clip.width, clip.height, clip.pixel_format
        stream.codec_context.gop_size = clip.gop
        stream.codec_context.options = {**LOSSLESS.get(clip.codec, {}), **clip.options}
        if clip.aspect != 1:
            stream.codec_context.sample_aspect_ratio = clip.aspect
        for name, value in clip.color.items():
            setattr(stream.codec_context, name, value)
        base = clip.time_base if clip.times else 1 / clip.rate
        if clip.times:
            stream.codec_context.time_base = base
        if clip.turn or clip.mirrored:
            stream.set_display_rotation(clip.turn, hflip=clip.mirrored)
        audio: Any = container.add_stream(clip.audio, rate=48000) if clip.audio else None
        times = clip.times or range(clip.frames)
        for number, time in enumerate(times):
            pixels = clip.pictures[number] if clip.pictures else picture(clip.width, clip.height, number)
            frame = encoded_picture(pixels, clip)
            frame.time_base = base
            frame.pts = time + round(clip.late / base)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if audio is not None:
            seconds = float(times[-1] * base) + 1 / float(clip.rate)
            write_sound(container, audio, seconds + float(clip.late))
    return path


def encoded_picture(pixels: np.ndarray, clip: Clip) -> av.VideoFrame:
    """RGB in the planes that an encoder takes."""
    full = clip.color.get("color_range") == 2 or clip.pixel_format.startswith(("gbr", "rgb"))
    matrix = {1: 1, 9: 9}.get(clip.color.get("colorspace", 2), 5)
    frame = av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(
        format=clip.pixel_format, src_color_range=2, dst_color_range=2 if full else 1, src_colorspace=matrix,
        dst_colorspace=matrix)
    for name, value in clip.color.items():
        setattr(frame, name, value)
    return frame


def write_sound(container: Any, stream: Any, seconds: float) -> None:
    """A tone of 440 Hz."""
    rate = stream.codec_context.sample_rate
    samples = (np.sin(np.arange(int(seconds * rate)) * 2 * np.pi * 440 / rate) * 8000).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
    frame.sample_rate = rate
    frame.pts = 0
    resampler = av.AudioResampler(stream.codec_context.format, stream.codec_context.layout, rate,
                                  frame_size=stream.codec_context.frame_size or None)
    for piece in (*resampler.resample(frame), *resampler.resample(None)):
        container.mux(stream.encode(piece))
    container.mux(stream.encode())
