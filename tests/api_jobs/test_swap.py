"""One swap by the API: what is sent, what comes of each fault, and that nothing is asked for twice."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from authority import Authority
from fakes import BLUE, RED, BrightSquares, scene
from job_records import altered
from PIL import Image as PILImage
from refusals import refused
from segmind_api import CANARY, FakeClock, Fault, SegmindApi, broken, limited
from videos import make_video

from faceswap_cli.api_jobs.swap import Remote, Spent, check_remote, falls_back, swap_remote
from faceswap_cli.api_jobs.tickets import Tickets
from faceswap_cli.errors import InputError, OutputError, RemoteError, UsageError
from faceswap_cli.jobs.job import Pair, SwapJob, SwapSpec
from faceswap_cli.jobs.swap import swap_file
from faceswap_cli.options import (
    DetectorOptions,
    EngineName,
    EngineOptions,
    Fallback,
    GenderFilter,
    Interpolation,
    MediaFormat,
    MediaOptions,
    OnNoFace,
    Order,
    RemoteMode,
    RemoteOptions,
    RestoreOptions,
    SelectOptions,
    SwapOptions,
)
from faceswap_cli.segmind.faults import ApiError

Swap = Callable[..., object]


def encoded(kind: str, *scenes, **more) -> bytes:
    first, *others = [PILImage.fromarray(each) for each in scenes]
    file = io.BytesIO()
    first.save(file, kind, **({"save_all": True, "append_images": others, "duration": 40} if others else {}), **more)
    return file.getvalue()


STILL = scene((8, 8, 16, RED))
JPEG = encoded("JPEG", STILL, quality=90)
CLIP = encoded("GIF", *(scene((4 + 2 * step, 4, 20, RED)) for step in range(3)))


@pytest.fixture
def api() -> Iterator[SegmindApi]:
    with SegmindApi() as api:
        api.picture, api.content_type = JPEG, "image/jpeg"
        yield api


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def opened(api, clock, tmp_path, monkeypatch) -> Iterator[Callable[..., Remote]]:
    """The API as a process sees it; each call is another process."""
    monkeypatch.setenv("SEGMIND_API_KEY", CANARY)
    made = []

    def make(**more) -> Remote:
        made.append(Remote(RemoteOptions(base_url=api.base, **more), tickets=tmp_path / "tickets", clock=clock))
        return made[-1]

    yield make
    for remote in made:
        remote.close()


@pytest.fixture
def job(tmp_path) -> SwapJob:
    PILImage.fromarray(scene((10, 10, 20, RED))).save(tmp_path / "me.png")
    PILImage.fromarray(scene((8, 8, 16, BLUE))).save(tmp_path / "party.jpg")
    return SwapJob(spec=SwapSpec(sources=(str(tmp_path / "me.png"),), remote=RemoteOptions()),
                   target=str(tmp_path / "party.jpg"), output=str(tmp_path / "out.jpg"))


@pytest.fixture
def clip(job, tmp_path) -> SwapJob:
    (tmp_path / "dance.gif").write_bytes(encoded("GIF", *(scene((4 + 2 * n, 4, 20, BLUE)) for n in range(3))))
    return replace(job, target=str(tmp_path / "dance.gif"), output=str(tmp_path / "out.gif"))


def tickets(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "tickets").glob("*")) if (tmp_path / "tickets").exists() else []


def sent(api: SegmindApi) -> dict[str, object]:
    """What the one request asked, without its pictures."""
    assert len(api.billed) == 1
    pictures = {"source_img", "target_img", "input_face_image", "target_face_image"}
    return {name: value for name, value in api.billed[0].items() if name not in pictures}


# --- what is sent -----------------------------------------------------------------------------------------------------

def test_only_what_was_set_is_sent(api, opened, job):
    outcome = swap_remote(job, opened())
    assert sent(api) == {"image_format": "jpeg"}  # fixed by the name of the output
    assert outcome.engine["engine"] == "remote" and outcome.engine["slug"] == "faceswap-v3"
    assert outcome.engine["request_id"] and outcome.output.format == "jpeg"
    assert [api.assets[api.billed[0][name]] for name in ("source_img", "target_img")] == \
        [Path(job.spec.sources[0]).read_bytes(), Path(job.target).read_bytes()]


def test_every_parameter_can_be_reached(api, opened, job, tmp_path):
    api.picture, api.content_type = encoded("WEBP", STILL), "image/webp"
    engine = EngineOptions(
        select=SelectOptions(order=Order.LEFT_RIGHT, target_index=(0, 2), source_index=(1,),
                             target_gender=GenderFilter.FEMALE, source_gender=GenderFilter.MALE),
        detector=DetectorOptions("YOLOv5n"),
        restore=RestoreOptions(model="GFPGANv1.4.pth", weight=0.5, interpolation=Interpolation.LANCZOS))
    swap_remote(altered(job, engine=engine, media=MediaOptions(image_quality=80), output=str(tmp_path / "o.webp")),
                opened())
    assert sent(api) == {
        "detect_gender_input": "female", "detect_gender_source": "male", "detection_face_order": "left-right",
        "face_restore": "GFPGANv1.4.pth", "face_restore_weight": 0.5, "facedetection": "YOLOv5n",
        "image_format": "webp", "image_quality": 80, "input_faces_index": "0,2", "source_faces_index": "1",
        "interpolation": "Lanczos"}


def test_animations_go_to_the_other_model(api, opened, clip, tmp_path):
    api.picture, api.content_type = CLIP, "image/gif"
    outcome = swap_remote(clip, opened())
    assert sent(api) == {"file_type": "gif"}
    assert outcome.engine["slug"] == "sd2.1-faceswapper" and outcome.frames == outcome.frames_swapped == 3
    with PILImage.open(tmp_path / "out.gif") as written:
        assert written.n_frames == 3


def test_swap_gif_says_that_faces_are_not_to_be_restored(api, opened, clip):
    api.picture, api.content_type = CLIP, "image/gif"
    swap_remote(altered(clip, animation_only=True), opened())
    assert sent(api) == {"file_type": "gif", "face_restore": False}


def test_urls_are_handed_over_and_not_fetched(api, opened, job):
    job = altered(job, sources=("https://example.invalid/me.jpg?token=1",), target="http://10.0.0.1/party.jpg")
    swap_remote(job, opened())
    assert api.billed[0]["source_img"] == job.spec.sources[0] and api.billed[0]["target_img"] == job.target
    assert api.count("upload") == 0


def test_what_stands_for_files_is_never_sent(api, opened, job):
    swap_remote(job, opened())
    assert all(b"sha256:" not in asked.body for asked in api.asked)


# --- what is refused before anything is sent --------------------------------------------------------------------------

@pytest.mark.parametrize(("change", "named"), [
    ({"sources": ("a.jpg", "b.jpg")}, "--source"),
    ({"on_no_face": OnNoFace.COPY}, "--on-no-face"),
    ({"references": ("anna.jpg",)}, "--reference"),
    ({"sources": (), "pairs": (Pair("anna.jpg", "me.jpg"),)}, "--pair"),
    ({"min_similarity": 0.5, "engine": EngineOptions(measure=True)}, "--min-similarity"),
    ({"engine": EngineOptions(engine=EngineName.NEURAL)}, "--engine"),
    ({"engine": EngineOptions(swap=SwapOptions(size=256))}, "--swap-size"),
    ({"engine": EngineOptions(swap=SwapOptions(keep_mouth=True))}, "--keep-mouth"),
    ({"engine": EngineOptions(select=SelectOptions(target_index="all"))}, "--target-index"),
    ({"engine": EngineOptions(restore=RestoreOptions(model="gpen_512"))}, "--restore"),
])
def test_what_the_api_has_not_is_named(api, opened, job, change, named):
    with refused(UsageError, named):
        swap_remote(altered(job, **change), opened())
    assert not api.asked


def test_a_label_that_cannot_be_drawn_costs_nothing(api, opened, job):
    with pytest.raises(UsageError, match="not UTF-8"):
        swap_remote(altered(job, media=MediaOptions(label="caf\udce9")), opened())
    assert not api.asked


def test_a_folder_is_no_source(api, opened, job, tmp_path):
    with pytest.raises(UsageError, match="folder"):
        check_remote(altered(job, sources=(str(tmp_path),)))


def test_options_of_stills_are_refused_for_animations(api, opened, clip):
    engine = EngineOptions(select=SelectOptions(order=Order.LEFT_RIGHT))
    with refused(UsageError, "--order"):
        swap_remote(altered(clip, engine=engine), opened())
    assert not api.asked


@pytest.mark.parametrize("spoil", ["target", "source"])
def test_what_is_no_picture_is_not_sent(api, opened, job, spoil):
    Path(job.target if spoil == "target" else job.spec.sources[0]).write_text("no picture")
    with pytest.raises(InputError):
        swap_remote(job, opened())
    assert not api.asked


@pytest.mark.parametrize("place", ["target", "source", "address"])
def test_videos_are_not_for_the_api(api, opened, job, tmp_path, place):
    video = str(make_video(tmp_path / "clip.mp4", 5))
    change = {"target": {"target": video}, "source": {"sources": (video,)},
              "address": {"target": "https://example.org/clip.mp4?key=secret", "output": str(tmp_path / "out.mp4")}}
    with refused(UsageError, r"clip\.mp4.* is a video and cannot be used with --remote") as caught:
        swap_remote(altered(job, **change[place]), opened())
    assert "secret" not in str(caught.value)
    assert not api.asked


def test_an_output_that_exists_costs_nothing(api, opened, job):
    Path(job.output).write_text("mine")
    with pytest.raises(UsageError, match="exists"):
        swap_remote(job, opened())
    assert not api.asked and Path(job.output).read_text() == "mine"


def test_the_picture_of_the_face_is_not_replaced(api, opened, job):
    with pytest.raises(UsageError, match="never replaced"):
        swap_remote(replace(job, output=job.spec.sources[0], overwrite=True), opened())
    assert not api.asked


def test_a_password_in_a_url_is_not_handed_over(api, opened, job):
    with pytest.raises(UsageError, match="password") as caught:
        swap_remote(replace(job, target="https://me:secret@example.org/a.jpg"), opened())
    assert "secret" not in str(caught.value) and not api.asked


def test_a_dry_run_sends_nothing(api, opened, job):
    outcome = swap_remote(replace(job, dry_run=True), opened())
    assert outcome.output is None and not api.asked


# --- the result -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_result_keeps_its_pixels_and_gets_the_mark(api, opened, job, tmp_path, kind):
    api.picture, api.content_type = encoded(kind, STILL), f"image/{kind.lower()}"
    job = replace(job, output=str(tmp_path / f"o.{kind.lower()}"))
    outcome = swap_remote(job, opened())
    data = Path(job.output).read_bytes()
    with PILImage.open(io.BytesIO(data)) as written, PILImage.open(io.BytesIO(api.picture)) as came:
        assert written.format == kind and written.convert("RGB").tobytes() == came.convert("RGB").tobytes()
        assert b"compositeWithTrainedAlgorithmicMedia" in (written.info.get("xmp")
                                                           or written.info["XML:com.adobe.xmp"].encode())
    assert outcome.output.bytes == len(data) and (outcome.output.width, outcome.output.height) == (64, 48)


def test_without_provenance_the_bytes_are_the_apis(api, opened, job):
    swap_remote(altered(job, media=MediaOptions(provenance=False)), opened())
    assert Path(job.output).read_bytes() == JPEG


def test_a_mark_of_the_server_stays(api, opened, job):
    swap_remote(job, opened())
    api.picture = Path(job.output).read_bytes().replace(b"compositeWithTrainedAlgorithmicMedia",
                                                        b"compositeSynthetic                  ")
    swap_remote(replace(job, overwrite=True), opened())
    assert Path(job.output).read_bytes() == api.picture


def test_a_result_is_labelled_here(api, opened, job, tmp_path):
    api.picture, api.content_type = encoded("PNG", STILL), "image/png"
    job = altered(job, output=str(tmp_path / "o.png"), media=MediaOptions(label="AI"))
    outcome = swap_remote(job, opened())
    with PILImage.open(job.output) as written:
        drawn = np.asarray(written.convert("RGB")) != np.asarray(STILL)
    assert drawn.any() and not drawn[:24].any(), "in a lower corner, and nowhere else"
    assert outcome.output.marks == ("xmp", "label")


def test_a_result_is_signed_here(api, opened, job, tmp_path):
    (tmp_path / "keys").mkdir()
    job = altered(job, media=MediaOptions(credentials=Authority(tmp_path / "keys").issue()))
    outcome = swap_remote(job, opened())
    assert outcome.output.marks == ("xmp", "c2pa") and b"c2pa" in Path(job.output).read_bytes()


def test_a_format_that_the_api_has_not_is_made_here(api, opened, job, tmp_path):
    api.picture, api.content_type = encoded("PNG", STILL), "image/png"
    outcome = swap_remote(replace(job, output=str(tmp_path / "o.tiff")), opened())
    assert sent(api) == {"image_format": "png"} and outcome.output.format == "tiff"
    with PILImage.open(tmp_path / "o.tiff") as written:
        assert written.format == "TIFF" and written.tobytes() == STILL.tobytes()


@pytest.mark.parametrize("picture", [JPEG[:len(JPEG) // 2], CLIP])
def test_a_result_that_is_damaged_or_of_another_kind_replaces_nothing(api, opened, job, tmp_path, picture):
    Path(job.output).write_text("mine")
    api.picture = picture
    with pytest.raises(RemoteError, match="cannot be used"):
        swap_remote(replace(job, overwrite=True), opened())
    assert Path(job.output).read_text() == "mine" and not tickets(tmp_path)


def test_a_still_is_no_result_of_an_animation(api, opened, clip):
    with pytest.raises(RemoteError, match="still instead of an animation"):
        swap_remote(clip, opened())
    assert not Path(clip.output).exists()


# --- faults -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("kind", "fault"), [
    ("submit", limited(Retry_After="1")), ("status", broken(500)), ("status", Fault(drop="after")),
    ("result", broken(502)), ("output", Fault(drop="midway")), ("upload", broken(504)),
    ("status", Fault(body=b"<html>")),
])
def test_what_may_be_repeated_is(api, opened, job, kind, fault):
    api.fail(kind, fault)
    spent = Spent()
    assert swap_remote(job, opened(), spent).output is not None
    assert len(api.billed) == 1 and spent.requests == 1


@pytest.mark.parametrize("mode", [RemoteMode.ASYNC, RemoteMode.SYNC])
@pytest.mark.parametrize("fault", [broken(500, bills=True), broken(504, bills=True), Fault(drop="after", bills=True)])
def test_what_may_be_billed_twice_is_not_repeated(api, opened, job, mode, fault):
    api.fail("submit" if mode is RemoteMode.ASYNC else "call", fault)
    spent = Spent()
    with pytest.raises(ApiError, match="billed"):
        swap_remote(job, opened(mode=mode), spent)
    assert len(api.billed) == 1 and spent.requests == 1 and not Path(job.output).exists()


@pytest.mark.parametrize(("status", "words"), [(401, "missing or invalid API key"), (406, "insufficient credits"),
                                               (400, "image_quality must be"), (403, "model not available")])
def test_refusals_come_in_the_apis_words(api, opened, job, status, words):
    api.fail("submit", Fault(status, {"error": words}))
    spent = Spent()
    with pytest.raises(ApiError, match=words):
        swap_remote(job, opened(), spent)
    assert api.count("submit") == 1 and spent.requests == 0


def test_a_request_that_failed_is_not_open(api, opened, job, tmp_path):
    api.failure = "no face found in source_img"
    with pytest.raises(ApiError, match="no face found in source_img"):
        swap_remote(job, opened())
    assert not tickets(tmp_path) and api.count("submit") == 1


def test_the_key_is_in_no_ticket_and_no_output(api, opened, job, tmp_path):
    swap_remote(job, opened())
    assert all(asked.key == CANARY for asked in api.asked if asked.kind != "output")
    assert all(CANARY.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


# --- tickets ----------------------------------------------------------------------------------------------------------

def stay_open(api: SegmindApi, opened, job: SwapJob) -> None:
    """A request that the API has not done when the user's patience ends."""
    api.states = ["PROCESSING"]
    with pytest.raises(ApiError, match="run again within the hour"):
        swap_remote(job, opened(deadline=30))


def test_an_open_request_is_noted_before_it_is_asked_for(api, opened, job, tmp_path, clock, monkeypatch):
    polls, sleep = [], clock.sleep
    monkeypatch.setattr(clock, "sleep", lambda seconds: (polls.append((api.count("status"), len(tickets(tmp_path)))),
                                                         sleep(seconds)))
    stay_open(api, opened, job)
    assert polls[0] == (0, 1)
    (path,) = tickets(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_bytes())["request_id"] in api.jobs


def test_an_open_request_is_taken_up_by_the_next_run(api, opened, job, tmp_path):
    stay_open(api, opened, job)
    for states in api.jobs.values():
        states.clear()
        states.append("COMPLETED")
    spent = Spent()
    outcome = swap_remote(replace(job, output=str(tmp_path / "other.jpg")), opened(), spent)
    assert outcome.output is not None and outcome.engine["request_id"] in api.jobs
    assert len(api.billed) == 1 and api.count("upload") == 1 and spent.requests == 0
    assert not tickets(tmp_path)


def test_another_request_is_not_taken_for_it(api, opened, job):
    stay_open(api, opened, job)
    api.states = ["COMPLETED"]
    swap_remote(altered(job, media=MediaOptions(image_quality=50)), opened())
    assert len(api.billed) == 2


def test_a_request_that_the_api_has_forgotten_is_not_silently_made_again(api, opened, job, tmp_path):
    stay_open(api, opened, job)
    api.forget()
    with pytest.raises(ApiError, match="billed again"):
        swap_remote(job, opened())
    assert len(api.billed) == 1 and not tickets(tmp_path)


def test_after_the_hour_a_new_request_is_made_and_that_is_said(api, opened, job, clock):
    stay_open(api, opened, job)
    clock.sleep(3600)
    api.states = ["COMPLETED"]
    outcome = swap_remote(job, opened())
    assert len(api.billed) == 2 and any("older than an hour" in line for line in outcome.warnings)


def test_a_result_that_cannot_be_written_is_still_there_for_the_next_run(api, opened, job, tmp_path, monkeypatch):
    def full(*arguments, **more):
        raise OutputError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("faceswap_cli.api_jobs.result._write", full)
        with pytest.raises(OutputError):
            swap_remote(job, opened())
    swap_remote(job, opened())
    assert len(api.billed) == 1 and Path(job.output).exists()


def test_nothing_is_sent_where_it_cannot_be_noted(api, opened, job, tmp_path):
    (tmp_path / "tickets").write_text("in the way")
    with pytest.raises(OutputError, match="nothing was sent"):
        swap_remote(job, opened())
    assert not api.asked


def test_nothing_is_sent_where_the_disk_is_full(api, opened, job, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device; nothing was sent"):
        swap_remote(job, opened())
    assert not api.asked and not tickets(tmp_path)


def test_a_folder_that_was_removed_meanwhile_is_made_anew(api, opened, job, tmp_path, monkeypatch):
    remote = opened(deadline=30)
    submit = remote.client.submit
    monkeypatch.setattr(remote.client, "submit", lambda *arguments, **more: (
        shutil.rmtree(tmp_path / "tickets"), submit(*arguments, **more))[1])
    api.states = ["PROCESSING"]
    with pytest.raises(ApiError, match="run again within the hour"):
        swap_remote(job, remote)
    assert len(tickets(tmp_path)) == 1


def test_the_ticket_of_another_process_that_asks_the_same_stays(api, opened, job, tmp_path, monkeypatch):
    first, keep = opened(), Tickets.keep

    def overtaken(self, key, ticket, room):
        keep(self, key, ticket, room)
        with first.tickets.room() as room:
            keep(self, key, replace(ticket, request_id="another"), room)

    monkeypatch.setattr(Tickets, "keep", overtaken)
    swap_remote(job, first)
    (path,) = tickets(tmp_path)
    assert json.loads(path.read_bytes())["request_id"] == "another"


def test_what_a_killed_run_left_of_a_ticket_goes_after_a_day(opened, tmp_path):
    (tmp_path / "tickets").mkdir()
    for name, age in (("old", 90_000), ("new", 60)):
        path = tmp_path / "tickets" / f".{name}.room"
        path.touch()
        os.utime(path, (time.time() - age,) * 2)
    with opened().tickets.room():
        pass
    assert [path.name for path in tickets(tmp_path)] == [".new.room"]


# --- fallback ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("fault", "expected"), [
    (broken(502), True), (Fault(406, {"error": "insufficient credits"}), True),
    (Fault(401, {"error": "missing or invalid API key"}), False), (Fault(400, {"error": "bad"}), False)])
def test_when_this_machine_steps_in(api, opened, job, fault, expected):
    api.fail("submit", fault)
    with pytest.raises(ApiError) as caught:
        swap_remote(job, opened())
    assert falls_back(caught.value, RemoteOptions(fallback=Fallback.LOCAL)) is expected
    assert not falls_back(caught.value, RemoteOptions())


def test_inline_results_are_taken(api, opened, job):
    api.inline = True
    swap_remote(altered(job, media=MediaOptions(image_format=MediaFormat.JPEG, provenance=False)), opened())
    assert Path(job.output).read_bytes() == JPEG


def test_no_engine_stands_in_for_the_api_unasked(job):
    with pytest.raises(UsageError, match="for the API"):
        swap_file(job, BrightSquares(job.spec.engine))
    assert not Path(job.output).exists()
