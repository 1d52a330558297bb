"""The client where the API behaves: both ways, uploads, and what is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from segmind_api import CANARY, PICTURE, FakeClock, Fault, SegmindApi

from faceswap_cli.errors import ExitCode, RemoteError, UsageError
from faceswap_cli.options import MediaFormat, RemoteMode
from faceswap_cli.segmind.client import SegmindClient
from faceswap_cli.segmind.schema import FaceswapperRequest, FaceswapV3Request
from faceswap_cli.segmind.ticket import Ticket

MakeClient = Callable[..., SegmindClient]


@pytest.mark.parametrize("mode", list(RemoteMode))
def test_a_swap_leaves_the_result_at_its_destination(
        mode: RemoteMode, client: SegmindClient, api: SegmindApi, request_v3: FaceswapV3Request,
        tmp_path: Path) -> None:
    received = client.swap(request_v3, tmp_path / "out.png", mode=mode)
    assert (tmp_path / "out.png").read_bytes() == PICTURE
    assert (received.format, received.bytes) == (MediaFormat.PNG, len(PICTURE))
    assert list(tmp_path.iterdir()) == [tmp_path / "out.png"]
    assert len(api.billed) == 1
    assert api.count("call") == (mode is RemoteMode.SYNC)


def test_only_what_was_set_is_sent(client: SegmindClient, api: SegmindApi, request_v3: FaceswapV3Request,
                                   tmp_path: Path) -> None:
    client.call(request_v3, tmp_path / "out.png")
    sent = api.asked[0]
    assert json.loads(sent.body) == {"source_img": "https://example.org/face.jpg",
                                     "target_img": "https://example.org/scene.jpg", "image_format": "png"}
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["content-length"] == str(len(sent.body))
    assert "transfer-encoding" not in sent.headers
    assert sent.key == CANARY


def test_the_other_model_has_its_own_address(client: SegmindClient, api: SegmindApi, tmp_path: Path) -> None:
    request = FaceswapperRequest.parse({"input_face_image": "https://example.org/a.jpg",
                                        "target_face_image": "https://example.org/b.gif", "file_type": "gif"})
    client.swap(request, tmp_path / "out.gif")
    assert api.asked[0].path == "/v2/sd2.1-faceswapper"


def test_the_ticket_is_given_before_the_first_poll(client: SegmindClient, api: SegmindApi, clock: FakeClock,
                                                   request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    polled: list[int] = []
    tickets: list[Ticket] = []

    def write_down(ticket: Ticket) -> None:
        tickets.append(ticket)
        polled.append(api.count("status"))

    received = client.swap(request_v3, tmp_path / "out.png", on_ticket=write_down)
    assert polled == [0]
    assert tickets[0].request_id == received.request_id
    assert tickets[0].status_url == f"{api.base}/v2/requests/{received.request_id}/status"
    assert not tickets[0].expired(clock.now())
    assert tickets[0].expired(clock.now() + 3600)
    assert received.inference_time == 3.91


def test_a_written_ticket_brings_the_result_in_another_process(
        make_client: MakeClient, client: SegmindClient, api: SegmindApi, request_v3: FaceswapV3Request,
        tmp_path: Path) -> None:
    written = json.dumps(client.submit(request_v3).to_json())
    client.close()
    other = make_client()
    received = other.resume(Ticket.from_json(json.loads(written)), tmp_path / "out.png")
    assert received.path.read_bytes() == PICTURE
    assert len(api.billed) == 1
    assert api.count("submit") == 1


@pytest.mark.parametrize("body", [None, [], {}, {"slug": "faceswap-v3"}, {"slug": 1, "request_id": "a"}])
def test_what_is_no_ticket_is_refused(body: object) -> None:
    with pytest.raises(ValueError, match="no ticket"):
        Ticket.from_json(body)


def test_a_call_may_answer_with_text(client: SegmindClient, request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    asked = FaceswapV3Request.parse(request_v3.to_json() | {"base64": True})
    assert client.call(asked, tmp_path / "out.png").path.read_bytes() == PICTURE


def test_the_content_type_says_what_came_not_what_was_asked_for(
        client: SegmindClient, api: SegmindApi, request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    asked = FaceswapV3Request.parse(request_v3.to_json() | {"base64": True})
    api.fail("call", Fault(200, PICTURE, {"Content-Type": "image/png"}, bills=True))
    assert client.call(asked, tmp_path / "out.png").path.read_bytes() == PICTURE
    assert len(api.billed) == 1


def test_a_queued_result_may_be_text(client: SegmindClient, api: SegmindApi, request_v3: FaceswapV3Request,
                                     tmp_path: Path) -> None:
    api.inline = True
    assert client.swap(request_v3, tmp_path / "out.png").path.read_bytes() == PICTURE
    assert api.count("output") == 0


def test_a_long_text_is_decoded_in_pieces(client: SegmindClient, api: SegmindApi, request_v3: FaceswapV3Request,
                                          tmp_path: Path) -> None:
    api.inline = True
    api.picture = PICTURE + bytes(range(256)) * 4001
    assert client.swap(request_v3, tmp_path / "out.png").path.read_bytes() == api.picture


def test_the_result_is_fetched_without_the_key(client: SegmindClient, api: SegmindApi, request_v3: FaceswapV3Request,
                                               tmp_path: Path) -> None:
    client.swap(request_v3, tmp_path / "out.png")
    assert {asked.kind: asked.key for asked in api.asked} == {
        "submit": CANARY, "status": CANARY, "result": CANARY, "output": None}


def test_a_result_elsewhere_is_fetched_through_redirects_without_the_key(
        client: SegmindClient, api: SegmindApi, request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    with SegmindApi() as elsewhere:
        api.fail("result", Fault(change={"output": f"{elsewhere.base}/output/a.png"}))
        elsewhere.fail("output", Fault(302, b"", {"Location": f"{api.base}/output/b.png"}))
        received = client.swap(request_v3, tmp_path / "out.png")
        assert received.path.read_bytes() == PICTURE
        assert [asked.key for asked in elsewhere.asked + api.asked if asked.kind == "output"] == [None, None]


def test_warnings_of_a_server_come_along(client: SegmindClient, api: SegmindApi, request_v3: FaceswapV3Request,
                                         tmp_path: Path) -> None:
    api.fail("result", Fault(change={"warnings": ["faces are not\nrestored", 1]}))
    assert client.swap(request_v3, tmp_path / "a.png").warnings == ("faces are not restored",)
    api.fail("call", Fault(headers={"x-faceswap-warnings": '["not r\\u00e9stored"]'}))
    assert client.call(request_v3, tmp_path / "b.png").warnings == ("not réstored",)


def test_polls_grow_apart(client: SegmindClient, api: SegmindApi, clock: FakeClock, request_v3: FaceswapV3Request,
                          tmp_path: Path) -> None:
    api.states = ["PROCESSING"] * 8 + ["COMPLETED"]
    client.swap(request_v3, tmp_path / "out.png")
    assert clock.slept == [1, 1.5, 2.25, 3.375, 5, 5, 5, 5, 5]


def test_polls_are_jittered(make_client: MakeClient, api: SegmindApi, clock: FakeClock, request_v3: FaceswapV3Request,
                            tmp_path: Path) -> None:
    make_client(jitter=lambda: 1.0).swap(request_v3, tmp_path / "out.png")
    assert clock.slept == [1.25, 1.875, 2.8125]


def test_a_server_that_has_no_queue_is_called(client: SegmindClient, api: SegmindApi, request_v3: FaceswapV3Request,
                                              tmp_path: Path) -> None:
    api.fail("submit", Fault(404, {"error": "Not Found"}))
    assert client.swap(request_v3, tmp_path / "out.png").path.read_bytes() == PICTURE
    assert len(api.billed) == 1
    client.swap(request_v3, tmp_path / "out.png")
    assert (api.count("submit"), api.count("call")) == (1, 2)


def test_no_queue_is_an_error_where_the_queue_was_asked_for(
        client: SegmindClient, api: SegmindApi, request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    api.fail("submit", Fault(404, {"error": "Not Found"}))
    with pytest.raises(RemoteError, match=r"Not Found \(404\)"):
        client.swap(request_v3, tmp_path / "out.png", mode=RemoteMode.ASYNC)
    assert api.billed == []


def test_the_hosted_api_wants_a_key() -> None:
    with pytest.raises(RemoteError, match="SEGMIND_API_KEY") as caught:
        SegmindClient(None)
    assert caught.value.exit_code == ExitCode.REMOTE


def test_a_server_of_ones_own_may_want_none(request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    with SegmindApi(key=None) as api, SegmindClient(None, base_url=api.base, clock=FakeClock()) as client:
        client.swap(request_v3, tmp_path / "out.png")
        assert {asked.key for asked in api.asked} == {None}


@pytest.mark.parametrize("base", ["/v1", "/v1/", "/v2", "/", ""])
def test_the_address_may_be_the_one_the_sdk_takes(base: str, make_client: MakeClient, api: SegmindApi,
                                                  request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    make_client(base_url=api.base + base).swap(request_v3, tmp_path / "out.png")
    assert api.asked[0].path == "/v2/faceswap-v3"


@pytest.mark.parametrize("base", ["ftp://example.org", "example.org", "https://u:p4ss@example.org", "https://", "http://a:9z",
                                  "https://example.org/?a=b"])
def test_an_address_that_cannot_be_is_refused(base: str, make_client: MakeClient) -> None:
    with pytest.raises(UsageError, match="the address of the API") as caught:
        make_client(base_url=base)
    assert "p4ss" not in str(caught.value)


def test_a_key_in_the_clear_is_told(make_client: MakeClient) -> None:
    assert make_client().notes == ()
    assert "http" in make_client(base_url="http://192.0.2.1:8000").notes[0]
    assert make_client(base_url="https://192.0.2.1").notes == ()
