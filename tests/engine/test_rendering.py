from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from heads import portrait

from faceswap_cli.engine import rendering
from faceswap_cli.engine.engine import Engine
from faceswap_cli.engine.rendering import Renderers, Swap, render_swaps
from faceswap_cli.engine.swappers.mesh import MeshSwapper
from faceswap_cli.options import EngineOptions

PART = "faceswap_cli.engine.swappers.mesh:MeshSwapper"
SWAPPER = MeshSwapper()


@pytest.fixture(scope="module")
def task():
    source, target = portrait("woman-3"), portrait("man-2")
    prepared = SWAPPER.prepare(source.pixels, source.face)
    decision = SWAPPER.decide(target.pixels, [prepared], target.face)
    return (Swap(0, target.face, 0, "woman-3", prepared, decision),), target.pixels


@pytest.fixture
def renderers():
    made = Renderers(PART, SWAPPER, 2)
    yield made
    made.close()


def children(made: Renderers) -> list[subprocess.Popen]:
    return [process._child for process in made._running]


def test_another_process_gives_the_same_picture_and_warnings(renderers, task):
    swaps, image = task
    here, told = render_swaps(SWAPPER, swaps, image)
    before = image.copy()
    there, told_there = renderers.render(swaps, image)
    np.testing.assert_array_equal(there, here)
    np.testing.assert_array_equal(image, before)
    assert told_there == told
    assert (here != image).any()


def test_several_threads_share_the_processes(renderers, task):
    swaps, image = task
    here, _ = render_swaps(SWAPPER, swaps, image)
    with ThreadPoolExecutor(4) as pool:
        for there, _ in pool.map(lambda _: renderers.render(swaps, image), range(8)):
            np.testing.assert_array_equal(there, here)


def test_what_was_prepared_goes_over_once(renderers, task, monkeypatch):
    swaps, image = task
    sizes = []
    send = rendering._send
    monkeypatch.setattr(rendering, "_send", lambda stream, message, known: (
        sizes.append(type(message[0]).__name__), send(stream, message, known)))
    for _ in range(4):
        renderers.render(swaps, image)
    assert sizes.count("int") == 2 and sizes.count("tuple") == 4        # once for each of two processes


@pytest.mark.parametrize("when", ["idle", "busy"])
def test_a_process_that_dies_costs_nothing_but_time(renderers, task, when):
    swaps, image = task
    here, _ = render_swaps(SWAPPER, swaps, image)
    if when == "busy":
        renderers.render(swaps, image)
    for child in children(renderers):
        child.kill()
        child.wait()
    for _ in range(3):
        there, _ = renderers.render(swaps, image)
        np.testing.assert_array_equal(there, here)
    assert not children(renderers)


def test_the_child_s_errors_are_raised_in_the_parent(renderers, task):
    swaps, image = task
    with pytest.raises(Exception, match=r"channels"):
        renderers.render(swaps, np.zeros((3, 3), np.uint8))
    np.testing.assert_array_equal(renderers.render(swaps, image)[0], render_swaps(SWAPPER, swaps, image)[0])


def test_closing_ends_all_processes_and_leaves_rendering_to_this_one(task):
    made = Renderers(PART, SWAPPER, 2)
    started = children(made)
    made.close()
    assert [child.poll() for child in started] == [0, 0]
    np.testing.assert_array_equal(made.render(*task)[0], render_swaps(SWAPPER, *task)[0])


def test_no_process_can_be_started(task, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    made = Renderers(PART, SWAPPER, 2)
    assert not children(made)
    made.render(*task)


@pytest.mark.skipif(os.name != "posix", reason="kills with a signal")
def test_a_killed_parent_leaves_no_process(tmp_path: Path):
    program = ("import sys, time\nfrom faceswap_cli.engine.rendering import Renderers\n"
               f"made = Renderers({PART!r}, None, 2)\n"
               "print(*[p._child.pid for p in made._running], flush=True)\ntime.sleep(60)\n")
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        parent.send_signal(signal.SIGKILL)
    assert len(pids) == 2
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and any(_lives(pid) for pid in pids):
        time.sleep(0.05)
    assert not any(_lives(pid) for pid in pids)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_the_engine_starts_them_for_long_clips_on_several_cores_only():
    engine = Engine("embedded", None, SWAPPER, EngineOptions(), (), PART)
    for frames, cores in ((1000, 1), (3, 8)):
        engine.expect_frames(frames, cores)
        assert engine._renderers is None
    engine.expect_frames(1000, 2)
    assert engine._renderers is not None and len(children(engine._renderers)) == 1
    engine.rest()
    engine.rest()
    assert engine._renderers is None
