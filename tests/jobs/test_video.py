"""Videos as jobs: whole, interrupted and gone on with, damaged, passed through."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from fakes import BACKENDS, RED, Blind, BrightSquares, scene
from far import Far
from job_records import altered
from PIL import Image as PILImage
from videos import is_red, make_video, pictures, squares

from faceswap_cli.errors import InputError, NoFaceError
from faceswap_cli.jobs import swap
from faceswap_cli.jobs.backend import open_backend
from faceswap_cli.jobs.detect import DetectJob, detect_file
from faceswap_cli.jobs.job import SwapJob, SwapSpec
from faceswap_cli.jobs.resume import checkpoint
from faceswap_cli.jobs.swap import swap_file
from faceswap_cli.options import EngineName, EngineOptions, MediaOptions, OnNoFace
from faceswap_cli.trim import Trim

ASSETS = Path(__file__).parents[2] / "assets"
RUN = Path(__file__).parents[1] / "cli" / "run_fake.py"


@pytest.fixture(scope="module")
def long(tmp_path_factory) -> Path:
    """Three segments and a bit."""
    return make_video(tmp_path_factory.mktemp("long") / "long.mp4", 380)


@pytest.fixture
def job(tmp_path) -> SwapJob:
    """A red square for a face; a video of 70 frames."""
    PILImage.fromarray(scene((10, 10, 20, RED))).save(tmp_path / "me.png")
    target = make_video(tmp_path / "clip.mp4", 70)
    return SwapJob(spec=SwapSpec(sources=(str(tmp_path / "me.png"),)), target=str(target),
                   output=str(tmp_path / "out.mp4"))


def left(folder: Path) -> set[str]:
    """What lies in a folder hidden."""
    return {path.name for path in folder.iterdir() if path.name.startswith(".")}


def test_a_video_is_swapped(job, tmp_path):
    outcome = swap_file(job, BrightSquares())
    assert (outcome.frames, outcome.frames_swapped, outcome.frames_without_face) == (70, 62, 8)
    assert outcome.output is not None
    assert (outcome.output.frames, outcome.output.duration, outcome.output.format) == (70, 2.8, "mp4")
    assert outcome.output.bytes == (tmp_path / "out.mp4").stat().st_size
    shown = pictures(tmp_path / "out.mp4")
    assert [is_red(picture, number) for number, picture in enumerate(shown)] == [n % 9 != 4 for n in range(70)]
    assert not left(tmp_path)
    assert not outcome.warnings


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".gif", ".webp", ".apng"])
def test_the_bytes_do_not_depend_on_processes(job, tmp_path, monkeypatch, suffix):
    started = []

    class Watched(swap.Renderers):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            started.append(self)

    monkeypatch.setattr(swap, "Renderers", Watched)
    outcomes = []
    for workers in (1, 3):
        outcome = swap_file(replace(job, output=str(tmp_path / f"{workers}{suffix}"), details=True), Far(),
                            workers=workers)
        outcomes.append(replace(outcome, output=None, timings=None))
    assert len(started) == 1
    assert outcomes[0] == outcomes[1]
    assert (tmp_path / f"1{suffix}").read_bytes() == (tmp_path / f"3{suffix}").read_bytes()


def test_the_bytes_of_the_embedded_engine_do_not_depend_on_processes(tmp_path, monkeypatch):
    monkeypatch.setattr(swap, "LEAST_FRAMES", 2)
    options = EngineOptions(engine=EngineName.EMBEDDED)
    job = SwapJob(spec=SwapSpec(sources=(str(ASSETS / "man-1.jpg"),), engine=options),
                  target=str(ASSETS / "turning-head.gif"), output="", details=True)
    backend = open_backend(options)
    prepared = swap.prepare_source(job.spec, backend)
    outcomes = [swap_file(replace(job, output=str(tmp_path / f"{workers}.gif")), backend, prepared=prepared,
                          workers=workers) for workers in (1, 2)]
    assert outcomes[0].faces == outcomes[1].faces
    assert outcomes[0].frames_swapped > 35
    assert (tmp_path / "1.gif").read_bytes() == (tmp_path / "2.gif").read_bytes()


def test_short_clips_and_single_cores_start_no_process(job, tmp_path, monkeypatch):
    def refuse(*arguments):
        raise AssertionError("a process was started")

    monkeypatch.setattr(swap, "Renderers", refuse)
    swap_file(job, Far(), workers=1)
    short = make_video(tmp_path / "short.mp4", 20)
    swap_file(replace(job, target=str(short), output=str(tmp_path / "two.mp4")), Far(), workers=3)


def stopped_at(frame: int):
    """What is told of progress, and interrupts at a frame."""
    def on_frame(done: int, total: int | None) -> None:
        if done == frame:
            raise KeyboardInterrupt

    return on_frame


def interrupted(job: SwapJob, frame: int = 300) -> BaseException:
    with pytest.raises(KeyboardInterrupt) as caught:
        swap_file(job, BrightSquares(), stopped_at(frame))
    assert not Path(job.output).exists()
    return caught.value


def test_an_interrupted_video_goes_on(job, long, tmp_path):
    job = replace(job, target=str(long), details=True)
    whole = swap_file(replace(job, output=str(tmp_path / "whole.mp4")), BrightSquares())
    error = interrupted(job)
    assert "the same command continues after it" in error.__notes__[0]
    assert left(tmp_path)
    told: list[int] = []
    outcome = swap_file(job, BrightSquares(), lambda done, total: told.append(done))
    assert "continued after the first 240 frames" in outcome.warnings[-1]
    assert told[:2] == [240, 241]
    assert outcome.faces == whole.faces
    assert outcome.frames == 380
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert not left(tmp_path)


def test_a_gif_that_becomes_a_video_goes_on_too(job, tmp_path):
    frames = [PILImage.fromarray(picture) for picture in squares(170)]
    frames[0].save(tmp_path / "clip.gif", save_all=True, append_images=frames[1:], duration=40)
    job = replace(job, target=str(tmp_path / "clip.gif"))
    swap_file(replace(job, output=str(tmp_path / "whole.mp4")), BrightSquares())
    interrupted(job, 140)
    assert "continued after the first 120 frames" in swap_file(job, BrightSquares()).warnings[-1]
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


@pytest.mark.parametrize("change", ["another source", "other options", "another version", "not asked for"])
def test_what_another_job_left_is_not_gone_on_with(job, long, tmp_path, monkeypatch, change):
    job = replace(job, target=str(long))
    swap_file(replace(job, output=str(tmp_path / "whole.mp4")), BrightSquares())
    interrupted(job, 130)
    if change == "another source":
        PILImage.fromarray(scene((10, 10, 22, RED))).save(tmp_path / "me.png")
    elif change == "other options":
        job = altered(job, media=replace(job.spec.media, provenance=False))
    elif change == "another version":
        monkeypatch.setattr(checkpoint, "_HEADER", b"faceswap checkpoint of another version\n")
    outcome = swap_file(job, BrightSquares(), go_on=change != "not asked for")
    assert outcome.frames == 380
    assert not any("went on" in warning for warning in outcome.warnings)
    if change == "another version":
        assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_killed_video_goes_on(job, long, tmp_path):
    command = [sys.executable, str(RUN), "Uneven", "swap", job.spec.sources[0], str(long), "-o", job.output]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as run:
        segments = tmp_path / ".out.mp4.faceswap-video"
        end = time.monotonic() + 120
        while run.poll() is None and time.monotonic() < end and len(list(segments.glob("*.json"))) < 2:
            time.sleep(0.01)
        run.send_signal(signal.SIGKILL)
    assert segments.exists()
    assert not Path(job.output).exists()
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=True)
    assert "continued after the first 240 frames" in done.stderr
    swap_file(replace(job, target=str(long), output=str(tmp_path / "whole.mp4")), BACKENDS["Uneven"]())
    assert Path(job.output).read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert not left(tmp_path)


def test_a_truncated_video_gives_no_output(job, tmp_path):
    whole = Path(job.target).read_bytes()
    with pytest.raises(InputError, match=r"clip\.mp4"):
        (tmp_path / "clip.mp4").write_bytes(whole[:len(whole) * 2 // 3])
        swap_file(job, BrightSquares())
    webm = make_video(tmp_path / "clip.webm", 70)
    webm.write_bytes(webm.read_bytes()[:webm.stat().st_size * 2 // 3])
    with pytest.raises(InputError, match=r"clip\.webm"):
        swap_file(replace(job, target=str(webm)), BrightSquares())
    assert not Path(job.output).exists()
    assert not left(tmp_path)


def test_a_video_without_a_face_is_copied(job, tmp_path):
    with pytest.raises(NoFaceError):
        swap_file(job, Blind())
    assert not left(tmp_path)
    copied = altered(job, on_no_face=OnNoFace.COPY)
    outcome = swap_file(copied, Blind())
    assert outcome.output is not None
    assert outcome.output.frames == 70
    assert Path(job.output).read_bytes() == Path(job.target).read_bytes()
    part = altered(copied, output=str(tmp_path / "part.mp4"),
                   media=MediaOptions(trim=Trim(Fraction(1), Fraction(2)), label="altered"))
    assert swap_file(part, Blind()).output.frames == 25
    assert np.abs(pictures(tmp_path / "part.mp4")[0].astype(int) - pictures(Path(job.target))[25]).max() < 30
    swap_file(replace(copied, output=str(tmp_path / "out.mkv")), Blind())
    assert (tmp_path / "out.mkv").read_bytes()[:4] == b"\x1a\x45\xdf\xa3"
    assert not left(tmp_path)


def test_a_part_of_a_video(job, tmp_path):
    job = altered(job, media=MediaOptions(trim=Trim(Fraction(2, 5), Fraction(4, 5))))
    outcome = swap_file(job, BrightSquares())
    assert outcome.output is not None
    assert (outcome.frames, outcome.output.frames, outcome.output.duration) == (10, 10, 0.4)
    assert [is_red(picture, n) for n, picture in enumerate(pictures(tmp_path / "out.mp4"), 10)] == \
        [n % 9 != 4 for n in range(10, 20)]


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_every_frame_gets_the_label(job, tmp_path, suffix):
    labelled = altered(job, output=str(tmp_path / f"label{suffix}"), media=MediaOptions(label="altered"))
    plain = replace(job, output=str(tmp_path / f"plain{suffix}"))
    for each in (labelled, plain):
        swap_file(each, BrightSquares())
    corners = []
    for name in ("label", "plain"):
        if suffix == ".mp4":
            corners.append([picture[-20:, -40:].astype(int) for picture in pictures(tmp_path / f"{name}.mp4")])
        else:
            with PILImage.open(tmp_path / f"{name}.gif") as gif:
                corners.append([])
                for number in range(gif.n_frames):
                    gif.seek(number)
                    corners[-1].append(np.asarray(gif.convert("RGB"))[-20:, -40:].astype(int))
    assert len(corners[0]) == len(corners[1]) >= 62
    assert all(np.abs(one - other).max() > 60 for one, other in zip(*corners, strict=True))


def test_the_size_that_is_told_is_that_of_the_output(job, tmp_path):
    frames = [PILImage.fromarray(picture[:95, :127]) for picture in squares(6)]
    frames[0].save(tmp_path / "odd.gif", save_all=True, append_images=frames[1:], duration=40)
    outcome = swap_file(replace(job, target=str(tmp_path / "odd.gif")), BrightSquares())
    assert outcome.output is not None
    assert pictures(tmp_path / "out.mp4")[0].shape == (outcome.output.height, outcome.output.width, 3) == (96, 128, 3)
    assert outcome.warnings


def test_gif_and_video_become_each_other(job, tmp_path):
    gif = swap_file(replace(job, output=str(tmp_path / "out.gif")), BrightSquares())
    assert gif.output is not None
    assert gif.output.duration == pytest.approx(2.8, abs=0.01)
    back = swap_file(replace(job, target=str(tmp_path / "out.gif")), BrightSquares())
    assert back.output is not None
    assert (back.output.frames, back.output.duration) == (gif.output.frames, pytest.approx(2.8, abs=0.01))
    assert not left(tmp_path)


def test_the_first_frame_of_a_video_can_be_the_source(job, tmp_path):
    source = make_video(tmp_path / "me.mp4", 30)
    outcome = swap_file(altered(job, sources=(str(source),)), BrightSquares())
    assert outcome.frames_swapped == 62


def test_faces_of_a_video_are_told_and_marked(job, tmp_path):
    told = []
    report = detect_file(DetectJob(path=job.target, annotate=tmp_path / "seen.mp4"), BrightSquares(),
                         lambda done, total: told.append((done, total)))
    assert report.animated
    assert len(report.frames) == 70
    assert [len(frame.faces) for frame in report.frames] == [n % 9 != 4 for n in range(70)]
    assert told[-1] == (70, 70)
    shown, plain = pictures(tmp_path / "seen.mp4"), pictures(Path(job.target))
    assert len(shown) == 70
    assert np.abs(shown[0].astype(int) - plain[0]).max() > 60
    assert np.abs(shown[4].astype(int) - plain[4]).max() < 30
    assert not left(tmp_path)


def test_the_output_may_be_piped(job, tmp_path):
    command = [sys.executable, str(RUN), "BrightSquares", "swap", job.spec.sources[0], "-", "-o", "-"]
    with Path(job.target).open("rb") as target, (tmp_path / "piped.mp4").open("wb") as output:
        subprocess.run(command, stdin=target, stdout=output, check=True, env={**os.environ, "TMPDIR": str(tmp_path)})
    swap_file(job, BrightSquares())
    assert (tmp_path / "piped.mp4").read_bytes() == Path(job.output).read_bytes()
