from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from importlib.util import find_spec

import numpy as np
import pytest
from fakes import BLUE, RED, BrightSquares, scene
from PIL import Image as PILImage

from faceswap_cli.batch.entry import Entry
from faceswap_cli.batch.items import Item, Status
from faceswap_cli.batch.resume import is_current
from faceswap_cli.batch.worker import Worker
from faceswap_cli.errors import InputError, LimitError, MissingDependencyError, OutputError, UsageError
from faceswap_cli.jobs.inputs import Inputs
from faceswap_cli.jobs.job import SwapJob, SwapSpec
from faceswap_cli.jobs.resume.stamps import StoreStamps, stamp_sources, stamp_target
from faceswap_cli.jobs.swap import check_output, swap_file
from faceswap_cli.names import Kind, kind_of
from faceswap_cli.options import OnNoFace
from faceswap_cli.stores.files import (
    StoredOutput,
    check_store_root,
    check_stored_output,
    exists,
    fetch,
    join,
    list_stored,
    put,
    show,
    stamp,
)

PLENTY = 1 << 30

needs_fsspec = pytest.mark.skipif(find_spec("fsspec") is None, reason="fsspec is not installed (extra `s3`)")
needs_s3 = pytest.mark.skipif(any(find_spec(name) is None for name in ("s3fs", "moto", "flask", "flask_cors")),
                              reason="s3fs or the moto server is not installed (extra `test`)")


@pytest.fixture
def memory():
    """fsspec's file system in memory, empty."""
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed (extra `s3`)")
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def s3_url():
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(300):
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.fixture
def s3(s3_url, monkeypatch):
    """A local S3 with an empty bucket `bucket`, and the credentials for it."""
    import s3fs

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    s3fs.S3FileSystem.clear_instance_cache()
    system = s3fs.S3FileSystem()
    if system.exists("bucket"):
        system.rm("bucket", recursive=True)
    system.mkdir("bucket")
    yield system
    s3fs.S3FileSystem.clear_instance_cache()


def is_stored(name: str) -> bool:
    return kind_of(name) is Kind.STORE


def test_urls_of_stores_are_told_from_all_else():
    assert all(map(is_stored, ["s3://b/a.jpg", "S3://b/a.jpg", "gs://b/a", "abfs://c@h/a", "memory://a", "sftp://h/a"]))
    assert not any(map(is_stored, ["a.jpg", "/a.jpg", "-", "", "http://h/a", "https://h/a", "ftp://h/a", "file:///a",
                                   "local:///a", "zip://a::s3://b/c", "simplecache::s3://b/c", "s3:/b/a", "data:,a"]))


@pytest.mark.parametrize(("root", "name", "url"), [("s3://b", "a.jpg", "s3://b/a.jpg"), ("s3://b/x/", "y/a", "s3://b/x/y/a"),
                                                   ("memory://", "a", "memory://a")])
def test_names_are_joined_to_urls(root, name, url):
    assert join(root, name) == url


def test_secrets_of_urls_are_not_shown():
    assert show("sftp://me:hunter2@host/a.jpg") == "sftp://me@host/a.jpg"
    assert show("s3://b/a.jpg?Signature=hunter2") == "s3://b/a.jpg"
    assert show("s3://b/what?.jpg") == "s3://b/what?.jpg"
    assert "\n" not in show("s3://b/a\nb.jpg")


def test_a_password_in_a_url_is_refused_and_not_repeated():
    with pytest.raises(UsageError, match="password") as caught:
        stamp("sftp://me:hunter2@host/a.jpg")
    assert "hunter2" not in str(caught.value)


def test_without_fsspec_the_install_line_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "faceswap-cli\[s3\]"'):
        stamp("s3://bucket/a.jpg")


@needs_fsspec
def test_the_package_of_another_store_is_named():
    if find_spec("gcsfs") is not None:
        pytest.skip("gcsfs is installed")
    with pytest.raises(MissingDependencyError, match="pip install gcsfs"):
        stamp("gs://bucket/a.jpg")


def test_a_folder_is_listed_to_its_depths(memory):
    for name in ("in/b.jpg", "in/sub/a.jpg", "in/notes.txt", "input/c.jpg"):
        memory.pipe_file(name, b"x")
    found = list_stored("memory://in", lambda name: name.endswith(".jpg"))
    assert [(file.name, file.spec) for file in found.files] == [("b.jpg", "memory://in/b.jpg"),
                                                                ("sub/a.jpg", "memory://in/sub/a.jpg")]


def test_a_file_is_listed_as_itself(memory):
    memory.pipe_file("in/sub/a.jpg", b"x")
    assert [(file.name, file.spec) for file in list_stored("memory://in/sub/a.jpg").files] == [
        ("a.jpg", "memory://in/sub/a.jpg")]


def test_nothing_to_list_is_an_error(memory):
    with pytest.raises(InputError, match="no such file"):
        list_stored("memory://none")


def test_a_stamp_changes_with_the_file_and_not_otherwise(memory):
    memory.pipe_file("a.jpg", b"one")
    first = stamp("memory://a.jpg")
    assert first == stamp("memory://a.jpg")
    memory.pipe_file("a.jpg", b"two")
    assert first != stamp("memory://a.jpg")
    assert stamp("memory://none.jpg") is None


def test_a_file_is_fetched(memory, tmp_path):
    memory.pipe_file("a.jpg", b"picture")
    assert fetch("memory://a.jpg", tmp_path / "a", max_bytes=7).size == 7
    assert (tmp_path / "a").read_bytes() == b"picture"


@pytest.mark.parametrize(("name", "error", "words"), [("a.jpg", LimitError, "larger"),
                                                      ("b.jpg", InputError, "no such")])
def test_what_cannot_be_fetched_leaves_nothing(memory, tmp_path, name, error, words):
    memory.pipe_file("a.jpg", b"picture")
    with pytest.raises(error, match=words):
        fetch(f"memory://{name}", tmp_path / "a", max_bytes=6)
    assert list(tmp_path.iterdir()) == []


def test_a_file_cut_short_on_the_way_is_an_error(memory, tmp_path, monkeypatch):
    memory.pipe_file("a.jpg", b"picture")
    real = type(memory).info
    monkeypatch.setattr(type(memory), "info", lambda self, path, **options: real(self, path) | {"size": 99})
    with pytest.raises(InputError, match="broke off"):
        fetch("memory://a.jpg", tmp_path / "a", max_bytes=PLENTY)
    assert list(tmp_path.iterdir()) == []


def test_an_upload_replaces_the_whole_file(memory, tmp_path):
    memory.pipe_file("out/a.jpg", b"old and longer")
    (tmp_path / "a").write_bytes(b"new")
    put(tmp_path / "a", "memory://out/a.jpg")
    assert memory.cat_file("out/a.jpg") == b"new"
    assert memory.find("out") == ["/out/a.jpg"]


def test_a_failed_upload_leaves_the_old_file_and_no_other(memory, tmp_path, monkeypatch):
    memory.pipe_file("out/a.jpg", b"old")
    (tmp_path / "a").write_bytes(b"new")

    def fail(self, *args, **options):
        raise OSError("the cable is cut\nmore of it")

    monkeypatch.setattr(type(memory), "mv", fail)
    with pytest.raises(OutputError, match=r"cannot write memory://out/a.jpg: the cable is cut; check"):
        put(tmp_path / "a", "memory://out/a.jpg")
    assert memory.cat_file("out/a.jpg") == b"old"
    assert memory.find("out") == ["/out/a.jpg"]


def test_inputs_resolve_remote_files(memory):
    memory.pipe_file("a.jpg", b"picture")
    with Inputs() as inputs:
        found = inputs.resolve("memory://a.jpg")
        assert (found.name, found.path.read_bytes()) == ("memory://a.jpg", b"picture")
    assert not found.path.exists()


def test_a_remote_folder_of_sources_is_its_pictures_by_name(memory):
    for name in ("me/b.JPG", "me/a.png", "me/.hidden.png", "me/notes.txt", "me/deeper/c.png"):
        memory.pipe_file(name, b"x")
    with Inputs() as inputs:
        found = inputs.resolve_sources(("memory://me/",))
        assert [(item.name, item.optional) for item in found] == [("memory://me/a.png", True),
                                                                  ("memory://me/b.JPG", True)]


@pytest.fixture
def job(tmp_path, memory):
    """A swap of pictures in memory."""
    for name, color in (("source", RED), ("target", BLUE)):
        PILImage.fromarray(scene((8, 8, 16, color))).save(tmp_path / f"{name}.png")
        memory.put_file(str(tmp_path / f"{name}.png"), f"in/{name}.png")
    return SwapJob(spec=SwapSpec(sources=("memory://in/source.png",)), target="memory://in/target.png",
                   output="memory://out/new/result.png")


def test_a_swap_from_and_to_a_store_is_that_of_files(job, memory, tmp_path):
    outcome = swap_file(job, BrightSquares())
    assert outcome.output is not None
    assert outcome.output.path == "memory://out/new/result.png"
    local = SwapJob(spec=SwapSpec(sources=(str(tmp_path / "source.png"),)), target=str(tmp_path / "target.png"),
                    output=str(tmp_path / "result.png"))
    swap_file(local, BrightSquares())
    assert memory.cat_file("out/new/result.png") == (tmp_path / "result.png").read_bytes()


def test_an_existing_remote_output_stays_without_overwrite(job, memory):
    memory.pipe_file("out/new/result.png", b"old")
    for step in (check_output, lambda job: swap_file(job, BrightSquares())):
        with pytest.raises(UsageError, match=r"memory://out/new/result\.png exists"):
            step(job)
    assert memory.cat_file("out/new/result.png") == b"old"


@pytest.mark.parametrize(("source", "output"), [
    ("memory://in/a.png", "memory://in/a.png"), ("memory://in/a.png", "MEMORY://in/b/../a.png"),
    ("memory://in/", "memory://in/a.png"), ("s3://in/a.png", "s3a://in/a.png")])
def test_a_remote_picture_of_a_face_is_never_replaced(memory, source, output):
    with pytest.raises(UsageError, match="never replaced"):
        check_output(SwapJob(spec=SwapSpec(sources=(source,)), target="target.png", output=output, overwrite=True))


def test_an_output_that_came_meanwhile_stays(memory):
    with StoredOutput("memory://out/a.png") as output:
        output.path.write_bytes(b"new")
        memory.pipe_file("out/a.png", b"other")
        with pytest.raises(UsageError, match="exists"):
            output.commit()
    assert memory.cat_file("out/a.png") == b"other"


def test_a_skipped_swap_uploads_nothing(job, memory, tmp_path):
    PILImage.fromarray(np.zeros((48, 64, 3), np.uint8)).save(tmp_path / "dark.png")
    memory.put_file(str(tmp_path / "dark.png"), "in/target.png")
    skipping = SwapJob(spec=SwapSpec(sources=job.spec.sources, on_no_face=OnNoFace.SKIP), target=job.target,
                       output=job.output)
    assert swap_file(skipping, BrightSquares()).output is None
    assert not exists(job.output)


def test_messages_name_the_url_and_not_the_file_behind_it(job):
    with pytest.raises(UsageError, match=r"cannot write memory://out/result.mp4: the target is one picture"):
        swap_file(SwapJob(spec=job.spec, target=job.target,
                          output="memory://out/result.mp4"), BrightSquares())


def test_a_remote_output_has_a_name(memory):
    for url in ("memory://", "memory://out/"):
        with pytest.raises(UsageError):
            check_stored_output(url)


@pytest.fixture
def done(job):
    """A remote item, what the journal keeps of it, and whether it is still current."""
    item = Item(number=0, key="new/result.png", job=job, name=job.target)
    result = Worker(open_backend=lambda options: BrightSquares()).run(item)
    assert result.status is Status.DONE, result.failure
    entry = Entry.from_json(json.loads(Entry.of(result).to_json()))
    return result, lambda: is_current(item, entry, lambda options: result.models)


def test_a_worker_tells_what_it_read_and_wrote(done, memory):
    result, current = done
    written = memory.cat_file("out/new/result.png")
    assert result.output is not None
    assert (result.output.size, result.output.sha256) == (len(written), hashlib.sha256(written).hexdigest())
    assert result.target is not None and result.target.tag
    assert list(result.sources) == ["memory://in/source.png"]
    assert current()


@pytest.mark.parametrize("name", ["in/source.png", "in/target.png", "out/new/result.png"])
def test_what_changed_in_a_store_is_done_again(done, memory, name):
    _, current = done
    memory.pipe_file(name, memory.cat_file(name))  # the same content, but a new version
    assert not current()


@pytest.mark.parametrize("name", ["in/target.png", "out/new/result.png"])
def test_what_went_from_a_store_is_done_again(done, memory, name):
    _, current = done
    memory.rm(name)
    assert not current()


def test_a_worker_replaces_nothing_in_a_store_without_leave(job, memory):
    memory.pipe_file("out/new/result.png", b"old")
    result = Worker(open_backend=lambda options: BrightSquares()).run(
        Item(number=0, key="new/result.png", job=job, name=job.target))
    assert result.failure is not None and "exists" in result.failure.message
    assert memory.cat_file("out/new/result.png") == b"old"


def test_pictures_of_a_remote_source_folder_count_each(memory, tmp_path):
    PILImage.fromarray(scene((8, 8, 16, RED))).save(tmp_path / "a.png")
    for name in ("me/a.png", "me/b.png", "me/notes.txt"):
        memory.put_file(str(tmp_path / "a.png"), name)
    stamps = stamp_sources(("memory://me/",), {})
    assert list(stamps) == ["memory://me/a.png", "memory://me/b.png"]
    assert stamp_sources(("memory://me/",), stamps) == stamps


@needs_s3
def test_s3_tells_the_same_of_a_file_and_in_a_listing(s3):
    s3.pipe_file("bucket/in/a.jpg", b"x")
    assert StoreStamps().of("s3://bucket/in/a.jpg") == stamp_target("s3://bucket/in/a.jpg") is not None
    assert StoreStamps().of("s3://bucket/in/b.jpg") is None
    assert StoreStamps().of("s3://bucket/none/b.jpg") is None


@needs_s3
def test_s3_round_trip_with_odd_names(s3, tmp_path):
    (tmp_path / "a").write_bytes(b"picture")
    names = ["a #1?x.jpg", "a::file:///etc/hostname", "ümläut.png", "-dash.png", "50%20.png"]
    for name in names:
        put(tmp_path / "a", f"s3://bucket/in/{name}")
        fetch(f"s3://bucket/in/{name}", tmp_path / "back", max_bytes=PLENTY)
        assert (tmp_path / "back").read_bytes() == b"picture"
    found = list_stored("s3://bucket/in/")
    assert {file.name for file in found.files} | set(found.unsafe) == set(names)


@needs_s3
def test_s3_names_that_lead_out_of_a_folder_are_not_among_the_files(s3):
    for name in ("in/a.jpg", "in/../b.jpg", "in//c.jpg"):
        s3.pipe_file(f"bucket/{name}", b"x")
    found = list_stored("s3://bucket/in")
    assert [file.name for file in found.files] == ["a.jpg"]
    assert len(found.unsafe) == 2


@needs_s3
def test_s3_takes_a_large_file_in_parts(s3, tmp_path):
    content = os.urandom(1 << 20) * 101
    (tmp_path / "a").write_bytes(content)
    put(tmp_path / "a", "s3://bucket/large.gif")
    fetch("s3://bucket/large.gif", tmp_path / "back", max_bytes=PLENTY)
    assert (tmp_path / "back").read_bytes() == content


@needs_s3
def test_s3_without_the_bucket(s3, tmp_path):
    (tmp_path / "a").write_bytes(b"picture")
    with pytest.raises(InputError, match="no such file or bucket"):
        list_stored("s3://no-such-bucket/in")
    with pytest.raises(OutputError, match="no such bucket"):
        put(tmp_path / "a", "s3://no-such-bucket/a.jpg")
    with pytest.raises(OutputError, match="no bucket no-such-bucket"):
        check_store_root("s3://no-such-bucket/out")
    check_store_root("s3://bucket/out")


@needs_s3
def test_s3_without_credentials(s3, tmp_path, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("HOME", str(tmp_path))
    type(s3).clear_instance_cache()
    with pytest.raises(InputError, match=r"no usable credentials.*AWS_ACCESS_KEY_ID"):
        stamp("s3://bucket/a.jpg")


@needs_s3
def test_s3_where_nobody_answers(s3, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr(type(s3), "retries", 1)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    type(s3).clear_instance_cache()
    with pytest.raises(InputError, match="Could not connect") as caught:
        stamp("s3://bucket/a.jpg")
    assert "very-secret" not in str(caught.value)


@needs_s3
def test_s3_sees_what_others_wrote_meanwhile(s3, s3_url, tmp_path):
    s3.pipe_file("bucket/in/a.jpg", b"x")
    assert len(list_stored("s3://bucket/in").files) == 1
    other = type(s3)(endpoint_url=s3_url, skip_instance_cache=True)
    other.pipe_file("bucket/in/b.jpg", b"x")
    assert len(list_stored("s3://bucket/in").files) == 2
