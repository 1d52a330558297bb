"""The contract, section by section, asked of a running server over a fake engine."""

from __future__ import annotations

import base64
import json
import logging
import threading
import time

import fakes
import httpx
import pytest
from live import CLIP, EMPTY, FIELDS, SOURCE, TARGET, Clock, Held, body, encode, is_red, pixels, text, uri

SLUGS = tuple(FIELDS)
RED_FACE = (12, 12)
"""In the larger square of the target."""


def said(answer) -> str:
    """The error of an answer, which has the one shape that all have."""
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error"]
    words = answer.json()["error"]
    assert isinstance(words, str) and words and "\n" not in words
    return words


# --- 2: the blocking call ---------------------------------------------------------------------------------------------

def test_a_blocking_call_answers_with_the_picture(start):
    client = start().client()
    for asked, sent, magic in ((None, "image/jpeg", b"\xff\xd8\xff"), ("jpeg", "image/jpeg", b"\xff\xd8\xff"),
                               ("png", "image/png", b"\x89PNG"), ("webp", "image/webp", b"RIFF")):
        more = {} if asked is None else {"image_format": asked}
        answer = client.post("/v1/faceswap-v3", json=body(**more))
        assert answer.status_code == 200
        assert answer.headers["content-type"] == sent
        assert answer.content.startswith(magic)
        assert int(answer.headers["content-length"]) == len(answer.content)
        assert answer.headers["x-request-id"]
        assert is_red(pixels(answer.content), *RED_FACE)


def test_the_other_model_answers_in_the_format_of_the_target(start):
    client = start().client()
    for kind, sent in (("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp"), ("BMP", "image/png"),
                       ("TIFF", "image/png")):
        target = encode(fakes.scene((4, 4, 20, fakes.BLUE)), kind=kind)
        answer = client.post("/v1/sd2.1-faceswapper", json=body("sd2.1-faceswapper", target=target))
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == sent
        assert is_red(pixels(answer.content), *RED_FACE)


def test_an_animation_stays_one_whatever_its_type_is_said_to_be(start):
    client = start().client()
    for more in ({}, {"file_type": "gif"}, {"file_type": "jpeg"}):
        answer = client.post("/v1/sd2.1-faceswapper", json=body("sd2.1-faceswapper", target=CLIP, **more))
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/gif"
        assert answer.content.count(b"\x21\xf9\x04") == 3


def test_base64_answers_with_text_in_json(start):
    answer = start().client().post("/v1/faceswap-v3", json=body(base64=True, image_format="png"))
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["image"]
    assert is_red(pixels(base64.b64decode(answer.json()["image"], validate=True)), *RED_FACE)


def test_the_result_of_a_blocking_call_is_kept_for_nobody(start, tmp_path):
    live = start()
    answer = live.client().post("/v1/faceswap-v3", json=body())
    assert live.client().get(f"/v2/requests/{answer.headers['x-request-id']}").status_code == 404
    assert not list((tmp_path / "serve" / "files").iterdir())
    assert not list((tmp_path / "serve" / "work").iterdir())


# --- 3 to 5: the queue ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("slug", SLUGS)
def test_a_submitted_request_is_polled_and_fetched(start, slug):
    live = start()
    client = live.client()
    submitted = client.post(f"/v2/{slug}", json=body(slug))
    assert submitted.status_code == 200
    answer = submitted.json()
    assert answer["status"] == "QUEUED"
    assert answer["response_url"] == f"{live.url}/v2/requests/{answer['request_id']}"
    assert answer["status_url"] == f"{answer['response_url']}/status"

    state = live.end(client, answer)
    assert state.status_code == 200
    assert set(state.json()) == {"status", "request_id", "metrics"}
    result = client.get(answer["response_url"]).json()
    assert result["status"] == "COMPLETED" and result["error"] is None
    assert result["request_id"] == answer["request_id"]
    assert result["metrics"]["inference_time"] == state.json()["metrics"]["inference_time"] > 0
    assert result["output"].startswith(f"{live.url}/results/")

    picture = live.client().get(result["output"])  # no key is needed for it
    assert picture.status_code == 200
    assert picture.headers["content-type"] == ("image/jpeg" if slug == "faceswap-v3" else "image/png")
    assert is_red(pixels(picture.content), *RED_FACE)


def test_states_follow_each_other(start):
    live = start(backend=Held, workers=1)
    client = live.client()
    first, second = (client.post("/v2/faceswap-v3", json=body()).json() for _ in range(2))
    while client.get(first["status_url"]).json()["status"] == "QUEUED":
        pass
    pending = client.get(first["status_url"])
    assert pending.status_code == 200
    assert pending.json() == {"status": "PROCESSING", "request_id": first["request_id"], "metrics": {}}
    assert client.get(first["response_url"]).json() == pending.json()
    assert client.get(second["status_url"]).json()["status"] == "QUEUED"
    assert client.get(second["response_url"]).json()["status"] == "QUEUED"
    Held.gate.set()
    assert [live.end(client, answer).json()["status"] for answer in (first, second)] == ["COMPLETED", "COMPLETED"]


def test_a_failed_request_is_422_on_both_and_the_same(start):
    live = start()
    client = live.client()
    answer = client.post("/v2/faceswap-v3", json=body(target=EMPTY)).json()
    state, result = live.end(client, answer), client.get(answer["response_url"])
    assert state.status_code == result.status_code == 422
    assert state.json() == result.json()
    assert state.json()["status"] == "FAILED"
    assert state.json()["error"] == "no face found in target_img"
    assert isinstance(state.json()["metrics"]["inference_time"], float)


def test_base64_on_the_queue_gives_text_instead_of_a_url(start):
    live = start()
    client = live.client()
    answer = client.post("/v2/faceswap-v3", json=body(base64=True, image_format="png")).json()
    live.end(client, answer)
    output = client.get(answer["response_url"]).json()["output"]
    assert is_red(pixels(base64.b64decode(output, validate=True)), *RED_FACE)


def test_urls_are_built_from_the_host_that_the_client_used(start):
    live = start()
    port = live.url.rpartition(":")[2]
    answer = live.client(host=f"localhost:{port}").post("/v2/faceswap-v3", json=body()).json()
    assert answer["status_url"].startswith(f"http://localhost:{port}/v2/requests/")


def test_urls_are_built_from_the_public_root_where_there_is_one(start):
    live = start(public_url="https://swap.example.org/api/")
    client = live.client()
    answer = client.post("/v2/faceswap-v3", json=body()).json()
    assert answer["response_url"].startswith("https://swap.example.org/api/v2/requests/")
    path = f"/v2/requests/{answer['request_id']}"
    live.end(client, {"status_url": f"{path}/status"})
    assert client.get(path).json()["output"].startswith("https://swap.example.org/api/results/")


def test_requests_and_results_go_after_an_hour(start):
    clock = Clock()
    live = start(now=clock)
    client = live.client()
    done = client.post("/v2/faceswap-v3", json=body()).json()
    failed = client.post("/v2/faceswap-v3", json=body(target=EMPTY)).json()
    for answer in (done, failed):
        live.end(client, answer)
    output = client.get(done["response_url"]).json()["output"]
    clock.now += 3599
    assert client.get(done["status_url"]).status_code == 200
    assert client.get(failed["status_url"]).status_code == 422
    assert client.get(output).status_code == 200
    clock.now += 1
    for swept in (False, True):
        for answer in (done, failed):
            for url in (answer["status_url"], answer["response_url"]):
                gone = client.get(url)
                assert gone.status_code == 404
                assert said(gone) == f"Request {answer['request_id']} not found"
        assert client.get(output).status_code == (404 if swept else 200)  # it outlives its request a little
        clock.now += 60
        live.queue.sweep()


def test_the_hour_counts_from_the_end(start):
    clock = Clock()
    live = start(now=clock, backend=Held)
    client = live.client()
    answer = client.post("/v2/faceswap-v3", json=body()).json()
    clock.now += 10_000
    live.queue.sweep()
    assert client.get(answer["status_url"]).status_code == 200
    Held.gate.set()
    live.end(client, answer)
    clock.now += 3599
    assert client.get(answer["response_url"]).json()["status"] == "COMPLETED"


# --- 7: parameters ----------------------------------------------------------------------------------------------------

BAD_VALUES = [
    ({"image_quality": 9}, "image_quality must be an integer from 10 to 100"),
    ({"image_quality": "95"}, "image_quality must be"),
    ({"image_format": "JPEG"}, "image_format must be one of jpeg, png, webp"),
    ({"face_restore": True}, "face_restore must be one of"),
    ({"face_restore": "GFPGANv1.2.pth"}, "face_restore must be one of"),
    ({"face_restore_weight": 1.5}, "face_restore_weight must be a number from 0 to 1"),
    ({"facedetection": "scrfd"}, "facedetection must be one of"),
    ({"input_faces_index": "0;1"}, "input_faces_index must be"),
    ({"source_faces_index": ",".join(["0"] * 1001)}, "source_faces_index must be at most 1000"),
    ({"base64": "true"}, "base64 must be true or false"),
    ({"source_img": None}, "source_img is required"),
    ({"target_img": 7}, "target_img must be"),
    ({"source_img": "file:///etc/passwd"}, "source_img is a file: URI"),
    ({"source_img": "ftp://example.org/a.png"}, "source_img is a ftp: URI"),
    ({"source_img": "not a picture!"}, "source_img is neither"),
    ({"target_img": "data:image/png;base64"}, "target_img is no data URI"),
]


def test_bad_values_are_400_before_anything_runs(start):
    live = start()
    client = live.client()
    for more, message in BAD_VALUES:
        for version in ("v1", "v2"):
            answer = client.post(f"/{version}/faceswap-v3", json=body(**more))
            assert answer.status_code == 400, more
            assert said(answer).startswith(message)
    assert not live.opened


def test_a_path_is_no_picture(start):
    """As base64 it is something, which only decoding shows to be no picture."""
    answer = start().client().post("/v1/faceswap-v3", json=body(target_img="/etc/passwd"))
    assert answer.status_code == 400
    assert said(answer).startswith("target_img")


def test_null_means_not_given(start):
    nothing = dict.fromkeys(("base64", "image_quality", "input_faces_index", "face_restore", "image_format"))
    assert start().client().post("/v1/faceswap-v3", json=body(**nothing)).headers["content-type"] == "image/jpeg"


def test_unknown_fields_are_ignored_and_told_once(start, caplog):
    client = start().client()
    with caplog.at_level(logging.WARNING, "faceswap.serve"):
        for _ in range(3):
            assert client.post("/v1/faceswap-v3", json=body(seed=7)).status_code == 200
    assert sum("'seed'" in record.getMessage() for record in caplog.records) == 1


def test_faces_are_chosen_as_the_api_counts_them(start):
    client = start().client()
    def swapped(**more) -> tuple[bool, bool]:
        answer = client.post("/v1/faceswap-v3", json=body(image_format="png", **more))
        if answer.status_code == 400:
            assert said(answer).startswith("no face"), more
            return False, False
        image = pixels(answer.content)
        return is_red(image, 12, 12), is_red(image, 46, 26)

    assert swapped() == (True, False)
    assert swapped(input_faces_index="1") == (False, True)
    assert swapped(input_faces_index=1) == (False, True)
    assert swapped(input_faces_index=" 0 , 1 ") == (True, True)
    assert swapped(input_faces_index="0,0,7") == (True, False)
    assert swapped(detection_face_order="small-large") == (False, True)
    assert swapped(detect_gender_input="female") == (False, False)
    assert swapped(detect_gender_input="male") == (True, False)
    assert swapped(input_faces_index="5") == (False, False)


def test_a_source_face_that_is_not_there_fails_the_job(start):
    live = start()
    answer = live.client().post("/v1/faceswap-v3", json=body(source_faces_index="3"))
    assert answer.status_code == 400
    assert "source" in said(answer)
    assert str(live.options.data_dir) not in said(answer)


def test_a_still_model_refuses_animations(start):
    answer = start().client().post("/v1/faceswap-v3", json=body(target=CLIP))
    assert answer.status_code == 400
    assert said(answer) == "target_img is an animation; send it to sd2.1-faceswapper"


def test_the_answer_says_that_faces_are_not_restored(start):
    live = start()
    client = live.client()
    answer = client.post("/v1/faceswap-v3", json=body())
    assert any("not restored" in line for line in json.loads(answer.headers["x-faceswap-warnings"]))
    submitted = client.post("/v2/sd2.1-faceswapper", json=body("sd2.1-faceswapper")).json()
    live.end(client, submitted)
    assert any("not restored" in line for line in client.get(submitted["response_url"]).json()["warnings"])
    quiet = client.post("/v1/sd2.1-faceswapper", json=body("sd2.1-faceswapper", face_restore=False))
    assert "x-faceswap-warnings" not in quiet.headers


def test_warnings_name_fields_and_no_files(start):
    small = encode(fakes.scene((4, 4, 10, fakes.BLUE)))
    live = start()
    answer = live.client().post("/v1/faceswap-v3", json=body(target=small))
    lines = json.loads(answer.headers["x-faceswap-warnings"])
    assert any("face small" in line for line in lines)
    assert not any("/" in line for line in lines)


# --- 8: errors --------------------------------------------------------------------------------------------------------

WRONG_WAYS = [
    ("GET", "/nowhere", 404), ("POST", "/v3/faceswap-v3", 404), ("GET", "/v1/faceswap-v3", 405),
    ("PUT", "/v2/faceswap-v3", 405), ("POST", "/v2/requests/abc/status", 405), ("POST", "/v1/faceswap-v3/", 404),
    ("GET", "/results/abc.png", 404), ("GET", "/results/../requests.sqlite3", 404), ("DELETE", "/health", 405),
    ("GET", "/v2/requests/abc", 404), ("GET", "/v2/requests/abc/status", 404), ("GET", "//v2/requests/abc", 404),
]


def test_every_error_has_one_shape_and_nothing_redirects(start):
    client = start().client()
    for method, path, status in WRONG_WAYS:
        answer = client.request(method, path)
        assert answer.status_code == status, path
        said(answer)


def test_checks_come_in_order(start, keys_file):
    live = start(keys_file=keys_file, max_body=2000)
    good, stranger = live.client("alice-key"), live.client("mallory")
    large = b"x" * 3000

    def post(client, path: str, content: bytes, kind: str = "application/json") -> tuple[int, str]:
        answer = client.post(path, content=content, headers={"content-type": kind})
        return answer.status_code, said(answer)

    assert post(stranger, "/v2/nothing", large, "text/plain")[0] == 401
    assert post(live.client(), "/v2/nothing", large, "text/plain") == (401, "missing or invalid API key")
    assert post(good, "/v2/nothing", large, "text/plain")[0] == 413
    assert post(good, "/v2/nothing", b"{", "text/plain") == (400, "the Content-Type must be application/json")
    assert post(good, "/v2/nothing", b"{")[0] == 400
    assert post(good, "/v2/nothing", b"[]")[0] == 400
    assert post(good, "/v2/nothing", b"\xff{}")[0] == 400
    assert post(good, "/v2/nothing", b"[" * 1900)[0] == 400
    assert post(good, "/v2/nothing", b"{}") == (404, 'unknown model "nothing"')
    assert post(good, "/v2/faceswap-v3", b"{}", "application/json; charset=utf-8") == (400, "source_img is required")


def test_a_body_of_unknown_length_is_bounded_too(start):
    live = start(max_body=2000)
    answer = live.client().post("/v2/faceswap-v3", content=(b"x" * 500 for _ in range(10)))
    assert answer.status_code == 413
    assert "exceeds" in said(answer)


def test_a_body_that_does_not_arrive_is_not_waited_for(start):
    live = start(body_seconds=0.2)
    stop = threading.Event()

    def slowly():
        yield b"{"
        stop.wait(10)
        yield b"}"

    answer = live.client().post("/v2/faceswap-v3", content=_stopping(slowly(), stop))
    assert answer.status_code == 408
    said(answer)


def _stopping(chunks, stop):
    """Sends the first chunk; the rest when the server has long answered."""
    yield next(chunks)
    threading.Timer(1.0, stop.set).start()
    yield from chunks


def test_halves_of_characters_break_nothing(start):
    client = start().client()
    for name in ("source_img", "image_format", "input_faces_index"):
        content = json.dumps(body() | {name: "\ud800"}).encode()
        answer = client.post("/v1/faceswap-v3", content=content, headers={"content-type": "application/json"})
        assert answer.status_code == 400
        said(answer)
    odd = json.dumps(body() | {"\ud800": 1}).encode()
    assert client.post("/v1/faceswap-v3", content=odd, headers={"content-type": "application/json"}).status_code == 200


@pytest.mark.parametrize("backend", [fakes.FailsToPlan, fakes.Dies])
def test_a_fault_of_the_engine_is_500_and_tells_no_secrets(start, backend):
    live = start(backend=backend)
    client = live.client()
    answer = client.post("/v1/faceswap-v3", json=body())
    assert answer.status_code == 500
    assert said(answer).startswith("internal error")
    submitted = client.post("/v2/faceswap-v3", json=body()).json()
    state = live.end(client, submitted)
    assert state.status_code == 422
    assert state.json()["error"].startswith("internal error")
    assert "ZeroDivision" not in state.text and "bug" not in state.text
    assert client.get("/ready").status_code == 200  # the worker goes on


def test_what_only_running_shows_is_400_on_the_blocking_call(start):
    client = start().client()
    for more, words in (({"source": EMPTY}, "source_img: no face found"),
                        ({"target": EMPTY}, "no face found in target_img"),
                        ({"target": b"%PDF-1.7 and so on"}, "target_img is PDF"),
                        ({"source": SOURCE[:60]}, "source_img")):
        answer = client.post("/v1/faceswap-v3", json=body(**more))
        assert answer.status_code == 400
        assert words in said(answer)
        assert "--" not in said(answer)


def test_pictures_of_too_many_pixels_are_refused(start):
    answer = start(max_pixels=2000).client().post("/v1/faceswap-v3", json=body())
    assert answer.status_code == 400
    assert "more than the limit of 2000" in said(answer)
    assert "--max-pixels" not in said(answer)


def test_an_animation_may_take_only_so_long(start):
    live = start(backend=fakes.Slow, job_seconds=0.01)
    client = live.client()
    submitted = client.post("/v2/sd2.1-faceswapper", json=body("sd2.1-faceswapper", target=CLIP)).json()
    assert live.end(client, submitted).json()["error"] == "inference timed out"
    blocking = client.post("/v1/sd2.1-faceswapper", json=body("sd2.1-faceswapper", target=CLIP))
    assert blocking.status_code == 504
    assert said(blocking) == "inference timed out"


def test_a_full_queue_is_429_and_says_when(start):
    live = start(backend=Held, workers=1, queue=2)
    client = live.client()
    accepted = [client.post("/v2/faceswap-v3", json=body()).json() for _ in range(3)]
    for version in ("v1", "v2"):
        refused = client.post(f"/{version}/faceswap-v3", json=body())
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        said(refused)
    assert client.post("/v2/faceswap-v3", json={}).status_code == 400  # fields come before room
    Held.gate.set()
    for answer in accepted:
        assert live.end(client, answer).json()["status"] == "COMPLETED"
    assert client.post("/v1/faceswap-v3", json=body()).status_code == 200


def test_bodies_that_wait_are_bounded_together(start):
    live = start(backend=Held, max_waiting=3000)
    client = live.client()
    large = body(source=SOURCE + bytes(1500))
    assert client.post("/v2/faceswap-v3", json=large).status_code == 200
    assert client.post("/v2/faceswap-v3", json=large).status_code == 429
    Held.gate.set()


def test_a_client_that_goes_away_leaves_no_work_behind(start):
    live = start(backend=Held, workers=1)
    client = live.client()
    busy = client.post("/v2/faceswap-v3", json=body()).json()
    with pytest.raises(httpx.ReadTimeout):
        client.post("/v1/faceswap-v3", json=body(), timeout=0.3)
    deadline = time.monotonic() + 10
    while live.queue.waiting and time.monotonic() < deadline:
        time.sleep(0.01)
    assert live.queue.waiting == 0
    Held.gate.set()
    live.end(client, busy)
    assert 'state="COMPLETED"} 1' in client.get("/metrics").text


def test_a_blocking_call_waits_only_so_long(start):
    live = start(backend=Held, workers=1, job_seconds=0.3)
    client = live.client()
    client.post("/v2/faceswap-v3", json=body())
    answer = client.post("/v1/faceswap-v3", json=body())
    assert answer.status_code == 504
    assert said(answer) == "inference timed out"
    assert live.queue.waiting == 0


# --- keys -------------------------------------------------------------------------------------------------------------

def test_requests_belong_to_their_key(start, keys_file):
    live = start(keys_file=keys_file)
    alice, bob = live.client("alice-key"), live.client("bob-key")
    answer = alice.post("/v2/faceswap-v3", json=body()).json()
    live.end(alice, answer)
    for url in (answer["status_url"], answer["response_url"]):
        assert live.client().get(url).status_code == 401
        other = bob.get(url)
        assert other.status_code == 404
        assert said(other) == f"Request {answer['request_id']} not found"
    output = alice.get(answer["response_url"]).json()["output"]
    assert live.client().get(output).status_code == 200


def test_a_key_in_another_header_is_none(start, keys_file):
    live = start(keys_file=keys_file)
    answer = live.client(authorization="Bearer alice-key").post("/v2/faceswap-v3", json=body())
    assert answer.status_code == 401


def test_what_needs_no_key_needs_none(start, keys_file):
    client = start(keys_file=keys_file).client()
    for path in ("/", "/docs", "/openapi.json", "/health", "/ready", "/metrics"):
        assert client.get(path).status_code == 200, path
    assert client.post("/upload-asset", json={"data_urls": [uri(SOURCE)]}).status_code == 401


def test_keys_are_on_no_disk_and_in_no_log(start, keys_file, tmp_path, caplog):
    live = start(keys_file=keys_file)
    with caplog.at_level(logging.DEBUG):
        client = live.client("alice-key")
        live.end(client, client.post("/v2/faceswap-v3", json=body()).json())
        live.client("alice-kez").post("/v2/faceswap-v3", json=body())
        metrics = client.get("/metrics").text
    kept = b"".join(path.read_bytes() for path in (tmp_path / "serve").rglob("*") if path.is_file())
    assert b"alice-ke" not in kept
    assert "alice-ke" not in caplog.text + metrics


# --- the rest ---------------------------------------------------------------------------------------------------------

def test_without_keys_only_names_of_this_machine_are_answered_to(start):
    """A page whose name was made to lead here (DNS rebinding) is refused."""
    live = start()
    for host in ("evil.example", "evil.example:80", "192.168.1.7", "localhost.evil.example", "[::2]:80"):
        for path in ("/", "/health", "/v2/requests/abc"):
            answer = live.client(host=host).get(path)
            assert answer.status_code == 403, host
            said(answer)
    for host in ("localhost", "LOCALHOST:80", "127.0.0.1:80", "[::1]:80"):
        assert live.client(host=host).get("/health").status_code == 200, host


def test_with_keys_every_name_is_answered_to(start, keys_file):
    assert start(keys_file=keys_file).client(host="swap.example").get("/health").status_code == 200


def test_a_host_that_makes_no_sense_is_400(start):
    live = start()
    for host in ("", "a b", "user@localhost", "localhost/x", "localhost:99999999"):
        assert live.client(host=host).get("/health").status_code == 400, host


def test_metrics_count_what_happened(start):
    live = start()
    client = live.client()
    client.post("/v1/faceswap-v3", json=body())
    client.post("/v1/faceswap-v3", json=body(target=EMPTY))
    client.get("/v2/requests/abc")
    lines = client.get("/metrics").text.splitlines()
    assert 'faceswap_http_answers_total{method="POST",route="/v1/{slug}",status="200"} 1' in lines
    assert 'faceswap_http_answers_total{method="POST",route="/v1/{slug}",status="400"} 1' in lines
    assert 'faceswap_http_answers_total{method="GET",route="/v2/requests/{id}",status="404"} 1' in lines
    assert 'faceswap_jobs_total{model="faceswap-v3",state="COMPLETED"} 1' in lines
    assert 'faceswap_jobs_total{model="faceswap-v3",state="FAILED"} 1' in lines
    assert 'faceswap_inference_seconds_count{model="faceswap-v3"} 2' in lines
    assert "faceswap_queue_waiting 0" in lines


def test_the_document_describes_what_there_is(start):
    live = start()
    client = live.client()
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        for method in set(operations) - {"parameters"}:
            asked = path.replace("{request_id}", "x").replace("{name}", "x")
            assert client.request(method, asked).status_code != 405, path
            assert "not found: " not in client.request(method, asked).text, path
    fields = document["components"]["schemas"]["FaceswapV3Request"]["properties"]
    assert fields["image_quality"] | {"description": ""} == {"description": "", "type": "integer", "minimum": 10,
                                                             "maximum": 100, "default": 95}
    page = client.get("/docs").text
    assert "image_quality" in page and "<script" not in page


def test_a_source_is_prepared_once_for_many_targets(start):
    calls = []

    class Counting(fakes.BrightSquares):
        def prepare_source(self, pictures):
            calls.append(pictures[0].name)
            return super().prepare_source(pictures)

    live = start(backend=Counting, workers=1)
    client = live.client()
    for target in (TARGET, encode(fakes.scene((9, 9, 20, fakes.BLUE)))):
        assert client.post("/v1/faceswap-v3", json=body(target=target)).status_code == 200
    assert len(calls) == len(live.opened) == 1


def test_bare_base64_is_taken(start):
    answer = start().client().post("/v1/faceswap-v3", json=body() | {"source_img": text(SOURCE)})
    assert answer.status_code == 200
