from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import (
    BLUE,
    RED,
    WHITE,
    Blind,
    BrightSquares,
    Dies,
    FailsToPlan,
    FailsToRender,
    Uneven,
    scene,
)
from job_records import altered
from PIL import Image as PILImage

from faceswap_cli.batch.items import Item
from faceswap_cli.batch.worker import Worker
from faceswap_cli.errors import InputError, ModelError, NoFaceError, OutputError, UsageError
from faceswap_cli.jobs.job import Pair, SwapJob, SwapSpec
from faceswap_cli.jobs.swap import prepare_source, swap_file
from faceswap_cli.options import (
    EngineOptions,
    GenderFilter,
    MediaFormat,
    MediaOptions,
    OnNoFace,
    SelectOptions,
)

DURATIONS = [40, 100, 70, 200, 30, 30, 500, 90]


@pytest.fixture
def source(tmp_path) -> str:
    PILImage.fromarray(scene((10, 10, 20, RED))).save(tmp_path / "source.png")
    return str(tmp_path / "source.png")


@pytest.fixture
def still(tmp_path) -> str:
    pixels = np.dstack([scene((8, 8, 16, BLUE), (40, 20, 10, BLUE)), np.full((48, 64), 255, np.uint8)])
    pixels[:4, :, 3] = 7
    PILImage.fromarray(pixels).save(tmp_path / "still.png")
    return str(tmp_path / "still.png")


@pytest.fixture
def clip(tmp_path) -> str:
    """Eight frames: a blue square moves right; it is away in frames 3 and 4, which differ in one pixel."""
    frames = [scene(*([] if n in (3, 4) else [(4 * n, 10, 14, BLUE)])) for n in range(8)]
    frames[4][0, 0] = 90
    first, *others = (PILImage.fromarray(frame) for frame in frames)
    first.save(tmp_path / "clip.gif", save_all=True, append_images=others, duration=DURATIONS, loop=3)
    return str(tmp_path / "clip.gif")


def job(source, target, output, **more):
    return altered(SwapJob(spec=SwapSpec(sources=(source,)), target=target, output=str(output)), **more)


def names(folder) -> set[str]:
    return {path.name for path in Path(folder).iterdir()}


def read_rgb(path) -> list[np.ndarray]:
    with PILImage.open(path) as image:
        frames = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            frames.append(np.array(image.convert("RGB")))
        return frames


def test_a_still_is_swapped_and_nothing_else_in_it_changes(source, still, tmp_path):
    outcome = swap_file(job(source, still, tmp_path / "out.png"), BrightSquares())
    before, after = np.array(PILImage.open(still)), np.array(PILImage.open(tmp_path / "out.png"))
    assert (after[8:24, 8:24, :3] == RED).all()
    before[8:24, 8:24] = after[8:24, 8:24]
    np.testing.assert_array_equal(before, after)
    assert (outcome.frames, outcome.frames_swapped, outcome.faces_swapped) == (1, 1, 1)
    assert outcome.output is not None
    assert (outcome.output.format, outcome.output.width, outcome.output.height) == ("png", 64, 48)
    assert outcome.output.bytes == (tmp_path / "out.png").stat().st_size
    assert outcome.engine["engine"] == "fake"


def test_stills_have_no_clip_memory(source, still, tmp_path):
    backend = BrightSquares()
    swap_file(job(source, still, tmp_path / "out.png"), backend)
    assert "open_clip" not in backend.calls


def test_faces_of_the_report_are_those_of_the_picture(source, still, tmp_path):
    more = {"engine": EngineOptions(select=SelectOptions(target_index=(1, 5))), "details": True}
    task = job(source, still, tmp_path / "out.png", **more)
    outcome = swap_file(task, BrightSquares(task.spec.engine))
    told = {face.index: (face.swapped, face.skip_reason) for face in outcome.faces}
    assert told == {0: (False, "not-selected"), 1: (True, None), 5: (False, "no-such-face")}
    assert "face small: 10 px" in outcome.warnings
    assert "there is no face 5" in outcome.warnings


def test_several_sources_are_dealt_out_and_named(still, tmp_path):
    for name, colour in (("a", RED), ("b", WHITE)):
        (tmp_path / "people").mkdir(exist_ok=True)
        PILImage.fromarray(scene((5, 5, 9, colour))).save(tmp_path / "people" / f"{name}.png")
    (tmp_path / "people" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    task = job(str(tmp_path / "people"), still, tmp_path / "out.png", details=True,
               engine=EngineOptions(select=SelectOptions(target_index="all")))
    outcome = swap_file(task, BrightSquares(task.spec.engine))
    assert [Path(face.source_picture).name for face in outcome.faces] == ["a.png", "b.png"]
    assert any("broken.png" in warning for warning in outcome.warnings)


def test_a_broken_source_that_was_named_is_an_error(still, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    with pytest.raises(InputError, match=r"broken\.png"):
        swap_file(job(str(tmp_path / "broken.png"), still, tmp_path / "out.png"), BrightSquares())


def test_a_prepared_source_is_not_read_again(source, still, tmp_path):
    backend = BrightSquares()
    task = job(source, still, tmp_path / "one.png")
    ready = prepare_source(task.spec, backend)
    Path(source).unlink()
    for name in ("one.png", "two.png"):
        swap_file(replace(task, output=str(tmp_path / name)), backend, prepared=ready)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert backend.calls == ["prepare_source"]


# --- clips ------------------------------------------------------------------------------------------------------------


def test_a_clip_keeps_its_frames_durations_and_loop(source, clip, tmp_path):
    told = []
    outcome = swap_file(job(source, clip, tmp_path / "out.gif"), BrightSquares(), lambda *args: told.append(args))
    assert told == [(number, 8) for number in range(1, 9)]
    assert (outcome.frames, outcome.frames_swapped, outcome.frames_without_face) == (8, 6, 2)
    with PILImage.open(tmp_path / "out.gif") as written:
        assert written.info["loop"] == 3
        total = 0
        for number in range(written.n_frames):
            written.seek(number)
            total += written.info["duration"]
    assert total == sum(DURATIONS)
    assert outcome.output.duration == pytest.approx(sum(DURATIONS) / 1000)


def test_every_frame_of_a_clip_is_swapped_where_its_face_is(source, clip, tmp_path):
    swap_file(job(source, clip, tmp_path / "out.png", media=MediaOptions(image_format=MediaFormat.APNG)),
              BrightSquares())
    before, after = read_rgb(clip), read_rgb(tmp_path / "out.png")
    assert len(before) == 8
    for old, new in zip(before, after, strict=True):
        face = old[..., 2] > 200
        assert (new[face] == RED).all()
        np.testing.assert_array_equal(new[~face], old[~face])


def test_the_bytes_do_not_depend_on_the_number_of_workers(source, clip, tmp_path):
    for workers in (1, 2, 5):
        swap_file(job(source, clip, tmp_path / f"{workers}.gif"), Uneven(), workers=workers)
    assert len({(tmp_path / f"{workers}.gif").read_bytes() for workers in (1, 2, 5)}) == 1


@pytest.mark.parametrize("backend", [FailsToPlan, FailsToRender, Dies])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_failing_backend_leaves_the_old_output_and_nothing_else(source, clip, tmp_path, backend, workers):
    out = tmp_path / "out.gif"
    out.write_bytes(b"old")
    before = names(tmp_path)
    with pytest.raises((ModelError, ZeroDivisionError)):
        swap_file(job(source, clip, out, overwrite=True), backend(), workers=workers)
    assert out.read_bytes() == b"old"
    assert names(tmp_path) == before


def test_a_clip_that_breaks_off_is_no_success_without_a_word(source, clip, tmp_path):
    Path(clip).write_bytes(Path(clip).read_bytes()[:-400])
    try:
        outcome = swap_file(job(source, clip, tmp_path / "out.gif"), BrightSquares())
    except InputError:
        assert not (tmp_path / "out.gif").exists()
    else:
        assert outcome.warnings


# --- nothing swapped --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["still", "clip"])
def test_nothing_swapped_is_an_error_and_writes_nothing(source, kind, tmp_path, request):
    target = request.getfixturevalue(kind)
    out = tmp_path / f"out{Path(target).suffix}"
    before = names(tmp_path)
    with pytest.raises(NoFaceError, match="no face found"):
        swap_file(job(source, target, out), Blind())
    assert names(tmp_path) == before


def test_a_face_that_the_filter_leaves_is_named_as_the_reason(source, still, tmp_path):
    task = job(source, still, tmp_path / "out.png",
               engine=EngineOptions(select=SelectOptions(target_gender=GenderFilter.FEMALE)))
    with pytest.raises(NoFaceError, match="2 gender-mismatch"):
        swap_file(task, BrightSquares(task.spec.engine))


@pytest.mark.parametrize("kind", ["still", "clip"])
def test_copy_passes_the_very_bytes_through(source, kind, tmp_path, request):
    target = request.getfixturevalue(kind)
    out = tmp_path / f"out{Path(target).suffix}"
    outcome = swap_file(job(source, target, out, on_no_face=OnNoFace.COPY), Blind())
    assert out.read_bytes() == Path(target).read_bytes()
    assert outcome.output.bytes == out.stat().st_size
    assert outcome.faces_swapped == 0
    assert any("no face found" in warning for warning in outcome.warnings)


def test_copy_to_another_format_converts_without_the_mark(source, still, tmp_path):
    swap_file(job(source, still, tmp_path / "out.webp", on_no_face=OnNoFace.COPY), Blind())
    assert (tmp_path / "out.webp").read_bytes()[8:12] == b"WEBP"
    assert b"compositeSynthetic" not in (tmp_path / "out.webp").read_bytes()


def test_the_mark_is_in_what_was_swapped_unless_left_out(source, still, tmp_path):
    swap_file(job(source, still, tmp_path / "a.png"), BrightSquares())
    swap_file(job(source, still, tmp_path / "b.png", media=MediaOptions(provenance=False)), BrightSquares())
    assert b"compositeSynthetic" in (tmp_path / "a.png").read_bytes()
    assert b"compositeSynthetic" not in (tmp_path / "b.png").read_bytes()


def test_skip_writes_nothing_and_is_no_error(source, still, tmp_path):
    outcome = swap_file(job(source, still, tmp_path / "out.png", on_no_face=OnNoFace.SKIP), Blind())
    assert outcome.output is None
    assert not (tmp_path / "out.png").exists()


def test_a_source_without_a_face_follows_the_same_rule(still, tmp_path):
    PILImage.fromarray(scene()).save(tmp_path / "dark.png")
    task = job(str(tmp_path / "dark.png"), still, tmp_path / "out.png")
    with pytest.raises(NoFaceError, match=r"dark\.png"):
        swap_file(task, BrightSquares())
    outcome = swap_file(altered(task, on_no_face=OnNoFace.COPY), BrightSquares())
    assert (tmp_path / "out.png").read_bytes() == Path(still).read_bytes()
    assert any("dark.png" in warning for warning in outcome.warnings)


# --- outputs that are refused before any work -------------------------------------------------------------------------


def refused(task, error, words):
    backend = BrightSquares()
    with pytest.raises(error, match=words):
        swap_file(task, backend)
    assert backend.calls == []


def test_an_existing_output_is_refused(source, still, tmp_path):
    (tmp_path / "out.png").write_bytes(b"old")
    refused(job(source, still, tmp_path / "out.png"), UsageError, "add overwrite")
    swap_file(job(source, still, tmp_path / "out.png", overwrite=True), BrightSquares())
    assert (tmp_path / "out.png").read_bytes() != b"old"


def test_an_input_is_not_overwritten_by_accident_but_on_request_safely(source, still):
    refused(job(source, still, still), UsageError, "also an input")
    swap_file(job(source, still, still, overwrite=True), BrightSquares())
    assert (read_rgb(still)[0][10, 10] == RED).all()


@pytest.mark.parametrize("spelled", ["itself", "dots", "link", "hard link", "linked folder"])
@pytest.mark.parametrize("role", ["source", "folder", "reference", "pair"])
def test_pictures_of_faces_are_never_replaced(source, still, tmp_path, role, spelled):
    (tmp_path / "faces").mkdir()
    picture = tmp_path / "faces" / "me.png"
    shutil.copy(source, picture)
    before = picture.read_bytes()
    output = {"itself": picture, "dots": f"{tmp_path}/faces/../faces/./me.png", "link": tmp_path / "link.png",
              "hard link": tmp_path / "hard.png", "linked folder": tmp_path / "others" / "me.png"}[spelled]
    (tmp_path / "link.png").symlink_to(picture)
    (tmp_path / "hard.png").hardlink_to(picture)
    (tmp_path / "others").symlink_to(tmp_path / "faces")
    roles = {"source": {"sources": (str(picture),)}, "folder": {"sources": (str(picture.parent),)},
             "reference": {"references": (str(picture),)},
             "pair": {"pairs": (Pair(source, str(picture)), Pair(source, still))}}
    for overwrite in (True, False):
        task = altered(job(source, still, output, overwrite=overwrite), **roles[role])
        refused(task, UsageError, "never replaced; choose another name")
        result = Worker(open_backend=lambda options: BrightSquares()).run(Item(number=0, key="x", job=task, name="x"))
        assert result.failure is not None and "never replaced" in result.failure.message
    assert picture.read_bytes() == before and (tmp_path / "link.png").is_symlink()


def test_a_new_file_beside_the_pictures_of_a_face_is_no_harm(source, still, tmp_path):
    (tmp_path / "faces").mkdir()
    shutil.copy(source, tmp_path / "faces")
    task = altered(job(source, still, tmp_path / "faces" / "new.png"), sources=(str(tmp_path / "faces"),))
    assert swap_file(task, BrightSquares()).output is not None


def test_a_suffix_that_disagrees_with_the_format_is_refused(source, still, tmp_path):
    refused(job(source, still, tmp_path / "out.png", media=MediaOptions(image_format=MediaFormat.WEBP)), UsageError,
            "image_format says webp")


def test_a_still_format_for_a_clip_is_refused(source, clip, tmp_path):
    refused(job(source, clip, tmp_path / "out.jpg"), UsageError, "8 frames")


def test_a_missing_folder_and_a_folder_are_refused(source, still, tmp_path):
    refused(job(source, still, tmp_path / "none" / "out.png"), OutputError, "create it first")
    refused(job(source, still, tmp_path), OutputError, "folder")


def test_a_still_is_refused_where_an_animation_is_asked_for(source, still, tmp_path):
    refused(job(source, still, tmp_path / "out.gif", animation_only=True), UsageError, "faceswap swap")


def test_transparency_that_the_format_cannot_hold_is_told(source, still, tmp_path):
    jpeg = swap_file(job(source, still, tmp_path / "out.jpg"), BrightSquares())
    assert "JPEG has no transparency: transparent parts are white now" in jpeg.warnings
    assert swap_file(job(source, still, tmp_path / "out.png"), BrightSquares()).warnings == tuple(
        text for text in jpeg.warnings if "transparency" not in text)
    opaque = swap_file(job(source, source, tmp_path / "opaque.jpg"), BrightSquares())
    assert not any("transparency" in text for text in opaque.warnings)


# --- dry run ----------------------------------------------------------------------------------------------------------


def test_a_dry_run_looks_at_the_first_frame_and_writes_nothing(source, clip, tmp_path):
    before = names(tmp_path)
    outcome = swap_file(job(source, clip, tmp_path / "out.gif", dry_run=True), BrightSquares())
    assert outcome.output is None
    assert (outcome.frames, outcome.faces_swapped) == (1, 1)
    assert names(tmp_path) == before


def test_a_dry_run_fails_where_the_run_would(source, still, tmp_path):
    with pytest.raises(NoFaceError):
        swap_file(job(source, still, tmp_path / "out.png", dry_run=True), Blind())
    with pytest.raises(UsageError):
        swap_file(job(source, still, tmp_path / "out.png", dry_run=True,
                      media=MediaOptions(image_format=MediaFormat.WEBP)), BrightSquares())


def test_timings_cover_the_stages(source, clip, tmp_path):
    timings = swap_file(job(source, clip, tmp_path / "out.gif"), Uneven(), workers=1).timings
    assert timings.swap >= 0.03
    assert min(timings.decode, timings.analyse, timings.encode) > 0
    assert timings.total >= timings.swap



def test_a_face_far_to_the_right_and_low_in_a_large_animation(source, tmp_path):
    frames = [PILImage.fromarray(scene((560 + n, 420, 40, BLUE), size=(640, 480))) for n in range(3)]
    frames[0].save(tmp_path / "large.gif", save_all=True, append_images=frames[1:], duration=50)
    outcome = swap_file(job(source, str(tmp_path / "large.gif"), tmp_path / "out.gif"), BrightSquares())
    assert outcome.frames_swapped == 3
    assert all((abs(frame[440, 590].astype(int) - RED) < 40).all() for frame in read_rgb(tmp_path / "out.gif"))
