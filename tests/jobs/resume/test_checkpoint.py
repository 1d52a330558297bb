"""A clip that was killed goes on behind the last whole segment, and ends up the same."""

from __future__ import annotations

import hashlib
import io
import pickle
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from fakes import BLUE, RED, BrightSquares, FakeReader, FakeSource, FakeWriter, scene

from faceswap_cli.engine.outcome import SourcePicture
from faceswap_cli.jobs.backend import open_backend
from faceswap_cli.jobs.clock import StageClock
from faceswap_cli.jobs.rendering.clip import ClipSwap
from faceswap_cli.jobs.resume.checkpoint import Checkpoints, UnreadableError
from faceswap_cli.jobs.tally import Tally
from faceswap_cli.media.frame import ClipInfo, Frame, Kept
from faceswap_cli.media.open import open_media
from faceswap_cli.options import EngineName, EngineOptions, MediaFormat, MediaOptions

ASSETS = Path(__file__).parents[3] / "assets"
SOURCE = FakeSource((RED,), ("me.png",))


class Frames(FakeReader):
    """Frames that it was given, with times as a video has them."""

    def __init__(self, frames: list[Frame], width: int = 64, height: int = 48) -> None:
        self.info = ClipInfo(format=MediaFormat.GIF, width=width, height=height, frame_count=len(frames))
        self.asked: list[tuple[int, Fraction]] = []
        self._frames = frames

    def frames(self):
        yield from self._frames

    def frames_from(self, number, time):
        self.asked.append((number, time))
        yield from self._frames[number:]


class Segments(FakeWriter):
    """A writer in segments, in memory; it is killed before a frame."""

    segment_frames = 10

    def __init__(self, kept: Kept | None = None, die_at: int = -1) -> None:
        self.kept = kept
        self.pixels: list[bytes] = []
        self.saves: list[Kept] = []
        self._at = kept.frames if kept is not None else 0
        self._die_at = die_at

    def write(self, frame: Frame) -> None:
        if self._at == self._die_at:
            raise KeyboardInterrupt
        self._at += 1
        self.pixels.append(frame.pixels.tobytes())

    def save(self, state: bytes, time: Fraction) -> None:
        assert self._at % self.segment_frames == 0
        self.saves.append(Kept(self._at, time, (*(self.saves[-1].states if self.saves else ()), state)))


def clip(number: int) -> list[Frame]:
    return [Frame(pixels=scene(*([] if k % 9 == 4 else [(k, 10, 8 + k % 6, BLUE)])), duration=Fraction(1, 25),
                  time=Fraction(k, 25)) for k in range(number)]


def killed_and_gone_on(make, die_at):
    """What a clip gives when it is killed, in all; and what it gives in one go."""
    straight = make(None)[0]
    straight.write(whole := Segments())
    first, _ = make(None)
    with pytest.raises(KeyboardInterrupt):
        first.write(cut := Segments(die_at=die_at))
    kept = cut.saves[-1]
    assert first.saved == kept.frames == die_at // 10 * 10
    second, reader = make(kept)
    second.go_on(kept)
    second.write(rest := Segments(kept))
    assert reader.asked == [(kept.frames, kept.time)]
    assert [save.frames for save in rest.saves] == [save.frames for save in whole.saves if save.frames > kept.frames]
    return cut.pixels[:kept.frames] + rest.pixels, whole.pixels, second, straight


@pytest.mark.parametrize("workers", [1, 3])
def test_a_clip_goes_on_and_ends_up_the_same(workers):
    frames = clip(45)

    def make(kept):
        reader = Frames(frames)
        return ClipSwap(BrightSquares(), SOURCE, reader, StageClock(), workers, details=True), reader

    pixels, expected, second, straight = killed_and_gone_on(make, 33)
    assert pixels == expected
    assert second.duration == straight.duration == Fraction(45, 25)
    for name in ("frames", "frames_swapped", "frames_without_face", "faces_swapped", "outcomes", "skipped"):
        assert getattr(second.tally, name) == getattr(straight.tally, name), name
    assert second.tally.warnings() == straight.tally.warnings()


def test_checkpoints_do_not_grow_with_the_clip():
    swap = ClipSwap(BrightSquares(), SOURCE, Frames(clip(300)), StageClock(), 1, details=True)
    swap.write(written := Segments())
    sizes = [len(state) for state in written.saves[-1].states]
    assert len(sizes) == 29 and max(sizes[-3:]) < 1.5 * max(sizes[1:4])
    assert len(Checkpoints(SOURCE).read(written.saves[-1].states).tally.outcomes) == len(swap.tally.outcomes[:290])


def test_followed_faces_go_on_the_same():
    """With the embedded engine: tracks, smoothing, decisions and their fades."""
    backend = open_backend(EngineOptions(engine=EngineName.EMBEDDED, describe=True))
    with open_media(ASSETS / "man-1.jpg", MediaOptions()) as picture:
        shown = SourcePicture("me", next(iter(picture.frames())).pixels)
    with open_media(ASSETS / "turning-head.gif", MediaOptions()) as reader:
        frames = [replace(frame, indexed=None, time=Fraction(k, 15)) for k, frame in enumerate(reader.frames())][:26]

    def make(kept):
        reader = Frames(frames, reader_size[1], reader_size[0])
        return ClipSwap(backend, backend.prepare_source([shown]), reader, StageClock(), 1, details=True), reader

    reader_size = frames[0].pixels.shape
    pixels, expected, second, straight = killed_and_gone_on(make, 17)
    assert pixels == expected
    assert second.tally.outcomes == straight.tally.outcomes
    assert second.tally.frames_swapped > 20


def test_a_reader_that_cannot_seek_is_read_from_its_beginning():
    frames = clip(25)

    class Plain(Frames):
        frames_from = FakeReader.frames_from

    first = ClipSwap(BrightSquares(), SOURCE, Plain(frames), StageClock(), 1)
    with pytest.raises(KeyboardInterrupt):
        first.write(cut := Segments(die_at=21))
    second = ClipSwap(BrightSquares(), SOURCE, Plain(frames), StageClock(), 1)
    second.go_on(cut.saves[-1])
    second.write(rest := Segments(cut.saves[-1]))
    assert len(rest.pixels) == 5
    assert second.tally.frames == 25


def checkpoint() -> bytes:
    checkpoints = Checkpoints(SOURCE)
    return checkpoints.pack(checkpoints.snapshot([1, 2]), Tally(details=False), Fraction(1), transparent=False)


def signed(body: bytes) -> bytes:
    """A checkpoint of one's own making."""
    header = checkpoint()[:22]
    assert header.endswith(b"\n")
    return header + hashlib.sha256(body).digest() + body


class Opener:
    def __reduce__(self):
        return open, ("/dev/null",)


def dotted() -> bytes:
    """A name that leads through a module of the package to what that imports."""
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream, 4)
    pickler.dump(0)
    return b"\x80\x04\x8c\x15faceswap_cli.jobs.job\x8c\x09Path.home\x93)R."


@pytest.mark.parametrize("data", [
    b"", b"something else", checkpoint()[:-3], checkpoint()[:22] + b"\0" * 40,
    signed(pickle.dumps(Opener())), signed(pickle.dumps((b"", 1, 2, 3))), signed(pickle.dumps(np.random.rand)),
    signed(pickle.dumps(Path.home())), signed(dotted()), signed(b"\x80\x04K\x07Q."),
], ids=["empty", "other", "cut", "zeros", "call", "types", "method", "path", "dotted", "number"])
def test_what_is_no_checkpoint_is_told_from_one(data):
    assert Checkpoints(SOURCE).read([checkpoint()]).memory == [1, 2]
    clip = ClipSwap(BrightSquares(), SOURCE, Frames([]), StageClock(), 1)
    with pytest.raises(UnreadableError):
        clip.go_on(Kept(10, Fraction(1), (data,)))
    assert clip.tally.frames == clip.saved == 0
