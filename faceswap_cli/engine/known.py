"""Source pictures whose face is known beforehand: those of a saved face. Nothing is looked for twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from faceswap_cli.engine.finder import Finder
from faceswap_cli.engine.outcome import SourcePicture
from faceswap_cli.faces.face import Box, Face, Gender

_SAME_PLACE = 0.2
"""Least intersection over union of the boxes that two analysers give to one face; they draw them differently."""


def find_source(finder: Finder, picture: SourcePicture, models: Mapping[str, str], *, describe: bool) -> list[Face]:
    """The faces of a source picture, in the chosen order; of a picture with a known face that face alone.

    The record that this finder's own analyser made is taken as it is, its embedding if it is one of the models at
    hand. Where only another analyser knew the face, the one at its place is looked for.

    Args:
        finder: Finds and describes.
        picture: The picture, and what is known of it.
        models: SHA-256 of the models at hand, by id.
        describe: Tell gender too.
    """
    if not picture.known:
        return finder.find(picture.pixels, describe=describe)
    own = next((known for known in picture.known if known.analyser == finder.analyser.name), None)
    if own is None:
        face = face_at(finder.find(picture.pixels), [known.face.box for known in picture.known])
    else:
        face = own.face if own.models.items() <= models.items() else replace(own.face, embedding=None)
    if face is None:
        return []
    if describe and face.gender in (None, Gender.UNKNOWN):
        described = finder.analyser.describe(picture.pixels, face)
        face = described if face.embedding is None else replace(described, embedding=face.embedding)
    return [face]


def face_at(faces: list[Face], boxes: list[Box]) -> Face | None:
    """The face whose box agrees best with one of the boxes; None: there is none at their place."""
    from faceswap_cli.engine.analysers.detectors.boxes import shared_part

    overlaps = [(float(shared_part(np.array(face.box), np.array(boxes)).max()), face) for face in faces]
    best = max(overlaps, key=lambda pair: pair[0], default=None)
    return best[1] if best is not None and best[0] > _SAME_PLACE else None
