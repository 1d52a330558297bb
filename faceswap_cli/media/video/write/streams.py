"""What goes from a video into its copy beside the pictures: audio, subtitles, chapters, attached files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING, Any

from faceswap_cli.media.formats import container_of
from faceswap_cli.media.frame import VideoFacts
from faceswap_cli.media.video.read.container import demuxing, open_container, picture_streams
from faceswap_cli.media.video.read.tracks import ConvertedAudio, ConvertedText, CopiedTrack
from faceswap_cli.media.video.write.tags import copied_tags
from faceswap_cli.options import MediaFormat

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer

_MICROSECONDS = 1_000_000
_CLOCKS_FROM_ANYWHERE = frozenset({"mpeg", "mpegts"})


@dataclass(slots=True, kw_only=True)
class Companions:
    """What of a source goes along with the pictures.

    Attributes:
        source: Open.
        name: How to call it in messages.
        origin: Time in the source that is 0 in the output, in seconds.
        end: Time in the source from which on nothing is taken; None: to its end.
        trimmed: Whether only a part of it is taken.
        tracks: Index in the source -> its track.
        warnings: What was left out or changed.
    """

    source: InputContainer
    name: str
    origin: Fraction
    end: Fraction | None
    trimmed: bool
    tracks: dict[int, CopiedTrack] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def packets(self) -> Iterator[tuple[float, Any]]:
        """Packets of the output, and the seconds at which they are due, in the order of the source.

        Raises:
            InputError: The source cannot be read any more.
        """
        from av.stream import Discard

        if not self.tracks:
            return
        for stream in self.source.streams:
            stream.discard = Discard.default if stream.index in self.tracks else Discard.all
        due = 0.0
        with demuxing(self.name):
            for packet in self.source.demux():
                track = self.tracks.get(packet.stream_index)
                if track is None or packet.size == 0 or not self._shift(packet):
                    continue
                for made in track.take(packet):
                    due = _due(made, due)
                    yield due, made
            for track in self.tracks.values():
                for made in track.finish():
                    due = _due(made, due)
                    yield due, made

    def _shift(self, packet: Any) -> bool:
        """Move a packet by the origin; False: it is not wanted."""
        unit = packet.time_base
        shown = packet.pts if packet.pts is not None else packet.dts
        if shown is None or unit is None:
            return False
        if self.trimmed and not self._cut(packet, shown, unit):
            return False
        shift = round(self.origin / unit)
        if packet.pts is not None:
            packet.pts -= shift
        if packet.dts is not None:
            packet.dts -= shift
        return True

    def _cut(self, packet: Any, shown: int, unit: Fraction) -> bool:
        """Whether a packet lies in the part that is taken; subtitles that reach into it are made shorter."""
        if self.end is not None and shown * unit >= self.end:
            return False
        begin = max(shown, ceil(self.origin / unit))
        if packet.stream.type != "subtitle":
            return begin == shown
        end = shown + (packet.duration or 0)
        if self.end is not None:
            end = min(end, floor(self.end / unit))
        if end <= begin:
            return False
        packet.pts = packet.dts = begin
        packet.duration = end - begin
        return True


def open_companions(out: OutputContainer, kind: MediaFormat, video: VideoFacts, *, trimmed: bool) -> Companions:
    """Open the source again and make a track in the output for each of its that can go along.

    Raises:
        InputError: The source is gone.
    """
    source = open_container(video.path, video.name)
    found = Companions(source=source, name=video.name, origin=_origin(source, video, trimmed=trimmed), end=video.end,
                       trimmed=trimmed)
    container = container_of(kind)
    moving = {stream.index for stream in picture_streams(source)}
    for stream in source.streams:
        if stream.type in ("audio", "subtitle"):
            track = _track(out, kind, stream, found.warnings)
            if track is not None:
                track.target.disposition = int(stream.disposition)
                track.target.metadata.update(copied_tags(stream.metadata, everything=video.keep_metadata, track=True))
                found.tracks[stream.index] = track
        elif stream.type == "attachment" and container.attachments:
            out.add_attachment(stream.name or "attachment", stream.mimetype or "application/octet-stream", stream.data)
        elif stream.type == "attachment":
            found.warnings.append(f"attached files were left out: {container.name} holds none")
        elif stream.type == "video" and stream.index not in moving:
            found.warnings.append("the cover picture was left out")
        elif stream.type == "data" and not (source.chapters() and _name(stream) == "bin_data"):
            found.warnings.append(f"a data track ({_name(stream)}) was left out")
    return found


def copied_chapters(found: Companions, length: Fraction) -> list[Any]:
    """The chapters of the source that lie in the part that was taken, in times of the output.

    Args:
        found: The open source.
        length: Seconds of the output.
    """
    chapters = []
    for chapter in found.source.chapters():
        unit = chapter["time_base"]
        if unit is None:
            continue
        begin = max(chapter["start"] * unit - found.origin, Fraction(0))
        end = min(chapter["end"] * unit - found.origin, length)
        if end <= begin:
            continue
        title = chapter["metadata"].get("title")
        chapters.append({"id": chapter["id"], "start": round(begin * 1000), "end": round(end * 1000),
                         "time_base": Fraction(1, 1000), "metadata": {"title": title} if title else {}})
    return chapters


def _origin(source: InputContainer, video: VideoFacts, *, trimmed: bool) -> Fraction:
    if trimmed:
        return video.start
    if source.format.name in _CLOCKS_FROM_ANYWHERE and source.start_time is not None:
        return Fraction(source.start_time, _MICROSECONDS)
    return min(Fraction(0), video.start)


def _track(out: OutputContainer, kind: MediaFormat, stream: Any, warnings: list[str]) -> CopiedTrack | None:
    """A track for a stream of the source, added to `out`; None where that cannot be."""
    import av

    container = container_of(kind)
    audio = stream.type == "audio"
    what = f"{'an audio' if audio else 'a subtitle'} track ({_name(stream)})"
    # Hardly a player knows uncompressed audio in MP4, though it may be there.
    uncompressed = not container.uncompressed and _name(stream).startswith("pcm_")
    if not uncompressed and _holds(out.format.name, stream):
        return CopiedTrack(out.add_stream_from_template(stream))
    try:
        made = ConvertedAudio(out, stream, kind) if audio else ConvertedText(out, stream, kind)
    except (ValueError, av.FFmpegError):
        warnings.append(f"{what} was left out: {container.name} cannot hold it")
        return None
    to = made.target.codec_context.name.removeprefix("lib")
    channels = stream.codec_context.layout.nb_channels if audio else 0
    fewer = audio and channels != made.target.codec_context.layout.nb_channels
    warnings.append(f"{what} became {to}{' in stereo' if fewer else ''}: {container.name} cannot hold it as it is")
    return made


def _holds(container: str, stream: Any) -> bool:
    """Whether a container takes a stream as it is; some say so only when they write their header."""
    import av

    probe = av.open(io.BytesIO(), "w", format=container)
    try:
        probe.add_stream_from_template(stream)
        probe.start_encoding()
        probe.close()
    except (ValueError, av.FFmpegError):
        return False
    return True


def _due(packet: Any, before: float) -> float:
    stamp = packet.dts if packet.dts is not None else packet.pts
    return before if stamp is None or packet.time_base is None else float(stamp * packet.time_base)


def _name(stream: Any) -> str:
    if stream.codec_context is not None:
        return str(stream.codec_context.codec.canonical_name)
    return str(getattr(stream, "name", None) or stream.type)
