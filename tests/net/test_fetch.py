"""Every connection here goes to a listener of the test's own on 127.0.0.1."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from refusals import refused

from faceswap_cli.errors import InputError, LimitError, OutputError
from faceswap_cli.names import is_url, redact_url
from faceswap_cli.net.fetch import fetch

BODY = bytes(range(256)) * 1000


class Site(ThreadingHTTPServer):
    """A small site; `hits` are the paths that were asked for, with the Host header."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Page)
        self.hits: list[tuple[str, str]] = []
        self.stop = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


class Page(BaseHTTPRequestHandler):
    server: Site

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.hits.append((self.path, self.headers["Host"]))
        name, _, argument = self.path.lstrip("/").partition("?")
        getattr(self, name.replace("-", "_"))(argument)

    def head(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()

    def picture(self, _: str) -> None:
        self.head(200, Content_Length=str(len(BODY)))
        self.wfile.write(BODY)

    def gone(self, _: str) -> None:
        self.head(404, Content_Length="0")

    def to(self, location: str) -> None:
        self.head(302, Location=location, Content_Length="0")

    def nowhere(self, _: str) -> None:
        self.head(302, Content_Length="0")

    def loop(self, _: str) -> None:
        self.head(302, Location="/loop", Content_Length="0")

    def boasting(self, _: str) -> None:
        self.head(200, Content_Length=str(10**12))

    def endless(self, _: str) -> None:
        self.head(200)
        try:
            while not self.server.stop.is_set():
                self.wfile.write(b"x" * 65536)
        except OSError:
            pass

    def short(self, _: str) -> None:
        self.head(200, Content_Length="1000")
        self.wfile.write(b"only this")

    def packed(self, _: str) -> None:
        self.head(200, Content_Encoding="gzip", Content_Length="4")
        self.wfile.write(b"zzzz")

    def drip(self, _: str) -> None:
        self.head(200, Content_Length="100000")
        self._drip()

    def drip_head(self, _: str) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        self._drip()

    def _drip(self) -> None:
        try:
            while not self.server.stop.wait(0.02):
                self.wfile.write(b"x")
                self.wfile.flush()
        except OSError:
            pass


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.stop.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "download"


def test_a_picture_is_downloaded_whole(site: Site, out: Path) -> None:
    fetch(site.url("/picture"), out, allow_private=True)
    assert out.read_bytes() == BODY


def test_redirects_are_followed(site: Site, out: Path) -> None:
    fetch(site.url("/to?/to?/picture"), out, allow_private=True)
    assert out.read_bytes() == BODY
    assert [path for path, _ in site.hits] == ["/to?/to?/picture", "/to?/picture", "/picture"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "LOCALHOST"])
def test_a_private_address_is_refused_and_never_asked(site: Site, out: Path, host: str) -> None:
    with refused(InputError, r"not public.*--allow-private-urls"):
        fetch(f"http://{host}:{site.port}/picture", out)
    assert site.hits == []
    assert not out.exists()


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "127.1", "127.0.0.1."])
@pytest.mark.parametrize("allow", [False, True])
def test_numbers_in_disguise_are_refused(site: Site, out: Path, host: str, allow: bool) -> None:
    with pytest.raises(InputError, match=r"four decimal numbers|not a valid URL"):
        fetch(f"http://{host}:{site.port}/picture", out, allow_private=allow)
    assert site.hits == []


def test_one_private_address_among_public_ones_is_refused(site: Site, out: Path) -> None:
    with pytest.raises(InputError, match="not public"):
        fetch(f"http://mixed.example:{site.port}/", out, resolve=lambda *_: ["8.8.8.8", "127.0.0.1"])
    assert site.hits == []


class Names:
    """A resolver whose answers change with every question, as an attacker's do."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return self.answers.pop(0)


def test_the_connection_goes_to_the_judged_address_with_one_question(
    site: Site, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The judged address is the one connected to: the name leads elsewhere the second time and is not asked."""
    connected: list[str] = []
    connect = socket.create_connection

    def to_the_site(address: tuple[str, int], *args: object, **kwargs: object) -> socket.socket:
        connected.append(address[0])
        return connect(("127.0.0.1", address[1]), *args, **kwargs)

    monkeypatch.setattr(socket, "create_connection", to_the_site)
    names = Names(["8.8.8.8"], ["127.0.0.1"])
    fetch(f"http://rebinding.example:{site.port}/picture", out, resolve=names)
    assert connected == ["8.8.8.8"]
    assert names.asked == ["rebinding.example"]
    assert site.hits == [("/picture", f"rebinding.example:{site.port}")]


def test_a_redirect_to_a_private_address_is_refused_before_it_is_asked(
    site: Site, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = socket.create_connection
    monkeypatch.setattr(
        socket, "create_connection", lambda address, *rest, **named: connect(("127.0.0.1", address[1]), *rest, **named)
    )
    for location in (site.url("/picture"), f"http://again.example:{site.port}/picture", "//169.254.169.254/latest"):
        site.hits.clear()
        names = Names(["8.8.8.8"], ["127.0.0.1"])
        with pytest.raises(InputError, match="not public"):
            fetch(f"http://public.example:{site.port}/to?{location}", out, resolve=names)
        assert len(site.hits) == 1


@pytest.mark.parametrize(
    ("location", "message"),
    [("file:///etc/passwd", "not an http"), ("ftp://a.example/x", "not an http"), ("http://u:p@a.example/", "password"),
     ("http://[::1/", "no URL|not a valid URL")],
)  # fmt: skip
def test_redirects_are_judged_like_first_urls(site: Site, out: Path, location: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fetch(site.url(f"/to?{location}"), out, allow_private=True)


@pytest.mark.parametrize(
    ("path", "message"),
    [("/gone", "status 404"), ("/loop", "more than 5 times"), ("/nowhere", "without saying where"),
     ("/short", "broke off"), ("/packed", "compressed")],
)  # fmt: skip
def test_answers_that_are_no_picture(site: Site, out: Path, path: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fetch(site.url(path), out, allow_private=True)
    assert not out.exists()


@pytest.mark.parametrize("path", ["/boasting", "/endless", "/picture"])
def test_a_file_beyond_the_limit_is_refused_and_removed(site: Site, out: Path, path: str) -> None:
    with pytest.raises(LimitError, match=r"limit of 0\.1 MiB"):
        fetch(site.url(path), out, allow_private=True, max_bytes=104858)
    assert not out.exists()


def test_a_file_of_exactly_the_limit_passes(site: Site, out: Path) -> None:
    fetch(site.url("/picture"), out, allow_private=True, max_bytes=len(BODY))
    assert out.stat().st_size == len(BODY)


@pytest.mark.parametrize("path", ["/drip", "/drip-head"])
def test_bytes_that_drip_do_not_outlast_the_deadline(site: Site, out: Path, path: str) -> None:
    with pytest.raises(InputError, match=r"took longer than 0.3 s"):
        fetch(site.url(path), out, allow_private=True, timeout=0.3)
    assert not out.exists()


def test_a_resolver_that_hangs_does_not_outlast_the_deadline(out: Path) -> None:
    release = threading.Event()
    released: list[bool] = []

    def hang(host: str, port: int) -> list[str]:
        released.append(release.wait(10))
        return []

    with pytest.raises(InputError, match="took longer"):
        fetch("http://slow.example/", out, timeout=0.2, resolve=hang)
    assert not released
    release.set()


def test_a_server_that_is_not_there(out: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(InputError, match="cannot be reached"):
            fetch(f"http://127.0.0.1:{port}/", out, allow_private=True)


def test_a_second_address_is_tried_when_the_first_is_dead(site: Site, out: Path) -> None:
    fetch(f"http://two.example:{site.port}/picture", out, allow_private=True,
          resolve=lambda *_: ["::1", "127.0.0.1"])  # fmt: skip
    assert out.read_bytes() == BODY


def test_an_unknown_name(out: Path) -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(InputError, match="Name or service not known; check the URL"):
        fetch("http://nobody.example/", out, resolve=unknown)


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://a.example/x", "gopher://a.example", "http://", "http:///x", "http://a.example:99999/",
     "http://a.example:0/", "http://[::1/", "http://a%2eexample/", "data://text", "http://" + "a" * 300 + ".example/"],
)  # fmt: skip
def test_urls_that_make_no_sense_are_refused_on_one_line(out: Path, url: str) -> None:
    with pytest.raises(InputError) as caught:
        fetch(url, out, resolve=lambda *_: [])
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250


@pytest.mark.parametrize(
    "url",
    ["http://user:hunter2@127.0.0.1/x", "https://hunter2@127.0.0.1/x", "http://127.0.0.1:1/x?key=hunter2",
     "http://127.0.0.1:1/x#hunter2", "http://user:hun/ter2@host/hunter2", "ftp://user:hunter2@host/x"],
)  # fmt: skip
@pytest.mark.parametrize("allow", [False, True])
def test_messages_hold_no_secret(out: Path, url: str, allow: bool) -> None:
    with pytest.raises(InputError) as caught:
        fetch(url, out, allow_private=allow)
    assert not re.search("hunter2|ter2@", str(caught.value))


def test_the_environment_s_proxies_are_not_used(site: Site, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    fetch(site.url("/picture"), out, allow_private=True)
    assert out.read_bytes() == BODY


def test_a_destination_that_cannot_be_written(site: Site, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        fetch(site.url("/picture"), tmp_path / "no" / "folder", allow_private=True)


def test_what_is_meant_as_a_url() -> None:
    assert all(map(is_url, ["http://a", "HTTPS://a", "file:///x", "s3://b/k"]))
    assert not any(map(is_url, ["a.jpg", "C:/x.jpg", "C:\\x.jpg", "-", "http:a", "./http://a", "//host/x"]))


def test_a_url_is_shown_without_query_and_on_one_line() -> None:
    assert redact_url("https://me:pw@host:8/a/@b.jpg?sig=1#x") == "https://host:8/a/@b.jpg"
    assert redact_url("http://host/\x1b[31m\n") == "http://host/?[31m?"
    assert len(redact_url("http://host/" + "a" * 1000)) == 120
