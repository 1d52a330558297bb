from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from batches import MODELS, Tree, models, swap
from job_records import altered

from faceswap_cli.batch.entry import Entry
from faceswap_cli.batch.items import Failure, FailureKind, Item, ItemResult, Status
from faceswap_cli.batch.resume import Standing, is_current
from faceswap_cli.errors import ModelError
from faceswap_cli.jobs.job import Pair, SwapJob, SwapSpec
from faceswap_cli.jobs.resume.stamps import Stamp
from faceswap_cli.options import (
    Accelerate,
    Credentials,
    EngineName,
    EngineOptions,
    MediaFormat,
    MediaOptions,
    OnNoFace,
    Provider,
    RemoteOptions,
    RestoreOptions,
    RuntimeOptions,
    SelectOptions,
    VideoOptions,
)
from faceswap_cli.trim import Trim

JOB = SwapJob(spec=SwapSpec(sources=("me.jpg",)), target="a.jpg", output="out/a.jpg")

DECIDES = [
    {"engine": EngineOptions(engine=EngineName.NEURAL)},
    {"engine": EngineOptions(select=SelectOptions(target_index=(0, 1)))},
    {"engine": EngineOptions(select=SelectOptions(target_index="all"))},
    {"engine": EngineOptions(restore=RestoreOptions(weight=0.5))},
    {"engine": EngineOptions(runtime=RuntimeOptions(provider=Provider.CUDA))},
    {"engine": EngineOptions(runtime=RuntimeOptions(accelerate=Accelerate.OFF))},
    {"media": MediaOptions(image_format=MediaFormat.PNG)},
    {"media": MediaOptions(image_quality=90)},
    {"media": MediaOptions(provenance=False)},
    {"on_no_face": OnNoFace.COPY},
    {"remote": RemoteOptions()},
    {"animation_only": True},
    {"target": "https://example.com/a.jpg"},
    {"sources": ("https://example.com/me.jpg",)},
    {"references": ("her.jpg",)},
    {"pairs": (Pair("her.jpg", "him.jpg"),)},
    {"sources": (), "pairs": (Pair("her.jpg", "him.jpg"),)},
    {"min_similarity": 0.3, "engine": EngineOptions(measure=True)},
    {"media": MediaOptions(trim=Trim(Fraction(1, 3)))},
    {"media": MediaOptions(video=VideoOptions(crf=30))},
    {"media": MediaOptions(label="made by AI")},
    {"media": MediaOptions(credentials=Credentials("cert.pem", "key.pem"))},
]

DECIDES_NOTHING = [
    {"engine": EngineOptions(describe=True, models_folder="/models")},
    {"engine": EngineOptions(runtime=RuntimeOptions(device=1, faces_ahead=9))},
    {"engine": EngineOptions(restore=RestoreOptions(visibility=1))},
    {"media": MediaOptions(max_pixels=5)},
    {"overwrite": True, "details": True, "allow_private_urls": True},
    {"target": "b.jpg", "sources": ("you.jpg",), "output": "b.jpg"},  # files count by content
    {"engine": EngineOptions(measure=True)},
]


def digest(job: SwapJob) -> str:
    return job.spec.digest(job.target)


def entry_of(item: Item) -> Entry:
    return Entry.of(swap(item))


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path, 1)


def touch(path: Path, *, seconds: int = 10) -> None:
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + seconds * 10**9))


def change(path: Path) -> None:
    """Other content of the same size, at another time."""
    path.write_bytes(bytes(byte ^ 1 for byte in path.read_bytes()))
    touch(path)


def test_the_hash_changes_with_what_decides_the_output_and_with_nothing_else() -> None:
    hashes = [digest(altered(JOB, **changes)) for changes in DECIDES]
    assert len({*hashes, digest(JOB)}) == len(DECIDES) + 1
    for changes in DECIDES_NOTHING:
        assert digest(altered(JOB, **changes)) == digest(JOB), changes


def test_what_was_done_is_current(tree: Tree) -> None:
    item = tree.items()[0]
    assert is_current(item, entry_of(item), models)


def test_what_was_copied_or_touched_is_current_and_what_changed_is_not(tree: Tree) -> None:
    item = tree.items()[0]
    entry = entry_of(item)
    for path in (tree.source, Path(item.job.target), Path(item.job.output)):
        touch(path)
        assert is_current(item, entry, models), path
    for path in (tree.source, Path(item.job.target), Path(item.job.output)):
        before = path.read_bytes()
        for content in (before + b"x", bytes(byte ^ 1 for byte in before), b""):
            path.write_bytes(content)
            touch(path)
            assert not is_current(item, entry, models), (path, content)
        path.unlink()
        assert not is_current(item, entry, models), path
        path.write_bytes(before)
    assert is_current(item, entry, models)


def test_a_file_is_not_read_while_its_size_and_time_are_the_same(tree: Tree) -> None:
    item = tree.items()[0]
    target = Path(item.job.target)
    entry = entry_of(item)
    status = target.stat()
    target.write_bytes(bytes(byte ^ 1 for byte in target.read_bytes()))
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert is_current(item, entry, models)


def test_a_file_of_another_size_has_changed_whatever_its_time(tree: Tree) -> None:
    item = tree.items()[0]
    entry = entry_of(item)
    for path in (Path(item.job.target), Path(item.job.output)):
        before, status = path.read_bytes(), path.stat()
        path.write_bytes(before + b"x")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert not is_current(item, entry, models), path
        path.write_bytes(before)


def test_pictures_that_moved_are_current(tree: Tree, tmp_path: Path) -> None:
    item = tree.items()[0]
    entry = entry_of(item)
    source = tree.source.rename(tmp_path / "you.jpg")
    target = Path(item.job.target).rename(tmp_path / "moved.jpg")
    moved = replace(item, job=altered(item.job, sources=(str(source),), target=str(target)))
    assert not is_current(item, entry, models)
    assert is_current(moved, entry, models)


def test_a_folder_of_sources_counts_with_all_its_pictures(tree: Tree, tmp_path: Path) -> None:
    folder = tmp_path / "me"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes(name.encode())
    item = tree.item("0.jpg", sources=(str(folder),))
    job = altered(item.job, sources=(str(folder / "a.jpg"), str(folder / "b.jpg")))
    entry = Entry.of(swap(replace(item, job=job)))
    assert is_current(item, entry, models)
    (folder / "c.jpg").write_bytes(b"c")
    assert not is_current(item, entry, models)
    (folder / "c.jpg").unlink()
    (folder / "a.jpg").write_bytes(b"b.jpg")
    (folder / "b.jpg").write_bytes(b"a.jpg")
    assert not is_current(item, entry, models)


def test_other_options_and_models_are_not_current(tree: Tree) -> None:
    item = tree.items()[0]
    entry = entry_of(item)
    other = replace(item, job=altered(item.job, media=MediaOptions(image_quality=50)))
    assert not is_current(other, entry, models)
    for now in ({}, {**MODELS, "faceswap": "2"}, {**MODELS, "new": "1"}, {"squares": MODELS["squares"]}):
        assert not is_current(item, entry, lambda options, now=now: now)


def test_a_model_that_is_missing_lets_the_item_tell(tree: Tree) -> None:
    def missing(options: EngineOptions) -> dict[str, str]:
        raise ModelError("not installed")

    item = tree.items()[0]
    assert not is_current(item, entry_of(item), missing)


def test_what_was_skipped_needs_no_output(tree: Tree) -> None:
    tree.target("0.jpg", b"nobody")
    item = tree.item("0.jpg", on_no_face=OnNoFace.SKIP)
    entry = entry_of(item)
    assert entry.status is Status.SKIPPED
    assert is_current(item, entry, models)


def test_what_lies_behind_urls_counts_as_unchanged_but_their_names_count(tree: Tree) -> None:
    url = "https://example.com/{}.jpg?size=large"
    item = tree.item("0.jpg", target=url.format("a"), sources=(url.format("me"), str(tree.source)))
    local = swap(tree.items()[0])
    result = replace(local, item=item, target=None, sources={url.format("me"): Stamp(1, 1, "c"), **local.sources})
    entry = Entry.of(result)
    assert is_current(item, entry, models)
    for changes in ({"target": url.format("b")}, {"sources": (url.format("you"), str(tree.source))}):
        assert not is_current(replace(item, job=altered(item.job, **changes)), entry, models)
    change(tree.source)
    assert not is_current(item, entry, models)


def test_standard_input_is_never_current(tree: Tree) -> None:
    item = tree.items()[0]
    for changes in ({"target": "-"}, {"sources": ("-",)}):
        asked = replace(item, job=altered(item.job, **changes))
        assert not is_current(asked, entry_of(item), models)


def test_models_and_sources_are_looked_at_once(tmp_path: Path) -> None:
    tree = Tree(tmp_path, 3)
    asked = []

    def ask(options: EngineOptions) -> dict[str, str]:
        asked.append(options)
        return MODELS

    standing = Standing(ask)
    entries = [(item, entry_of(item)) for item in tree.items()]
    assert all(standing.is_current(item, entry) for item, entry in entries)
    assert len(asked) == 1


def failed(item: Item, kind: str, *, told: bool = True) -> Entry:
    result = swap(item) if told else ItemResult(item=item, status=Status.FAILED)
    failure = result.failure if told and result.failure is not None else Failure(FailureKind(kind), "no")
    failure = replace(failure, type=FailureKind(kind))
    result = Standing(models).complete(replace(result, status=Status.FAILED, failure=failure))
    return Entry.of(result)


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("kind", ["InputError", "NoFaceError", "UnlikeError", "WorkerDied", "Timeout", "MemoryLimit"])
def test_a_failure_that_lies_in_the_item_stands_until_something_changes(tree: Tree, kind: str, told: bool) -> None:
    """Whether or not its worker lived to tell what it had read."""
    target = tree.target("0.jpg", b"bad")
    item = tree.items()[0]
    entry = failed(item, kind, told=told)
    assert Standing(models).is_failed(item, entry)
    assert not is_current(item, entry, models)
    other = replace(item, job=altered(item.job, on_no_face=OnNoFace.COPY))
    assert not Standing(models).is_failed(other, entry)
    change(tree.source)
    assert not Standing(models).is_failed(item, entry)
    change(tree.source)
    assert not told or not Standing(lambda options: {}).is_failed(item, entry)
    target.write_bytes(b"good")
    assert not Standing(models).is_failed(item, entry)


def test_a_target_that_was_missing_is_tried_when_it_is_there(tree: Tree) -> None:
    item = tree.item("later.jpg")
    entry = failed(item, "InputError")
    assert Standing(models).is_failed(item, entry)
    tree.target("later.jpg")
    assert not Standing(models).is_failed(item, entry)


def test_a_source_that_was_missing_is_tried_when_it_is_there(tree: Tree) -> None:
    item = tree.items()[0]
    tree.source.unlink()
    entry = failed(item, "InputError", told=False)
    assert Standing(models).is_failed(item, entry)
    tree.source.write_bytes(b"me")
    assert not Standing(models).is_failed(item, entry)


@pytest.mark.parametrize("kind", ["OutputError", "UsageError", "ModelError", "LimitError", "RemoteError",
                                  "MissingDependencyError"])
def test_a_failure_that_lies_in_the_surroundings_does_not_stand(tree: Tree, kind: str) -> None:
    item = tree.items()[0]
    assert not Standing(models).is_failed(item, failed(item, kind))
