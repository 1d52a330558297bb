"""Films that tests make themselves: a texture that moves, a tone, subtitles, chapters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from faceswap_cli.media.frame import ClipInfo, Frame, Native, VideoFacts
from faceswap_cli.options import MediaFormat

_LOOKS = b"[Script Info]\n[V4+ Styles]\nFormat: Name\nStyle: Default\n[Events]\n"
RATE = Fraction(25)
TONE = 48_000


def texture(width: int, height: int, step: int) -> Any:
    """uint8 (H, W, 3): smooth, moves by `step`."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin((x + 3 * step) / (9 + k) + y / (7 + 2 * k) + k) for k in range(3)]
    return np.stack([(110 + 80 * wave).astype(np.uint8) for wave in waves], axis=2)


def film(path: Path, *, frames: int = 12, size: tuple[int, int] = (128, 96), codec: str = "libx264",
         pixel_format: str = "yuv420p", ticks: Sequence[int] | None = None, unit: Fraction = 1 / RATE,
         sounds: Sequence[str] = (), subtitles: Sequence[tuple[float, float, str]] = (),
         chapters: Sequence[tuple[float, float, str]] = (), tags: dict[str, str] | None = None,
         color: tuple[int, int, int, int] = (0, 2, 2, 2), options: dict[str, str] | None = None,
         aspect: Fraction = Fraction(1), sound_from: Fraction = Fraction(0)) -> Path:
    """A film at `path`, of the kind that its suffix says.

    Args:
        path: Where it goes.
        ticks: When its pictures are shown, in `unit`; None: one a unit.
        sounds: Codecs of its tracks of audio.
        subtitles: Begin and end in seconds, and text; MP4 only.
        color: Range, primaries, transfer, matrix, in FFmpeg's numbers.
        sound_from: Seconds after which the audio begins.
    """
    ticks = list(range(frames)) if ticks is None else list(ticks)
    with av.open(str(path), "w") as out:
        out.metadata.update(tags or {})
        video = out.add_stream(codec, 1 / unit, options=options or {})
        video.width, video.height, video.pix_fmt = *size, pixel_format
        video.time_base = video.codec_context.time_base = unit
        context = video.codec_context
        context.color_range, context.color_primaries, context.color_trc, context.colorspace = color
        context.sample_aspect_ratio = aspect
        video.metadata["language"] = "deu"
        tracks = [out.add_stream(name, TONE, layout="stereo") for name in sounds]
        for number, track in enumerate(tracks):
            track.metadata["language"] = ("eng", "fra", "spa")[number]
        text = None
        if subtitles:
            text = out.add_stream("mov_text")
            text.codec_context.subtitle_header = _LOOKS
            text.codec_context.time_base = Fraction(1, 1000)
            text.metadata["language"] = "ita"
        if chapters:
            out.set_chapters([{"id": number, "start": round(begin * 1000), "end": round(end * 1000),
                               "time_base": Fraction(1, 1000), "metadata": {"title": title}}
                              for number, (begin, end, title) in enumerate(chapters)])
        for number, tick in enumerate(ticks):
            picture = av.VideoFrame.from_ndarray(texture(*size, number), format="rgb24").reformat(format=pixel_format)
            picture.pts, picture.time_base = tick, unit
            out.mux(video.encode(picture))
        out.mux(video.encode(None))
        seconds = (ticks[-1] + 1) * unit
        for number, track in enumerate(tracks):
            for part in _tone(seconds, 220 * (number + 1), sound_from):
                out.mux(track.encode(part))
            out.mux(track.encode(None))
        for begin, end, words in subtitles:
            packet = av.Packet(len(words.encode()).to_bytes(2, "big") + words.encode())
            packet.pts = packet.dts = round(begin * 1000)
            packet.duration = round((end - begin) * 1000)
            packet.time_base, packet.stream, packet.is_keyframe = Fraction(1, 1000), text, True
            out.mux(packet)
    return path


def _tone(seconds: Fraction, pitch: int, start: Fraction) -> Iterator[Any]:
    total = int(seconds * TONE)
    for begin in range(0, total, 1024):
        at = np.arange(begin, min(begin + 1024, total)) * 2 * np.pi * pitch / TONE
        samples = (np.sin(at) * 0.3).astype(np.float32)[np.newaxis].repeat(2, 0)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = TONE, begin + int(start * TONE), Fraction(1, TONE)
        yield frame


def facts(path: Path, **more: Any) -> ClipInfo:
    """What a reader would tell of a film, as far as the writer wants it."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        first = next(container.decode(stream))
        video = VideoFacts(
            path=path, name=path.name, codec=context.codec.canonical_name, pixel_format=context.pix_fmt,
            rate=stream.average_rate, time_base=stream.time_base, aspect=stream.sample_aspect_ratio or Fraction(1),
            color_range=int(first.color_range), primaries=int(first.color_primaries), transfer=int(first.color_trc),
            matrix=int(first.colorspace), start=first.pts * stream.time_base, **more)
        return ClipInfo(format=MediaFormat.MP4, width=context.width, height=context.height, frame_count=stream.frames,
                        video=video)


def frames_of(path: Path, *, begin: int = 0) -> Iterator[Frame]:
    """The frames of a film as a reader would hand them out; pixels are never looked at."""
    blank = np.zeros((1, 1, 3), np.uint8)
    with av.open(str(path)) as container:
        unit = container.streams.video[0].time_base
        first = None
        waiting: Any = None
        number = 0
        for picture in container.decode(video=0):
            first = picture.pts if first is None else first
            if waiting is not None:
                if number >= begin:
                    yield Frame(pixels=blank, duration=(picture.pts - waiting.pts) * unit,
                                native=Native(waiting, blank), time=(waiting.pts - first) * unit)
                number += 1
            waiting = picture
        assert waiting is not None and first is not None
        if number >= begin:
            yield Frame(pixels=blank, duration=waiting.duration * unit, native=Native(waiting, blank),
                        time=(waiting.pts - first) * unit)


def packets(path: Path, kind: str, number: int = 0) -> list[tuple[bytes, Fraction]]:
    """Bytes and times of the packets of a track."""
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[number]
        return [(bytes(packet), (packet.pts or 0) * packet.time_base)
                for packet in container.demux(stream) if packet.size]


def shown(path: Path) -> list[tuple[Fraction, Fraction]]:
    """When the pictures of a film are shown, and for how long."""
    with av.open(str(path)) as container:
        unit = container.streams.video[0].time_base
        found = sorted((packet.pts * unit, packet.duration * unit)
                       for packet in container.demux(video=0) if packet.size)
    return found

