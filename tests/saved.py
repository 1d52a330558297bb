"""Saved faces that tests make: small, of nobody."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from faceswap_cli.library.files import encode
from faceswap_cli.library.saved_face import FaceRecord, SavedFace, SavedPicture


def record(**changes) -> FaceRecord:
    landmarks = np.array([[20.25, 20], [40, 20.5], [30, 30], [22, 40], [38, 41]])
    made = FaceRecord(engine="neural", analyser="insightface", box=(12.0, 8.5, 48.0, 52.0), score=0.875,
                      landmarks=landmarks, pose=(3.5, -1.0, 0.25), spread=0.0,
                      embedding=np.linspace(0, 1, 512, dtype=np.float32), gender="female", gender_probability=0.9,
                      age=33, models={"detector": "ab" * 32})
    return replace(made, **changes)


def picture(*records: FaceRecord, size: tuple[int, int] = (64, 56)) -> SavedPicture:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    return SavedPicture(pixels, records or (record(),))


def face(*pictures: SavedPicture, **changes) -> SavedFace:
    made = SavedFace(name="anna", created="2026-01-31", program="faceswap-cli 0.1.0", note="she agreed",
                     pictures=pictures or (picture(),))
    return replace(made, **changes)


def encoded(made: SavedFace) -> bytes:
    """The bytes of its file."""
    return encode(made)
