"""Writes videos: encoded in segments while the frames come, put together at the end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import TracebackType

from faceswap_cli.errors import FaceswapError, OutputError
from faceswap_cli.files.atomic import AtomicFile, explain_failure
from faceswap_cli.media.formats import container_of
from faceswap_cli.media.frame import ClipInfo, Frame, Kept, Writer
from faceswap_cli.media.marks.signing import seal_for
from faceswap_cli.media.video.colour.layout import plan_layout
from faceswap_cli.media.video.write.check import check_video
from faceswap_cli.media.video.write.encoder_thread import Cut, EncodingLine, TimedFrame
from faceswap_cli.media.video.write.encoders import EncoderSettings, check_options, choose_encoder, usable_rate
from faceswap_cli.media.video.write.muxing import MuxPlan, mux
from faceswap_cli.media.video.write.segments import SegmentStore
from faceswap_cli.options import MediaFormat, MediaOptions

SEGMENT_FRAMES = 120
"""Frames of a segment: four seconds or so, which is also how far key frames are apart."""

_MILLISECOND = Fraction(1, 1000)
_PICTURE_UNIT = Fraction(1, 30_000)
"""For clips that are no videos: holds milliseconds, hundredths, and 24, 25, 30 or 60 frames a second."""

_FINEST = 1_000_000
_USUAL_RATE = Fraction(25)


class VideoWriter(Writer):
    """One output. See `create_video`."""

    segment_frames = SEGMENT_FRAMES

    def __init__(self, out: AtomicFile, store: SegmentStore, settings: EncoderSettings, like: ClipInfo,
                 options: MediaOptions, warnings: list[str]) -> None:
        self._out = out
        self._store = store
        self._settings = settings
        self._like = like
        self._options = options
        self._warnings = warnings
        self._unit = _unit(settings.kind, like)
        self._line = EncodingLine(settings, store, _failure(out))
        self._count = sum(len(segment.ticks) for segment in store.kept)
        self._tick = -1 << 62
        self._time = Fraction(0)
        self._cut = True
        if store.kept:
            last = store.kept[-1]
            self.kept = Kept(self._count, last.next_time, tuple(segment.state for segment in store.kept))
            self._tick = last.ticks[-1]
            self._time = last.next_time

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was changed or left out, one line each; complete after `commit`."""
        return tuple(dict.fromkeys(self._warnings))

    def write(self, frame: Frame) -> None:
        """Add one frame; it is encoded later, and a failure comes out with a later one."""
        if self._count and self._count % SEGMENT_FRAMES == 0 and not self._cut:
            self.save(b"", self._time if frame.time is None else frame.time)
        time = self._time if frame.time is None else frame.time
        self._time = time + (frame.duration if frame.duration > 0 else 1 / self._settings.rate)
        self._tick = max(round(time / self._unit), self._tick + 1)
        end = max(round(self._time / self._unit), self._tick + 1)
        self._line.put(TimedFrame(frame, self._tick, end))
        self._count += 1
        self._cut = False

    def save(self, state: bytes, time: Fraction) -> None:
        """Close a segment; it is on the disk, with `state`, soon after, and before the next one."""
        self._line.put(Cut(state, time))
        self._cut = True

    def commit(self) -> None:
        """Encode what is left, put all together, check it, and put it in place.

        Raises:
            OutputError: The file cannot be written, or is not what it should be.
            InputError: The audio of the source cannot be read.
        """
        if not self._count:
            raise OutputError(f"cannot write {self._out.name}: there is no picture to write")
        self._line.finish()
        if self._line.pictures.flattened:
            self._warnings.append("transparent parts became white: a video has none")
        if self._line.hdr is not None and not self._settings.encoder.hdr:
            self._warnings.append("what an HDR display should know (mastering, light levels) was left out: this codec "
                                  "does not hold it")
        with _writing(self._out):
            plan = MuxPlan(kind=self._settings.kind, settings=self._settings, hdr=self._line.hdr, unit=self._unit,
                        video=self._like.video, options=self._options)
            written = mux(self._out.file, plan, self._store)
            self._out.file.flush()
            check_video(self._out.file, self._out.name, written)
        self._warnings += written.warnings
        self._out.commit()
        self._store.remove()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        # An interrupted run is gone on with; one that failed would fail again.
        interrupted = kind is not None and not issubclass(kind, Exception)
        try:
            self._line.stop(save=interrupted)
        finally:
            if interrupted:
                self._store.leave()
            else:
                self._store.remove()
            self._out.discard()


def create_video(path: Path | None, kind: MediaFormat, like: ClipInfo, options: MediaOptions, *,
                 overwrite: bool = False, resume: str | None = None) -> VideoWriter:
    """Open a video for writing; it appears on `commit`.

    Args:
        path: The output, or None for standard output.
        kind: MP4, MOV, MKV or WEBM.
        like: The source; what it is decides codec, depth, colour, and what is copied from it.
        options: Codec, rate factor, preset, mark, trim.
        overwrite: Replace an existing output.
        resume: Fingerprint of the job: what an earlier run with the same one left is gone on with. None: nothing is
            kept nor looked for.

    Raises:
        UsageError: The container cannot hold the codec; a rate factor or preset that the encoder does not know; the
            output exists.
        OutputError: The output cannot be written, or the encoder refuses the size.
    """
    encoder = choose_encoder(kind, like, options.video)
    crf, preset = check_options(encoder, options.video)
    layout, warnings = plan_layout(like, encoder.library, even=encoder.even)
    settings = EncoderSettings(encoder=encoder, kind=kind, crf=crf, preset=preset, layout=layout, rate=_rate(like),
                        key_interval=SEGMENT_FRAMES)
    settings.open(None)  # what it refuses comes out before any work is done
    out = AtomicFile(path, overwrite=overwrite)
    try:
        out.seal_with(seal_for(options, kind))
        with _writing(out):
            target = None if path is None else Path(os.path.realpath(path))
            store = SegmentStore(target, None if resume is None else f"{resume} {settings.fingerprint()}")
        return VideoWriter(out, store, settings, like, options, warnings)
    except BaseException:
        out.discard()
        raise


def _unit(kind: MediaFormat, like: ClipInfo) -> Fraction:
    """What times are counted in."""
    if not container_of(kind).boxes:
        return _MILLISECOND
    if like.video is None:
        return _PICTURE_UNIT
    return Fraction(1, min(like.video.time_base.denominator, _FINEST))


def _rate(like: ClipInfo) -> Fraction:
    """Frames a second, about."""
    rate = None
    if like.video is not None:
        rate = like.video.rate
    elif like.duration:
        rate = like.frame_count / like.duration
    return usable_rate(rate) if rate and rate > 0 else _USUAL_RATE


@contextmanager
def _writing(out: AtomicFile) -> Iterator[None]:
    """Turn what goes wrong while an output is written into one line."""
    try:
        yield
    except FaceswapError:
        raise
    except Exception as error:
        raise _failure(out)(error) from error


def _failure(out: AtomicFile) -> Callable[[Exception], Exception]:
    """What explains an error that came up while `out` was encoded or written."""
    def explain(error: Exception) -> Exception:
        import av

        if isinstance(error, FaceswapError):
            return error
        if isinstance(error, av.FFmpegError) and not isinstance(error, (OSError, ValueError)):
            error = OSError(error.errno, error.strerror)
        if isinstance(error, (OSError, ValueError)):
            return OutputError(explain_failure(out.name, out.path, error))
        return error

    return explain
