"""Who is who: faces of a target told apart by reference pictures; in clips by track, not frame by frame.

A look costs an embedding: 60 ms with dlib's network on one core. A followed face is looked at when it is new and a few
times more, and its embeddings are averaged, the better views counting more; after that it is looked at every 50 frames.
After a cut all tracks are new, so people are found again by how they look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from faceswap_cli.engine.parts import Analyser
from faceswap_cli.faces.face import Face
from faceswap_cli.faces.similarity import ONE_PERSON, similarity, trust
from faceswap_cli.image import FloatArray, Image

LOOKS = (0, 2, 5, 10, 20)
"""Frames of a track at which its face is looked at, or as soon after as it can be; then every `LOOK_EVERY` frames."""

LOOK_EVERY = 50

STAYS = 0.05
"""How much less like a reference a face may become before it is no longer taken for that person."""

CLEARLY = 0.05
"""How much nearer to a reference another face, seen at once, must be for this one to be somebody else for good."""

_LOOKS_KEPT = 6.0
"""Looks at a full view that the average remembers: a track may pass from one face to another unnoticed."""

_FORGOTTEN = 100
"""Frames after which a track that is gone is forgotten; its number does not come back."""


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A picture of a person of the target: its name, and the embedding of the face in it."""

    picture: str
    embedding: FloatArray


@dataclass(frozen=True, slots=True)
class Recognised:
    """Who a face is.

    Attributes:
        role: Number of the role; None: of no role, or not known.
        reference: Name of the picture it fits; None: none.
        similarity: To the nearest reference, whether it fits or not; None: not known, since the face could not be seen
            well enough yet.
    """

    role: int | None
    reference: str | None = None
    similarity: float | None = None


@dataclass(slots=True, eq=False)
class TrackIdentity:
    """What is known of the identity of one followed face.

    Attributes:
        frames: Frames in which it was there.
        looks: How often it was looked at, `looked` the frame of the last time.
        total, weight: Sum of its embeddings, each times its trust, and of those.
        role: What it was taken for in the last frame.
        outdone: By role: how like it somebody else was who was there at the same time.
        last: Frame of the clip in which it was last seen.
    """

    frames: int = 0
    looks: int = 0
    looked: int = 0
    total: npt.NDArray[np.float64] | None = None
    weight: float = 0.0
    role: int | None = None
    outdone: dict[int, float] = field(default_factory=dict)
    last: int = 0

    @property
    def embedding(self) -> FloatArray | None:
        """The mean of its embeddings; None: it was not seen well enough yet."""
        return None if self.total is None else np.asarray(self.total / self.weight, np.float32)

    @property
    def due(self) -> bool:
        """Whether it is time for another look."""
        return self.frames >= (LOOKS[self.looks] if self.looks < len(LOOKS) else self.looked + LOOK_EVERY)

    def add(self, embedding: FloatArray, weight: float) -> None:
        """Take in one more look."""
        part = weight * embedding.astype(np.float64)
        self.total = part if self.total is None else self.total + part
        self.weight += weight
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

    def next_frame(self) -> None:
        """Forget who has long been gone."""
        self.frame += 1
        gone = [number for number, track in self.tracks.items() if self.frame - track.last > _FORGOTTEN]
        for number in gone:
            del self.tracks[number]


@dataclass(frozen=True, slots=True, eq=False)
class _Claim:
    """A face that may be the person of a role."""

    face: int
    role: int
    reference: str
    similarity: float
    stays: bool

    @property
    def strength(self) -> float:
        return self.similarity + (STAYS if self.stays else 0.0)


class People:
    """Tells who the faces of a target are.

    Args:
        analyser: Gives embeddings.
        threshold: Least similarity to a reference; None: the usual one of the analyser's measure.
    """

    def __init__(self, analyser: Analyser, threshold: float | None = None) -> None:
        self._analyser = analyser
        self._threshold = ONE_PERSON[analyser.measure] if threshold is None else threshold

    def recognise(self, image: Image, faces: Sequence[Face], roles: Sequence[Sequence[Reference]],
                  memory: PeopleMemory | None = None) -> list[Recognised]:
        """Who each face of a picture is.

        A role is one person: of several faces that fit it, the one most like it has it. A face that fits none belongs
        to the role without references, if there is one.

        Args:
            image: uint8 (H, W, 3) RGB.
            faces: All that were found in it.
            roles: The references of each role.
            memory: Of the clip; None for a still.
        """
        tracks = [self._track(face, memory) for face in faces]
        identities = [self._identity(image, face, track) for face, track in zip(faces, tracks, strict=True)]
        claims = [claim for number, (embedding, track) in enumerate(zip(identities, tracks, strict=True))
                  if embedding is not None for claim in self._claims(number, embedding, roles, track)]
        taken = self._settle(claims, tracks)
        for_all = next((number for number, references in enumerate(roles) if not references), None)
        people = []
        for number, embedding in enumerate(identities):
            claim = taken.get(number)
            if claim is not None:
                people.append(Recognised(claim.role, claim.reference, claim.similarity))
            elif embedding is None:
                people.append(Recognised(None))
            else:
                nearest = max((one.similarity for one in claims if one.face == number), default=None)
                people.append(Recognised(for_all, None, nearest))
        for track, person in zip(tracks, people, strict=True):
            if track is not None:
                track.role = person.role
                track.frames += 1
        if memory is not None:
            memory.next_frame()
        return people

    @staticmethod
    def _track(face: Face, memory: PeopleMemory | None) -> TrackIdentity | None:
        if memory is None or face.track is None:
            return None
        track = memory.tracks.setdefault(face.track, TrackIdentity())
        track.last = memory.frame
        return track

    def _identity(self, image: Image, face: Face, track: TrackIdentity | None) -> FloatArray | None:
        """The embedding that tells who a face is; None: it cannot be seen well enough."""
        weight = trust(face)
        if track is None:
            if weight == 0:
                return None
            return face.embedding if face.embedding is not None else self._embedding(image, face)
        if weight > 0 and track.due:
            track.add(self._embedding(image, face), weight)
        return track.embedding

    def _embedding(self, image: Image, face: Face) -> FloatArray:
        embedding = self._analyser.embed(image, face).embedding
        assert embedding is not None
        return embedding

    def _claims(self, number: int, embedding: FloatArray, roles: Sequence[Sequence[Reference]],
                track: TrackIdentity | None) -> list[_Claim]:
        """How like each role's person a face is, by the nearest of the references."""
        claims = []
        for role, references in enumerate(roles):
            if references:
                likeness = [similarity(self._analyser.measure, embedding, one.embedding) for one in references]
                best = max(range(len(likeness)), key=likeness.__getitem__)
                stays = track is not None and track.role == role
                claims.append(_Claim(number, role, references[best].picture, likeness[best], stays))
        return claims

    def _settle(self, claims: Sequence[_Claim], tracks: Sequence[TrackIdentity | None]) -> dict[int, _Claim]:
        """The claim that each face is granted: the strongest first, each role to one face."""
        taken: dict[int, _Claim] = {}
        holders: dict[int, _Claim] = {}
        for claim in sorted(claims, key=lambda one: (-one.strength, one.face, one.role)):
            track = tracks[claim.face]
            if claim.face in taken or claim.strength < self._threshold:
                continue
            holder = holders.get(claim.role)
            if holder is not None:
                if track is not None and holder.similarity > claim.similarity + CLEARLY:
                    track.outdone[claim.role] = holder.similarity
            elif track is None or claim.similarity > track.outdone.get(claim.role, -np.inf):
                taken[claim.face] = holders[claim.role] = claim
        return taken
