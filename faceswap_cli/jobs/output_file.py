"""The output of a swap: opened, gone on with, passed through instead, and described."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from types import TracebackType
from typing import Self

from faceswap_cli.files.atomic import AtomicFile
from faceswap_cli.files.leftovers import sweep_beside
from faceswap_cli.jobs.inputs import Input, read_all
from faceswap_cli.jobs.job import OutputInfo, SwapJob
from faceswap_cli.jobs.rendering.clip import ClipSwap
from faceswap_cli.media.formats import HEAD_BYTES, VIDEO, sniff
from faceswap_cli.media.frame import ClipInfo, Kept, Reader, Writer
from faceswap_cli.media.video.read.frame_rate import suited
from faceswap_cli.options import MediaFormat, MediaOptions


class OutputFile:
    """The output being written; what an earlier run left of it may be thrown away.

    Attributes:
        writer: Of the output.
        went_on: Frames that an earlier run had encoded.
    """

    def __init__(self, job: SwapJob, like: ClipInfo, media: MediaOptions, resume: str | None) -> None:
        """Open it; `media` are the job's with the mark of what draws, `resume` is as in `create_media`."""
        self._job = job
        self._open = partial(_create, job, like, media, resume)
        self._stack = ExitStack()
        self.went_on = 0
        self.writer = self._stack.enter_context(self._open())

    @property
    def warnings(self) -> list[str]:
        """What the writer has to tell."""
        told = [f"continued after the first {self.went_on} frames, which an earlier run had encoded"]
        return [*self.writer.warnings, *(told if self.went_on else ())]

    def go_on(self, kept: Kept) -> None:
        """Note that the writer goes on with what an earlier run left, and remove what else that left."""
        self.went_on = kept.frames
        if self._job.output_path is not None:
            sweep_beside(self._job.output_path)

    def begin_anew(self) -> None:
        """Throw away what an earlier run left."""
        self._stack.close()
        self.writer = self._stack.enter_context(self._open())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> bool | None:
        return self._stack.__exit__(kind, error, trace)


@dataclass(frozen=True, slots=True)
class Task:
    """A job whose target is known.

    Attributes:
        format: Of the output.
    """

    job: SwapJob
    target: Input
    info: ClipInfo
    format: MediaFormat

    def pass_through(self, clip: ClipSwap | None) -> OutputInfo:
        """Write the target unchanged: its very bytes where the format stays, else converted.

        Nothing in it was swapped: it gets no mark, label or signature.

        Args:
            clip: What has read the target to its end; None: nothing has.
        """
        media = replace(self.job.spec.media, provenance=False, label=None, credentials=None)
        as_it_is = self._keeps_format() and media.trim is None
        if as_it_is and clip is not None:
            self._copy()
            return self.describe(clip.tally.frames, clip.duration)
        frames, duration = 0, Fraction(0)
        with ExitStack() as stack:
            reader = stack.enter_context(open_input(self.target, media))
            writer: Writer | None = None
            if not as_it_is:
                writer = stack.enter_context(_create(self.job, reader.info, media))
            for frame in suited(reader, self.format)[0].frames():
                frames += 1
                duration += frame.duration
                if writer is not None:
                    writer.write(frame)
            if writer is not None:
                writer.commit()
            else:
                self._copy()
        return self.describe(frames, duration)

    def _keeps_format(self) -> bool:
        """Whether the target's bytes are those of a file of the output's format; some videos can only be read."""
        if self.info.video is None:
            return self.format == self.info.format
        with self.target.path.open("rb") as file:
            return sniff(file.read(HEAD_BYTES)) == self.format

    def _copy(self) -> None:
        with AtomicFile(self.job.output_path, overwrite=self.job.overwrite) as file:
            with file.writing():
                read_all(self.target.path, file.file)
            file.commit()

    def describe(self, frames: int, duration: Fraction) -> OutputInfo:
        """What lies at the output now.

        Clips are looked at again: writers of animations merge equal frames, those of videos add a line to odd sizes.
        """
        path = self.job.output_path
        width, height, loop = self.info.width, self.info.height, self.info.loop
        if path is not None and self.info.animated:
            media = self.job.spec.media
            media = replace(media, trim=None, max_pixels=media.max_pixels + width + height + 1)
            with open_input(Input(name=self.job.output, path=path), media) as written:
                width, height, loop = written.info.width, written.info.height, written.info.loop
                if self.format not in VIDEO:
                    frames = written.info.frame_count
        size = path.stat().st_size if path is not None else 0
        return OutputInfo(path=self.job.output, format=self.format.value, width=width, height=height, frames=frames,
                          duration=float(duration), loop=loop, bytes=size)


def open_input(source: Input, media: MediaOptions) -> Reader:
    """As `open_media`, with the name that the user knows."""
    from faceswap_cli.media.open import open_media

    return open_media(source.path, media, name=source.name)


def _create(job: SwapJob, like: ClipInfo, media: MediaOptions, resume: str | None = None) -> Writer:
    from faceswap_cli.media.open import create_media

    return create_media(job.output_path, like, media, overwrite=job.overwrite, resume=resume)
