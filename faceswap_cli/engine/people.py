"""Who is who: faces of a target told apart by reference pictures; in clips by track, not frame by frame.

A look costs an embedding: 60 ms with dlib's network on one core. A followed face is looked at when it is new and a few
times more, and its embeddings are averaged, the better views counting more; after that it is looked at every 50 frames,
and when it changes suddenly. After a cut all tracks are new, so people are found again by how they look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceswap_cli.engine.parts import AnyAnalyser, embedding_of
from faceswap_cli.engine.track_identity import PeopleMemory, TrackIdentity
from faceswap_cli.faces.face import Face
from faceswap_cli.faces.similarity import ONE_PERSON, similarity, trust
from faceswap_cli.image import FloatArray, Image

STAYS = 0.05
"""How much less like a reference a face may become before it is no longer taken for that person."""

CLEARLY = 0.05
"""How much nearer to a reference another face, seen at once, must be for this one to be somebody else for good."""


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


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
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

    def __init__(self, analyser: AnyAnalyser, threshold: float | None = None) -> None:
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
        tracks = [memory.track(face) if memory is not None else None for face in faces]
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

    def _identity(self, image: Image, face: Face, track: TrackIdentity | None) -> FloatArray | None:
        """The embedding that tells who a face is; None: it cannot be seen well enough."""
        if track is None:
            if trust(face) == 0:
                return None
            return face.embedding if face.embedding is not None else embedding_of(self._analyser, image, face)
        if track.is_due(image, face):
            track.add(embedding_of(self._analyser, image, face), face, self._analyser.measure)
        return track.embedding

    def _claims(self, number: int, embedding: FloatArray, roles: Sequence[Sequence[Reference]],
                track: TrackIdentity | None) -> list[_Claim]:
        """How like each role's person a face is, by the nearest of the references."""
        claims = []
        for role, references in enumerate(roles):
            if references:
                likeness = [similarity(self._analyser.measure, embedding, one.embedding) for one in references]
                best = max(range(len(likeness)), key=likeness.__getitem__)
                stays = track is not None and track.role == role
                claims.append(
                    _Claim(face=number, role=role, reference=references[best].picture, similarity=likeness[best],
                           stays=stays))
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
