"""Only the right bytes are handed out, and what was verified is not read again until it changes."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from faulty_site import BODY, HTML, sha
from refusals import refused

from faceswap_cli.errors import InputError, ModelError, UsageError
from faceswap_cli.models import store as store_module
from faceswap_cli.models.catalogue import OWN
from faceswap_cli.models.spec import Crop, Family, ModelRole, ModelSpec, Template
from faceswap_cli.models.store import ModelStore

MakeRow = Callable[..., ModelSpec]
MakePack = Callable[..., Any]

FLIPPED = BODY[:-1] + bytes([BODY[-1] ^ 1])


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were hashed."""
    files = list[str]()
    monkeypatch.setattr(store_module, "sha256_of", lambda path: files.append(path.name) or sha(path.read_bytes()))
    return files


def put(folder: Path, spec: ModelSpec, data: bytes = BODY) -> ModelStore:
    folder.mkdir(exist_ok=True)
    (folder / spec.file).write_bytes(data)
    return ModelStore(folder, (spec,))


def test_a_missing_model_is_answered_with_the_command_that_gets_it(row: MakeRow, folder: Path) -> None:
    for spec, command in ((row("https://a.example/tiny"), "faceswap models pull tiny"),
                          (row(pack="buffalo"), "faceswap models pull tiny"),
                          (row(sha256=None), "faceswap models import FILE --as tiny")):
        store = ModelStore(folder, (spec,))
        assert not store.is_installed(spec) and store.installed(ModelRole.DETECTOR) == ()
        with pytest.raises(ModelError, match=f"tiny is not installed; run: {command}$"):
            store.path(spec)
    assert not folder.exists()


def test_a_good_file_is_read_once_as_long_as_it_stays(row: MakeRow, folder: Path, reads: list[str]) -> None:
    spec = row()
    store = put(folder, spec)
    assert store.path(spec) == ModelStore(folder, (spec,)).path(spec) == folder / "tiny.onnx"
    assert store.sha256(spec) == sha(BODY)
    assert reads == ["tiny.onnx"]
    store.verify(spec)
    assert reads == ["tiny.onnx"] * 2


@pytest.mark.parametrize("earlier", [True, False], ids=["verified before", "never verified"])
@pytest.mark.parametrize(("data", "words"), [
    (FLIPPED, "another file of 307.2 kB, or a damaged one"), (BODY[:1000], r"cut short \(1.0 kB of 307.2 kB\)"),
    (HTML, "an HTML page"), (b"", "an empty file")], ids=["flipped bit", "truncated", "HTML", "empty"])
def test_a_damaged_file_is_never_handed_out(row: MakeRow, folder: Path, data: bytes, words: str,
                                            earlier: bool) -> None:
    spec = row("https://a.example/tiny")
    store = put(folder, spec)
    if earlier:
        store.path(spec)
    (folder / spec.file).write_bytes(data)
    for ask in (store.path, store.verify, store.sha256):
        with pytest.raises(ModelError, match=f"tiny.onnx is not the model tiny but .*{words}.*models pull tiny"):
            ask(spec)


def test_a_change_that_keeps_size_and_time_is_seen(row: MakeRow, folder: Path) -> None:
    spec = row()
    store = put(folder, spec)
    state = store.path(spec).stat()
    (folder / spec.file).write_bytes(FLIPPED)
    os.utime(folder / spec.file, ns=(state.st_atime_ns, state.st_mtime_ns))
    with pytest.raises(ModelError, match="is not the model tiny"):
        store.path(spec)


def test_a_stamp_counts_only_for_the_hash_of_the_row(row: MakeRow, folder: Path) -> None:
    put(folder, row()).path(row())
    other = row(sha256=sha(b"the next release"))
    with pytest.raises(ModelError, match="is not the model tiny"):
        ModelStore(folder, (other,)).path(other)


@pytest.mark.parametrize("record", [b"", b"[1, 2]", b"\xff\xfe", b'{"tiny.onnx": "yes"}', b"[" * 50_000])
def test_records_that_make_no_sense_are_read_as_none(row: MakeRow, folder: Path, record: bytes) -> None:
    spec = row()
    store = put(folder, spec)
    (folder / "imported").mkdir()
    for name in ("verified.json", "imported/tiny.json", "imported/mine.json"):
        (folder / name).write_bytes(record)
    assert store.path(spec) == folder / spec.file
    assert store.specs() == (spec,)


def test_a_folder_that_takes_no_records_still_gives_models(row: MakeRow, folder: Path) -> None:
    spec = row()
    store = put(folder, spec)
    (folder / "verified.json").mkdir()
    assert store.path(spec) == folder / spec.file


def test_a_folder_in_place_of_a_model_is_no_model(row: MakeRow, folder: Path) -> None:
    spec = row()
    (folder / spec.file).mkdir(parents=True)
    store = ModelStore(folder, (spec,))
    assert not store.is_installed(spec)
    with pytest.raises(ModelError, match="tiny is not installed"):
        store.path(spec)


def test_a_file_of_a_row_without_a_hash_is_not_trusted(row: MakeRow, folder: Path) -> None:
    spec = row(sha256=None)
    store = put(folder, spec)
    assert not store.is_installed(spec)
    with pytest.raises(ModelError, match=r"has no known hash; run: faceswap models import .*tiny\.onnx --as tiny"):
        store.path(spec)


def test_the_best_installed_model_of_a_role_comes_first(row: MakeRow, folder: Path) -> None:
    specs = tuple(row(id=name, file=f"{name}.onnx", rank=rank) for name, rank in (("a", 3), ("b", 1), ("c", 2)))
    store = ModelStore(folder, specs)
    folder.mkdir()
    for name in ("a", "c"):
        (folder / f"{name}.onnx").write_bytes(BODY)
    assert [spec.id for spec in store.installed(ModelRole.DETECTOR)] == ["c", "a"]
    assert store.installed(ModelRole.SWAPPER) == ()


def test_a_pack_is_there_when_all_of_it_is(pack: MakePack, folder: Path) -> None:
    packed = pack()
    store = ModelStore(folder, packed.rows)
    folder.mkdir()
    (folder / "finder.onnx").write_bytes(packed.data["finder.onnx"])
    assert not store.is_installed(packed.spec)
    with pytest.raises(ModelError, match="namer is not installed"):
        store.verify(packed.spec)
    (folder / "namer.onnx").write_bytes(packed.data["namer.onnx"])
    assert store.is_installed(packed.spec) and store.verify(packed.spec) == folder
    with pytest.raises(ModelError, match=r"buffalo is a pack.*finder, namer"):
        store.path(packed.spec)
    assert {path.name for path in store.remove(packed.spec)} == {"finder.onnx", "namer.onnx"}
    assert store.remove(packed.spec) == ()


# --- what the user brings ---------------------------------------------------------------------------------------------

MINE = ModelSpec(
    id="mine", role=ModelRole.SWAPPER, family=Family.HYPERSWAP, file="mine.onnx", licence=OWN, summary="",
    sha256=sha(BODY), crop=Crop(256, Template.ARCFACE, 0.5, 0.25), inputs={"target": "t", "source": "s"}, imported=True)


def test_an_own_model_is_listed_used_and_removed(row: MakeRow, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file.onnx").write_bytes(BODY)
    spec = row(id="other", file="other.onnx")
    store = ModelStore(folder, (spec,))
    added = store.add(tmp_path / "file.onnx", MINE, sha256=sha(BODY), origin="file.onnx")
    assert replace(added, summary="", rank=100) == MINE and "file.onnx" in added.summary
    again = ModelStore(folder, (spec,))
    assert again.specs() == (spec, added) and again.find("MINE") == added
    assert again.path(added).read_bytes() == BODY and again.installed(ModelRole.SWAPPER) == (added,)
    assert (tmp_path / "file.onnx").exists()
    (folder / "mine.onnx").write_bytes(FLIPPED)
    with refused(ModelError, "faceswap models import FILE --name mine"):
        again.path(added)
    again.remove(added)
    with pytest.raises(UsageError, match="there is no model 'mine'"):
        again.find("mine")
    assert not list(folder.rglob("mine*"))


def test_an_own_file_may_stand_in_for_a_row_until_it_is_removed(row: MakeRow, folder: Path, tmp_path: Path) -> None:
    for spec in (row(sha256=None), row(sha256=sha(b"as published"))):
        (tmp_path / "file.onnx").write_bytes(BODY)
        store = ModelStore(folder, (spec,))
        added = store.add(tmp_path / "file.onnx", replace(spec, inputs={"image": "x"}), sha256=sha(BODY))
        assert store.specs() == (added,) and added.licence == spec.licence
        assert (added.sha256, added.imported, added.inputs) == (sha(BODY), True, {"image": "x"})
        assert store.path(added).read_bytes() == BODY
        store.remove(added)
        assert store.specs() == (spec,)


def test_the_published_file_ends_the_record_of_an_own_one(row: MakeRow, folder: Path, tmp_path: Path) -> None:
    spec = row()
    store = ModelStore(folder, (spec,))
    (tmp_path / "own").write_bytes(b"own")
    (tmp_path / "published").write_bytes(BODY)
    store.add(tmp_path / "own", spec, sha256=sha(b"own"))
    assert store.add(tmp_path / "published", spec, sha256=sha(BODY)) == spec
    assert store.path(spec).read_bytes() == BODY


def test_a_file_that_is_not_what_was_hashed_changes_nothing(row: MakeRow, folder: Path, tmp_path: Path) -> None:
    spec = row()
    store = put(folder, spec)
    (tmp_path / "file").write_bytes(FLIPPED)
    with pytest.raises(ModelError, match="changed while it was read"):
        store.add(tmp_path / "file", spec, sha256=sha(BODY))
    with pytest.raises(InputError, match="nothing cannot be read"):
        store.add(tmp_path / "nothing", spec, sha256=sha(BODY))
    assert [path.name for path in folder.iterdir()] == ["tiny.onnx"] and store.path(spec).read_bytes() == BODY


def test_a_record_cannot_name_a_file_elsewhere(row: MakeRow, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file.onnx").write_bytes(BODY)
    store = ModelStore(folder, (row(),))
    store.add(tmp_path / "file.onnx", MINE, sha256=sha(BODY))
    record = folder / "imported" / "mine.json"
    record.write_text(record.read_text().replace('"mine.onnx"', '"../file.onnx"'))
    assert store.specs() == (row(),)


# --- the folder -------------------------------------------------------------------------------------------------------

def test_the_folder_is_the_named_one_then_that_of_the_environment(tmp_path: Path,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert ModelStore().folder.name == "models" and tmp_path in ModelStore().folder.parents
    monkeypatch.setenv("FACESWAP_MODELS_DIR", "~/weights")
    assert ModelStore().folder == tmp_path / "weights"
    assert ModelStore(tmp_path / "named").folder == tmp_path / "named"
    monkeypatch.chdir(tmp_path)
    assert ModelStore(Path("here")).folder == tmp_path / "here"
