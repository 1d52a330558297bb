"""What runs a job: an engine of this machine, or a stand-in, behind one protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from faceswap_cli.engine.outcome import FaceOutcome, Role, SourcePicture
from faceswap_cli.faces.face import Face
from faceswap_cli.image import Image
from faceswap_cli.options import EngineOptions

ClipT = TypeVar("ClipT")
SourceT = TypeVar("SourceT", bound="PreparedSource")
PlanT = TypeVar("PlanT", bound="FramePlan")
DrawnT = TypeVar("DrawnT", bound="FramePlan", contravariant=True)


class PreparedSource(Protocol):
    """Source faces, ready for any number of frames, files and threads."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """About their pictures."""


class FramePlan(Protocol):
    """What is to be done to one frame."""

    @property
    def swaps(self) -> Sequence[object]:
        """The faces to be replaced; empty: there is nothing to render."""

    @property
    def found(self) -> int:
        """How many faces there are."""

    @property
    def swapped(self) -> int:
        """How many of them are replaced."""

    @property
    def drawn_warnings(self) -> dict[int, tuple[str, ...]]:
        """What rendering had to tell, by face: filled in by that."""


class FaceFinder(Protocol[ClipT]):
    """Finds and numbers faces. The concrete ones are `engine.finder.Finder` and every `Backend`."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know before the first picture."""

    def open_clip(self, frames: int | None = None) -> ClipT:
        """A fresh memory to be handed to `find` for every frame of one clip of about that many frames, in order."""

    def find(self, image: Image, clip: ClipT | None = None, *, describe: bool = False) -> list[Face]:
        """All faces in the chosen order; with gender where `describe` asks for it."""


class Renderer(Protocol[DrawnT]):
    """What carries out the plans of a backend, in another process. Can be pickled, and so can plans."""

    def render(self, plan: DrawnT, image: Image) -> Image:
        """As `Backend.render`."""


class Backend(FaceFinder[ClipT], Protocol[SourceT, PlanT, ClipT]):
    """Finds and swaps faces. `plan` then `render` is one swap, split so that frames can be rendered in parallel.

    The concrete one is `engine.engine.Engine`.
    """

    @property
    def parts(self) -> dict[str, str | None]:
        """Names of what runs: engine, analyser, swapper, restorer and the provider of the swapper, if it ran on one."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know before the first frame: which engine was taken and why, restoration skipped."""

    @property
    def identity_measure(self) -> str:
        """What similarities are made of: `dlib-distance` (1 - distance of the descriptors), `arcface-cosine`."""

    @property
    def models(self) -> dict[str, str]:
        """SHA-256 of the models that decide the pixels, by id."""

    @property
    def late_notes(self) -> tuple[str, ...]:
        """What the user should know of how the job ran; complete after the last frame."""

    @property
    def heavy(self) -> bool:
        """Whether `render` takes nearly all the time, outside the interpreter: then every core renders."""

    @property
    def trained(self) -> bool:
        """Whether a trained model draws faces; the mark in the output says so."""

    def prepare_source(self, pictures: Sequence[SourcePicture]) -> SourceT:
        """Find the source faces, select and prepare them; reusable across frames, files and threads.

        Raises:
            NoFaceError: No picture shows a face that passes the selection.
            UsageError: A source index out of range.
        """

    def prepare_roles(self, roles: Sequence[Role]) -> SourceT:
        """As `prepare_source`, for several people of the target who each get a face of their own.

        Raises:
            NoFaceError: A reference shows no face, or no source of a role one that passes the selection.
            UsageError: A source index out of range.
        """

    def open_clip(self, frames: int | None = None) -> ClipT:
        """A fresh memory to be handed to `plan` for every frame of one clip, in order.

        Args:
            frames: How many there are, about; None: not known.
        """

    def plan(self, source: SourceT, image: Image, clip: ClipT | None = None) -> PlanT:
        """Find, order, select and pair the faces of one image: cheap, sequential in a clip."""

    def render(self, plan: PlanT, image: Image) -> Image:
        """Carry out a plan; thread-safe and pure. Returns a new image, or `image` itself when nothing is swapped."""

    def renderer(self) -> Renderer[PlanT] | None:
        """What renders in another process just as `render` does.

        None: rendering needs what lives in this one, or is `heavy` and would gain nothing there.
        """

    def measure(self, plan: PlanT, before: Image, after: Image) -> None:
        """Measure how like its source each face of a rendered plan is, where the options ask for it; in order.

        Of clips a sample of the frames is measured; else this does nothing. What is found is in the `outcomes`.
        """

    def outcomes(self, plan: PlanT, frame: int) -> tuple[FaceOutcome, ...]:
        """What happened to each face of a rendered plan (warnings included), for reports."""


SwapBackend = Backend[Any, Any, Any]
"""A backend that was chosen at run time: what it hands to itself, nobody looks into."""


def open_backend(options: EngineOptions) -> SwapBackend:
    """The backend that the options ask for.

    Raises:
        ModelError: A model that is needed is not installed, or damaged.
        UsageError: An option that the engine has no use for.
    """
    from faceswap_cli.engine.build import build_engine

    return build_engine(options)


def open_finder(options: EngineOptions) -> FaceFinder[Any]:
    """What finds faces in the engine that `open_backend` would open, without what swaps them.

    Raises:
        ModelError, UsageError: As `open_backend`.
    """
    from faceswap_cli.engine.build import build_finder

    return build_finder(options)
