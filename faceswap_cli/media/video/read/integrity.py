"""Whether a video is whole: what its tables promise against what is in it."""

from __future__ import annotations

import heapq
import mmap
from fractions import Fraction
from pathlib import Path
from typing import Any

from faceswap_cli.errors import InputError

_EACH_SHOWS = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "vvc", "mjpeg", "prores", "ffv1", "dnxhd"})
"""Codecs of which each packet shows a picture, but for those that say that they do not."""

_ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_PACK, _PROGRAM_END = 0xBA, 0xB9
_TAIL = 1 << 17
"""Bytes in which the last page of an Ogg file lies."""


class Ledger:
    """Keeps count of packets and pictures while a stream is decoded."""

    def __init__(self, stream: Any, name: str) -> None:
        """Begin to count.

        Args:
            stream: The `av.VideoStream`.
            name: How to call its file in messages.
        """
        self._name = name
        self._codec = stream.codec_context.codec.canonical_name
        self._packets = 0
        self._pictures = 0
        self._waiting: list[int] = []
        self._begun = False
        self._first: int | None = None

    def add_packet(self, packet: Any) -> None:
        """Count a packet; an empty one ends the stream.

        Raises:
            InputError: It is cut off.
        """
        if not packet.size:
            return
        if not self._packets and packet.is_keyframe:
            self._first = packet.pts
        self._packets += 1
        if packet.is_corrupt:
            raise self.damage("a frame is cut off")
        if packet.pts is not None and not packet.is_discard and self._codec in _EACH_SHOWS and _shows(
                self._codec, packet):
            heapq.heappush(self._waiting, packet.pts)

    def add_picture(self, picture: Any) -> None:
        """Count a picture.

        Raises:
            InputError: Parts of it are missing, or pictures before it.
        """
        if picture.is_corrupt:
            raise self.damage("a part of the picture is missing")
        if picture.interlaced_frame:  # its fields may lie in packets of their own
            self._codec = ""
        if picture.pts is None or not self._codec:
            self._waiting.clear()
        while self._waiting and self._waiting[0] < picture.pts:
            skipped = heapq.heappop(self._waiting)
            # What is shown before the key frame that comes first may need pictures from before the beginning.
            if self._begun or (self._first is not None and skipped >= self._first):
                raise self.damage("a frame cannot be decoded")
        if self._waiting and self._waiting[0] == picture.pts:
            heapq.heappop(self._waiting)
        self._begun = True
        self._pictures += 1

    def check_end(self, expected: int | None) -> None:
        """All was decoded.

        Args:
            expected: How many packets there must have been; None: unknown.

        Raises:
            InputError: Less than the file's tables promise.
        """
        if not self._pictures:
            raise self.damage("it has no frame that can be decoded")
        if self._waiting:
            raise self.damage("the last frames cannot be decoded")
        if expected is not None and self._packets < expected:
            raise self.damage(f"{self._packets} of {expected} frames are there")

    def damage(self, reason: str) -> InputError:
        """The error that tells where the file is damaged."""
        after = f" after frame {self._pictures}" if self._pictures else ""
        return InputError(f"{self._name} is damaged or incomplete{after}: {reason}", advice="get the file again")


def _shows(codec: str, packet: Any) -> bool:
    """Whether a packet shows a picture; some of VP8 and VP9 only hold one that others refer to.

    Sources: RFC 6386, section 9.1; the VP9 bitstream specification, sections 6.2 and B.
    """
    if codec == "vp8":
        return bool(bytes(memoryview(packet)[:1])[0] & 0x10)
    if codec == "vp9":
        head, last = bytes(memoryview(packet)[:1])[0], bytes(memoryview(packet)[-1:])[0]
        if last & 0xE0 == 0xC0:  # several frames in one packet
            return True
        bits = head << 1 if head & 0x30 == 0x30 else head  # profile 3 has one bit more
        return bool(bits & 0x08 or bits & 0x02)
    return True


def check_whole(path: Path, container: Any, name: str) -> None:
    """Refuse a file that is shorter than its own tables, before anything is decoded.

    Raises:
        InputError: It is cut off.
    """
    demuxers = container.format.name.split(",")
    size = path.stat().st_size
    cut = False
    if "mov" in demuxers:
        from faceswap_cli.media.video.read.mov_tables import read_mov_tables

        cut = not read_mov_tables(path).whole or any(
            entry.pos + entry.size > size for stream in container.streams for entry in stream.index_entries)
    elif "matroska" in demuxers:
        from faceswap_cli.media.video.read.matroska_tables import read_matroska_tables

        cut = not read_matroska_tables(path).whole
    elif "avi" in demuxers:
        cut = _riff_end(path) > size
    elif "asf" in demuxers:
        cut = _asf_size(path) > size
    elif "ogg" in demuxers:
        cut = not _ogg_ends(path)
    elif "mpeg" in demuxers:
        cut = _program_end(path) > size
    if cut:
        raise InputError(f"{name} is cut off: it is shorter than its own tables say", advice="get the file again")


def expected_packets(path: Path, stream: Any) -> int | None:
    """How many packets a stream must have by the tables of its file, once it was read to its end; None: unknown.

    Raises:
        OSError: The file cannot be read.
        ValueError: The tables contradict themselves.
    """
    demuxers = stream.container.format.name.split(",")
    if "mov" in demuxers:
        return max(len(stream.index_entries), _samples_shown(path, stream))
    if "matroska" in demuxers:
        from faceswap_cli.media.video.read.matroska_tables import read_matroska_tables

        tables = read_matroska_tables(path, stream.container.streams.video.index(stream))
        if not tables.whole:
            raise ValueError("its clusters are damaged")
        return tables.blocks
    return None


def _samples_shown(path: Path, stream: Any) -> int:
    """How many samples a track has, where its edit list shows all of them; 0: it does not, or none are told."""
    from faceswap_cli.media.video.read.mov_tables import read_mov_tables

    tables = read_mov_tables(path)
    track = tables.tracks.get(stream.id)
    if track is None or not track.length or track.passed_over is None:
        return 0
    step = track.length / max(stream.frames, 1)
    left_out = track.length - track.end if track.end is not None else Fraction(0)
    # The times of frames that are stored in another order are shifted by as many as that takes.
    shift = (stream.codec_context.reorder_depth + 1) * step
    all_shown = left_out < tables.unit + step / 2 and track.passed_over <= shift
    return int(stream.frames) if all_shown else 0


def _riff_end(path: Path) -> int:
    """The byte behind the last RIFF chunk; large files have several."""
    at = end = 0
    with path.open("rb") as file:
        while True:
            file.seek(at)
            head = file.read(12)
            if len(head) < 12 or head[:4] != b"RIFF" or head[8:] not in (b"AVI ", b"AVIX"):
                return end
            end = at + 8 + int.from_bytes(head[4:8], "little")
            at = end + end % 2


def _asf_size(path: Path) -> int:
    """The size that a Windows Media file tells; 0: none. Source: the ASF specification, section 3.2."""
    with path.open("rb") as file:
        head = file.read(1 << 16)
    at = head.find(_ASF_FILE_PROPERTIES)
    return 0 if at < 0 else int.from_bytes(head[at + 40:at + 48], "little")


def _program_end(path: Path) -> int:
    """The byte behind the last packet of an MPEG program stream. Source: ISO/IEC 13818-1, section 2.5."""
    at = 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        while data[at:at + 3] == b"\0\0\1" and at + 6 <= len(data):
            code = data[at + 3]
            if code == _PACK and data[at + 4] & 0xC0 == 0x40:
                at += 14 + (data[at + 13] & 7 if at + 13 < len(data) else 0)
            elif code == _PACK:
                at += 12
            elif code == _PROGRAM_END:
                at += 4
            elif code > _PACK:
                at += 6 + int.from_bytes(data[at + 4:at + 6], "big")
            else:
                break
    return at


def _ogg_ends(path: Path) -> bool:
    """Whether the last page is whole and ends a stream. Source: RFC 3533, section 6."""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - _TAIL))
        tail = file.read()
    at = tail.rfind(b"OggS")
    if at < 0 or at + 27 > len(tail):
        return False
    segments = tail[at + 27:at + 27 + tail[at + 26]]
    return bool(tail[at + 5] & 4) and len(segments) == tail[at + 26] and at + 27 + len(segments) + sum(
        segments) <= len(tail)
