"""Downloads over a bad network. Every connection goes to a site of the tests' own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from faulty_site import BODY, HTML, Answer, Site, sha, zip_of

from faceswap_cli.errors import ModelError, OutputError, UsageError
from faceswap_cli.models import transfer
from faceswap_cli.models.catalogue import INSIGHTFACE
from faceswap_cli.models.download import pull
from faceswap_cli.models.licences import accept, accepted
from faceswap_cli.models.spec import ModelSpec
from faceswap_cli.models.store import ModelStore
from faceswap_cli.models.transfer import DownloadPatience

MakeRow = Callable[..., ModelSpec]
MakePack = Callable[..., Any]

QUICK = DownloadPatience(stall=20, attempts=3, backoff=0.01)
HASTY = replace(QUICK, stall=0.2)
HALF = len(BODY) // 2
GOOD = Answer(BODY, headers={"ETag": '"1"'})
FLIPPED = bytes([BODY[0] ^ 1]) + BODY[1:]


def leftovers(folder: Path) -> set[str]:
    """Files of models and parts of them; not records and locks."""
    return {path.name for path in folder.glob("*") if path.is_file() and path.suffix != ".json"}


def fetch(folder: Path, spec: ModelSpec, **options: object) -> Path:
    return pull(ModelStore(folder, (spec,)), spec, **{"patience": QUICK, **options})


def test_a_model_arrives_once(site: Site, row: MakeRow, folder: Path) -> None:
    spec, steps = row(site.serve("/a", GOOD)), list[tuple[int, int | None]]()
    path = fetch(folder, spec, progress=lambda have, total: steps.append((have, total)))
    assert path == folder / "tiny.onnx" and path.read_bytes() == BODY
    assert leftovers(folder) == {"tiny.onnx"}
    assert steps[0] == (0, len(BODY)) and steps[-1] == (len(BODY), len(BODY)) and steps == sorted(steps)
    assert fetch(folder, spec) == path
    assert len(site.asked) == 1


def test_a_damaged_model_is_downloaded_anew(site: Site, row: MakeRow, folder: Path) -> None:
    spec = row(site.serve("/a", GOOD))
    fetch(folder, spec).write_bytes(FLIPPED)
    assert fetch(folder, spec).read_bytes() == BODY


def test_a_dropped_connection_is_resumed_where_it_broke_off(site: Site, row: MakeRow, folder: Path) -> None:
    spec = row(site.serve("/a", replace(GOOD, cut=HALF), GOOD))
    assert fetch(folder, spec).read_bytes() == BODY
    first, second = site.asked
    assert (first.range, second.range, second.if_range) == (None, f"bytes={HALF}-", '"1"')
    assert first.sent + second.sent == len(BODY)


def test_what_an_earlier_run_left_is_resumed(site: Site, row: MakeRow, folder: Path) -> None:
    folder.mkdir()
    (folder / "tiny.onnx.part").write_bytes(BODY[:HALF])
    assert fetch(folder, row(site.serve("/a", GOOD))).read_bytes() == BODY
    assert [asked.sent for asked in site.asked] == [len(BODY) - HALF]


@pytest.mark.parametrize("size", [len(BODY), None])
def test_a_part_that_is_whole_needs_no_download(site: Site, row: MakeRow, folder: Path, size: int | None) -> None:
    folder.mkdir()
    (folder / "tiny.onnx.part").write_bytes(BODY)
    assert fetch(folder, row(site.serve("/a", GOOD), bytes=size)).read_bytes() == BODY
    assert site.asked == []


@pytest.mark.parametrize("size", [len(BODY), None])
@pytest.mark.parametrize("left", [FLIPPED[:HALF], FLIPPED, FLIPPED + b"more"], ids=["half", "whole", "more"])
def test_a_part_that_does_not_fit_is_given_up(site: Site, row: MakeRow, folder: Path, left: bytes,
                                              size: int | None) -> None:
    folder.mkdir()
    (folder / "tiny.onnx.part").write_bytes(left)
    assert fetch(folder, row(site.serve("/a", GOOD), bytes=size)).read_bytes() == BODY


def test_a_server_without_ranges_starts_again(site: Site, row: MakeRow, folder: Path) -> None:
    spec = row(site.serve("/a", Answer(BODY, cut=HALF, ranges=False), Answer(BODY, ranges=False)))
    assert fetch(folder, spec).read_bytes() == BODY
    assert [asked.sent for asked in site.asked] == [HALF, len(BODY)]


def test_a_file_that_changes_while_it_is_fetched_is_fetched_anew(site: Site, row: MakeRow, folder: Path) -> None:
    spec = row(site.serve("/a", Answer(FLIPPED, cut=HALF, headers={"ETag": '"old"'}), GOOD))
    assert fetch(folder, spec).read_bytes() == BODY
    assert site.asked[1].if_range == '"old"' and site.asked[1].sent == len(BODY)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_is_asked_again(site: Site, row: MakeRow, folder: Path, status: int) -> None:
    busy = Answer(b"", status, headers={"Retry-After": "0"})
    assert fetch(folder, row(site.serve("/a", busy, busy, GOOD))).read_bytes() == BODY
    assert len(site.asked) == 3


def test_what_the_server_asks_for_is_waited(site: Site, row: MakeRow, folder: Path,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    waits = list[float]()
    monkeypatch.setattr(transfer, "time", SimpleNamespace(sleep=waits.append, monotonic=time.monotonic))
    patient = Answer(b"", 503, headers={"Retry-After": "7"})
    endless = Answer(b"", 503, headers={"Retry-After": "86400"})
    fetch(folder, row(site.serve("/a", patient, endless, GOOD)))
    assert waits == [7, 60]


FAULTS = {
    "missing": (Answer(b"gone", 404), "status 404"),
    "forbidden": (Answer(b"no", 403), "status 403"),
    "in trouble": (Answer(b"", 500), "status 500"),
    "a page": (Answer(HTML, headers={"Content-Type": "text/html; charset=utf-8"}), "an HTML page"),
    "a page of no type": (Answer(HTML), "a file of 55 bytes came instead of one of 307.2 kB"),
    "a page of no length": (Answer(HTML, chunked=True), "an HTML page came instead of the model"),
    "a flipped bit": (Answer(FLIPPED), "another file of 307.2 kB, or a damaged one came instead of the model"),
    "cut short": (Answer(BODY[:-1]), "instead of one of 307.2 kB"),
    "too long": (Answer(BODY + b"x", chunked=True), "larger than 307.2 kB"),
    "claims more": (Answer(BODY, length=len(BODY) + 5), "instead of one of 307.2 kB"),
    "claims less": (Answer(BODY, length=HALF), "instead of one of 307.2 kB"),
    "drops at once": (Answer(BODY, cut=0), "the connection broke off"),
    "drops when resumed": (Answer(BODY, cut=10), "the connection broke off"),
    "stalls": (Answer(BODY, cut=1000, stall=True), "no answer for 0.2 s"),
    "drips": (Answer(BODY, drip=True), "the server is too slow"),
    "packed": (Answer(BODY, headers={"Content-Encoding": "gzip"}), "sent compressed"),
    "no range": (Answer(BODY, 206), "without saying which"),
    "redirects for ever": (Answer(b"", 302, headers={"Location": "/a"}), "redirects more than 5 times"),
    "redirects to a file": (Answer(b"", 302, headers={"Location": "file:///etc/hosts"}), "leads to a file address"),
    "redirects nowhere": (Answer(b"", 302), "status 302"),
}


def patience_for(fault: str) -> DownloadPatience:
    return HASTY if fault in ("stalls", "drips") else QUICK


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_address_is_followed_by_the_next(site: Site, row: MakeRow, folder: Path, fault: str) -> None:
    said = list[str]()
    spec = row(site.serve("/a", FAULTS[fault][0]), site.serve("/b", GOOD))
    assert fetch(folder, spec, say=said.append, patience=patience_for(fault)).read_bytes() == BODY
    assert leftovers(folder) == {"tiny.onnx"}
    assert any(FAULTS[fault][1] in line for line in said), said


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_installed_when_no_address_is_good(site: Site, row: MakeRow, folder: Path, fault: str) -> None:
    spec = row(site.serve("/a", FAULTS[fault][0]))
    store = ModelStore(folder, (spec,))
    with pytest.raises(ModelError, match="tiny could not be downloaded") as caught:
        fetch(folder, spec, patience=patience_for(fault))
    message = str(caught.value)
    assert FAULTS[fault][1] in message and "faceswap models import FILE" in message and "\n" not in message
    assert not store.is_installed(spec)
    assert leftovers(folder) <= {"tiny.onnx.part"}


def test_what_is_no_model_is_named(site: Site, row: MakeRow, folder: Path) -> None:
    """Of models whose size is not known only the hash tells."""
    wrong = {
        "an HTML page": HTML, "an empty file": b"", "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1",
        "a JSON answer": b'{"error": "rate limit"}', "a zip archive": zip_of({"a": b"b"})}
    for words, data in wrong.items():
        with pytest.raises(ModelError, match=f"{words} came instead of the model"):
            fetch(folder, row(site.serve("/a", Answer(data)), bytes=None))
        assert leftovers(folder) == set()


def test_what_one_address_began_another_finishes(site: Site, row: MakeRow, folder: Path) -> None:
    page = Answer(HTML, headers={"Content-Type": "text/html"})
    spec = row(site.serve("/a", replace(GOOD, cut=HALF), Answer(b"", 404)), site.serve("/b", page),
               site.serve("/c", GOOD))
    assert fetch(folder, spec).read_bytes() == BODY
    assert site.asked[-1].range == f"bytes={HALF}-"


def test_wrong_bytes_of_one_address_do_not_spoil_the_next(site: Site, row: MakeRow, folder: Path) -> None:
    spec = row(site.serve("/a", Answer(FLIPPED, cut=HALF), Answer(b"", 404)), site.serve("/b", GOOD))
    assert fetch(folder, spec).read_bytes() == BODY


def test_a_host_that_is_not_there_is_soon_left(site: Site, row: MakeRow, folder: Path) -> None:
    with Site() as gone:
        nowhere = f"{gone.base}/a"
    spec = row(nowhere, site.serve("/b", GOOD))
    assert fetch(folder, spec).read_bytes() == BODY
    with pytest.raises(ModelError, match="cannot be reached"):
        fetch(folder / "other", row(nowhere))


def test_a_file_without_end_is_given_up(site: Site, row: MakeRow, folder: Path,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "MAX_BYTES", HALF)
    for name, chunked in (("/a", True), ("/b", False)):
        with pytest.raises(ModelError, match=r"larger than 153\.6 kB"):
            fetch(folder, row(site.serve(name, Answer(BODY, chunked=chunked)), bytes=None))
    assert site.asked[1].sent <= len(BODY)
    assert leftovers(folder) == set()


def test_redirects_are_followed_but_not_out_of_https(row: MakeRow, folder: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        targets = {"/to-http": "http://b.example/file", "/to-https": "https://b.example/file"}
        if request.url.path in targets:
            return httpx.Response(302, headers={"Location": targets[request.url.path]})
        return httpx.Response(200, stream=httpx.ByteStream(BODY))

    with pytest.raises(ModelError, match="redirects from https to http"):
        fetch(folder, row("https://a.example/to-http"), transport=httpx.MockTransport(answer))
    path = fetch(folder, row("https://a.example/to-https"), transport=httpx.MockTransport(answer))
    assert path.read_bytes() == BODY


def test_offline_nothing_is_asked(site: Site, row: MakeRow, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = row(site.serve("/a", GOOD))
    with pytest.raises(ModelError, match="tiny is not installed, and downloads are off"):
        fetch(folder, spec, offline=True)
    monkeypatch.setenv("FACESWAP_OFFLINE", "1")
    with pytest.raises(ModelError, match="downloads are off"):
        fetch(folder, spec)
    assert site.asked == []
    monkeypatch.setenv("FACESWAP_OFFLINE", "0")
    path = fetch(folder, spec)
    monkeypatch.setenv("FACESWAP_OFFLINE", "1")
    assert fetch(folder, spec, offline=True) == path
    path.write_bytes(FLIPPED)
    with pytest.raises(ModelError, match="tiny is damaged, and downloads are off"):
        fetch(folder, spec)


def test_the_mirror_of_the_environment_comes_first(site: Site, row: MakeRow, folder: Path,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESWAP_MODELS_MIRROR", f"{site.base}/mirror/")
    spec = row(site.serve("/a", GOOD))
    fetch(folder, spec)
    assert [asked.path for asked in site.asked] == ["/mirror/tiny.onnx", "/a"]
    site.serve("/mirror/tiny.onnx", GOOD)
    fetch(folder / "other", spec)
    assert [asked.path for asked in site.asked[2:]] == ["/mirror/tiny.onnx"]


def test_credentials_of_the_mirror_are_sent_and_not_shown(row: MakeRow, folder: Path,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESWAP_MODELS_MIRROR", "https://me:secret@mirror.example:8443/models")
    keys, said = list[str](), list[str]()

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers.get("authorization", ""))
        return httpx.Response(404)

    with pytest.raises(ModelError, match=r"mirror\.example:8443: status 404") as caught:
        fetch(folder, row("https://a.example/tiny"), transport=httpx.MockTransport(answer), say=said.append)
    assert keys[0].startswith("Basic ") and keys[1] == ""
    assert "secret" not in str(caught.value) + "".join(said)


def test_a_row_without_a_hash_is_not_downloaded(row: MakeRow, folder: Path) -> None:
    with pytest.raises(ModelError, match="run: faceswap models import FILE --as tiny"):
        fetch(folder, row(sha256=None))


def test_terms_are_accepted_once_per_licence(site: Site, row: MakeRow, folder: Path) -> None:
    first = row(site.serve("/a", GOOD), licence=INSIGHTFACE)
    second = row(site.serve("/b", Answer(b"other")), licence=INSIGHTFACE, id="other", file="other.onnx", data=b"other")
    store = ModelStore(folder, (first, second))
    with pytest.raises(UsageError, match=r"non-commercial.*faceswap models pull tiny --accept-license"):
        pull(store, first)
    assert site.asked == [] and not folder.exists()
    accept(store, first.licence)
    assert accepted(store) == {"insightface-models"}
    assert "non-commercial" in json.loads((folder / "licences.json").read_text())["insightface-models"]["terms"]
    pull(store, first, patience=QUICK)
    pull(ModelStore(folder, (first, second)), second, patience=QUICK)


def test_a_full_disk_is_said_before_the_download(site: Site, row: MakeRow, folder: Path,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    spec = row(site.serve("/a", GOOD))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=len(BODY) - 1))
    with pytest.raises(OutputError, match="the disk is full"):
        fetch(folder, spec)
    assert not (folder / "tiny.onnx").exists()


def test_a_write_that_fails_is_an_error_of_one_line(site: Site, row: MakeRow, folder: Path) -> None:
    resource = pytest.importorskip("resource", reason="needs limits as POSIX has them")
    spec, (soft, hard) = row(site.serve("/a", GOOD)), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (HALF, hard))
    try:
        with pytest.raises(OutputError, match=r"tiny\.onnx\.part cannot be written: File too large"):
            fetch(folder, spec)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert fetch(folder, spec).read_bytes() == BODY
    assert site.asked[-1].range == f"bytes={HALF}-"


def test_a_folder_that_cannot_be_made_is_an_error_of_one_line(site: Site, row: MakeRow, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot be written.*FACESWAP_MODELS_DIR"):
        fetch(tmp_path / "file" / "models", row(site.serve("/a", GOOD)))


# --- packs ------------------------------------------------------------------------------------------------------------

def test_a_pack_brings_its_models_and_goes(site: Site, pack: MakePack, folder: Path) -> None:
    packed = pack(f"{site.base}/zip")
    site.serve("/zip", Answer(packed.zipped))
    store = ModelStore(folder, packed.rows)
    accept(store, INSIGHTFACE)
    assert pull(store, packed.spec, patience=QUICK) == folder
    assert {path.name: path.read_bytes() for path in folder.glob("*.onnx")} == packed.data
    assert leftovers(folder) == set(packed.data)
    assert store.is_installed(packed.spec)
    pull(store, packed.members[1], patience=QUICK)
    assert len(site.asked) == 1


def test_a_member_without_an_address_comes_with_its_pack(site: Site, pack: MakePack, folder: Path) -> None:
    packed = pack(f"{site.base}/zip")
    site.serve("/zip", Answer(packed.zipped))
    store = ModelStore(folder, packed.rows)
    accept(store, INSIGHTFACE)
    assert pull(store, packed.members[0], patience=QUICK) == folder / "finder.onnx"
    assert store.is_installed(packed.spec)


def test_a_member_comes_alone_where_it_is_published(site: Site, pack: MakePack, folder: Path) -> None:
    packed = pack(f"{site.base}/zip")
    site.serve("/zip", Answer(packed.zipped))
    good = replace(packed.members[0], urls=(site.serve("/finder", Answer(packed.data["finder.onnx"])),))
    lost = replace(packed.members[1], urls=(f"{site.base}/lost",))
    store = ModelStore(folder, (packed.spec, good, lost))
    accept(store, INSIGHTFACE)
    pull(store, good, patience=QUICK)
    assert leftovers(folder) == {"finder.onnx"} and not store.is_installed(packed.spec)
    pull(store, lost, patience=QUICK)
    assert [asked.path for asked in site.asked] == ["/finder", "/lost", "/zip"]
    assert store.is_installed(packed.spec)


def test_a_damaged_member_is_replaced_and_the_good_one_stays(site: Site, pack: MakePack, folder: Path) -> None:
    packed = pack(f"{site.base}/zip")
    site.serve("/zip", Answer(packed.zipped))
    store = ModelStore(folder, packed.rows)
    accept(store, INSIGHTFACE)
    pull(store, packed.spec, patience=QUICK)
    before = (folder / "namer.onnx").stat().st_ino
    (folder / "finder.onnx").write_bytes(b"")
    pull(store, packed.spec, patience=QUICK)
    assert (folder / "finder.onnx").read_bytes() == packed.data["finder.onnx"]
    assert (folder / "namer.onnx").stat().st_ino == before


def test_a_pack_with_names_that_lead_elsewhere_installs_nothing(site: Site, pack: MakePack, folder: Path) -> None:
    entries = {"finder.onnx": b"finder" * 900, "namer.onnx": b"namer" * 900, "../../evil.onnx": b"evil"}
    packed = pack(f"{site.base}/zip", entries=entries)
    site.serve("/zip", Answer(packed.zipped))
    store = ModelStore(folder, packed.rows)
    accept(store, INSIGHTFACE)
    with pytest.raises(ModelError, match="leads out of a folder"):
        pull(store, packed.spec, patience=QUICK)
    assert leftovers(folder) == set()
    assert not list(folder.parent.rglob("evil*"))


# --- processes --------------------------------------------------------------------------------------------------------

_PROCESS = """
import json, sys
from pathlib import Path
from faceswap_cli.models.catalogue import YOLOV5_FACE
from faceswap_cli.models.download import pull
from faceswap_cli.models.spec import Family, ModelSpec, ModelRole
from faceswap_cli.models.store import ModelStore
folder, url, sha256, size = sys.argv[1:]
spec = ModelSpec(id="tiny", role=ModelRole.DETECTOR, family=Family.YOLOV5_FACE, file="tiny.onnx", licence=YOLOV5_FACE,
                 summary="", sha256=sha256, bytes=int(size), urls=(url,))
said = []
path = pull(ModelStore(Path(folder), (spec,)), spec, say=said.append)
print(json.dumps([str(path), said]))
"""


def start(folder: Path, url: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _PROCESS, str(folder), url, sha(BODY), str(len(BODY))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ.copy())


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def test_four_first_runs_make_one_download(site: Site, folder: Path) -> None:
    url = site.serve("/a", replace(GOOD, cut=HALF, stall=True), GOOD)
    processes = [start(folder, url) for _ in range(4)]
    # The first to come holds the lock while its connection stalls, until the others have had the time to come too.
    wait_until(lambda: bool(site.asked))
    time.sleep(1.5)
    site.stop.set()
    results = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, results
    answers = [json.loads(out) for out, _ in results]
    assert {path for path, _ in answers} == {str(folder / "tiny.onnx")}
    assert sum(asked.sent for asked in site.asked) == len(BODY)
    waited = [said for _, said in answers if said == ["another process is downloading tiny; waiting for it"]]
    assert len(waited) == 3, answers


def test_a_killed_download_is_resumed_by_the_next(site: Site, row: MakeRow, folder: Path) -> None:
    url = site.serve("/a", replace(GOOD, cut=HALF, stall=True), GOOD)
    process = start(folder, url)
    part = folder / "tiny.onnx.part"
    wait_until(lambda: part.exists() and part.stat().st_size == HALF)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    assert not (folder / "tiny.onnx").exists()
    assert fetch(folder, row(url)).read_bytes() == BODY
    assert [asked.sent for asked in site.asked] == [HALF, len(BODY) - HALF]
