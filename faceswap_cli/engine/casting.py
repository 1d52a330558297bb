"""Who gets whose face: source faces are found, selected and prepared, and the references of those who get them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from faceswap_cli.engine.finder import Finder
from faceswap_cli.engine.known import find_source
from faceswap_cli.engine.outcome import Role, SourcePicture
from faceswap_cli.engine.parts import AnySwapper, embedding_of
from faceswap_cli.engine.people import Reference
from faceswap_cli.errors import NoFaceError, UsageError
from faceswap_cli.faces.face import Face
from faceswap_cli.faces.quality import face_warnings
from faceswap_cli.faces.select import judge_sources
from faceswap_cli.faces.similarity import trust
from faceswap_cli.image import FloatArray
from faceswap_cli.options import EngineOptions, GenderFilter
from faceswap_cli.text import here, opt


@dataclass(frozen=True, slots=True)
class SourceVariant:
    """One picture of a source person: its name and what the swapper prepared of it.

    Attributes:
        picture, prepared: As said.
        embedding: Of the face, where results are measured against it.
    """

    picture: str
    prepared: object
    embedding: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One person of the target.

    Attributes:
        references: What that person looks like; none: everybody whom no other part fits.
        people: Numbers of the source faces that go on it in turn.
    """

    references: tuple[Reference, ...]
    people: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Prepared source faces; reusable across frames, files and threads.

    Attributes:
        people: For each chosen source face, from 0, the pictures that show it.
        warnings: About the pictures, each naming its own.
        parts: Who gets them; of a plain source one that everybody fits.
    """

    people: tuple[tuple[SourceVariant, ...], ...]
    warnings: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    def references(self) -> tuple[tuple[Reference, ...], ...]:
        """Those of each part; empty where nobody has to be told from others."""
        found = tuple(part.references for part in self.parts)
        return found if any(found) else ()


class Casting:
    """Prepares sources for an engine.

    Args:
        finder: Finds and describes faces.
        swapper: Prepares them.
        options: Order, index and gender of the source faces, and whether results will be measured.
        models: SHA-256 of the models at hand, by id.
    """

    def __init__(self, finder: Finder, swapper: AnySwapper, options: EngineOptions, models: Mapping[str, str]) -> None:
        self._finder = finder
        self._swapper = swapper
        self._select = options.select
        self._measure = options.measure
        self._models = models

    def prepare(self, roles: Sequence[Role]) -> Source:
        """Prepare what each role gets, and learn who plays it.

        Raises:
            NoFaceError: A reference shows no face, or no source of a role one that passes the selection.
            UsageError: A source index out of range.
        """
        people: list[tuple[SourceVariant, ...]] = []
        parts: list[Part] = []
        warnings: list[str] = []
        for role in roles:
            references = tuple(self._reference(picture, warnings) for picture in role.references)
            found = self._people(role.sources, warnings)
            parts.append(Part(references, tuple(range(len(people), len(people) + len(found)))))
            people += found
        return Source(tuple(people), tuple(dict.fromkeys(warnings)), tuple(parts))

    def _reference(self, picture: SourcePicture, warnings: list[str]) -> Reference:
        """The largest face of a picture of a person of the target."""
        faces = find_source(self._finder, picture, self._models, describe=False)
        face = max(faces, key=lambda one: one.box.area, default=None)
        if face is None:
            raise NoFaceError(f"{picture.name}: no face found to know the person by",
                              advice="take a reference that shows the face from the front, larger than 40 pixels")
        if len(faces) > 1:
            warnings.append(f"{picture.name}: the reference shows {len(faces)} faces, the largest is taken; cut the "
                            "picture if another is meant")
        if trust(face) == 0:
            warnings.append(f"{picture.name}: the face of the reference is too small, turned or unclear to know a "
                            "person by")
        return Reference(picture.name, self._embedding(picture, face))

    def _people(self, pictures: Sequence[SourcePicture], warnings: list[str]) -> list[tuple[SourceVariant, ...]]:
        """The source faces of one role. The k-th face chosen in each picture shows the k-th person."""
        people: list[list[SourceVariant]] = []
        describe = self._select.source_gender is not GenderFilter.NO
        seen = 0
        for picture in pictures:
            faces = find_source(self._finder, picture, self._models, describe=describe)
            seen += len(faces)
            try:
                choices = [choice for choice in judge_sources(faces, self._select) if choice.selected]
            except UsageError as error:
                raise error.about(picture.name) from error
            if not choices and len(pictures) > 1:
                why = "no face" if not faces else f"no {self._select.source_gender.value} face"
                warnings.append(f"{picture.name}: {why} found, picture not used")
            for person, choice in enumerate(choices):
                if choice.face is None:
                    continue
                warnings += [f"{picture.name}: {text}" for text in face_warnings(choice.face, "source")]
                if person == len(people):
                    people.append([])
                people[person].append(self._variant(picture, choice.face))
        if not people:
            raise self._no_source(pictures, seen)
        return [tuple(variants) for variants in people]

    def _variant(self, picture: SourcePicture, face: Face) -> SourceVariant:
        embedding = self._embedding(picture, face) if self._measure or self._swapper.needs_embedding else None
        if self._swapper.needs_embedding:
            face = replace(face, embedding=embedding)
        return SourceVariant(picture.name, self._swapper.prepare(picture.pixels, face),
                             embedding if self._measure else None)

    def _embedding(self, picture: SourcePicture, face: Face) -> FloatArray:
        return embedding_of(self._finder.analyser, picture.pixels, face) if face.embedding is None else face.embedding

    def _no_source(self, pictures: Sequence[SourcePicture], seen: int) -> NoFaceError:
        where = pictures[0].name if len(pictures) == 1 else f"any of the {len(pictures)} source pictures"
        if not seen:
            return NoFaceError(f"{where}: no face found",
                               advice="take a picture that shows a face from the front, larger than 40 pixels")
        wanted = self._select.source_gender.value
        return NoFaceError(f"{where}: no {wanted} face found",
                           advice=here(f"see `faceswap detect`, or leave {opt('source-gender')} out"))
