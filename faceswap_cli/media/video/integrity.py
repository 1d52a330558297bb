"""Whether a video is whole: what its tables promise against what is in it."""

from __future__ import annotations

from typing import Any

from faceswap_cli.errors import InputError


class Ledger:
    """Keeps count of packets and pictures while a stream is decoded."""

    def __init__(self, stream: Any, name: str, *, whole: bool = True) -> None:
        """Begin to count.

        Args:
            stream: The `av.VideoStream`.
            name: How to call its file in messages.
            whole: It is decoded from its beginning.
        """
        self._name = name
        self._whole = whole
        self._packets = 0
        self._pictures = 0
        demuxers = stream.container.format.name.split(",")
        self._promised = len(stream.index_entries) if "mov" in demuxers else 0

    def add_packet(self, packet: Any) -> None:
        """Count a packet; an empty one ends the stream.

        Raises:
            InputError: It is cut off.
        """
        if packet.size:
            self._packets += 1
            if packet.is_corrupt:
                raise self._damaged("a frame is cut off")

    def check_picture(self, picture: Any) -> None:
        """Count a picture.

        Raises:
            InputError: Parts of it are missing.
        """
        if picture.is_corrupt:
            raise self._damaged("a part of the picture is missing")
        self._pictures += 1

    def check_end(self) -> None:
        """All was decoded.

        Raises:
            InputError: Less than the file's tables promise.
        """
        if not self._pictures:
            raise self._damaged("it has no frame")
        if self._whole and self._packets < self._promised:
            raise self._damaged(f"{self._packets} of {self._promised} frames are there")

    def _damaged(self, reason: str) -> InputError:
        return InputError(f"{self._name} is damaged or incomplete after frame {self._pictures}: {reason}; get the file "
                          "again")
