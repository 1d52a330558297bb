"""Looks at a finished video once more before it is put in place: does it hold what was written?"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, BinaryIO

from faceswap_cli.errors import OutputError
from faceswap_cli.media.video.write.muxing import Written

_TOLERANCE = Fraction(1, 100)
"""Seconds by which the end may differ."""


def check_video(file: BinaryIO, name: str, written: Written) -> None:
    """Count what is in a file, without decoding it.

    Args:
        file: Whole and seekable.
        name: How to call it.
        written: What should be in it.

    Raises:
        OutputError: Something is missing, or the end is more than 10 ms from where it should be.
    """
    import av

    file.seek(0)
    try:
        with av.open(file, "r", metadata_errors="replace") as container:
            pictures, ends, sounds = _count(container)
    except (av.FFmpegError, ValueError) as error:
        raise OutputError(f"cannot write {name}: the finished file cannot be read ({error})",
                          advice="try again, or another format") from error
    if pictures != written.pictures:
        raise OutputError(f"cannot write {name}: {pictures} of {written.pictures} pictures arrived in the file",
                          advice="try again, or another format")
    if min(abs(end - written.end) for end in ends) > _TOLERANCE:
        raise OutputError(f"cannot write {name}: it ends after {float(ends[0]):.3f} instead of "
                          f"{float(written.end):.3f} seconds", advice="try again, or another format")
    for got, wanted in zip(sounds, written.sounds, strict=False):
        if got != wanted:
            raise OutputError(f"cannot write {name}: {got} of {wanted} pieces of its audio arrived",
                              advice="try again, or another format")


def _count(container: Any) -> tuple[int, list[Fraction], list[int]]:
    """Packets of the pictures and of each track of audio, and when the last picture ends, in seconds.

    Not of subtitles: an MP4 says with packets of its own that there is none to show. The end comes by the last packet
    and by the track: FFmpeg takes the duration of the last packet of VP9 in MP4 from the mean rate.
    """
    counts = {stream.index: 0 for stream in container.streams if stream.type in ("video", "audio")}
    first = container.streams.video[0].index
    end = Fraction(0)
    for packet in container.demux():
        if packet.size == 0 or packet.stream_index not in counts:
            continue
        counts[packet.stream_index] += 1
        if packet.stream_index == first and packet.pts is not None:
            end = max(end, (packet.pts + (packet.duration or 0)) * packet.time_base)
    stream = container.streams.video[0]
    ends = [end]
    if stream.duration is not None and stream.start_time is not None:
        ends.append((stream.start_time + stream.duration) * stream.time_base)
    return counts.pop(first), ends, list(counts.values())
