"""Opens any medium for reading, by content, and any output for writing, by name."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from faceswap_cli.errors import InputError
from faceswap_cli.files.atomic import AtomicFile
from faceswap_cli.media.formats import HEAD_BYTES, LABELS, VIDEO, Foreign, output_format, sniff
from faceswap_cli.media.frame import ClipInfo, Reader, Writer
from faceswap_cli.options import MediaFormat, MediaOptions

READ_ONLY_AS = MediaFormat.MKV
"""What a video of a kind that is read and not written (AVI, MPEG ...) counts as: a container that takes whatever is in
it, where no suffix names another."""

_CLIPS = frozenset({MediaFormat.GIF, MediaFormat.APNG})


def open_media(path: Path, options: MediaOptions, *, name: str | None = None) -> Reader:
    """Open a still or a clip. What it is, its content says, never its name.

    Args:
        path: A regular file.
        options: Bounds, and the part of a clip that is taken.
        name: How to call the file in messages; None: its path.

    Returns:
        Of a video, a `SeekingReader`.

    Raises:
        LimitError: Too many pixels; nothing was decoded.
        InputError: Missing, unreadable, empty, damaged, or of an unknown kind.
        UsageError: A part is asked for of a still, or one that begins behind the end.
    """
    name = str(path) if name is None else name
    with _open_file(path, name) as file:
        kind = sniff(file.read(HEAD_BYTES))
        if isinstance(kind, Foreign):
            if not kind.video:
                raise InputError(kind.explain(name))
            kind = READ_ONLY_AS
        clip = kind if kind in VIDEO else _clip_format(file, kind, name)
        if clip is None:
            from faceswap_cli.media.stills.reader import open_still

            return _part(open_still(file, name, kind, options), name, options)
    if clip in VIDEO:
        from faceswap_cli.media.video.read.reader import open_video

        return open_video(path, name, clip, options)
    from faceswap_cli.media.animations.animations import open_animation

    return _part(open_animation(path, name, clip, options), name, options)


def create_media(path: Path | None, like: ClipInfo, options: MediaOptions, *, overwrite: bool = False,
                 resume: str | None = None) -> Writer:
    """Open an output for a target like `like`; it appears on `commit`.

    Args:
        path: The output, or None for standard output.
        like: The target.
        options: Format, quality, mark.
        overwrite: Replace an existing output.
        resume: Of a video: tells this job from others. What an earlier run of it left beside the output is gone on
            with; None: nothing is left nor looked for.

    Returns:
        Of a video, a `SegmentWriter`.

    Raises:
        UsageError: The name, the format and the target do not go together, or the output exists.
        OutputError: The output cannot be written.
    """
    kind = output_format(path, options, like)
    if kind in VIDEO:
        from faceswap_cli.media.video.write.writer import create_video

        return create_video(path, kind, like, options, overwrite=overwrite, resume=resume)
    out = AtomicFile(path, overwrite=overwrite)
    try:
        if like.animated or kind in _CLIPS:
            from faceswap_cli.media.animations.animations import create_animation

            return create_animation(out, kind, like, options)
        from faceswap_cli.media.stills.writer import StillWriter

        return StillWriter(out, kind, like, options)
    except BaseException:
        out.discard()
        raise


def _part(reader: Reader, name: str, options: MediaOptions) -> Reader:
    """The part of a still or an animation that is asked for."""
    if options.trim is None:
        return reader
    from faceswap_cli.media.trim import TrimmedReader

    try:
        return TrimmedReader(reader, name, options.trim)
    except BaseException:
        reader.close()
        raise


def _open_file(path: Path, name: str) -> BinaryIO:
    try:
        status = path.stat()  # before opening: that would wait for ever on a pipe without a writer
        if stat.S_ISDIR(status.st_mode):
            raise InputError(f"{name} is a folder; name a file in it")
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{name} is not a regular file; use - to read from a pipe")
        if status.st_size == 0:
            raise InputError(f"{name} is empty")
        return path.open("rb")
    except FileNotFoundError as error:
        raise InputError(f"{name} does not exist") from error
    except PermissionError as error:
        raise InputError(f"{name} cannot be opened: no permission to read it") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"{name} cannot be opened: {reason}") from error


def _clip_format(file: BinaryIO, kind: MediaFormat, name: str) -> MediaFormat | None:
    """The animated format of a file, or None for a still."""
    if kind is MediaFormat.GIF:
        return kind
    if kind in (MediaFormat.PNG, MediaFormat.WEBP):
        from faceswap_cli.media.headers import read_png, read_webp
        from faceswap_cli.media.pillow import decoding

        with decoding(name, LABELS[kind]):
            if kind is MediaFormat.PNG and read_png(file).animated:
                return MediaFormat.APNG
            if kind is MediaFormat.WEBP and read_webp(file).animated:
                return kind
        file.seek(0, os.SEEK_SET)
    return None
