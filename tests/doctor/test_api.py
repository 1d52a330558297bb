"""The API is asked in a way that starts no job, and the key is told to nobody."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from segmind_api import CANARY, Fault, SegmindApi

from faceswap_cli.doctor import api
from faceswap_cli.doctor.checks import Check, CheckState, DoctorOptions
from faceswap_cli.doctor.looks import guarded
from faceswap_cli.options import RemoteOptions
from faceswap_cli.segmind.clock import SystemClock


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(SystemClock, "sleep", lambda self, seconds: None)
    monkeypatch.setenv("SEGMIND_API_KEY", CANARY)


@pytest.fixture
def server() -> Iterator[SegmindApi]:
    with SegmindApi() as server:
        yield server


def look(base: str | None, **more) -> dict[str, Check]:
    options = DoctorOptions(remote=RemoteOptions(base_url=base, **more))
    checks = {check.name: check for name, one in api.LOOKS.items() for check in guarded(name, one, options)}
    assert CANARY not in repr(checks)
    return checks


def test_an_api_that_answers(server: SegmindApi) -> None:
    for base in (server.base, f"{server.base}/v1"):
        checks = look(base)
        assert checks["key"].state is CheckState.OK
        assert checks["api"].state is CheckState.OK and server.base in checks["api"].finding
    assert not server.billed
    assert {asked.method for asked in server.asked} == {"GET"}
    assert {asked.key for asked in server.asked} == {CANARY}


def test_a_key_that_is_refused_is_told_with_what_to_check(server: SegmindApi) -> None:
    server.key = "SG_another"
    check = look(server.base)["api"]
    assert check.state is CheckState.FAIL and "401" in check.finding and "SEGMIND_API_KEY" in check.advice


def test_an_api_that_is_down_or_not_there(server: SegmindApi) -> None:
    server.fail("status", *[Fault(503, {"error": "service unavailable"})] * 9)
    check = look(server.base)["api"]
    assert check.state is CheckState.FAIL and "503" in check.finding and check.advice
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    check = look(f"http://127.0.0.1:{port}")["api"]
    assert check.state is CheckState.FAIL and "cannot be reached" in check.finding and "network" in check.advice


def test_a_site_that_is_no_such_api_is_told() -> None:
    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Site) as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        check = look(f"http://127.0.0.1:{site.server_address[1]}")["api"]
        site.shutdown()
        thread.join()
    assert check.state is CheckState.FAIL and "address" in check.advice


def test_no_key(server: SegmindApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEGMIND_API_KEY")
    server.key = None
    checks = look(server.base)
    assert (checks["key"].state, checks["api"].state) == (CheckState.NOTE, CheckState.OK)


def test_the_hosted_api_without_a_key_is_not_even_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEGMIND_API_KEY")
    monkeypatch.setattr(socket, "getaddrinfo", None)
    checks = look(None)
    assert checks["key"].state is CheckState.FAIL and "SEGMIND_API_KEY" in checks["key"].advice
    assert checks["api"].state is CheckState.FAIL and "no API key" in checks["api"].finding


def test_a_key_file_that_others_can_read_is_a_failure(server: SegmindApi, tmp_path) -> None:
    file = tmp_path / "key"
    file.write_text(CANARY)
    file.chmod(0o644)
    checks = look(server.base, key_file=str(file))
    assert checks["key"].state is CheckState.FAIL and "chmod 600" in checks["key"].advice
    assert not server.asked
