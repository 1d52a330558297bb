"""What is repeated and what is not: counted at the stand-in, which knows what it would bill."""

from __future__ import annotations

import pickle
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from segmind_api import CANARY, PICTURE, FakeClock, Fault, SegmindApi, broken, limited

from faceswap_cli.errors import ExitCode, RemoteError
from faceswap_cli.options import RemoteMode
from faceswap_cli.segmind.client import SegmindClient
from faceswap_cli.segmind.faults import ApiError, Retry
from faceswap_cli.segmind.request_rate import Pace
from faceswap_cli.segmind.schema import FaceswapV3Request
from faceswap_cli.segmind.wire import Patience

Refused = Callable[..., ApiError]
MakeClient = Callable[..., SegmindClient]

BOTH = pytest.mark.parametrize(("mode", "kind"), [(RemoteMode.SYNC, "call"), (RemoteMode.ASYNC, "submit")])

AMBIGUOUS = {
    "500": broken(500, bills=True),
    "502": broken(502, bills=True),
    "503": broken(503),
    "504": broken(504, bills=True),
    "599": broken(599),
    "dropped before the body": Fault(drop="before"),
    "dropped after the body": Fault(drop="after", bills=True),
    "dropped within the answer": Fault(drop="midway"),
    "not JSON": Fault(200, b"<html>", {"Content-Type": "application/json"}, bills=True),
    "an array": Fault(200, [1], bills=True),
    "nothing": Fault(200, b"", {"Content-Type": "application/json"}, bills=True),
}


class Unreachable(httpx.BaseTransport):
    """A network over which the first connections cannot be made."""

    def __init__(self, failures: int, error: type[httpx.TransportError] = httpx.ConnectError) -> None:
        self.left = failures
        self.error = error
        self.inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.left:
            self.left -= 1
            raise self.error("connection refused", request=request)
        return self.inner.handle_request(request)

    def close(self) -> None:
        self.inner.close()


@BOTH
@pytest.mark.parametrize("fault", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_what_may_have_started_a_job_is_sent_once(
        mode: RemoteMode, kind: str, fault: Fault, client: SegmindClient, api: SegmindApi, refused: Refused,
        request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    api.fail(kind, fault)
    error = refused(client.swap, request_v3, tmp_path / "out.png", mode=mode)
    assert api.count(kind) == 1
    assert len(api.billed) <= 1
    assert (error.retry, error.ticket, error.exit_code) == (Retry.UNKNOWN, None, ExitCode.REMOTE)
    assert error.out_of_order
    assert not error.stops_batch
    assert "may exist and be billed" in str(error)
    assert not list(tmp_path.iterdir())


@BOTH
def test_a_late_answer_is_not_asked_for_again(mode: RemoteMode, kind: str, make_client: MakeClient, api: SegmindApi,
                                              refused: Refused, request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    """The stand-in answers after the deadline; the clock does not move, so the network's own timeout is at work."""
    api.fail(kind, Fault(delay=1.0))
    error = refused(make_client().swap, request_v3, tmp_path / "out.png", mode=mode, deadline=0.2)
    assert error.retry is Retry.UNKNOWN
    assert "did not answer within 0.2 s" in str(error)
    assert api.count(kind) == 1


@BOTH
@pytest.mark.parametrize("name", ["502", "dropped after the body"])
def test_double_billing_happens_when_it_is_allowed(
        mode: RemoteMode, kind: str, name: str, make_client: MakeClient, api: SegmindApi,
        request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    api.fail(kind, AMBIGUOUS[name])
    make_client(allow_double_billing=True).swap(request_v3, tmp_path / "out.png", mode=mode)
    assert api.count(kind) == 2
    assert len(api.billed) == 2


def test_after_a_repetition_that_was_allowed_nothing_is_called_safe(
        make_client: MakeClient, api: SegmindApi, refused: Refused, request_v3: FaceswapV3Request,
        tmp_path: Path) -> None:
    api.fail("submit", broken(502, bills=True), Fault(401, {"error": "missing or invalid API key"}))
    error = refused(make_client(allow_double_billing=True).swap, request_v3, tmp_path / "out.png")
    assert (error.status, error.retry) == (401, Retry.UNKNOWN)


@BOTH
@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout])
def test_a_connection_that_was_never_made_is_tried_again(
        mode: RemoteMode, kind: str, error: type[httpx.TransportError], make_client: MakeClient, api: SegmindApi,
        request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    make_client(transport=Unreachable(2, error)).swap(request_v3, tmp_path / "out.png", mode=mode)
    assert api.count(kind) == 1
    assert len(api.billed) == 1


@pytest.mark.parametrize("mode", [RemoteMode.SYNC, RemoteMode.ASYNC])
def test_each_submission_has_a_fresh_connection(mode: RemoteMode, client: SegmindClient, api: SegmindApi,
                                                request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    """One that was kept may be closed by the API at the moment of sending, and nobody knew whether it arrived."""
    for _ in range(3):
        client.swap(request_v3, tmp_path / "out.png", mode=mode)
    assert len({asked.port for asked in api.asked if asked.kind in ("call", "submit")}) == 3
    assert len({asked.port for asked in api.asked if asked.kind in ("status", "result")}) <= 1


def test_an_api_that_is_not_there_is_told_soon(make_client: MakeClient, clock: FakeClock, refused: Refused,
                                               request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        client = make_client(base_url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        error = refused(client.swap, request_v3, tmp_path / "out.png")
    assert (error.retry, error.out_of_order) == (Retry.SAFE, True)
    assert "cannot be reached at 127.0.0.1" in str(error)
    assert sum(clock.slept) < 10


@BOTH
def test_a_rate_limit_is_waited_for_and_billed_once(mode: RemoteMode, kind: str, client: SegmindClient,
                                                    api: SegmindApi, clock: FakeClock, request_v3: FaceswapV3Request,
                                                    tmp_path: Path) -> None:
    api.fail(kind, limited(Retry_After="17"), limited(Retry_After="3"))
    client.swap(request_v3, tmp_path / "out.png", mode=mode)
    assert clock.slept[:2] == [17, 3]
    assert api.count(kind) == 3
    assert len(api.billed) == 1


@pytest.mark.parametrize(("reset", "waited"), [
    ("2027-01-15T08:17:10Z", 30.0),
    ("2027-01-15 08:17:10", 30.0),
    ("2027-01-15T09:17:10+01:00", 30.0),
    ("Fri, 15 Jan 2027 08:17:10 GMT", 30.0),
    ("1800001030", 30.0),
    ("1800001030000", 30.0),
    ("2020-01-01T00:00:00Z", 0.5),
])
def test_the_other_header_of_a_rate_limit_is_understood(
        reset: str, waited: float, client: SegmindClient, api: SegmindApi, clock: FakeClock,
        request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    api.fail("submit", limited(x_rate_limit_reset_at_utc=reset))
    client.swap(request_v3, tmp_path / "out.png")
    assert clock.slept[0] == waited


def test_retry_after_may_be_a_date_by_the_servers_own_clock(
        client: SegmindClient, api: SegmindApi, clock: FakeClock, request_v3: FaceswapV3Request,
        tmp_path: Path) -> None:
    api.fail("submit", limited(Retry_After="Sun, 06 Nov 1994 08:50:00 GMT", Date="Sun, 06 Nov 1994 08:49:37 GMT"))
    client.swap(request_v3, tmp_path / "out.png")
    assert clock.slept[0] == 23


@pytest.mark.parametrize("headers", [{}, {"Retry_After": "soon"}, {"Retry_After": "nan"}, {"Retry_After": "1e999"}])
def test_without_a_hint_the_waits_grow(headers: dict[str, str], client: SegmindClient, api: SegmindApi,
                                       clock: FakeClock, request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    api.fail("submit", *[limited(**headers)] * 8)
    client.swap(request_v3, tmp_path / "out.png")
    assert clock.slept[:8] == [0.5, 1, 2, 4, 8, 15, 15, 15]


def test_a_wait_beyond_the_deadline_is_not_begun(client: SegmindClient, api: SegmindApi, clock: FakeClock,
                                                 refused: Refused, request_v3: FaceswapV3Request,
                                                 tmp_path: Path) -> None:
    api.fail("submit", limited(Retry_After="3600"))
    error = refused(client.swap, request_v3, tmp_path / "out.png")
    assert (error.retry, error.status, clock.slept) == (Retry.SAFE, 429, [])
    assert "rate limit reached, wait before repeating (429)" in str(error)
    assert "wait 3600 s, then run again" in str(error)


def test_endless_rate_limits_end_at_the_deadline(client: SegmindClient, api: SegmindApi, clock: FakeClock,
                                                 refused: Refused, request_v3: FaceswapV3Request,
                                                 tmp_path: Path) -> None:
    api.fail("submit", *[limited(Retry_After="0")] * 200)
    error = refused(client.swap, request_v3, tmp_path / "out.png", deadline=20)
    assert error.status == 429
    assert api.count("submit") <= 41  # half a second at the least
    assert api.billed == []


@pytest.mark.parametrize("kind", ["submit", "status"])
def test_a_rate_limit_of_one_job_holds_the_others(kind: str, make_client: MakeClient, api: SegmindApi,
                                                  clock: FakeClock, request_v3: FaceswapV3Request,
                                                  tmp_path: Path) -> None:
    held: list[float] = []

    class Recording(Pace):
        def hold(self, seconds: float) -> None:
            held.append(seconds)
            super().hold(seconds)

    api.fail(kind, limited(Retry_After="45"))
    make_client(pace=Recording(100, clock)).swap(request_v3, tmp_path / "out.png")
    assert held == [45]


def test_a_job_waits_where_another_one_was_told_to(make_client: MakeClient, clock: FakeClock,
                                                   request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    pace = Pace(100, clock)
    pace.hold(45)
    make_client(pace=pace).swap(request_v3, tmp_path / "out.png")
    assert clock.slept[0] == 45


REPEATED = {
    "429": limited(Retry_After="1"),
    "500": broken(500),
    "502": broken(502),
    "503": broken(503),
    "504": broken(504),
    "dropped before": Fault(drop="before"),
    "dropped after": Fault(drop="after"),
    "dropped midway": Fault(drop="midway"),
}

BAD_JSON = {
    "not JSON": Fault(200, b"<html>"),
    "an array": Fault(200, []),
    "no object": Fault(200, "COMPLETED"),
    "NaN": Fault(200, b'{"status": "COMPLETED", "output": NaN}'),
    "nested": Fault(200, b"[" * 100_000),
    "not UTF-8": Fault(200, b'{"status": "\xff"}'),
    "no fields": Fault(200, {}),
    "compressed": Fault(200, b"\x1f\x8b\x08", {"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("kind", ["status", "result"])
@pytest.mark.parametrize("fault", (REPEATED | BAD_JSON).values(), ids=REPEATED | BAD_JSON)
def test_looking_is_repeated(kind: str, fault: Fault, client: SegmindClient, api: SegmindApi,
                             request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    api.fail(kind, fault, fault)
    assert client.swap(request_v3, tmp_path / "out.png").path.read_bytes() == PICTURE
    assert api.count("submit") == 1
    assert api.count("result") == 1 + 2 * (kind == "result")


@pytest.mark.parametrize("fault", REPEATED.values(), ids=REPEATED)
def test_a_download_is_repeated(fault: Fault, client: SegmindClient, api: SegmindApi, request_v3: FaceswapV3Request,
                                tmp_path: Path) -> None:
    api.fail("output", fault, fault)
    assert client.swap(request_v3, tmp_path / "out.png").path.read_bytes() == PICTURE
    assert (api.count("output"), len(api.billed)) == (3, 1)
    assert list(tmp_path.iterdir()) == [tmp_path / "out.png"]


@pytest.mark.parametrize("kind", ["status", "result", "output"])
def test_what_goes_on_failing_can_be_resumed_and_is_billed_once(
        kind: str, client: SegmindClient, api: SegmindApi, refused: Refused, request_v3: FaceswapV3Request,
        tmp_path: Path) -> None:
    api.fail(kind, *[broken(502)] * 6)
    error = refused(client.swap, request_v3, tmp_path / "out.png")
    assert (error.retry, error.out_of_order) == (Retry.UNKNOWN, True)
    assert "service unavailable (502)" in str(error)
    assert "run again within the hour" in str(error)
    assert error.ticket is not None
    assert client.resume(error.ticket, tmp_path / "out.png").path.read_bytes() == PICTURE
    assert len(api.billed) == 1


def test_the_deadline_leaves_a_ticket(client: SegmindClient, api: SegmindApi, clock: FakeClock, refused: Refused,
                                      request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    api.states = ["PROCESSING"]
    error = refused(client.swap, request_v3, tmp_path / "out.png", deadline=60)
    assert sum(clock.slept) == 60
    assert error.retry is Retry.UNKNOWN
    assert error.ticket is not None
    assert "the request is not done after 60 s; " in str(error)
    assert len(api.billed) == 1


def test_a_failed_job_is_told_in_the_apis_words_and_not_repeated(
        client: SegmindClient, api: SegmindApi, refused: Refused, request_v3: FaceswapV3Request,
        tmp_path: Path) -> None:
    api.failure = "no face found in source_img"
    error = refused(client.swap, request_v3, tmp_path / "out.png")
    assert (error.retry, error.status, error.ticket) == (Retry.NEVER, 422, None)
    assert str(error).startswith("the request failed: no face found in source_img (422); ")
    assert (api.count("submit"), api.count("result")) == (1, 0)


@pytest.mark.parametrize("fault", [Fault(422, {"status": "FAILED", "error": "blocked"}),
                                   Fault(200, {"status": "FAILED", "error": "blocked"}),
                                   Fault(422, {"error": "blocked"})])
@pytest.mark.parametrize("kind", ["status", "result"])
def test_failed_is_failed_wherever_it_is_said(kind: str, fault: Fault, client: SegmindClient, api: SegmindApi,
                                              refused: Refused, request_v3: FaceswapV3Request,
                                              tmp_path: Path) -> None:
    api.fail(kind, fault)
    error = refused(client.swap, request_v3, tmp_path / "out.png")
    assert (error.retry, error.status) == (Retry.NEVER, 422)
    assert "blocked" in str(error)


def test_a_forgotten_request_is_not_submitted_anew(client: SegmindClient, api: SegmindApi, refused: Refused,
                                                   request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    ticket = client.submit(request_v3)
    api.forget()
    error = refused(client.resume, ticket, tmp_path / "out.png")
    assert (error.status, error.retry, error.ticket) == (404, Retry.UNKNOWN, None)
    assert f"Request {ticket.request_id} not found (404)" in str(error)
    assert (api.count("submit"), api.count("status")) == (1, 1)


def test_an_unknown_state_is_given_some_time(client: SegmindClient, api: SegmindApi, request_v3: FaceswapV3Request,
                                             tmp_path: Path) -> None:
    api.states = ["QUEUED", "WARMING", "WARMING", "COMPLETED"]
    assert client.swap(request_v3, tmp_path / "out.png").path.read_bytes() == PICTURE


def test_an_unknown_state_is_no_reason_to_wait_for_the_deadline(
        client: SegmindClient, api: SegmindApi, clock: FakeClock, refused: Refused, request_v3: FaceswapV3Request,
        tmp_path: Path) -> None:
    api.states = ["CANCELLED"]
    error = refused(client.swap, request_v3, tmp_path / "out.png")
    assert "'CANCELLED'" in str(error)
    assert error.ticket is not None
    assert sum(clock.slept) < 60


@pytest.mark.parametrize("change", [
    {"request_id": None}, {"request_id": ""}, {"status_url": None}, {"response_url": None}, {"status_url": 7},
    {"status_url": "v2/requests/1/status"},
    {"status_url": "//evil.example/v2/requests/1/status"},
    {"status_url": "/\\evil.example/status"},
    {"status_url": "https://evil.example/v2/requests/1/status"},
    {"response_url": "http://evil.example/v2/requests/1"},
    {"response_url": "http://127.0.0.1:1/v2/requests/1"},
    {"response_url": "file:///etc/passwd"},
    {"response_url": "http://127.0.0.1:9z/"},
    {"response_url": "http://127.0.0.1:99999/"},
])
def test_addresses_that_are_not_the_apis_own_are_refused(
        change: dict[str, Any], client: SegmindClient, api: SegmindApi, refused: Refused,
        request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    api.fail("submit", Fault(change=change))
    error = refused(client.swap, request_v3, tmp_path / "out.png")
    assert error.retry is Retry.UNKNOWN
    assert next(iter(change)) in str(error)
    assert [asked.kind for asked in api.asked] == ["submit"]


def test_an_address_with_a_password_or_the_key_is_refused(client: SegmindClient, api: SegmindApi, refused: Refused,
                                                          request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    for url in (f"http://u:p@127.0.0.1:{api.server_address[1]}/status", f"{api.base}/status?key={CANARY}"):
        api.fail("submit", Fault(change={"status_url": url}))
        refused(client.swap, request_v3, tmp_path / "out.png")
    assert api.count("submit") == len(api.asked)


def test_a_path_from_the_root_stays_with_the_api(client: SegmindClient, api: SegmindApi,
                                                 request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    name = "/v2/requests/00000000-0000-0000-0000-000000000001"
    api.fail("submit", Fault(change={"status_url": f"{name}/status", "response_url": name}))
    assert client.swap(request_v3, tmp_path / "out.png").path.read_bytes() == PICTURE


def test_a_ticket_from_elsewhere_gets_no_key(client: SegmindClient, api: SegmindApi, refused: Refused,
                                             request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    with SegmindApi() as elsewhere:
        ticket = client.submit(request_v3)
        body = ticket.to_json() | {"status_url": f"{elsewhere.base}/v2/requests/1/status"}
        error = refused(client.resume, type(ticket).from_json(body), tmp_path / "out.png")
        assert "refused" in str(error)
        assert elsewhere.asked == []


@pytest.mark.parametrize("kind", ["call", "submit", "status", "result", "upload"])
def test_redirects_are_not_followed_with_the_key(kind: str, client: SegmindClient, api: SegmindApi, refused: Refused,
                                                 request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(PICTURE)
    with SegmindApi() as elsewhere:
        api.fail(kind, Fault(307, b"", {"Location": f"{elsewhere.base}/v2/faceswap-v3"}))
        if kind == "upload":
            error = refused(client.upload, [tmp_path / "in.png"])
        else:
            mode = RemoteMode.SYNC if kind == "call" else RemoteMode.ASYNC
            error = refused(client.swap, request_v3, tmp_path / "out.png", mode=mode)
        assert "redirect" in str(error)
        assert error.status == 307
        assert (error.ticket is not None) == (kind in ("status", "result"))
        assert elsewhere.asked == []


@pytest.mark.parametrize("output", ["ftp://example.org/a.png", "no base64!", "", " ", None, 7, "https://u:p@h/a.png",
                                    "http://a:9z/", "http://a:99999/", "AAAA", "data:image/png;base64,!"])
def test_an_output_that_is_no_picture_leaves_no_file(output: object, client: SegmindClient, api: SegmindApi,
                                                     refused: Refused, request_v3: FaceswapV3Request,
                                                     tmp_path: Path) -> None:
    api.fail("result", *[Fault(change={"output": output})] * 6)
    error = refused(client.swap, request_v3, tmp_path / "out.png")
    assert (error.retry, len(api.billed)) == (Retry.UNKNOWN, 1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("body", [b"", b"<!DOCTYPE html><html></html>", b"%PDF-1.7", b"\0" * 600])
def test_a_file_that_is_no_picture_is_refused(body: bytes, client: SegmindClient, api: SegmindApi, refused: Refused,
                                              request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    (tmp_path / "out.png").write_bytes(b"old")
    api.picture = body
    error = refused(client.swap, request_v3, tmp_path / "out.png")
    assert "instead of a picture" in str(error)
    assert error.ticket is not None
    assert (tmp_path / "out.png").read_bytes() == b"old"


def test_a_result_has_a_limit(make_client: MakeClient, api: SegmindApi, refused: Refused,
                              request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    api.picture = PICTURE + b"\0" * 100_000
    error = refused(make_client(max_result_bytes=50_000).swap, request_v3, tmp_path / "out.png")
    assert "more than" in str(error)
    assert not list(tmp_path.iterdir())


def test_redirects_of_a_result_end(client: SegmindClient, api: SegmindApi, refused: Refused,
                                   request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    api.fail("output", *[Fault(302, b"", {"Location": "/output/again"})] * 50)
    error = refused(client.swap, request_v3, tmp_path / "out.png")
    assert "redirects more than 5 times" in str(error)
    assert api.count("output") == 6


STATUSES = [
    (400, "image_quality must be an integer from 10 to 100", Retry.NEVER, False, "check the pictures and the options"),
    (401, "missing or invalid API key", Retry.SAFE, True, "SEGMIND_API_KEY"),
    (403, "model not available to this account", Retry.SAFE, False, "account"),
    (404, 'unknown model "faceswap-v3"', Retry.NEVER, False, "address"),
    (406, "insufficient credits", Retry.SAFE, True, "credits"),
    (413, "upload exceeds 25 MB", Retry.NEVER, False, "smaller"),
    (422, "blocked", Retry.NEVER, False, "other pictures"),
    (418, "a teapot", Retry.NEVER, False, "check"),
]


@BOTH
@pytest.mark.parametrize(("status", "words", "retry", "stops", "advice"), STATUSES)
def test_refusals_are_told_in_the_apis_words_with_what_to_do(
        mode: RemoteMode, kind: str, status: int, words: str, retry: Retry, stops: bool, advice: str,
        client: SegmindClient, api: SegmindApi, refused: Refused, request_v3: FaceswapV3Request,
        tmp_path: Path) -> None:
    api.fail(kind, Fault(status, {"error": words}))
    error = refused(client.swap, request_v3, tmp_path / "out.png", mode=mode)
    assert f"{words} ({status}); " in str(error)
    assert advice in str(error).rpartition(";")[2]
    assert (error.retry, error.stops_batch, error.status) == (retry, stops, status)
    assert isinstance(error, RemoteError)
    assert (api.count(kind), len(api.asked), api.billed) == (1, 1, [])


@pytest.mark.parametrize("body", [b"", b"<html>Bad</html>", {"error": {"a": 1}}, {"error": ""}, [1], {"error": None}])
def test_a_refusal_without_words_has_its_status(body: object, client: SegmindClient, api: SegmindApi,
                                                refused: Refused, request_v3: FaceswapV3Request,
                                                tmp_path: Path) -> None:
    api.fail("submit", Fault(403, body))
    assert "status 403" in str(refused(client.swap, request_v3, tmp_path / "out.png"))


def test_words_are_shown_on_one_line_and_not_at_length(client: SegmindClient, api: SegmindApi, refused: Refused,
                                                       request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    api.fail("submit", Fault(400, {"error": "bad\n\x1b[31mpicture " + "x" * 5000}))
    shown = str(refused(client.swap, request_v3, tmp_path / "out.png"))
    assert "bad ?[31mpicture" in shown
    assert len(shown) < 500


@pytest.mark.parametrize("kind", ["submit", "status", "result"])
@pytest.mark.parametrize("status", [400, 401, 422, 502])
def test_an_api_that_repeats_the_key_does_not_make_it_known(
        kind: str, status: int, client: SegmindClient, api: SegmindApi, refused: Refused,
        request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    api.fail(kind, *[Fault(status, {"error": f"invalid key {CANARY}"})] * 6)
    assert "invalid key ***" in str(refused(client.swap, request_v3, tmp_path / "out.png"))


def test_a_wrong_key_while_polling_keeps_the_ticket(client: SegmindClient, api: SegmindApi, refused: Refused,
                                                    request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    api.fail("status", Fault(401, {"error": "missing or invalid API key"}))
    error = refused(client.swap, request_v3, tmp_path / "out.png")
    assert (error.retry, error.stops_batch) == (Retry.UNKNOWN, True)
    assert error.ticket is not None


def test_errors_survive_the_way_between_processes(client: SegmindClient, api: SegmindApi, refused: Refused,
                                                  request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    api.fail("status", *[broken(502)] * 6)
    error = refused(client.swap, request_v3, tmp_path / "out.png")
    other = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (str(other), vars(other)) == (str(error), vars(error))


def test_patience_bounds_the_attempts(make_client: MakeClient, api: SegmindApi, refused: Refused,
                                      request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    api.fail("status", *[broken(500)] * 9)
    refused(make_client(patience=Patience(attempts=3)).swap, request_v3, tmp_path / "out.png")
    assert api.count("status") == 3


def test_a_long_wait_is_announced(make_client: MakeClient, api: SegmindApi, request_v3: FaceswapV3Request,
                                  tmp_path: Path) -> None:
    said: list[str] = []
    api.fail("submit", limited(Retry_After="17"), limited(Retry_After="1"))
    make_client(say=said.append).swap(request_v3, tmp_path / "out.png")
    assert said == ["the API's rate limit is reached; waiting 17 s"]
