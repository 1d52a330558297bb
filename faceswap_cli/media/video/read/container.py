"""Opens video files through PyAV, and turns what it raises into one line."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from faceswap_cli.errors import FaceswapError, InputError

_DEMUXERS = "mov,matroska,avi,mpeg,mpegts,mpegvideo,flv,asf,ogg,rm"
"""What a file may be taken for; never a playlist or script that names other files."""

_REASON_LENGTH = 160


@contextlib.contextmanager
def demuxing(name: str) -> Iterator[None]:
    """Turn whatever FFmpeg raises for a file into one line.

    Raises:
        InputError: Anything of FFmpeg's or of the system's; our own errors pass as they are.
    """
    import av

    try:
        yield
    except FaceswapError:
        raise
    except MemoryError as error:
        raise InputError(f"{name} cannot be read: not enough memory", advice="make it smaller first") from error
    except (av.error.FFmpegError, OSError, ValueError) as error:  # ValueError: sizes beyond reason, odd text
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())[:_REASON_LENGTH]
        raise InputError(f"{name} cannot be read as a video, it may be damaged or incomplete: "
                         f"{reason or type(error).__name__}", advice="get the file again") from error


def open_container(path: Path, name: str) -> Any:
    """An `av.container.InputContainer` on a file.

    Raises:
        InputError: It is no video, or its tables are damaged.
    """
    import av

    with demuxing(name):
        # With the protocol told, a file called `concat:a|b` is a file.
        return av.open(f"file:{path}", metadata_errors="replace", container_options={
            "format_whitelist": _DEMUXERS, "protocol_whitelist": "file"})


def picture_stream(container: Any, name: str) -> Any:
    """The `av.VideoStream` whose pictures are the video: the first that is no cover or thumbnail.

    Raises:
        InputError: There is none, or nothing here decodes it.
    """
    found = picture_streams(container)
    if not found:
        what = "has audio but no pictures" if container.streams.audio else "has no pictures"
        raise InputError(f"{name} {what}", advice="give a video with pictures")
    stream = found[0]
    if stream.codec_context is None:
        raise InputError(f"{name} is coded in a way that cannot be decoded here", advice="convert it to H.264 first")
    return stream


def picture_streams(container: Any) -> list[Any]:
    """All its streams of pictures that move."""
    from av.stream import Disposition

    aside = Disposition.attached_pic | Disposition.timed_thumbnails
    return [stream for stream in container.streams.video if not stream.disposition & aside]
