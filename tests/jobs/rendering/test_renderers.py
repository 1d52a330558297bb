"""Frames rendered by other processes: the same pixels as here, and nothing left behind however they end."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import BLUE, RED, FakeReader, FakeSource, FakeWriter, scene
from far import SOURCE, Far, Painter, rendered_there

from faceswap_cli.errors import ModelError
from faceswap_cli.jobs.clock import StageClock
from faceswap_cli.jobs.rendering.clip import ClipSwap
from faceswap_cli.jobs.rendering.renderers import Renderers
from faceswap_cli.media.frame import ClipInfo, Frame
from faceswap_cli.options import MediaFormat
from faceswap_cli.processes.pickling import SharedObjects

FRAMES = 24


class Reader(FakeReader):
    """Made-up frames; some without a face."""

    info = ClipInfo(format=MediaFormat.GIF, width=64, height=48, frame_count=FRAMES)

    def frames(self):
        for number in range(FRAMES):
            yield Frame(pixels=scene(*([] if number % 7 == 3 else [(number, 10, 14, BLUE)])), duration=Fraction(1, 25))


class Writer(FakeWriter):
    def __init__(self):
        self.pixels = []

    def write(self, frame):
        self.pixels.append(frame.pixels.copy())


def swapped(backend: Any, processes: int) -> tuple[list[Any], Any, tuple[str, ...]]:
    """The pixels written, the warnings counted, and what processes were lost."""
    writer = Writer()
    if not processes:
        clip = ClipSwap(backend, SOURCE, Reader(), StageClock(), 1)
        clip.write(writer)
        return writer.pixels, clip.tally.warnings(), ()
    with Renderers(backend.renderer(), 64, 48, processes) as renderers:
        clip = ClipSwap(backend, SOURCE, Reader(), StageClock(), 2, renderers=renderers)
        clip.write(writer)
        return writer.pixels, clip.tally.warnings(), renderers.lost


@pytest.mark.parametrize("processes", [1, 3])
def test_the_pixels_and_what_is_told_of_them_are_the_same(processes):
    alone, told, _ = swapped(Far(), 0)
    pixels, told_too, lost = swapped(Far(), processes)
    np.testing.assert_array_equal(pixels, alone)
    assert told_too == told
    assert "painted" in told[0]
    assert not lost


def test_a_process_gives_pixels_and_warnings_back():
    backend = Far()
    with Renderers(backend.renderer(), 64, 48, 1) as renderers:
        for (pixels, _), plan in rendered_there(renderers, backend, 8):
            assert (pixels == RED).all(axis=2).sum() == 14 * 14
            assert plan.drawn_warnings == {0: (f"painted {plan.number}",)}


@pytest.mark.parametrize("fault", ["raise", "die"])
def test_frames_that_a_process_could_not_render_are_rendered_here(fault):
    backend = Far()
    backend.fault = fault
    with Renderers(backend.renderer(), 64, 48, 1) as renderers:
        renderers.give(SOURCE)
        memory = backend.open_clip()
        plans = []
        for number in range(6):
            image = scene((number, 10, 14, BLUE))
            plans.append((backend.plan(SOURCE, image, memory), image))
        end = time.monotonic() + 30
        while (ticket := renderers.submit(*plans[5])) is None and time.monotonic() < end:
            time.sleep(0.01)
        assert renderers.collect(ticket) is None
        assert renderers.lost == (("was ended by SIGKILL",) if fault == "die" else ())
        if fault == "die":
            assert renderers.submit(*plans[4]) is None
    alone, told, _ = swapped(Far(), 0)
    pixels, told_too, _ = swapped(backend, 2)
    np.testing.assert_array_equal(pixels, alone)
    assert told_too == told


def test_an_error_of_rendering_is_raised_here():
    class Broken(Far):
        def render(self, plan, image):
            raise ModelError("paint: the session failed")

        def renderer(self):
            return Painter("raise", 0)

    with pytest.raises(ModelError, match="the session failed"), Renderers(Painter("raise"), 64, 48, 1) as renderers:
        ClipSwap(Broken(), SOURCE, Reader(), StageClock(), 2, renderers=renderers).write(Writer())


def test_frames_of_another_size_are_rendered_here():
    backend = Far()
    with Renderers(backend.renderer(), 64, 48, 1) as renderers:
        rendered_there(renderers, backend, 1)
        image = scene((5, 10, 14, BLUE), size=(60, 48))
        assert renderers.submit(backend.plan(SOURCE, image, []), image) is None


def test_the_source_is_not_sent_with_every_plan():
    source = FakeSource((RED,) * 5000, ("me.png",) * 5000)
    known = SharedObjects(source)
    plan = Far().plan(source, scene((5, 10, 14, BLUE)), [])
    data = known.dumps(plan)
    assert len(data) < 4000 < len(pickle.dumps(plan))
    assert known.loads(data).source is source


ORPHANS = """
import os, sys, time
sys.path[:0] = sys.argv[1:]
from far import Far, SOURCE, rendered_there
from faceswap_cli.jobs.rendering.renderers import Renderers
backend = Far()
renderers = Renderers(backend.renderer(), 64, 48, 2)
rendered_there(renderers, backend, 4)
print(*(process._process.pid for process in renderers._processes), flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_nothing_is_left_of_a_run_that_is_killed(stop, tmp_path):
    here = Path(__file__).parent
    shared = Path("/dev/shm")
    before = set(shared.iterdir()) if shared.exists() else set()
    with subprocess.Popen([sys.executable, "-c", ORPHANS, str(here.parent.parent)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(tmp_path)}) as run:
        assert run.stdout is not None
        children = [int(word) for word in run.stdout.readline().split()]
        assert len(children) == 2
        run.send_signal(stop)
        told = run.communicate(timeout=30)[1]
    end = time.monotonic() + 10
    while any(map(_is_there, children)) and time.monotonic() < end:
        time.sleep(0.02)
    assert not any(map(_is_there, children))
    assert "resource_tracker" not in told
    assert told.count("KeyboardInterrupt") == (stop == signal.SIGINT)  # of the parent alone
    assert not shared.exists() or set(shared.iterdir()) <= before
    assert not list(tmp_path.iterdir())


def _is_there(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] \
            if Path("/proc").exists() else os.kill(process, 0) is None
    except OSError:
        return False
