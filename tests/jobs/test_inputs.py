from __future__ import annotations

import io
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from refusals import refused

from faceswap_cli.errors import InputError, LimitError, OutputError, UsageError
from faceswap_cli.jobs import inputs as module
from faceswap_cli.jobs.inputs import Inputs


def test_a_file_is_taken_as_it_is(tmp_path):
    file = tmp_path / "a.png"
    file.write_bytes(b"x")
    with Inputs() as inputs:
        assert inputs.resolve(str(file)).path == file
    assert file.exists()


@pytest.mark.parametrize(("name", "words"), [("none.png", "no such file"), (".", "folder"), ("/dev/null", "regular"),
                                             ("a\0b", "cannot be read")])
def test_what_is_no_file_is_refused(tmp_path, name, words):
    with Inputs() as inputs, pytest.raises(InputError, match=words):
        inputs.resolve(name if name.startswith("/") or "\0" in name else str(tmp_path / name))


def test_standard_input_is_kept_until_the_end_and_no_longer():
    with Inputs(stdin=io.BytesIO(b"picture")) as inputs:
        found = inputs.resolve("-")
        assert found.path.read_bytes() == b"picture"
        folder = found.path.parent
    assert not folder.exists()


def test_standard_input_serves_once():
    with Inputs(stdin=io.BytesIO(b"picture")) as inputs:
        inputs.resolve("-")
        with pytest.raises(UsageError, match="only once"):
            inputs.resolve("-")


def test_an_empty_pipe_is_an_error():
    with Inputs(stdin=io.BytesIO()) as inputs, pytest.raises(InputError, match="empty"):
        inputs.resolve("-")


def test_an_endless_pipe_is_cut_off_and_leaves_nothing(monkeypatch, tmp_path):
    class Endless(io.RawIOBase):
        def read(self, size=-1):
            return bytes(size)

    monkeypatch.setattr(module, "MAX_PIPE_BYTES", 3 << 20)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Inputs(stdin=Endless()) as inputs, pytest.raises(LimitError, match="more than"):
        inputs.resolve("-")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_read(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_bytes(b"picture"))
    writer.start()
    with Inputs() as inputs:
        assert inputs.resolve(str(fifo)).path.read_bytes() == b"picture"
    writer.join()


def test_a_folder_of_sources_is_its_pictures_by_name(tmp_path):
    for name in ("b.JPG", "a.png", ".hidden.png", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "film.mp4").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    with Inputs() as inputs:
        found = inputs.resolve_sources((str(tmp_path),))
    assert [item.path.name for item in found] == ["a.png", "b.JPG"]
    assert all(item.optional for item in found)


def test_a_folder_without_pictures_is_an_error(tmp_path):
    with Inputs() as inputs, pytest.raises(InputError, match="without pictures"):
        inputs.resolve_sources((str(tmp_path),))


@pytest.fixture
def server():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"fetched")

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_url_is_fetched_and_named_without_its_secrets(server):
    with Inputs(allow_private=True) as inputs:
        found = inputs.resolve(f"{server}/a.png?token=secret")
        assert found.path.read_bytes() == b"fetched"
        assert found.name == f"{server}/a.png"
        folder = found.path.parent
    assert not folder.exists()


def test_a_private_address_is_refused(server):
    with Inputs() as inputs, refused(InputError, "--allow-private-urls"):
        inputs.resolve(f"{server}/a.png")


def test_other_schemes_are_refused():
    with Inputs() as inputs, pytest.raises(InputError, match="not an http or https URL"):
        inputs.resolve("ftp://example.org/a.png")



def test_a_full_disk_for_temporary_files_is_one_line(monkeypatch, tmp_path):
    resource = pytest.importorskip("resource")
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, before[1]))
    try:
        with Inputs(stdin=io.BytesIO(bytes(1 << 20))) as inputs, pytest.raises(OutputError, match="set TMPDIR"):
            inputs.resolve("-")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_no_place_for_temporary_files_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with Inputs(stdin=io.BytesIO(b"picture")) as inputs, pytest.raises(OutputError, match="set TMPDIR"):
        inputs.resolve("-")


def test_a_pipe_that_cannot_be_read_is_one_line():
    class Failing(io.RawIOBase):
        def read(self, size=-1):
            raise OSError(5, "Input/output error")

    with Inputs(stdin=Failing()) as inputs, pytest.raises(InputError, match="standard input cannot be read: Input"):
        inputs.resolve("-")
