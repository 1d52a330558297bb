from __future__ import annotations

import weakref
from fractions import Fraction

import cv2
import numpy as np
import pytest
from fakes import BLUE, RED, BrightSquares, FakeReader, FakeSource, FakeWriter, Uneven, scene

from faceswap_cli.jobs.clock import StageClock
from faceswap_cli.jobs.rendering.clip import ClipSwap
from faceswap_cli.media.frame import ClipInfo, Frame, Indexed
from faceswap_cli.options import MediaFormat

SOURCE = FakeSource((RED,), ("me.png",))


class Generated(FakeReader):
    """A reader of made-up frames that knows how many of them are alive."""

    def __init__(self, count: int, face: bool = True) -> None:
        self.info = ClipInfo(format=MediaFormat.GIF, width=64, height=48, frame_count=count)
        self.alive = 0
        self.most = 0
        self._face = face

    def frames(self):
        for number in range(self.info.frame_count):
            pixels = scene(*([(number % 40, 10, 14, BLUE)] if self._face else []))
            self.alive += 1
            self.most = max(self.most, self.alive)
            weakref.finalize(pixels, self._gone)
            yield Frame(pixels=pixels, alpha=np.full((48, 64), number, np.uint8), duration=Fraction(number + 1, 100),
                        indexed=Indexed(np.zeros((48, 64), np.uint8), np.zeros((2, 3), np.uint8)))
            del pixels

    def _gone(self):
        self.alive -= 1


class Kept(FakeWriter):
    """A writer that keeps what a test wants to know, and lets go of the pixels."""

    def __init__(self, reader: Generated) -> None:
        self.durations: list[Fraction] = []
        self.alphas: list[int] = []
        self.indexed: list[bool] = []
        self.red: list[bool] = []

    def write(self, frame: Frame) -> None:
        self.durations.append(frame.duration)
        self.alphas.append(int(frame.alpha[0, 0]))
        self.indexed.append(frame.indexed is not None)
        self.red.append(bool((frame.pixels == RED).all(axis=2).any()))


@pytest.mark.parametrize("workers", [1, 3])
def test_memory_does_not_grow_with_the_number_of_frames(workers):
    reader = Generated(120)
    writer = Kept(reader)
    clip = ClipSwap(Uneven(), SOURCE, reader, StageClock(), workers)
    clip.write(writer)
    assert clip.tally.frames == 120
    assert reader.most <= 2 * workers + 2
    assert reader.alive <= 1


def test_a_changed_frame_keeps_all_but_its_pixels():
    reader = Generated(10)
    writer = Kept(reader)
    ClipSwap(Uneven(), SOURCE, reader, StageClock(), 3).write(writer)
    assert writer.durations == [Fraction(number, 100) for number in range(1, 11)]
    assert writer.alphas == list(range(10))
    assert all(writer.indexed)
    assert all(writer.red)


def test_a_frame_without_a_face_is_the_very_same():
    reader = Generated(3, face=False)
    frames = []

    class Keeper(Kept):
        def write(self, frame):
            frames.append(frame)

    came = []
    original = reader.frames

    def watched():
        for frame in original():
            came.append(frame)
            yield frame

    reader.frames = watched
    ClipSwap(BrightSquares(), SOURCE, reader, StageClock(), 2).write(Keeper(reader))
    assert all(old is new for old, new in zip(came, frames, strict=True))
    assert len(frames) == 3


def test_the_threads_of_opencv_are_given_back():
    before = cv2.getNumThreads()
    reader = Generated(4)
    seen = []

    class Watching(BrightSquares):
        def render(self, plan, image):
            seen.append(cv2.getNumThreads())
            return super().render(plan, image)

    ClipSwap(Watching(), SOURCE, reader, StageClock(), 2).write(Kept(reader))
    assert set(seen) == {1}
    assert cv2.getNumThreads() == before
