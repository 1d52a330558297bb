"""What goes from a video into its copy beside the pictures: sound, subtitles, chapters, attached files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from faceswap_cli.media.frame import VideoFacts
from faceswap_cli.media.video.container import demuxing, open_container, picture_streams
from faceswap_cli.media.video.tags import copied_track_tags
from faceswap_cli.options import MediaFormat

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer

_CONTAINERS = {MediaFormat.MP4: "MP4", MediaFormat.MOV: "MOV", MediaFormat.MKV: "Matroska", MediaFormat.WEBM: "WebM"}


@dataclass(slots=True)
class Companions:
    """The streams of a source that go along, each with its stream of the output.

    Attributes:
        source: Open.
        name: How to call it in messages.
        origin: Time in the source that is 0 in the output, in seconds.
        end: Time in the source after which nothing is taken; None: its end.
        trimmed: Whether only a part of it is taken.
        pairs: Index in the source -> stream of the output.
        counts: Index in the source -> packets copied.
        warnings: What was left out or changed.
    """

    source: InputContainer
    name: str
    origin: Fraction
    end: Fraction | None
    trimmed: bool
    pairs: dict[int, Any] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def packets(self) -> Iterator[tuple[float, Any]]:
        """Their packets with times of the output, and the time by which they are due, in seconds.

        Raises:
            InputError: The source cannot be read any more.
        """
        from av.stream import Discard

        if not self.pairs:
            return
        for stream in self.source.streams:
            stream.discard = Discard.default if stream.index in self.pairs else Discard.all
        with demuxing(self.name):
            for packet in self.source.demux():
                target = self.pairs.get(packet.stream_index)
                if target is None or packet.size == 0 or packet.time_base is None:
                    continue
                due = self._shift(packet)
                if due is not None:
                    self.counts[packet.stream_index] += 1
                    packet.stream = target
                    yield due, packet

    def _shift(self, packet: Any) -> float | None:
        """Move a packet by the origin; None: it is not wanted."""
        unit = packet.time_base
        shown = packet.pts if packet.pts is not None else packet.dts
        if shown is None:
            return None
        if self.trimmed and not (self.origin <= shown * unit and (self.end is None or shown * unit < self.end)):
            return None
        shift = round(self.origin / unit)
        if packet.pts is not None:
            packet.pts -= shift
        if packet.dts is not None:
            packet.dts -= shift
        return float((shown - shift) * unit)


def open_companions(out: OutputContainer, kind: MediaFormat, video: VideoFacts, *, trimmed: bool) -> Companions:
    """Open the source again and make a stream in the output for each of its that can go along.

    Raises:
        InputError: The source is gone.
    """
    import av

    source = open_container(video.path, video.name)
    found = Companions(source, video.name, _origin(source, video, trimmed=trimmed), video.end, trimmed)
    moving = {stream.index for stream in picture_streams(source)}
    if len(moving) > 1:
        found.warnings.append("of several video tracks only the first was kept")
    for stream in source.streams:
        name = _name(stream)
        if stream.type == "video":
            if stream.index not in moving:
                found.warnings.append("the cover picture was left out")
            continue
        if stream.type == "attachment":
            if kind is MediaFormat.MKV:
                made = out.add_attachment(stream.name or "attachment", stream.mimetype or "application/octet-stream",
                                          stream.data)
            else:
                found.warnings.append(f"attached files were left out: {_CONTAINERS[kind]} holds none")
            continue
        if stream.type not in ("audio", "subtitle"):
            if not source.chapters() or name != "bin_data":
                found.warnings.append(f"a data track ({name}) was left out")
            continue
        try:
            made = out.add_stream_from_template(stream)
        except (ValueError, av.FFmpegError):
            kindred = "a sound track" if stream.type == "audio" else "a subtitle track"
            found.warnings.append(f"{kindred} ({name}) was left out: {_CONTAINERS[kind]} cannot hold it")
            continue
        made.disposition = int(stream.disposition)
        made.metadata.update(copied_track_tags(stream.metadata, everything=video.keep_metadata))
        found.pairs[stream.index] = made
        found.counts[stream.index] = 0
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
    if source.format.name in ("mpeg", "mpegts") and source.start_time is not None:
        return Fraction(source.start_time, 1_000_000)  # their clocks begin anywhere
    return Fraction(0)


def _name(stream: Any) -> str:
    if stream.codec_context is not None:
        return str(stream.codec_context.name)
    return str(getattr(stream, "name", None) or stream.type)
