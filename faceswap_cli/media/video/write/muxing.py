"""Puts encoded pictures and what comes along with them into one file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any, BinaryIO

from faceswap_cli.media.formats import container_of
from faceswap_cli.media.frame import VideoFacts
from faceswap_cli.media.marks.provenance import mark
from faceswap_cli.media.video.colour.hdr import HdrMetadata
from faceswap_cli.media.video.write.encoders import EncoderSettings, usable_rate
from faceswap_cli.media.video.write.segments import SegmentStore
from faceswap_cli.media.video.write.streams import Companions, copied_chapters, open_companions
from faceswap_cli.media.video.write.tags import append_mark, copied_tags, mark_tags
from faceswap_cli.options import MediaFormat, MediaOptions

if TYPE_CHECKING:
    from av.container import OutputContainer

_SAME_RATE = 0.01

_TIMESCALE = 10_000
"""Least units in a second of a track, as FFmpeg takes them."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a finished file should hold.

    Attributes:
        pictures: How many.
        end: When the last one ends, in seconds.
        sounds: Packets of each track of audio, in order.
        warnings: What was left out or changed.
    """

    pictures: int
    end: Fraction
    sounds: tuple[int, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MuxPlan:
    """All that the finished file is made of, but for the encoded pictures.

    Attributes:
        kind: The container.
        settings: The encoder's.
        hdr: As given to the encoder.
        unit: Of the times of the pictures, in seconds.
        video: The source; None: it was no video.
        options: The mark, and whether only a part of the source is taken.
    """

    kind: MediaFormat
    settings: EncoderSettings
    hdr: HdrMetadata | None
    unit: Fraction
    video: VideoFacts | None
    options: MediaOptions


def mux(file: BinaryIO, plan: MuxPlan, store: SegmentStore) -> Written:
    """Write the whole file.

    Raises:
        OSError: It cannot be written.
        av.FFmpegError: Likewise.
        InputError: The audio of the source cannot be read.
    """
    import av

    container = container_of(plan.kind)
    out = av.open(file, "w", format=container.muxer, container_options=_options(plan),
                  io_open=lambda url, flags, options: _SecondLook(file))
    companions: Companions | None = None
    try:
        ticks = [tick for segment in store.kept for tick in segment.ticks]
        end = store.kept[-1].end
        rate, came = plan.settings.rate, len(ticks) / ((end - ticks[0]) * plan.unit)
        if abs(came / rate - 1) >= _SAME_RATE:  # the frames that came were others than the source tells
            rate = usable_rate(came)
        pictures = out.add_stream(plan.settings.encoder.library, rate)
        replace(plan.settings, rate=rate).configure(pictures.codec_context, plan.hdr)
        pictures.time_base = plan.unit
        metadata: dict[str, str] = {}
        if plan.video is not None:
            companions = open_companions(out, plan.kind, plan.video, trimmed=plan.options.trim is not None)
            metadata = copied_tags(companions.source.metadata, everything=plan.video.keep_metadata)
        packet = mark(plan.options)
        if packet is not None and not container.boxes:
            metadata |= mark_tags(plan.options)
        out.metadata.update(metadata)
        shift = 0
        if companions is not None and plan.video is not None:
            shift = round((companions.origin - plan.video.start) / plan.unit)
            chapters = copied_chapters(companions, (end - shift) * plan.unit)
            if chapters:
                out.set_chapters(chapters)
        out.start_encoding()
        audio = companions.packets() if companions is not None else iter(())
        _interleave(out, _pictures(store, ticks, end, shift, plan.unit, pictures), audio)
        out.close()
    except BaseException:
        with suppress(Exception):  # it tries to write its end, which fails like what came before
            out.close()
        raise
    finally:
        if companions is not None:
            companions.source.close()
    if packet is not None and container.boxes:
        append_mark(file, packet)
    tracks = companions.tracks.values() if companions is not None else ()
    counts = tuple(track.count for track in tracks if track.target.type == "audio")
    told = tuple(companions.warnings) if companions is not None else ()
    return Written(len(ticks), (end - shift) * plan.unit, counts, told)


def _options(plan: MuxPlan) -> dict[str, str]:
    exact = {"fflags": "+bitexact"}  # no dates, no random numbers, no versions
    if container_of(plan.kind).boxes:
        scale = plan.unit.denominator
        while scale < _TIMESCALE:
            scale *= 2
        # Players that begin before all is loaded want the tables first. The movie's clock is that of the pictures: with
        # the usual thousand ticks a second the end would be rounded, and the last picture cut off.
        tagged = plan.video is not None and plan.video.keep_metadata  # by any name, not only the usual ones
        flags = "+faststart+use_metadata_tags" if tagged else "+faststart"
        return exact | {"movflags": flags, "movie_timescale": str(scale), "video_track_timescale": str(scale)}
    # Sound that begins before the pictures (what an encoder needs to get going) stays there; else all would move.
    return exact | {"default_mode": "passthrough", "avoid_negative_ts": "disabled"}


def _pictures(store: SegmentStore, ticks: list[int], end: int, shift: int, unit: Fraction,
              stream: Any) -> Iterator[tuple[float, Any]]:
    """Packets in the order of decoding, with all times, and when they are due in seconds.

    A decoder gets a picture `delay` places before those that are shown earlier; so the k-th picture is decoded when
    the (k - delay)-th is shown, which never is too late.
    """
    import av

    delay = max(segment.delay for segment in store.kept)
    count = len(ticks)
    step = min((after - before for before, after in pairwise(ticks[:delay + 1])), default=1)
    for place, picture in enumerate(store.pictures()):
        number = picture.number
        decoded = ticks[place - delay] if place >= delay else ticks[0] - (delay - place) * step
        following = ticks[number + 1] if number + 1 < count else end
        packet = av.Packet(picture.data)
        packet.pts, packet.dts = ticks[number] - shift, decoded - shift
        packet.duration = following - ticks[number]
        packet.time_base = unit
        packet.is_keyframe = picture.key
        packet.stream = stream
        yield float((decoded - shift) * unit), packet


def _interleave(out: OutputContainer, pictures: Iterator[tuple[float, Any]],
                audio: Iterator[tuple[float, Any]]) -> None:
    """Write both by the times at which they are due."""
    waiting = next(pictures, None)
    for due, packet in audio:
        while waiting is not None and waiting[0] <= due:
            out.mux_one(waiting[1])
            waiting = next(pictures, None)
        out.mux_one(packet)
    while waiting is not None:
        out.mux_one(waiting[1])
        waiting = next(pictures, None)


class _SecondLook:
    """Reads a file that is being written, from a place of its own; moves the tables of an MP4 to its beginning."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._place = 0

    def read(self, size: int) -> bytes:
        """Up to `size` bytes."""
        writing = self._file.tell()
        self._file.seek(self._place)
        data = self._file.read(size)
        self._place += len(data)
        self._file.seek(writing)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the place of reading."""
        if whence == os.SEEK_END:
            writing = self._file.tell()
            self._place = self._file.seek(offset, whence)
            self._file.seek(writing)
        else:
            self._place = offset + (self._place if whence == os.SEEK_CUR else 0)
        return self._place

    def tell(self) -> int:
        """The place of reading."""
        return self._place

    def close(self) -> None:
        """The file stays open."""
