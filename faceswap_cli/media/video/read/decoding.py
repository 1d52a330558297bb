"""Decodes the pictures of a video in the order in which they are shown, and notices what is damaged."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

from faceswap_cli.files.closing import Closing
from faceswap_cli.media.video.read.container import demuxing, open_container, picture_stream
from faceswap_cli.media.video.read.integrity import Ledger, check_whole, expected_packets
from faceswap_cli.media.video.read.mov_tables import read_mov_tables

_THREADS = 4
"""At most; more hold more pictures, and the engine needs the cores."""

_SILENT = frozenset({"hevc"})
"""Codecs whose decoder marks no picture as damaged, and has to be told to stop instead."""

_INDEXED = frozenset({"mov", "matroska"})
"""Demuxers that go exactly where they are told to, by tables in the file."""

_BACKWARDS = (0, 2, 10, 60)
"""Seconds before the wanted time at which a key frame is looked for, one after the other."""


class Decoder(Closing):
    """An open file and its stream of pictures.

    Attributes:
        container: An `av.container.InputContainer`.
        stream: The `av.VideoStream` that is decoded.
    """

    def __init__(self, path: Path, name: str) -> None:
        """Open a file; nothing is decoded yet.

        Raises:
            InputError: It is no video that can be decoded, or its tables are damaged.
        """
        from av.stream import Discard

        self._path = path
        self._name = name
        self.container = open_container(path, name)
        try:
            self.stream = picture_stream(self.container, name)
            for other in self.container.streams:
                if other is not self.stream:
                    other.discard = Discard.all
            codec = self.stream.codec_context
            if codec.codec.canonical_name in _SILENT:
                codec.options = {"err_detect": "explode"}
            self.stream.thread_type = "AUTO"
            self.stream.thread_count = min(_THREADS, os.cpu_count() or 1)
        except BaseException:
            self.container.close()
            raise

    def close(self) -> None:
        """Release the file."""
        self.container.close()

    def check_whole(self) -> None:
        """Refuse a file that is shorter than its own tables; nothing is decoded.

        Raises:
            InputError: It is cut off.
        """
        with demuxing(self._name):
            check_whole(self._path, self.container, self._name)

    @property
    def exact(self) -> bool:
        """Whether the tables of the file tell how long it is, rather than a guess by its size and rate."""
        return bool(_INDEXED & set(self.container.format.name.split(",")))

    @property
    def end(self) -> Fraction | None:
        """When the last picture goes, by the clock of the file; None: the file does not tell."""
        if "mov" not in self.container.format.name.split(","):
            return None
        with demuxing(self._name):
            track = read_mov_tables(self._path).tracks.get(self.stream.id)
        return track.end if track is not None else None

    @property
    def step(self) -> Fraction:
        """Seconds from frame to frame where a file tells no times."""
        rate = self.stream.average_rate or self.stream.guessed_rate
        return 1 / Fraction(rate) if rate else Fraction(1, 25)

    def pictures(self) -> Iterator[Any]:
        """All pictures, from the first.

        Raises:
            InputError: The file is damaged.
        """
        ledger = Ledger(self.stream, self._name)
        yield from self._counted(self._decoded(ledger), ledger)
        with demuxing(self._name):
            expected = expected_packets(self._path, self.stream)
        ledger.check_end(expected)

    def pictures_at(self, time: Fraction) -> Iterator[Any] | None:
        """The pictures from the one on that is shown at a time, or from an earlier one; None: it cannot seek there.

        Args:
            time: In seconds, on the clock of the file.

        Raises:
            InputError: The file is damaged.
        """
        if not self.exact:
            return None
        for earlier in _BACKWARDS:
            target = int((time - earlier) // self.stream.time_base)
            found = self._from_key(target, time)
            if found is not None:
                return found
        return None

    def _from_key(self, target: int, time: Fraction) -> Iterator[Any] | None:
        """The pictures from the key frame before `target`, if that is shown no later than `time`."""
        import av

        try:
            self.container.seek(target, stream=self.stream, backward=True)
        except av.error.FFmpegError:
            return None
        ledger = Ledger(self.stream, self._name)
        decoded = self._decoded(ledger)
        for picture in decoded:
            # What comes before the key frame needs pictures that were passed over.
            if picture.key_frame and not picture.is_corrupt:
                if picture.pts is None or picture.pts * self.stream.time_base > time:
                    return None
                return self._rest(picture, decoded, ledger)
        return None

    def _rest(self, first: Any, decoded: Iterator[Any], ledger: Ledger) -> Iterator[Any]:
        yield from self._counted(chain((first,), decoded), ledger)
        ledger.check_end(None)

    @staticmethod
    def _counted(pictures: Iterator[Any], ledger: Ledger) -> Iterator[Any]:
        for picture in pictures:
            ledger.add_picture(picture)
            yield picture

    def _decoded(self, ledger: Ledger) -> Iterator[Any]:
        with demuxing(self._name):
            for packet in self.container.demux(self.stream):
                ledger.add_packet(packet)
                yield from packet.decode()
