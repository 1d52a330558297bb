"""Metadata of a video: which of the source's go into the output, and the mark."""

from __future__ import annotations

import re
from typing import BinaryIO

from faceswap_cli.media.marks.provenance import creator_tool, digital_source_url
from faceswap_cli.options import MediaOptions

_XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
"""The type of a `uuid` box that holds XMP (XMP specification, part 3)."""

_WORK = frozenset({
    "title", "artist", "album", "album_artist", "author", "composer", "performer", "publisher", "copyright", "genre",
    "date", "year", "track", "disc", "show", "episode_id", "episode_sort", "season_number", "network", "language",
    "lyrics",
})
"""What describes the work; all else may tell about people, places and devices."""

_TRACK = frozenset({"title", "language"})

_OF_THE_FILE = re.compile(
    r"major_brand|minor_version|compatible_brands|encoder|vendor_id|handler_name|filename|mimetype|duration.*|bps.*|"
    r"number_of_(frames|bytes).*|_statistics_.*|timecode|writing_.*|digital_source_type|creator_tool", re.IGNORECASE)
"""What was true of the source's file alone."""


def copied_tags(metadata: dict[str, str], *, everything: bool, track: bool = False) -> dict[str, str]:
    """Tags of a file, or of one of its tracks, that its copy gets too.

    Args:
        metadata: Of the container or the track.
        everything: With what may tell about people and places.
        track: Whether it is a track's.
    """
    return {key: value for key, value in metadata.items()
            if key.lower() in (_TRACK if track else _WORK) or (everything and not _OF_THE_FILE.fullmatch(key))}


def mark_tags(options: MediaOptions) -> dict[str, str]:
    """The mark as tags of Matroska and WebM."""
    return {"CREATOR_TOOL": creator_tool(), "DIGITAL_SOURCE_TYPE": digital_source_url(trained=options.trained)}


def append_mark(file: BinaryIO, packet: bytes) -> None:
    """Put the mark behind the last box of an MP4 or MOV.

    Args:
        file: Whole and seekable.
        packet: The XMP packet.

    Raises:
        OSError: It cannot be written.
    """
    file.seek(0, 2)
    body = b"uuid" + _XMP_BOX + packet
    file.write((len(body) + 4).to_bytes(4, "big") + body)
