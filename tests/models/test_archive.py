"""Archives that mean ill or are broken install nothing."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faulty_site import zip_of

from faceswap_cli.errors import ModelError
from faceswap_cli.models.archive import extract
from faceswap_cli.models.store import ModelStore

MakePack = Callable[..., Any]

FINDER, NAMER = b"finder" * 900, b"namer" * 900
WHOLE = {"finder.onnx": FINDER, "namer.onnx": NAMER}


@pytest.fixture
def try_extract(pack: MakePack, folder: Path, tmp_path: Path) -> Callable[[bytes], ModelStore]:
    def attempt(zipped: bytes) -> ModelStore:
        packed = pack(zipped=zipped)
        archive = tmp_path / "archive.zip"
        archive.write_bytes(zipped)
        store = ModelStore(folder, packed.rows)
        extract(store, packed.spec, archive)
        assert store.is_installed(packed.spec)
        return store
    return attempt


def test_the_models_are_found_in_any_folder_and_the_rest_is_left(
        try_extract: Callable[[bytes], ModelStore], folder: Path) -> None:
    try_extract(zip_of({"a/b/finder.onnx": FINDER, "namer.onnx": NAMER, "a/": b"", "README": b"x", "a/x.onnx": b"x"}))
    assert {path.name: path.read_bytes() for path in folder.glob("[!v]*")} == WHOLE


def link(name: str) -> bytes:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO(zip_of(WHOLE))
    with zipfile.ZipFile(buffer, "a") as opened:
        opened.writestr(info, "/etc/passwd")
    return buffer.getvalue()


def twice() -> bytes:
    return zip_of({**WHOLE, "other/finder.onnx": FINDER})


def flipped() -> bytes:
    """A bit of the packed bytes, which zip's own checksum tells."""
    data = bytearray(zip_of(WHOLE))
    data[60] ^= 1
    return bytes(data)


def renamed(old: bytes, new: bytes) -> bytes:
    """A name that no tool writes, of the same length."""
    assert len(old) == len(new)
    return zip_of({**WHOLE, old.decode(): b"evil"}).replace(old, new)


@pytest.mark.parametrize(("zipped", "words"), [
    (zip_of({**WHOLE, "../finder.onnx": b"evil"}), "leads out of a folder"),
    (zip_of({**WHOLE, "a/../../evil": b"evil"}), "leads out of a folder"),
    (zip_of({**WHOLE, "/tmp/evil": b"evil"}), "leads out of a folder"),
    (renamed(b"a/evil", b"C:evil"), "leads out of a folder"),
    (renamed(b"a/b/evil", b"..\\..\\ev"), "leads out of a folder"),
    (renamed(b"a/b/evil", b"evil\0.tx"), "leads out of a folder"),
    (link("evil"), "a symbolic link"),
    (twice(), r"finder\.onnx twice"),
    (zip_of({"finder.onnx": FINDER}), r"does not hold namer\.onnx"),
    (zip_of({**WHOLE, "namer.onnx": NAMER[:-1] + b"?"}), r"namer\.onnx in it is not the model namer"),
    (zip_of({**WHOLE, "namer.onnx": b""}), r"namer\.onnx in it is not the model namer"),
    (zip_of(WHOLE)[:-30], "damaged zip"),
    (zip_of(WHOLE)[40:], "damaged zip"),
    (flipped(), "damaged zip"),
    (b"<html></html>", "damaged zip"),
    (b"", "damaged zip"),
], ids=["up", "up from below", "absolute", "drive", "backslashes", "zero byte", "link", "twice", "missing", "changed",
        "emptied", "cut short", "no head", "flipped bit", "page", "nothing"])
def test_an_archive_that_is_not_as_it_should_be_installs_nothing(
        try_extract: Callable[[bytes], ModelStore], folder: Path, zipped: bytes, words: str) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        try_extract(zipped)
    assert "archive.zip" in str(caught.value) and "\n" not in str(caught.value)
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    assert not list(folder.parent.rglob("*evil*"))


def test_an_archive_that_unpacks_without_end_is_stopped(
        try_extract: Callable[[bytes], ModelStore], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceswap_cli.models.archive.MAX_MEMBER_BYTES", 1 << 20)
    with pytest.raises(ModelError, match=r"namer\.onnx in it is larger than 1\.0 MB"):
        try_extract(zip_of({**WHOLE, "namer.onnx": bytes(64 << 20)}))
    assert [path for path in folder.rglob("*") if path.is_file()] == []
