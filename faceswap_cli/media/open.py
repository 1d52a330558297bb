"""Opens any medium for reading, by content, and any output for writing, by name."""

from __future__ import annotations

import stat
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from faceswap_cli.errors import InputError, UsageError
from faceswap_cli.media.formats import FORMATS, HEAD_BYTES, READ_ONLY_AS, VIDEO, Foreign, output_format, sniff
from faceswap_cli.media.frame import ClipInfo, Reader, Writer
from faceswap_cli.options import MediaFormat, MediaOptions
from faceswap_cli.text import opt


def open_media(path: Path, options: MediaOptions, *, name: str | None = None) -> Reader:
    """Open a still or a clip. What it is, its content says, never its name.

    Args:
        path: A regular file.
        options: Bounds, and the part of a clip that is taken.
        name: How to call the file in messages; None: its path.

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
        kind, moving = (kind, True) if kind in VIDEO else _look_for_frames(file, kind, name)
    reader = open_as(path, name, kind, options, moving=moving)
    trim = options.trim
    if trim is None or kind in VIDEO:
        return reader
    if not reader.info.animated:
        reader.close()
        raise UsageError(f"{opt('trim')}: {name} is one picture", advice=f"drop {opt('trim')}")
    from faceswap_cli.media.handles import ReaderAround
    from faceswap_cli.media.trim import trimmed

    return ReaderAround(reader, lambda frames: trimmed(frames, name, trim))


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

    Raises:
        UsageError: The name, the format and the target do not go together, or the output exists.
        OutputError: The output cannot be written.
    """
    kind = output_format(path, options, like)
    return create_as(path, kind, like, options, moving=like.animated, overwrite=overwrite, resume=resume)


def open_as(path: Path, name: str, kind: MediaFormat, options: MediaOptions, *, moving: bool) -> Reader:
    """Open a file of a known format, with the reader of one picture or of frames; see `open_media`."""
    row = FORMATS[kind]
    reader: Reader = _load(row.clips[0] if moving and row.clips else row.reader)(path, name, kind, options)
    return reader


def create_as(path: Path | None, kind: MediaFormat, like: ClipInfo, options: MediaOptions, *, moving: bool,
              overwrite: bool = False, resume: str | None = None) -> Writer:
    """Begin a file of a format, with the writer of one picture or of frames; see `create_media`."""
    row = FORMATS[kind]
    writer: Writer = _load(row.clips[1] if moving and row.clips else row.writer)(
        path, kind, like, options, overwrite=overwrite, resume=resume)
    return writer


def _load(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def _open_file(path: Path, name: str) -> BinaryIO:
    try:
        status = path.stat()  # before opening: that would wait for ever on a pipe without a writer
        if stat.S_ISDIR(status.st_mode):
            raise InputError(f"{name} is a folder", advice="name a file in it")
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{name} is not a regular file", advice="use - to read from a pipe")
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


def _look_for_frames(file: BinaryIO, kind: MediaFormat, name: str) -> tuple[MediaFormat, bool]:
    """The format of a picture, PNG and APNG told apart, and whether it has frames."""
    moving = kind is MediaFormat.GIF
    if kind in (MediaFormat.PNG, MediaFormat.WEBP):
        from faceswap_cli.media.headers import read_png, read_webp
        from faceswap_cli.media.pillow import decoding

        with decoding(name, FORMATS[kind].label):
            moving = (read_png if kind is MediaFormat.PNG else read_webp)(file).animated
    return MediaFormat.APNG if moving and kind is MediaFormat.PNG else kind, moving
