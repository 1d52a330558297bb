"""A video that was killed while it was written is gone on with, and becomes the same file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from fractions import Fraction
from pathlib import Path

import pytest
from films import texture

from faceswap_cli.errors import InputError
from faceswap_cli.media.frame import ClipInfo, Frame, Writer
from faceswap_cli.media.video.write.writer import SEGMENT_FRAMES, create_video
from faceswap_cli.options import MediaFormat, MediaOptions, VideoOptions

FRAMES = 2 * SEGMENT_FRAMES + 30
STEP = Fraction(1, 25)
LIKE = ClipInfo(format=MediaFormat.GIF, width=64, height=48, frame_count=FRAMES, duration=FRAMES * STEP)
FAST = MediaOptions(video=VideoOptions(preset="ultrafast"))


def begin(out: Path, *, resume: str | None = "job", options: MediaOptions = FAST) -> Writer:
    return create_video(out, MediaFormat(out.suffix[1:]), LIKE, options, overwrite=True, resume=resume)


def go_on(writer: Writer, until: int = FRAMES) -> None:
    """Write the frames that are missing, as a job does."""
    first = writer.kept.frames if writer.kept is not None else 0
    for number in range(first, until):
        if number and number % writer.segment_frames == 0 and number != first:
            writer.save(b"state %d" % number, number * STEP)
        writer.write(Frame(pixels=texture(64, 48, number), duration=STEP, time=number * STEP))


def whole(out: Path) -> bytes:
    """The file of an uninterrupted run."""
    with begin(out, resume=None) as writer:
        go_on(writer)
        writer.commit()
    data = out.read_bytes()
    out.unlink()
    return data


def interrupt(out: Path, until: int) -> None:
    """A run that ends by Ctrl-C."""
    with pytest.raises(KeyboardInterrupt), begin(out) as writer:
        go_on(writer, until)
        raise KeyboardInterrupt


def folder(out: Path) -> Path:
    return out.with_name(f".{out.name}.faceswap-video")


def finish(out: Path, *, kept: int, resume: str = "job") -> bytes:
    """The file of a run that comes after another."""
    with begin(out, resume=resume) as writer:
        assert (writer.kept.frames if writer.kept else 0) == kept
        if writer.kept is not None:
            assert writer.kept.states[-1] == b"state %d" % kept and len(writer.kept.states) == kept // 120
            assert writer.kept.time == kept * STEP
        go_on(writer)
        writer.commit()
    assert list(out.parent.iterdir()) == [out]
    return out.read_bytes()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_what_was_finished_is_taken_and_the_file_is_the_same(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    wanted = whole(out)
    interrupt(out, 2 * SEGMENT_FRAMES + 7)
    assert not out.exists()
    assert finish(out, kept=2 * SEGMENT_FRAMES) == wanted


def test_a_run_that_was_killed(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    wanted = whole(out)
    script = textwrap.dedent("""
        import sys, time
        from pathlib import Path
        sys.path[:0] = sys.argv[2:]
        from test_resume import begin, go_on, SEGMENT_FRAMES
        with begin(Path(sys.argv[1])) as writer:
            go_on(writer, SEGMENT_FRAMES + 40)
            time.sleep(60)
    """)
    here = Path(__file__).parent
    child = subprocess.Popen([sys.executable, "-c", script, str(out), str(here), str(here.parents[1])])
    record = folder(out) / "000000.json"
    until = time.monotonic() + 50
    while not record.exists() and child.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert record.exists()
    for part in tmp_path.glob("*.part"):
        part.unlink()
    assert finish_despite_parts(out) == wanted


def finish_despite_parts(out: Path) -> bytes:
    """`finish`, where a killed run left its temporary file, which others clean up."""
    for part in out.parent.glob(".*.part"):
        part.unlink()
    return finish(out, kept=SEGMENT_FRAMES)


def test_another_job_starts_over(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    wanted = whole(out)
    interrupt(out, SEGMENT_FRAMES + 1)
    assert finish(out, kept=0, resume="another job") == wanted


def test_other_settings_start_over(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    interrupt(out, SEGMENT_FRAMES + 1)
    with begin(out, options=MediaOptions(video=VideoOptions(preset="ultrafast", crf=30))) as writer:
        assert writer.kept is None


@pytest.mark.parametrize("damage", ["packets", "json", "lost"])
def test_from_a_damaged_segment_on_all_is_made_anew(tmp_path: Path, damage: str) -> None:
    out = tmp_path / "out.mp4"
    wanted = whole(out)
    interrupt(out, FRAMES)
    if damage == "lost":
        (folder(out) / "000000.packets").unlink()
    else:
        path = folder(out) / f"000001.{damage}"
        path.write_bytes(path.read_bytes()[:-9])
    assert finish(out, kept=0 if damage == "lost" else SEGMENT_FRAMES) == wanted


def test_a_failed_job_leaves_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    with pytest.raises(InputError), begin(out) as writer:
        go_on(writer, SEGMENT_FRAMES + 30)
        raise InputError("the target is damaged")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_job_without_a_segment_leaves_nothing(tmp_path: Path) -> None:
    interrupt(tmp_path / "out.mp4", SEGMENT_FRAMES)
    assert list(tmp_path.iterdir()) == []


def test_a_second_run_beside_the_first_keeps_out_of_its_way(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    wanted = whole(out)
    interrupt(out, SEGMENT_FRAMES + 1)
    with begin(out) as first:
        assert first.kept is not None
        with begin(out) as second:
            assert second.kept is None
            go_on(second)
            second.commit()
        assert out.read_bytes() == wanted
        go_on(first)
        first.commit()
    assert out.read_bytes() == wanted
    assert list(tmp_path.iterdir()) == [out]


def test_without_a_fingerprint_what_lies_there_is_not_looked_at(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    interrupt(out, SEGMENT_FRAMES + 1)
    with begin(out, resume=None) as writer:
        assert writer.kept is None
        go_on(writer, 5)
        writer.commit()
    assert json.loads((folder(out) / "000000.json").read_text())["ticks"][:2] == [0, 1200]


def test_segments_do_not_depend_on_who_closes_them(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    wanted = whole(out)
    with begin(out, resume=None) as writer:
        for number in range(FRAMES):
            writer.write(Frame(pixels=texture(64, 48, number), duration=STEP, time=number * STEP))
        writer.commit()
    assert out.read_bytes() == wanted
