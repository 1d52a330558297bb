"""What the engine sees in a file: every face of every frame, numbered as `swap` numbers them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from faceswap_cli.errors import OutputError, UsageError
from faceswap_cli.faces.face import Face
from faceswap_cli.files.atomic import explain_failure
from faceswap_cli.jobs.backend import ClipT, FaceFinder
from faceswap_cli.jobs.inputs import Inputs
from faceswap_cli.media.frame import ClipInfo, Frame
from faceswap_cli.options import GenderFilter, MediaOptions
from faceswap_cli.text import opt

CROP_SIDE = 512
"""Side of an upright face crop in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectJob:
    """One file to look at.

    Attributes:
        path: A path, an http(s) URL, or `-`.
        media: Limits of reading; quality of the annotated picture.
        gender: Report only faces of this gender; their numbers stay those of all faces.
        annotate: Where a copy with numbered boxes and landmarks goes, or None.
        crops: The folder that gets a picture of every face, or None.
        overwrite: Replace existing outputs.
        allow_private_urls: Fetch URLs of private addresses too.
    """

    path: str
    media: MediaOptions = field(default_factory=MediaOptions)
    gender: GenderFilter = GenderFilter.NO
    annotate: Path | None = None
    crops: Path | None = None
    overwrite: bool = False
    allow_private_urls: bool = False


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A face and the number that `--target-index` and `--source-index` take for it."""

    index: int
    face: Face


@dataclass(frozen=True, slots=True)
class FrameFaces:
    """The faces of one frame, in the chosen order."""

    frame: int
    faces: tuple[FoundFace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectReport:
    """What was found in one file.

    Attributes:
        path: As given.
        width, height: Size in pixels.
        animated: More than one frame.
        frames: Every frame, also those without a face.
        warnings: What reading changed.
    """

    path: str
    width: int
    height: int
    animated: bool
    frames: tuple[FrameFaces, ...]
    warnings: tuple[str, ...] = ()

    @property
    def faces(self) -> tuple[FoundFace, ...]:
        """The faces of the first frame that has any."""
        return next((frame.faces for frame in self.frames if frame.faces), ())


def detect_file(job: DetectJob, finder: FaceFinder[ClipT],
                on_frame: Callable[[int, int | None], None] | None = None) -> DetectReport:
    """Find and describe the faces of one still or clip.

    Frames stream through, and the faces of a clip are followed from frame to frame as in a swap.

    Args:
        job: What to look at, and where pictures of the findings go.
        finder: Its order gives the faces their numbers.
        on_frame: Told the number of frames done and of all frames.

    Raises:
        InputError: The file cannot be read.
        UsageError: An output exists and `overwrite` is not set.
        ModelError: The finder failed.
        OutputError: A picture of the findings cannot be written.
    """
    from faceswap_cli.media.open import create_media, open_media

    with Inputs(allow_private=job.allow_private_urls) as inputs, ExitStack() as stack:
        source = inputs.resolve(job.path)
        reader = stack.enter_context(open_media(source.path, job.media, name=source.name))
        info = reader.info
        annotated = None
        if job.annotate is not None:
            from faceswap_cli.jobs.annotate import annotate

            annotated = stack.enter_context(create_media(job.annotate, info, job.media, overwrite=job.overwrite))
        clip = finder.open_clip(info.frame_count) if info.animated else None
        frames: list[FrameFaces] = []
        for number, frame in enumerate(reader.frames()):
            faces = finder.find(frame.pixels, clip, describe=True)
            found = tuple(FoundFace(index, face) for index, face in enumerate(faces) if _passes(face, job.gender))
            frames.append(FrameFaces(number, found))
            if annotated is not None:
                annotated.write(annotate(frame, [(face.index, face.face) for face in found]))
            if job.crops is not None:
                _write_crops(job, job.crops, frame, frames[-1])
            if on_frame is not None:
                on_frame(number + 1, info.frame_count or None)
        if annotated is not None:
            annotated.commit()
        return DetectReport(path=job.path, width=info.width, height=info.height, animated=info.animated,
                            frames=tuple(frames), warnings=info.warnings)


def crop_name(path: str, frame: int, index: int) -> str:
    """The file name of a face crop: `<stem>-<frame>-<index>.png`."""
    stem = "stdin" if path == "-" else Path(path.split("?", 1)[0] if "://" in path else path).stem or "picture"
    return f"{stem}-{frame}-{index}.png"


def _passes(face: Face, wanted: GenderFilter) -> bool:
    """Whether the face is reported; an unsure gender passes no filter, as in a swap."""
    return wanted == GenderFilter.NO or (face.gender is not None and face.gender.value == wanted.value)


def _write_crops(job: DetectJob, folder: Path, frame: Frame, found: FrameFaces) -> None:
    from faceswap_cli.jobs.annotate import crop_face
    from faceswap_cli.media.open import create_media
    from faceswap_cli.options import MediaFormat

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror or error}") from error
    for item in found.faces:
        pixels = crop_face(frame.pixels, item.face, CROP_SIDE)
        like = ClipInfo(format=MediaFormat.PNG, width=pixels.shape[1], height=pixels.shape[0])
        path = folder / crop_name(job.path, found.frame, item.index)
        with create_media(path, like, job.media, overwrite=job.overwrite) as writer:
            writer.write(Frame(pixels=pixels))
            writer.commit()


def check_detect_outputs(jobs: list[DetectJob]) -> None:
    """Find out before any work whether the outputs of several jobs clash with each other, or exist.

    Raises:
        UsageError: Two files would write the same output, or one exists and `overwrite` is not set.
        OutputError: The name of an output cannot be.
    """
    annotated: dict[Path, str] = {}
    stems: dict[tuple[Path, str], str] = {}
    for job in jobs:
        if job.annotate is not None:
            if other := annotated.get(job.annotate):
                raise UsageError(f"{other} and {job.path} would both be annotated as {job.annotate}",
                                 advice="do one at a time")
            annotated[job.annotate] = job.path
            try:
                taken = job.annotate.exists() and not job.annotate.is_dir()
            except OSError as error:
                raise OutputError(explain_failure(str(job.annotate), job.annotate, error)) from error
            if taken and not job.overwrite:
                raise UsageError(f"{job.annotate} exists", advice=f"choose another name or add {opt('overwrite')}")
        if job.crops is not None:
            key = (job.crops, crop_name(job.path, 0, 0))
            if other := stems.get(key):
                raise UsageError(f"{other} and {job.path} would give face crops of the same name",
                                 advice="do one at a time")
            stems[key] = job.path
