"""What is measured, on engines whose speed is known; and once for real."""

from __future__ import annotations

import mmap
import time
from pathlib import Path

import graphs
import numpy as np
import pytest
from fakes import BrightSquares
from refusals import refused

from faceswap_cli.bench import run as bench
from faceswap_cli.bench.records import BenchOptions, Media, Scene, parse_scenes
from faceswap_cli.bench.scenes import draw_clip, write_clip, write_still
from faceswap_cli.errors import ModelError, UsageError
from faceswap_cli.faces.face import Box, Face
from faceswap_cli.faces.select import order_faces
from faceswap_cli.models.importing import import_file
from faceswap_cli.models.spec import ModelRole
from faceswap_cli.models.store import ModelStore
from faceswap_cli.options import EngineName, MediaOptions, Order
from faceswap_cli.runtime.cores import core_count
from faceswap_cli.runtime.peak_memory import PeakMemory, memory_in_use

STILL, CLIP = Scene(Media.STILL, 160, 128), Scene(Media.CLIP, 160, 128)


class Steady(BrightSquares):
    """Finds one face in the middle of everything, in 2 ms, and swaps it in 8 ms."""

    def find(self, image, clip=None, *, describe=False):
        time.sleep(0.002)
        if clip is not None:
            clip.append(len(clip))
        height, width = image.shape[:2]
        box = Box(width * 0.3, height * 0.3, width * 0.7, height * 0.7)
        points = np.array([[0.4, 0.4], [0.6, 0.4], [0.5, 0.5], [0.4, 0.6], [0.6, 0.6]]) * [width, height]
        return order_faces([Face(box=box, score=1.0, landmarks=points)], Order.LARGE_SMALL)

    def render(self, plan, image):
        time.sleep(0.008)
        return super().render(plan, image)


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "open_backend", lambda options: Steady(options))


def test_rows_say_what_was_measured(steady: None) -> None:
    steps: list[tuple[int, int | None]] = []
    report = bench.run_bench(BenchOptions(engine=EngineName.EMBEDDED, scenes=(STILL, CLIP), rounds=2),
                             lambda done, total: steps.append((done, total)))
    still, clip = report.rows
    assert (still.engine, still.scene, still.frames, still.rounds) == ("embedded", STILL, 1, 2)
    assert (clip.scene, clip.frames) == (CLIP, 96)
    for row in report.rows:
        assert row.find >= 2 and row.swap >= 8 and row.restore is None
        assert 0 < row.one.slowest <= row.one.rate <= row.one.fastest <= 100  # 10 ms a frame
        assert row.one.workers == 1
    assert still.all is None
    assert (clip.all is None) == (core_count() == 1)
    if clip.all is not None:
        assert clip.all.workers == core_count()
    assert [done for done, _ in steps] == list(range(1, len(steps) + 1))
    assert steps[-1][0] == steps[-1][1]
    assert report.cores == core_count() and report.versions["faceswap"]


def test_the_time_that_was_given_decides_how_often(steady: None) -> None:
    short = bench.run_bench(BenchOptions(engine=EngineName.EMBEDDED, scenes=(STILL,), seconds=1.0))
    assert 2 <= short.rows[0].rounds <= 25
    once = bench.run_bench(BenchOptions(engine=EngineName.EMBEDDED, scenes=(STILL,), rounds=1))
    assert once.rows[0].rounds == 1 and any("measured once" in note for note in once.notes)


def test_all_engines_that_are_installed_are_measured_and_restoration_apart(tmp_path: Path) -> None:
    scenes = (STILL,)
    alone = bench.run_bench(BenchOptions(scenes=scenes, rounds=1, models_folder=str(tmp_path / "models")))
    assert [row.engine for row in alone.rows] == ["embedded"]
    assert any("faceswap models pull neural" in note for note in alone.notes)
    with pytest.raises(ModelError, match="models pull"):
        bench.run_bench(
            BenchOptions(engine=EngineName.NEURAL, scenes=scenes, rounds=1, models_folder=str(tmp_path / "models")))
    store = ModelStore(tmp_path / "models")
    for name, write, role in (("swap", graphs.write_inswapper, ModelRole.SWAPPER),
                              ("find", graphs.write_scrfd, ModelRole.DETECTOR),
                              ("know", graphs.write_arcface, ModelRole.RECOGNISER),
                              ("sharpen", graphs.write_restorer, ModelRole.RESTORER)):
        import_file(store, write(tmp_path / f"{name}.onnx"), role=role)
    report = bench.run_bench(BenchOptions(scenes=scenes, rounds=1, models_folder=str(store.folder)))
    embedded, neural = report.rows
    assert (embedded.engine, neural.engine) == ("embedded", "neural")
    assert embedded.restore is None and neural.restore is not None
    assert (neural.parts["swapper"], neural.parts["restorer"], neural.parts["provider"]) == ("swap", "sharpen", "cpu")


def test_scenes_are_sizes() -> None:
    assert parse_scenes(Media.CLIP, "480x270, 1280X720,480x270") == (Scene(Media.CLIP, 480, 270),
                                                                     Scene(Media.CLIP, 1280, 720))
    assert parse_scenes(Media.STILL, "none") == ()
    for text in ("480", "480x", "x270", "480x270,", "-480x270", "16x16", "99999x200", "481x270"):
        with refused(UsageError, "--clip"):
            parse_scenes(Media.CLIP, text)
    for wrong in ({"scenes": ()}, {"seconds": 0.0}, {"rounds": 0}):
        with pytest.raises(UsageError):
            BenchOptions(**wrong)


def test_scenes_show_one_face_that_moves(tmp_path: Path) -> None:
    from faceswap_cli.engine.analysers.embedded import EmbeddedAnalyser
    from faceswap_cli.media.open import open_media

    write_still(tmp_path / "still.jpg", 512, 512)
    write_clip(tmp_path / "clip.mp4", 480, 270, 30)
    analyser = EmbeddedAnalyser()
    with open_media(tmp_path / "still.jpg", MediaOptions()) as still:
        (frame,) = still.frames()
        assert frame.pixels.shape == (512, 512, 3) and len(analyser.find(frame.pixels)) == 1
    with open_media(tmp_path / "clip.mp4", MediaOptions()) as clip:
        frames = [frame.pixels for frame in clip.frames()]
    assert len(frames) == 30
    boxes = [face.box for picture in frames[::10] for face in analyser.find(picture)]
    assert len(boxes) == 3
    assert boxes[2].x1 - boxes[0].x1 > 10
    again = list(draw_clip(480, 270, 2))
    assert np.array_equal(again[1], list(draw_clip(480, 270, 2))[1])


def test_the_most_memory_is_seen_and_what_is_shared_counts_once(tmp_path: Path) -> None:
    before = memory_in_use()
    if before is None:
        pytest.skip("this system does not tell")
    # Pages of its own: an array may get memory that this process has had all along.
    with PeakMemory() as peak, mmap.mmap(-1, 40_000_000, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as held:
        for place in range(0, len(held), mmap.PAGESIZE):
            held[place] = 1
        time.sleep(0.2)
    assert peak.bytes is not None and peak.bytes - before > 30_000_000

    def process(number: str, anon: int, shmem: int, files: int, children: str = "") -> None:
        folder = tmp_path / "proc" / number
        (folder / "task" / "1").mkdir(parents=True)
        (folder / "status").write_text(f"Name:\tx\nRssAnon:\t{anon} kB\nRssFile:\t{files} kB\nRssShmem:\t{shmem} kB\n")
        (folder / "task" / "1" / "children").write_text(children)

    process("self", 100, 50, 30, "7 8 ")
    process("7", 20, 50, 25)
    process("8", 10, 40, 25, "9 ")  # 9 has just ended
    assert memory_in_use(tmp_path) == (130 + 50 + 30) * 1024
    assert memory_in_use(tmp_path / "nothing") is None
