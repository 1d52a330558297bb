"""Source pictures, decoded: the first frame of each file, or what a saved face holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from faceswap_cli.engine.outcome import SourcePicture
from faceswap_cli.errors import InputError
from faceswap_cli.jobs.inputs import Input
from faceswap_cli.jobs.saved_sources import read_pictures
from faceswap_cli.options import MediaOptions


def read_sources(found: Sequence[Input], media: MediaOptions) -> tuple[list[SourcePicture], list[str]]:
    """The pictures of each source. A picture of a folder that cannot be read is left out and told.

    Args:
        found: What `Inputs.resolve_sources` returned.
        media: How pictures are read.

    Returns:
        At least one picture, and warnings.

    Raises:
        InputError: A source cannot be read.
    """
    from faceswap_cli.media.open import open_media

    media = replace(media, trim=None)  # which is about the target
    pictures: list[SourcePicture] = []
    warnings: list[str] = []
    for source in found:
        if source.saved:
            pictures += read_pictures(source.path, source.name)
            continue
        try:
            with open_media(source.path, media, name=source.name) as reader:
                first = next(iter(reader.frames()), None)
                if first is None:
                    raise InputError(f"{source.name} holds no picture")
        except InputError as error:
            if not source.optional:
                raise
            warnings.append(f"left out: {error.marked}")
            continue
        pictures.append(SourcePicture(source.name, first.pixels))
    if not pictures:
        raise InputError("; ".join(warnings) or "no source picture was given")
    return pictures, warnings
