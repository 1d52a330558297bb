"""Opens animations: GIF, animated WebP and APNG.

`ClipInfo.loop` is the number of times that a clip plays, 0 for ever, None where the file does not say (it plays once).
WebP and APNG store that number. GIF stores how often the clip is repeated after it was shown once: 0 is for ever, n is
n + 1 plays (so browsers do it), and a clip that plays once has no such number.
"""

from __future__ import annotations

from pathlib import Path

from faceswap_cli.errors import InputError, OutputError
from faceswap_cli.files.atomic import AtomicFile
from faceswap_cli.media.frame import ClipInfo, Reader, Writer
from faceswap_cli.options import MediaFormat, MediaOptions


def open_animation(path: Path, name: str, format: MediaFormat, options: MediaOptions) -> Reader:
    """Open an animation, or a GIF with one frame; the bounds are checked and nothing is decoded.

    Args:
        path: A regular file.
        name: How to call it in messages.
        format: What it is, by content.
        options: Holds the bounds.

    Raises:
        InputError: The file is missing, damaged, or no animation.
        LimitError: It has too many pixels.
    """
    if format is MediaFormat.GIF:
        from faceswap_cli.media.gif.reader import GifReader

        return GifReader(path, name, options)
    if format is MediaFormat.WEBP:
        from faceswap_cli.media.animations.webp import WebpReader

        return WebpReader(path, name, options)
    if format is MediaFormat.APNG:
        from faceswap_cli.media.animations.apng import ApngReader

        return ApngReader(path, name, options)
    raise InputError(f"{name} is no animation but {format}; give a GIF, an animated WebP or an APNG")


def create_animation(out: AtomicFile, format: MediaFormat, like: ClipInfo, options: MediaOptions) -> Writer:
    """Begin an animation of the size, loop, profile and mode of `like`; GIF also for one frame.

    Args:
        out: Where it is written; appears on `commit`.
        format: GIF, WEBP or APNG.
        like: The clip that it is made from.
        options: Quality and mark.

    Raises:
        OutputError: The format holds no frames, or none of this size.
    """
    if format is MediaFormat.GIF:
        from faceswap_cli.media.gif.writer import GifWriter

        return GifWriter(out, like, options)
    if format is MediaFormat.WEBP:
        from faceswap_cli.media.animations.webp import WebpWriter

        return WebpWriter(out, like, options)
    if format is MediaFormat.APNG:
        from faceswap_cli.media.animations.apng import ApngWriter

        return ApngWriter(out, like, options)
    raise OutputError(f"cannot write {out.name}: {format} holds one picture; use .gif, .webp or .png")
