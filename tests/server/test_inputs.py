"""What a request may name as a picture; above all, what it may not reach."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from live import EMPTY, SOURCE, TARGET, Live, body, text, uri
from videos import make_video


class Site(ThreadingHTTPServer):
    """A site at this machine's own address. `hits` are the requests that it got."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Page)
        self.hits: list[str] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class Page(BaseHTTPRequestHandler):
    server: Site

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.hits.append(f"{self.headers['Host']}{self.path}")
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        data = {"/source": SOURCE, "/target": TARGET}.get(self.path.partition("?")[0], b"secret")
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


HOSTS = [
    "127.0.0.1", "localhost", "LOCALHOST", "localhost.", "127.0.0.2", "127.1", "127.0.1", "2130706433", "0x7f000001",
    "0x7f.0.0.1", "0177.0.0.1", "017700000001", "0", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "[fe80::1]",
    "[fc00::1]", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.100.100.200", "168.63.129.16",
    "192.0.0.192", "224.0.0.1", "255.255.255.255", "198.18.0.1", "[ff02::1]", "127.0.0.1.nip.example",
    "user@127.0.0.1", "example.org@127.0.0.1", "①②⑦.0.0.1", "127。0。0。1", "%31%32%37.0.0.1",
    "127.0.0.1%2523@example.invalid",
]
SCHEMES = ["file:///etc/passwd", "FILE:///etc/passwd", "gopher://127.0.0.1:{port}/_x", "ftp://127.0.0.1:{port}/a.png",
           "dict://127.0.0.1:{port}/", "//127.0.0.1:{port}/a.png", "http:127.0.0.1:{port}/source",
           "http:///127.0.0.1:{port}/source", "http://127.0.0.1:{port}\\@example.invalid/source",
           "http://example.invalid\\@127.0.0.1:{port}/source", "http://127.0.0.1\n:{port}/source", "http://",
           "unix:///var/run/docker.sock", "jar:http://127.0.0.1:{port}/!/", "javascript:alert(1)"]


def lead_home(host: str, port: int) -> list[str]:
    """Every name leads to this machine."""
    return ["127.0.0.1"]


def test_no_url_reaches_this_machine_or_its_network(start, site):
    live = start(resolve=lead_home, fetch_seconds=5)
    client = live.client()
    urls = [f"http://{host}:{site.port}/source" for host in HOSTS] + [url.format(port=site.port) for url in SCHEMES]
    assert len(urls) >= 40
    for url in urls:
        answer = client.post("/v1/faceswap-v3", json=body() | {"source_img": url})
        assert answer.status_code == 400, url
        assert "secret" not in answer.text
    assert site.hits == []


def test_a_name_is_resolved_once_and_the_connection_goes_where_it_was_judged(start, site):
    """A name that leads to a public address when it is judged, and home when it is asked again."""
    asked = []

    def rebind(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["192.0.2.1"] if host == "mixed.example" else ["203.0.113.7" if len(asked) == 1 else "127.0.0.1"]

    live = start(resolve=rebind, fetch_seconds=0.5)
    answer = live.client().post("/v1/faceswap-v3",
                                json=body() | {"source_img": f"http://rebind.example:{site.port}/source"})
    assert answer.status_code == 400
    assert len(asked) == 1
    assert site.hits == []


def test_one_private_address_among_public_ones_is_enough_to_refuse(start, site):
    live = start(resolve=lambda host, port: ["93.184.216.34", "127.0.0.1"])
    answer = live.client().post("/v1/faceswap-v3",
                                json=body() | {"source_img": f"http://mixed.example:{site.port}/source"})
    assert answer.status_code == 400
    assert site.hits == []


def test_a_redirect_is_judged_as_the_first_url_was(start, site, monkeypatch):
    """The first address counts as public here, and sends on to another of this machine."""
    from ipaddress import ip_address

    from faceswap_cli.net import fetch

    real = fetch.is_public
    monkeypatch.setattr(fetch, "is_public", lambda address: address == ip_address("127.0.0.1") or real(address))
    live = start(resolve=lambda host, port: ["127.0.0.1"] if host == "public.example" else ["127.0.0.2"])
    client = live.client()
    for target in (f"http://127.0.0.2:{site.port}/source", f"http://inner.example:{site.port}/source",
                   f"//127.0.0.2:{site.port}/source", "file:///etc/passwd", f"http://[::1]:{site.port}/source",
                   f"http://169.254.169.254:{site.port}/source", f"gopher://127.0.0.2:{site.port}/"):
        site.hits.clear()
        answer = client.post("/v1/faceswap-v3",
                             json=body() | {"source_img": f"http://public.example:{site.port}/to/{target}"})
        assert answer.status_code == 400, target
        assert len(site.hits) == 1, target  # the redirect itself, and nothing after it


def test_private_urls_are_fetched_where_that_is_configured(start, site):
    live = start(allow_private_urls=True)
    root = f"http://127.0.0.1:{site.port}"
    answer = live.client().post("/v1/faceswap-v3", json={"source_img": f"{root}/source",
                                                         "target_img": f"{root}/to//target"})
    assert answer.status_code == 200
    answer = live.client().post("/v2/faceswap-v3", json={"source_img": "file:///etc/passwd", "target_img": "a"})
    assert answer.status_code == 400


def test_a_url_is_bounded_in_size_and_told_without_its_secrets(start, site):
    live = start(allow_private_urls=True, max_input=100)
    url = f"http://127.0.0.1:{site.port}/target?token=hush"
    answer = live.client().post("/v1/faceswap-v3", json=body() | {"target_img": url, "source_img": uri(b"x" * 99)})
    assert answer.status_code == 400
    assert "limit" in answer.json()["error"]
    assert "hush" not in answer.text and "--" not in answer.text


def test_a_url_that_leads_nowhere_fails_the_request(start, site):
    live = start(allow_private_urls=True)
    client = live.client()
    answer = client.post("/v2/faceswap-v3", json=body() | {"source_img": f"http://127.0.0.1:{site.port}/other"}).json()
    state = live.end(client, answer)
    assert state.status_code == 422
    assert "source_img is not a picture" in state.json()["error"]


# --- forms of pictures ------------------------------------------------------------------------------------------------

def ask(live: Live, source: str) -> tuple[int, str]:
    answer = live.client().post("/v1/faceswap-v3", json=body() | {"source_img": source})
    return answer.status_code, "" if answer.status_code == 200 else answer.json()["error"]


def test_pictures_come_in_many_forms(start):
    live = start()
    plain = text(SOURCE)
    from urllib.parse import quote_from_bytes

    for form in (plain, plain.rstrip("="), plain.replace("+", "-").replace("/", "_"), f" {plain[:40]}\n{plain[40:]} ",
                 f"data:;base64,{plain}", f"DATA:image/png;BASE64,{plain}", f"data:text/html;base64,{plain}",
                 f"data:image/png;charset=utf-8;base64,{plain}", f"data:image/png,{quote_from_bytes(SOURCE)}"):
        assert ask(live, form) == (200, ""), form[:60]


def test_forms_that_are_none_are_told(start):
    live = start()
    for form, words in (("data:image/png;base64,@@@", "not valid base64"), ("data:image/png;base64,", "is empty"),
                        ("data:image/svg+xml;base64," + text(b"<svg xmlns='a'/>"), "SVG"),
                        (uri(b"<!doctype html><html>"), "web page"), (uri(b"hello there"), "not a picture"),
                        (uri(EMPTY), "no face found"), ("ääää", "neither")):
        status, message = ask(live, form)
        assert status == 400 and words in message and message.startswith("source_img"), (form[:40], message)


# --- uploads ----------------------------------------------------------------------------------------------------------

def test_uploaded_files_become_urls_that_serve_as_inputs(start):
    live = start()  # fetches nothing from private addresses, its own included
    client = live.client()
    answer = client.post("/upload-asset", json={"data_urls": [uri(SOURCE, "jpeg"), uri(TARGET)]})
    assert answer.status_code == 200
    urls = answer.json()["file_urls"]
    assert answer.json()["urls"] == urls and answer.json()["message"]
    assert [url.rpartition(".")[2] for url in urls] == ["png", "png"]  # by content, whatever is claimed
    assert all(url.startswith(f"{live.url}/assets/") for url in urls)
    for url, data in zip(urls, (SOURCE, TARGET), strict=True):
        sent = live.client().get(url)
        assert sent.content == data and sent.headers["content-type"] == "image/png"
        assert sent.headers["x-content-type-options"] == "nosniff"
    assert client.post("/v1/faceswap-v3", json=dict(zip(("source_img", "target_img"), urls, strict=True))).status_code \
        == 200


def test_a_result_serves_as_an_input(start):
    live = start()
    client = live.client()
    first = client.post("/v2/faceswap-v3", json=body()).json()
    live.end(client, first)
    output = client.get(first["response_url"]).json()["output"]
    assert client.post("/v1/faceswap-v3", json=body() | {"source_img": output}).status_code == 200
    assert client.post("/v1/faceswap-v3", json=body() | {"source_img": output[:-8] + "aaaa.jpg"}).status_code == 400


def test_uploads_are_all_or_nothing(start, tmp_path):
    live = start()
    client = live.client()
    for bad in ("data:image/png;base64,@@", uri(b"hello there"), text(SOURCE), "http://example.org/a.png", ""):
        answer = client.post("/upload-asset", json={"data_urls": [uri(SOURCE), bad]})
        assert answer.status_code == 400
        assert "data_urls[1]" in answer.json()["error"]
    for odd in ({}, {"data_urls": []}, {"data_urls": [1]}, {"data_urls": {"a": 1}}, {"data_urls": None}):
        assert client.post("/upload-asset", json=odd).status_code == 400
    assert not list((tmp_path / "serve" / "files").iterdir())


def test_videos_are_refused_in_the_words_of_pictures(start, tmp_path):
    video = uri(make_video(tmp_path / "clip.mp4", 5).read_bytes())
    client = start().client()
    for field in ("source_img", "target_img"):
        answer = client.post("/v1/faceswap-v3", json=body() | {field: video})
        assert answer.status_code == 400
        assert f"{field} is a video (MP4); here only pictures can be used" in answer.json()["error"]
    answer = client.post("/upload-asset", json={"data_urls": [video]})
    assert answer.status_code == 400
    assert "is a video" in answer.json()["error"]


def test_uploads_are_bounded(start):
    live = start(max_input=len(SOURCE) - 1)
    answer = live.client().post("/upload-asset", json={"data_urls": [uri(SOURCE)]})
    assert answer.status_code == 413
    assert "larger than" in answer.json()["error"]


def test_uploads_are_bounded_together(start, tmp_path):
    live = start(max_assets=2 * len(SOURCE) + 10)
    client = live.client()
    assert client.post("/upload-asset", json={"data_urls": [uri(SOURCE)] * 2}).status_code == 200
    answer = client.post("/upload-asset", json={"data_urls": [uri(SOURCE)]})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert len(list((tmp_path / "serve" / "files").iterdir())) == 2
