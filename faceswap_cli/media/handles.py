"""What all readers and writers of files do alike: open, close, and leave nothing behind."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType

from faceswap_cli.errors import InputError, OutputError, UsageError
from faceswap_cli.files.atomic import AtomicFile
from faceswap_cli.media.formats import FORMATS
from faceswap_cli.media.frame import ClipInfo, Frame, Reader, Writer
from faceswap_cli.media.marks.provenance import mark
from faceswap_cli.media.marks.signing import seal_for
from faceswap_cli.options import MediaFormat, MediaOptions


class FileReader(Reader):
    """An open animation. When it is opened its structure is read and its bounds are checked; nothing is decoded."""

    def __init__(self, path: Path, name: str, kind: MediaFormat, options: MediaOptions) -> None:
        """Open it.

        Args:
            path: The file.
            name: How to call it in messages.
            kind: What it is, by content.
            options: Holds the bounds.

        Raises:
            InputError: Missing, unreadable, damaged or empty.
            LimitError: Too many pixels.
        """
        self._name = name
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise InputError(f"cannot read {name}: {error.strerror}") from error
        try:
            self.info = self._look(options)
        except BaseException:
            self.close()
            raise

    @abstractmethod
    def _look(self, options: MediaOptions) -> ClipInfo:
        """Read the structure of `self._file` and check the bounds."""

    def close(self) -> None:
        """Release the file."""
        self._file.close()


class ReaderAround(Reader):
    """A reader that changes the frames of another one, which is closed with it.

    Its facts are those of the whole clip: how many frames are left of it is known when they were read.
    """

    def __init__(self, reader: Reader, change: Callable[[Iterator[Frame]], Iterator[Frame]]) -> None:
        """Wrap an open reader, none of whose frames has been taken; `change` makes of them what is handed out."""
        self.info = reader.info
        self._reader = reader
        self._change = change

    def frames(self) -> Iterator[Frame]:
        """The frames, changed; may be called once."""
        return self._change(self._reader.frames())

    def close(self) -> None:
        """Release the file."""
        self._reader.close()


class FrameClock:
    """Rounds durations so that their sum stays: what one frame gets too much, a later one gets less."""

    def __init__(self, rate: int) -> None:
        """Count in units of 1 / `rate` seconds."""
        self._rate = rate
        self._time = Fraction(0)
        self._ticks = 0

    def tick(self, duration: Fraction) -> int:
        """The whole units that the next frame is shown; `duration` is in seconds, 0 or more."""
        self._time += duration
        ticks = round(self._time * self._rate) - self._ticks
        self._ticks += ticks
        return ticks


class FileWriter(Writer):
    """A still or an animation on its way; what `like`, the target, has is kept where the format can hold it."""

    def __init__(self, path: Path | None, kind: MediaFormat, like: ClipInfo, options: MediaOptions, *,
                 overwrite: bool = False, resume: str | None = None) -> None:
        """Prepare.

        Args:
            path: The output, or None for standard output.
            kind: The format to write.
            like: The target.
            options: Quality and mark.
            overwrite: Replace an existing output.
            resume: Of no use here: nothing is kept of a killed run.

        Raises:
            UsageError: The output exists, or the format cannot hold a picture of this size.
            OutputError: The output cannot be written.
            MissingDependencyError, InputError: It cannot be signed as `options` ask.
        """
        self._out = AtomicFile(path, overwrite=overwrite)
        self._kind = kind
        self._like = like
        self._options = options
        self._mark = mark(options)
        self._frames = 0
        try:
            limit = FORMATS[kind].max_side
            if limit is not None and max(like.width, like.height) > limit:
                others = ".png" if like.animated else ".png or .tiff"
                raise UsageError(f"cannot write {self._out.name}: {kind} holds at most {limit} pixels a side and the "
                                 f"target is {like.width}x{like.height}", advice=f"use {others}")
            self._out.seal_with(seal_for(options, kind))
            self._begin(like)
        except BaseException:
            self._out.discard()
            raise

    def write(self, frame: Frame) -> None:
        """Add one frame."""
        if frame.pixels.shape[:2] != (self._like.height, self._like.width):
            raise OutputError(f"cannot write {self._out.name}: a frame has another size than the clip")
        self._add(frame)
        self._frames += 1

    def commit(self) -> None:
        """Finish the file, sync it and rename it into place."""
        if not self._frames:
            raise OutputError(f"cannot write {self._out.name}: there is no frame to write")
        with self._out.writing():
            self._finish()
        self._out.commit()

    def _begin(self, like: ClipInfo) -> None:
        """Set up what encodes the frames; nothing is written yet."""

    @abstractmethod
    def _add(self, frame: Frame) -> None:
        """Encode a frame of the right size into `self._out`."""

    def _finish(self) -> None:
        """Write what comes behind the last frame."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._out.discard()
