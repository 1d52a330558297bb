"""`faceswap serve` as a process: signals, crashes, restarts, and what it says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from live import CLIP, EMPTY, FINAL, body

RUNNER = Path(__file__).with_name("run_server.py")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


class Process:
    """A server in a process of its own."""

    def __init__(self, folder: Path, *arguments: str, backend: str = "Slow") -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(RUNNER), backend, "serve", "--port", "0", "--data-dir", str(folder), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        deadline = time.monotonic() + 60
        while not (found := re.search(r"serving (http://\S+)", "".join(self.said))):
            assert self.process.poll() is None and time.monotonic() < deadline, self.said
            time.sleep(0.02)
        self.client = httpx.Client(base_url=found[1], timeout=60)

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.said.extend(self.process.stderr)

    def state(self, request_id: str) -> str:
        return str(self.client.get(f"/v2/requests/{request_id}/status").json()["status"])

    def ends(self, request_ids: list[str]) -> list[str]:
        """The final states of requests."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            states = [self.state(request_id) for request_id in request_ids]
            if all(state in FINAL for state in states):
                return states
            time.sleep(0.05)
        raise AssertionError(states)

    def end(self, number: int) -> int:
        """The exit code after a signal."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        code = self.process.wait(60)
        self._reader.join(60)
        return code

    def close(self) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    running: list[Process] = []

    def start(*arguments: str, **more: str) -> Process:
        running.append(Process(tmp_path / "data", *arguments, **more))
        return running[-1]

    yield start
    for process in running:
        process.close()


def submit(server: Process, number: int, **more: bytes) -> list[str]:
    return [server.client.post("/v2/faceswap-v3", json=body(**more)).json()["request_id"] for _ in range(number)]


def test_a_killed_server_forgets_nothing(run):
    first = run("--workers", "1")  # eight seconds of work: a loaded machine may be slow to look
    accepted = submit(first, 40) + submit(first, 4, target=EMPTY)
    while first.state(accepted[3]) not in FINAL:  # some are done, some at work, most wait
        time.sleep(0.02)
    done = [request_id for request_id in accepted if first.state(request_id) in FINAL]
    assert 0 < len(done) < len(accepted)
    assert first.end(signal.SIGKILL) == -signal.SIGKILL

    second = run("--workers", "2", backend="BrightSquares")
    assert second.ends(accepted) == ["COMPLETED"] * 40 + ["FAILED"] * 4
    for request_id in accepted[:40]:
        output = second.client.get(f"/v2/requests/{request_id}").json()["output"]
        assert second.client.get(httpx.URL(output).path).status_code == 200


def test_a_request_that_ends_the_server_each_time_is_given_up(run):
    request_id = None
    for _ in range(2):
        server = run(backend="Stuck")
        request_id = request_id or submit(server, 1)[0]
        while server.state(request_id) != "PROCESSING":
            time.sleep(0.02)
        server.end(signal.SIGKILL)
    server = run(backend="BrightSquares")
    answer = server.client.get(f"/v2/requests/{request_id}")
    assert answer.status_code == 422
    assert "2 times" in answer.json()["error"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_end_finishes_what_is_at_work(run, tmp_path, number):
    server = run("--workers", "1")
    answers: list[httpx.Response] = []

    def call() -> None:
        answers.append(server.client.post("/v1/sd2.1-faceswapper", json=body("sd2.1-faceswapper", target=CLIP)))

    blocking = threading.Thread(target=call)
    blocking.start()
    while "running\": 1" not in server.client.get("/ready").text:
        time.sleep(0.02)
    waiting = submit(server, 3)
    assert server.end(number) == 0
    blocking.join()
    assert answers[0].status_code == 200
    assert server.said[-1] == "stopped\n"
    again = run(backend="BrightSquares")
    assert again.ends(waiting) == ["COMPLETED"] * 3


def test_a_blocking_call_that_waits_is_told_when_the_server_ends(run):
    server = run("--workers", "1")
    submit(server, 1)
    answers: list[httpx.Response] = []
    blocking = threading.Thread(target=lambda: answers.append(server.client.post("/v1/faceswap-v3", json=body())))
    blocking.start()
    while "waiting\": 1" not in server.client.get("/ready").text:
        time.sleep(0.01)
    assert server.end(signal.SIGTERM) == 0
    blocking.join()
    assert answers[0].status_code == 503
    assert answers[0].headers["retry-after"]
    assert "stopping" in answers[0].json()["error"]


def test_a_second_signal_ends_it_at_once(run):
    server = run("--workers", "1", backend="Stuck")
    request_id = submit(server, 1)[0]
    while server.state(request_id) != "PROCESSING":
        time.sleep(0.02)
    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert server.process.poll() is None
    assert server.end(signal.SIGTERM) == 128 + signal.SIGTERM
    again = run(backend="BrightSquares")
    assert again.ends([request_id]) == ["COMPLETED"]


def test_one_server_for_each_folder(run, tmp_path):
    run()
    done = command("serve", "--port", "0", "--data-dir", str(tmp_path / "data"))
    assert done.returncode == 2
    assert "another server uses" in done.stderr


def command(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(RUNNER), "BrightSquares", *arguments], capture_output=True, text=True,
                          check=False, timeout=60, env=os.environ | env)


def test_mistakes_are_told_before_anything_is_served(run, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("key\n")
    keys.chmod(0o644)
    taken = run().client.base_url.port
    for arguments, code, words in (
            (("--host", "0.0.0.0"), 2, "--keys-file"),
            (("--host", "0.0.0.0", "--keys-file", str(keys)), 2, "chmod 600"),
            (("--keys-file", str(tmp_path / "none")), 2, "cannot be read"),
            (("--public-url", "nowhere"), 2, "--public-url"),
            (("--port", str(taken)), 1, f"port {taken}"),
            (("--host", "203.0.113.1", "--keys-file", str(keys)), 1, "cannot listen"),
    ):
        if "203.0.113.1" in arguments:
            keys.chmod(0o600)
        done = command("serve", "--data-dir", str(tmp_path / "other"), *arguments)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert words in done.stderr and "Traceback" not in done.stderr


def test_without_the_extra_the_install_line_is_told(tmp_path):
    (tmp_path / "uvicorn.py").write_text("raise ModuleNotFoundError('No module named uvicorn', name='uvicorn')\n")
    done = command("serve", PYTHONPATH=str(tmp_path))
    assert done.returncode == 8
    assert "pip install 'faceswap-cli[serve]'" in done.stderr


def test_verbose_tells_of_requests_and_of_no_secrets(run, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("canary-key\n")
    keys.chmod(0o600)
    server = run("--verbose", "--keys-file", str(keys), backend="BrightSquares")
    server.client.headers["x-api-key"] = "canary-key"
    request_id = submit(server, 1)[0]
    server.ends([request_id])
    output = server.client.get(f"/v2/requests/{request_id}").json()["output"]
    server.client.get(output)
    assert server.end(signal.SIGTERM) == 0
    said = "".join(server.said)
    assert f"request {request_id} to faceswap-v3 COMPLETED" in said
    assert "canary" not in said
    assert output.rpartition("/")[2] not in said
