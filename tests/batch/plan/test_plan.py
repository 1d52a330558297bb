from __future__ import annotations

import os
import pickle
import shutil
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from job_records import altered
from refusals import refused

from faceswap_cli.batch.items import Item
from faceswap_cli.batch.plan import outputs, targets
from faceswap_cli.batch.plan.plan import BatchPlan, BatchRequest, make_plan, plan_stream
from faceswap_cli.batch.plan.shards import Shard, parse_shard
from faceswap_cli.errors import ExitCode, InputError, UsageError
from faceswap_cli.jobs.job import SwapSpec
from faceswap_cli.options import EngineOptions, MediaFormat, MediaOptions, OnNoFace, Order
from faceswap_cli.stores.files import Listing, StoredFile

NAMES = st.binary(min_size=1, max_size=30).filter(lambda name: not set(b"\0/") & set(name) and name.strip(b"."))
"""Names of files as Linux takes them: any bytes."""

needs_bytes = pytest.mark.skipif(sys.platform != "linux", reason="this system does not take all names")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder with a source, the current one."""
    monkeypatch.chdir(tmp_path)
    grow("me.jpg")


def grow(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"picture")


def request(*inputs: str) -> BatchRequest:
    return BatchRequest(spec=SwapSpec(sources=("me.jpg",)), inputs=inputs, output="out")


def plan(*inputs: str, names=(), **options) -> BatchPlan:
    return make_plan(altered(request(*inputs), **options), names)


def stream(*names: str, **options) -> list[Item]:
    return list(plan_stream(altered(request("-"), **options), names))


def keys(found: BatchPlan | list[Item]) -> list[str]:
    return [item.key for item in (found.items if isinstance(found, BatchPlan) else found)]


# --- what is planned --------------------------------------------------------------------------------------------------


def test_the_tree_of_outputs_mirrors_that_of_a_folder():
    grow("in/a.jpg", "in/s/b.png", "in/s/t/c.gif")
    for spec in ("in", "in/", "./in", str(Path("in").resolve())):
        assert keys(plan(spec)) == ["a.jpg", "s/b.png", "s/t/c.gif"]
    assert [item.job.output for item in plan("in").items] == ["out/a.jpg", "out/s/b.png", "out/s/t/c.gif"]
    assert [item.job.target for item in plan("in").items] == ["in/a.jpg", "in/s/b.png", "in/s/t/c.gif"]
    assert not Path("out").exists()


def test_files_named_one_by_one_go_by_their_names():
    grow("x/a.jpg", "y/b.jpg")
    assert keys(plan("x/a.jpg", "y/b.jpg")) == ["a.jpg", "b.jpg"]
    assert keys(plan("x/a.jpg", "y/b.jpg", root=".")) == ["x/a.jpg", "y/b.jpg"]


def test_folders_keep_their_path_from_the_root_that_is_given():
    grow("x/a.jpg", "y/s/a.jpg", "x/t/u/c.jpg")
    with refused(UsageError, "--root"):
        plan("x", "y/s")
    assert keys(plan("x", "y/s", root=".")) == ["x/a.jpg", "x/t/u/c.jpg", "y/s/a.jpg"]
    assert keys(plan("x/t/*/*.jpg", root="x")) == ["t/u/c.jpg"]
    with refused(UsageError, r"x/a\.jpg does not lie below --root y"):
        plan("x/a.jpg", root="y")


def test_an_item_carries_all_that_its_job_needs():
    grow("in/a.jpg")
    engine, media = EngineOptions(describe=True), MediaOptions(image_quality=50)
    item, = plan("in", engine=engine, media=media, on_no_face=OnNoFace.COPY, allow_private_urls=True, details=True,
                 overwrite=True).items
    assert (item.number, item.key, item.name, item.problem) == (0, "a.jpg", "in/a.jpg", None)
    job = item.job
    assert job.spec == SwapSpec(sources=("me.jpg",), engine=engine, media=media, on_no_face=OnNoFace.COPY)
    assert (job.allow_private_urls, job.details, job.overwrite, job.dry_run) == (True, True, True, False)
    assert pickle.loads(pickle.dumps(item)) == item  # noqa: S301 (our own)


def test_outputs_that_exist_are_replaced_only_where_the_user_says_so():
    grow("in/a.jpg")
    assert not plan("in", resume=True).items[0].job.overwrite
    assert plan("in", overwrite=True).items[0].job.overwrite


def test_names_follow_the_template_and_the_format():
    grow("in/s/a.png", "in/s/b.JPG")
    assert keys(plan("in", template="{stem}-swapped{suffix}")) == ["s/a-swapped.png", "s/b-swapped.JPG"]
    assert keys(plan("in", template="{parent}-{number:03}{suffix}")) == ["s/s-001.png", "s/s-002.JPG"]
    assert keys(plan("in", media=MediaOptions(image_format=MediaFormat.JPEG))) == ["s/a.jpg", "s/b.JPG"]
    assert keys(plan("in", template="{stem}.webp")) == ["s/a.webp", "s/b.webp"]


@pytest.mark.parametrize(("template", "asked", "words"), [
    ("{stem}", None, "no suffix"), ("{stem}.txt", None, "suffix .txt"),
    ("{stem}.avi", None, "can be read but not written"),
    ("{stem}.png", MediaFormat.JPEG, "--image-format says jpeg"), ("../{name}", None, "--name"),
])
def test_names_that_no_output_can_have_are_told_before_anything_runs(template, asked, words):
    grow("in/a.jpg")
    with refused(UsageError, words):
        plan("in", template=template, media=MediaOptions(image_format=asked))


def test_what_the_suffix_of_a_target_does_not_say_is_left_to_its_content():
    grow("a.dat", "b")
    assert keys(plan("a.dat", "b")) == ["a.dat", "b"]
    assert keys(plan("a.dat", "b", media=MediaOptions(image_format=MediaFormat.PNG))) == ["a.png", "b.png"]


def test_a_name_that_would_be_too_long_is_told_before_anything_runs():
    name = "é" * 125 + "x.jpg"
    grow(f"in/{name}")
    assert keys(plan("in")) == [name]
    with pytest.raises(UsageError, match="262 bytes"):
        plan("in", template="{stem}-longer{suffix}")


def test_what_is_named_twice_is_done_once():
    grow("in/a.jpg")
    assert keys(plan("in", "./in", "in/a.jpg", "in/../in/a.jpg")) == ["a.jpg"]


def test_a_file_that_is_not_there_is_an_item_that_fails_later():
    grow("a.jpg")
    found = plan("gone.jpg", "a.jpg", "gone/")
    assert [(item.key, item.job.target, item.problem) for item in found.items] == [
        ("gone.jpg", "gone.jpg", None), ("a.jpg", "a.jpg", None), ("gone", "gone/", None)]


def test_a_pattern_that_fits_nothing_is_an_item_with_a_problem():
    grow("a.jpg")
    bad, good = plan("*.gif", "a.jpg").items
    assert "fits none" in bad.problem.message
    assert (bad.problem.exit_code, bad.job.output) == (ExitCode.USAGE, "")
    assert good.problem is None


def test_urls_go_by_their_last_part_and_are_told_without_secrets():
    item, = plan("https://user:pw@example.org/in/a.jpg?token=1").items
    assert (item.key, item.name) == ("a.jpg", "https://example.org/in/a.jpg")
    assert item.job.target == "https://user:pw@example.org/in/a.jpg?token=1"


@pytest.mark.parametrize(("change", "error", "words"), [
    ({"output": ""}, UsageError, "empty"), ({"output": "-"}, UsageError, "folder"),
    ({"output": "me.jpg"}, UsageError, "no folder"), ({"output": "https://example.org/out"}, UsageError, "-o"),
    ({"output": "a\0b"}, UsageError, "NUL"), ({"sources": ()}, UsageError, "source"),
    ({"sources": ("-",)}, UsageError, "source"), ({"sources": ("gone.jpg",)}, InputError, r"gone\.jpg"),
    ({"inputs": ("",)}, UsageError, "empty"), ({"inputs": ()}, InputError, "nothing"),
    ({"inputs": ("empty",)}, InputError, "empty has no pictures"), ({"manifest": "list.csv"}, UsageError, "manifest"),
    ({"files_from": ("gone.txt",)}, InputError, r"gone\.txt"), ({"exclude": ("",)}, UsageError, "--exclude"),
])
def test_a_request_that_makes_no_sense_is_told(change, error, words):
    grow("in/a.jpg")
    Path("empty").mkdir()
    senseless = altered(request("in"), **change)
    with refused(error, words):
        make_plan(senseless)
    with refused(error, words):
        list(plan_stream(senseless, ()))


# --- collisions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("names", "options", "words"), [
    (("x/a.jpg", "y/a.jpg"), {}, r"x/a\.jpg and y/a\.jpg would both be written to a\.jpg"),
    (("x/a.jpg", "x/a.png"), {"media": MediaOptions(image_format=MediaFormat.WEBP)}, r"both be written to a\.webp"),
    (("x/a.jpg", "y/b.jpg"), {"template": "same{suffix}"}, "both be written to same"),
    (("x/A.jpg", "y/a.jpg"), {}, "one file where case"),
    (("x/\u00e9.jpg", "y/e\u0301.jpg"), {}, "Unicode form"),
    (("x/stra\u00dfe.jpg", "y/STRASSE.jpg"), {}, "one file where case"),
])
def test_two_items_never_have_one_output(names, options, words):
    grow(*names)
    with refused(UsageError, words) as caught:
        plan(*names, **options)
    assert "name" in caught.value.options
    assert not Path("out").exists()


def test_one_output_is_never_the_folder_of_another():
    grow("x/a.gif", "y/a.jpg/b.jpg")
    for inputs in (("x", "y"), ("y", "x")):
        with pytest.raises(UsageError, match=r"below it to a\.jpg/b\.jpg|to a\.jpg, and"):
            plan(*inputs, template="{stem}.jpg")


def test_collisions_are_counted():
    grow(*(f"{folder}/{name}.jpg" for folder in "xy" for name in "abc"))
    with pytest.raises(UsageError, match="3 such collisions"):
        plan("x", "y")


def test_an_output_never_replaces_an_input():
    grow("in/a.jpg")
    with pytest.raises(UsageError, match=r"in/a\.jpg is an input"):
        plan("in/a.jpg", output="in", overwrite=True)
    grow("in/1.jpg")
    with pytest.raises(UsageError, match=r"in/1\.jpg is an input"):
        plan("in/a.jpg", "in/1.jpg", output="in", template="{number}.jpg", overwrite=True)
    with pytest.raises(UsageError, match="inputs and of outputs"):
        plan("in", output="in", template="{stem}-x{suffix}")
    assert keys(plan("in/a.jpg", output="in", template="{stem}-x{suffix}")) == ["a-x.jpg"]


def test_an_output_never_replaces_an_input_by_another_name():
    grow("in/a.jpg", "out/b.jpg")
    Path("out/a.jpg").symlink_to("b.jpg")
    with pytest.raises(UsageError, match=r"out/a\.jpg is an input"):
        plan("in", "out/b.jpg", template="{name}", overwrite=True)
    os.link("in/a.jpg", "out/c.jpg")
    with pytest.raises(UsageError, match=r"out/c\.jpg is an input"):
        plan("in/a.jpg", template="c.jpg", overwrite=True)


def test_an_output_never_replaces_a_source():
    grow("in/me.jpg")
    with pytest.raises(UsageError, match=r"\./me\.jpg is an input"):
        plan("in", output=".", exclude=("x",), overwrite=True)
    grow("faces/1.jpg")
    with pytest.raises(UsageError, match="one of the source pictures in faces"):
        make_plan(altered(request("in"), sources=("faces",), output="faces"))


def test_the_folder_of_outputs_may_lie_in_that_of_inputs_and_is_left_out():
    grow("in/a.jpg", "in/out/a.jpg", "in/out/s/b.jpg")
    found = plan("in", output="in/out", overwrite=True)
    assert keys(found) == ["a.jpg"]
    assert found.warnings == ("left out: in/out is of the output folder",)


def test_the_folder_of_inputs_may_lie_in_that_of_outputs_as_long_as_no_output_lands_in_it():
    grow("out/raw/a.jpg")
    assert keys(plan("out/raw")) == ["a.jpg"]
    grow("out/raw/raw/b.jpg")
    with pytest.raises(UsageError, match="would lie in the input folder"):
        plan("out/raw")


def test_outputs_that_exist_are_counted_and_the_first_are_named():
    grow(*(f"in/{name}.jpg" for name in "abcde"), *(f"out/{name}.jpg" for name in "bcde"))
    with pytest.raises(UsageError, match=r"4 of 5 outputs exist \(out/b\.jpg, out/c\.jpg, out/d\.jpg, \.\.\.\)"):
        plan("in")
    assert len(plan("in", overwrite=True).items) == len(plan("in", resume=True).items) == 5


def test_outputs_of_other_shards_may_exist():
    grow(*(f"in/{number}.jpg" for number in range(20)))
    first = plan("in", shard=Shard(0, 2))
    grow(*(item.job.output for item in first.items))
    assert len(plan("in", shard=Shard(1, 2)).items) == 20 - len(first.items)


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_output_that_is_a_folder_is_told(overwrite):
    grow("in/a.jpg", "out/a.jpg/b.jpg")
    with pytest.raises(UsageError, match=r"out/a\.jpg is a folder"):
        plan("in", overwrite=overwrite)


def test_a_file_in_the_place_of_a_folder_is_told():
    grow("in/s/a.jpg", "out/s")
    with pytest.raises(UsageError, match=r"out/s is no folder"):
        plan("in", overwrite=True)


def test_links_in_the_folder_of_outputs_lead_nowhere_else():
    grow("in/s/a.jpg", "in/b.jpg", "elsewhere/x.jpg")
    Path("out").mkdir()
    Path("out/s").symlink_to("../elsewhere")
    with pytest.raises(UsageError, match=r"out/s/a\.jpg would lie outside the output folder"):
        plan("in/", overwrite=True)
    Path("out/s").unlink()
    for target in ("../elsewhere/x.jpg", "../elsewhere/new.jpg"):
        Path("out/b.jpg").symlink_to(target)
        with pytest.raises(UsageError, match=r"out/b\.jpg is a link out of the output folder"):
            plan("in", overwrite=True)
        Path("out/b.jpg").unlink()


def test_the_folder_of_outputs_may_itself_be_a_link():
    grow("in/a.jpg", "elsewhere/x.jpg")
    Path("out").symlink_to("elsewhere")
    assert plan("in").items[0].job.output == "out/a.jpg"


# --- lists, pipes and manifests ---------------------------------------------------------------------------------------


def test_lists_name_inputs():
    grow("x/a.jpg", "b.jpg")
    Path("list.txt").write_text("x/a.jpg\nb.jpg\nx/a.jpg\ngone.jpg\n")
    assert keys(plan(files_from=("list.txt",))) == ["a.jpg", "b.jpg", "gone.jpg"]
    assert keys(plan("b.jpg", "-", names=["x/a.jpg"], root=".")) == ["b.jpg", "x/a.jpg"]
    Path("list.txt").write_bytes(b"x/a.jpg\0")
    assert keys(plan(files_from=("list.txt",), null=True)) == ["a.jpg"]


def test_a_list_that_names_outputs_does_not_make_a_circle():
    grow("in/a.jpg", "in/out/a.jpg")
    found = plan("-", names=["in/a.jpg", "in/out/a.jpg"], output="in/out", overwrite=True)
    assert keys(found) == ["a.jpg"]
    assert found.warnings
    told = []
    asked = altered(request("-"), output="in/out", overwrite=True)
    assert keys(list(plan_stream(asked, ["in/out/a.jpg", "in/a.jpg", "in/out/b.jpg"], told.append))) == ["a.jpg"]
    assert len(told) == 1


def test_a_stream_is_planned_as_it_comes():
    def names():
        yield "a.jpg"
        seen.append("b")
        yield "b.jpg"

    seen: list[str] = []
    items = plan_stream(request("-"), names())
    assert (next(items).key, seen) == ("a.jpg", [])
    assert [(item.key, item.number) for item in items] == [("b.jpg", 1)]


def test_in_a_stream_the_first_of_two_has_the_output_and_the_other_a_problem():
    grow("x/a.jpg", "y/A.jpg")
    first, second, again, third = stream("x/a.jpg", "y/A.jpg", "y/a.jpg", "x/../x/a.jpg", "z/b.jpg")
    assert (first.key, first.problem) == ("a.jpg", None)
    assert "would both be written to A.jpg and a.jpg" in second.problem.message
    assert again.problem is not None
    assert (second.job.output, again.job.output) == ("", "")
    assert len({first.key, second.key, again.key, third.key}) == 4
    assert stream("x/a.jpg", "y/A.jpg")[1].key == second.key
    assert third.problem is None


def test_in_a_stream_bad_names_are_problems_of_their_items():
    grow("in/a.jpg", "out/b.jpg/x")
    found = stream("in/" + "x" * 250 + ".jpg", "b.jpg", "in/a.jpg", "../x.jpg", template="{stem}-longer{suffix}")
    assert [item.problem is not None for item in found] == [True, False, False, False]
    found = stream("b.jpg", "in/a.jpg", root="in")
    assert [item.problem is not None for item in found] == [True, False]
    found = stream("in/b.jpg", "in/a.jpg")
    assert [item.problem is not None for item in found] == [True, False]


def test_in_a_stream_an_output_never_replaces_what_was_read():
    grow("in/a.jpg", "out/x.jpg")
    os.link("in/a.jpg", "out/b.jpg")
    Path("out/c.jpg").symlink_to("../in/a.jpg")
    found = stream("in/a.jpg", "in/b.jpg", "in/c.jpg", overwrite=True)
    assert [item.problem is None for item in found] == [True, False, False]
    assert "is an input" in found[1].problem.message
    assert "link out of the output folder" in found[2].problem.message


def test_what_a_request_names_itself_is_found_before_the_stream_begins():
    with pytest.raises(UsageError, match=r"no \{step\}"):
        plan_stream(altered(request("-"), template="{step}"), iter(()))
    with pytest.raises(InputError, match="nothing"):
        next(plan_stream(request("-"), iter(())))


def test_a_manifest_names_items():
    grow("m/a.jpg", "m/b.png", "m/you.jpg")
    Path("m/list.csv").write_text("target,source,output,order,image_format\n"
                                  "a.jpg,,x/y/out.png,left-right,\nb.png,you.jpg,,,webp\na.jpg,,./z.jpg,,\n")
    first, second, third = plan(manifest="m/list.csv").items
    assert (first.key, first.job.output, first.job.target) == ("x/y/out.png", "out/x/y/out.png", "m/a.jpg")
    assert (first.job.spec.sources, first.job.spec.engine.select.order) == (("me.jpg",), Order.LEFT_RIGHT)
    assert (second.key, second.job.spec.sources) == ("b.webp", ("m/you.jpg",))
    assert third.key == "z.jpg"
    with pytest.raises(UsageError, match=r"list\.csv, line 2: there is no source"):
        make_plan(altered(request(), sources=(), manifest="m/list.csv"))


@pytest.mark.parametrize(("output", "words"), [
    ("../a.jpg", "below the output folder"), ("x/../../a.jpg", "below"), ("/etc/a.jpg", "below"), ("x/", "below"),
    ("..", "below"), ("b.jpg", "both"), ("B.jpg", "both"), ("b.jpg/c.jpg", "below it"), ("a.txt", "suffix"),
    ("x" * 260 + ".jpg", "264 bytes"),
])
def test_rows_of_a_manifest_write_each_to_its_own_file_below_the_root(output, words):
    Path("list.csv").write_text(f"target,output\nb.jpg,b.jpg\na.jpg,{output}\n")
    with refused(UsageError, words):
        plan(manifest="list.csv")


def test_a_row_may_give_the_full_path_of_an_output_below_the_root():
    Path("list.csv").write_text(f"target,output\na.jpg,{Path('out/x/a.jpg').resolve()}\n")
    assert plan(manifest="list.csv").items[0].job.output == "out/x/a.jpg"


def test_a_row_never_writes_over_the_source_of_another():
    grow("out/you.jpg")
    Path("list.csv").write_text("target,source,output\na.jpg,out/you.jpg,x.jpg\nb.jpg,,you.jpg\n")
    with pytest.raises(UsageError, match="is an input"):
        plan(manifest="list.csv", overwrite=True)


# --- remote files -----------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket(monkeypatch):
    """A store with some files."""
    names = ["in/a.jpg", "in/s/b.png", "in/notes.txt", "in/.h.jpg", "out/a.jpg"]

    def list_some(spec, accept=None):
        below = f"{spec.rstrip('/')}/"
        found = [(name, f"s3://bucket/{name}"[len(below):]) for name in names if f"s3://bucket/{name}".startswith(below)]
        if not found:
            raise InputError(f"{spec}: there is no such file")
        return Listing(tuple(StoredFile(name, f"s3://bucket/{full}") for full, name in found
                             if accept is None or accept(name)), ("in/../x.jpg",) if "in" in spec else ())

    monkeypatch.setattr(targets, "list_stored", list_some)
    monkeypatch.setattr(outputs, "list_stored", list_some)
    monkeypatch.setattr(outputs, "check_store_root", lambda _: None)


@pytest.mark.parametrize(("spec", "options", "expected"), [
    ("s3://bucket/in", {}, ["a.jpg", "s/b.png"]), ("s3://bucket/in/", {"recursive": False}, ["a.jpg"]),
    ("s3://bucket/in/**/*.png", {}, ["s/b.png"]), ("s3://bucket/in", {"include": ("*.txt",)}, None),
    ("s3://bucket/x/new.jpg", {}, ["new.jpg"]), ("s3://bucket/in", {"root": "s3://bucket"}, ["in/a.jpg", "in/s/b.png"]),
])
def test_remote_folders_are_mirrored_as_those_of_the_machine(bucket, spec, options, expected):
    found = plan(spec, output="s3://bucket/new", **options)
    if expected is not None:
        assert keys(found) == expected
    assert [item.job.output for item in found.items] == [f"s3://bucket/new/{key}" for key in keys(found)]
    assert all(item.job.target.startswith("s3://bucket/") for item in found.items)
    if "new" not in spec:
        assert any("no file can have" in line for line in found.warnings)


def test_remote_outputs_replace_no_input_and_are_none(bucket):
    assert keys(plan("s3://bucket/in", output="s3://bucket/in/s")) == ["a.jpg"]
    with pytest.raises(UsageError, match="inputs and of outputs"):
        plan("s3://bucket/in/", output="s3://bucket/in")
    with pytest.raises(UsageError, match=r"s3://bucket/in/a\.jpg is an input"):
        plan("s3://bucket/in/a.jpg", output="s3://bucket/in", overwrite=True)


def test_remote_outputs_that_exist_are_told(bucket):
    grow("in/a.jpg", "in/b.jpg")
    with pytest.raises(UsageError, match=r"1 of 2 outputs exist \(s3://bucket/out/a\.jpg\)"):
        plan("in", output="s3://bucket/out")
    assert len(plan("in", output="s3://bucket/out", resume=True).items) == 2


# --- shards -----------------------------------------------------------------------------------------------------------


@given(st.sets(st.text(min_size=1, max_size=20), max_size=60), st.integers(1, 9))
def test_shards_are_disjoint_and_complete_whatever_the_order(names, count):
    assert all(sum(Shard(index, count).holds(name) for index in range(count)) == 1 for name in names)


def test_a_shard_is_a_matter_of_the_key_alone():
    grow(*(f"in/{number:02}.jpg" for number in range(40)))
    whole = keys(plan("in"))
    parts = [plan("in", shard=Shard(index, 3)) for index in range(3)]
    assert sorted(key for part in parts for key in keys(part)) == whole
    assert all(part.total == 40 and part.items for part in parts)
    assert {item.number for part in parts for item in part.items} == set(range(40))
    names = sorted((f"in/{key}" for key in whole), reverse=True)
    assert sorted(keys(stream(*names, shard=Shard(1, 3)))) == keys(parts[1])
    assert keys(plan("in", exclude=("0*",), shard=Shard(1, 3))) == [key for key in keys(parts[1]) if key[0] != "0"]


def test_shards_are_the_same_on_every_machine():
    """Of all versions, too: a batch that was begun with an older one goes on."""
    names = ("a.jpg", "b/c.png", "caf\udce9.gif", "\u00e9.webp", "-.bmp")
    assert [next(index for index in range(5) if Shard(index, 5).holds(key)) for key in names] == [4, 1, 4, 1, 1]


@pytest.mark.parametrize(("text", "shard"), [("0/1", Shard(0, 1)), ("3/4", Shard(3, 4)), (" 0 / 2 ", Shard(0, 2))])
def test_shards_are_written_as_i_of_n(text, shard):
    assert parse_shard(text) == shard


@pytest.mark.parametrize("text", ["", "1", "1/", "/2", "a/b", "-1/2", "4/4", "0/0", "0/9999999999", "1/2/3", "²/3",
                                  "0.5/2"])
def test_what_is_no_shard_is_told(text):
    with refused(UsageError, "--shard"):
        parse_shard(text)


# --- properties -------------------------------------------------------------------------------------------------------


@needs_bytes
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.tuples(st.lists(NAMES, max_size=2).map(tuple), NAMES), min_size=1, max_size=6),
       st.sampled_from(["{name}", "{stem}-x{suffix}", "{{}}{parent}{stem}{suffix}", "-{number}-{name}", "d/{name}"]),
       st.sampled_from([None, MediaFormat.PNG]))
@example({((), b"-rf.jpg"), ((), b"a\nb.jpg"), ((), b"caf\xe9.jpg"), ((b" ",), b"{stem}.jpg")}, "{name}", None)
@example({((), "e\u0301.jpg".encode()), ((), "\u00e9.jpg".encode())}, "{name}", None)
@example({((), b"x" * 251 + b".jpg"), ((), b"\\.jpg"), ((b"*",), b"?.jpg"), ((), b"-")}, "{name}", None)
def test_whatever_names_files_have_outputs_are_distinct_and_lie_below_the_root(files, template, asked):
    shutil.rmtree("in", ignore_errors=True)
    made = set()
    for folders, name in files:
        path = Path("in", *map(os.fsdecode, (*folders, name)))
        try:
            grow(str(path))
        except OSError:  # a folder of that name, or a file in the place of a folder
            continue
        made.add(str(path))
    named = altered(request("-"), media=MediaOptions(image_format=asked), template=template)
    items = list(plan_stream(named, sorted(made)))
    fine = [item for item in items if item.problem is None]
    assert {item.job.target for item in items} == made
    assert fine or all(len(os.fsencode(item.job.target)) > 200 for item in items)
    outputs = [item.job.output for item in fine]
    folded = {unicodedata.normalize("NFC", unicodedata.normalize("NFD", output).casefold()) for output in outputs}
    assert len(folded) == len(outputs)
    root = os.path.realpath("out")
    for item in fine:
        assert os.path.realpath(item.job.output) == f"{root}/{item.key}"
        assert item.key == os.path.normpath(item.key)
        grow(item.job.output)
    shutil.rmtree("out", ignore_errors=True)
    try:
        whole = plan("in", template=template, media=MediaOptions(image_format=asked), include=("*",))
    except (UsageError, InputError):  # a collision, or all are hidden
        return
    assert {item.job.target for item in whole.items} <= made
    assert len({item.key for item in whole.items}) == whole.total


@needs_bytes
def test_odd_names_come_out_as_they_went_in():
    odd = ["-rf.jpg", "a\nb.jpg", "caf\udce9.jpg", "\u00e9.jpg", " .jpg", "{stem}.jpg", "{}.jpg", "a'\"b.jpg",
           "x" * 251 + ".jpg", "\U0001f600.jpg", "$(x);.jpg", "%s.jpg"]
    grow(*(f"in/{name}" for name in odd))
    found = plan("in")
    assert {item.key for item in found.items} == set(odd)
    assert {item.job.output for item in found.items} == {f"out/{name}" for name in odd}
    assert all(Path(item.job.target).exists() for item in found.items)


@needs_bytes
def test_a_file_called_dash_is_no_pipe():
    grow("-", "in/-")
    assert stream("-")[0].job.target == "./-"
    assert plan("./-").items[0].job.output == "out/-"
