"""Who a followed face is: when it is looked at, and what is made of several looks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from faceswap_cli.faces.align import warp_crop
from faceswap_cli.faces.face import Face
from faceswap_cli.faces.similarity import ONE_PERSON, Measure, similarity, trust
from faceswap_cli.faces.templates import estimate
from faceswap_cli.image import FloatArray, Image

LOOKS = (0, 2, 5, 10, 20)
"""Frames of a track at which its face is looked at, or as soon after as it can be; then every `LOOK_EVERY` frames."""

LOOK_EVERY = 50

CHANGED = 0.93
"""Correlation of two successive glimpses below which somebody else may have taken the place of a face: people who
change seats over a cut that leaves the room as it is. Of different people it was 0.59 in the middle and 0.93 at most;
in videos of one person 0.99 and 0.93 at least, less in clips that jump or where a head turns away at once."""

_GLIMPSE = 24
"""Side of the picture of a face, in pixels, by which a sudden change is noticed; taking it costs 0.1 ms."""

_NOISE = 2.0
"""Grey levels; what varies less in a glimpse does not count."""

_SURE = 0.4
"""Trust of a look that may overturn all earlier ones."""

_ALIKE = 0.15
"""How much more than two pictures of one person two looks at one track are alike: a look that is less so after a sudden
change is at somebody else."""

_LOOKS_KEPT = 6.0
"""Looks at a full view that the average remembers: a track may pass from one face to another unnoticed."""

_FORGOTTEN = 100
"""Frames after which a track that is gone is forgotten; its number does not come back."""


@dataclass(slots=True, eq=False, kw_only=True)
class TrackIdentity:
    """What is known of the identity of one followed face. Can be pickled.

    Attributes:
        frames: Frames in which it was there.
        looks: How often it was looked at, `looked` the frame of the last time.
        total, weight: Sum of its embeddings, each times its trust, and of those.
        role: What it was taken for in the last frame.
        outdone: By role: how like it somebody else was who was there at the same time.
        glimpse: What it looked like in the last frame.
        suspect: It changed suddenly, and was not seen well since.
        last: Frame of the clip in which it was last seen.
    """

    frames: int = 0
    looks: int = 0
    looked: int = 0
    total: npt.NDArray[np.float64] | None = None
    weight: float = 0.0
    role: int | None = None
    outdone: dict[int, float] = field(default_factory=dict)
    glimpse: FloatArray | None = None
    suspect: bool = False
    last: int = 0

    @property
    def embedding(self) -> FloatArray | None:
        """The mean of its embeddings; None: it was not seen well enough yet."""
        return None if self.total is None else np.asarray(self.total / self.weight, np.float32)

    def is_due(self, image: Image, face: Face) -> bool:
        """Whether to look at it in this frame."""
        glimpse = take_glimpse(image, face)
        if self.total is not None and self.glimpse is not None and correlation(self.glimpse, glimpse) < CHANGED:
            self.suspect = True
        self.glimpse = glimpse
        trusted = trust(face)
        if self.suspect and trusted >= _SURE:
            return True
        return trusted > 0 and self.frames >= (
            LOOKS[self.looks] if self.looks < len(LOOKS) else self.looked + LOOK_EVERY)

    def add(self, embedding: FloatArray, face: Face, measure: Measure) -> None:
        """Take in one more look: begin anew where it is at somebody else."""
        trusted = trust(face)
        if self.suspect and trusted >= _SURE:
            self.suspect = False
            known = self.embedding
            if known is not None and similarity(measure, known, embedding) < ONE_PERSON[measure] + _ALIKE:
                self.total, self.weight, self.role, self.outdone = None, 0.0, None, {}
                self.looks, self.frames = 0, 0
        part = trusted * embedding.astype(np.float64)
        self.total = part if self.total is None else self.total + part
        self.weight += trusted
        if self.weight > _LOOKS_KEPT:
            self.total *= _LOOKS_KEPT / self.weight
            self.weight = _LOOKS_KEPT
        self.looks += 1
        self.looked = self.frames


@dataclass(slots=True)
class PeopleMemory:
    """What is remembered of the people of one clip. Can be pickled.

    Attributes:
        tracks: By number of the track.
        frame: Number of the next frame.
    """

    tracks: dict[int, TrackIdentity] = field(default_factory=dict)
    frame: int = 0

    def track(self, face: Face) -> TrackIdentity | None:
        """The one of a face of this frame; None: it is not followed."""
        if face.track is None:
            return None
        track = self.tracks.setdefault(face.track, TrackIdentity())
        track.last = self.frame
        return track

    def next_frame(self) -> None:
        """Forget who has long been gone."""
        self.frame += 1
        gone = [number for number, track in self.tracks.items() if self.frame - track.last > _FORGOTTEN]
        for number in gone:
            del self.tracks[number]


def take_glimpse(image: Image, face: Face) -> FloatArray:
    """A small upright picture of a face, to be compared with that of the frame before: float32 (24, 24, 3)."""
    return warp_crop(image, estimate(face.landmarks, "arcface", _GLIMPSE), _GLIMPSE).astype(np.float32)


def correlation(one: FloatArray, other: FloatArray) -> float:
    """Of two pictures (H, W, 3), each channel about its mean; the light may change."""
    a, b = one - one.mean((0, 1)), other - other.mean((0, 1))
    noise = float(_NOISE * _NOISE * a.size)
    return (float((a * b).sum()) + noise) / (float(np.sqrt((a * a).sum() * (b * b).sum())) + noise)
