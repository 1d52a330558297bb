"""Names that nobody would choose: all is done or told, nothing is overwritten, nothing leaves the folder of outputs."""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("file names of any bytes", allow_module_level=True)

from ground import Ground, still
from names_report import NAMES, Names, random_names

WAYS = ("as_folder", "through_pipe", "as_list", "in_manifest")


@pytest.fixture(scope="module")
def names(tmp_path_factory) -> Names:
    return Names(tmp_path_factory.mktemp("names") / "ground", NAMES)


@pytest.mark.parametrize("way", WAYS)
def test_every_name_is_done_or_told(names, way):
    statuses = getattr(names, way)("--verbose")
    assert names.wrong == []
    assert {name for name, status in statuses.items() if status == "done"} == {
        name for name in NAMES if name.endswith(b".png")}


@pytest.mark.parametrize("way", WAYS)
def test_names_made_of_what_is_hard_in_them(tmp_path, way):
    names = Names(tmp_path / "ground", random_names(random.Random(way), 25))
    getattr(names, way)("--verbose")
    assert names.wrong == []


@pytest.mark.parametrize("template", ["{stem}-me{suffix}", "{{{name}}}.png", "{number:03}-{name}", "{parent}/{name}"])
def test_names_in_a_template(tmp_path, template):
    """Whatever a name holds, it is no template, and makes no folder; one that has become too long is told."""
    names = [name for name in NAMES if name.endswith(b".png")]
    ground = Names(tmp_path / "ground", names).ground
    code, told = ground.run("batch", "me.png", "-", "-0", "-o", "out", "--name", template, "--json",
                            given=b"".join(b"in/" + name + b"\0" for name in names))
    items = [json.loads(line) for line in told.splitlines()[:-1]]
    assert len(items) == len(names)
    failed = [item for item in items if item["status"] == "failed"]
    assert (code == 7) == bool(failed)
    assert all("bytes, of which file systems take 255" in item["error"]["message"] for item in failed)
    assert len(failed) <= 2
    assert len(ground.written()) == len(items) - len(failed)
    depth = template.count("/")
    assert all(os.fsdecode(name).count("/") == depth for name in ground.written())


PAIRS = [("\u00e9.png", "e\u0301.png"), ("a.png", "A.png"), ("stra\u00dfe.png", "strasse.png"),
         ("\ud55c.png", "\u1112\u1161\u11ab.png"), ("\u212b.png", "\u00c5.png")]


@pytest.mark.parametrize("pair", PAIRS, ids=[ascii(first) for first, _ in PAIRS])
def test_two_names_that_are_one_elsewhere(tmp_path, pair):
    """Where Unicode form or case is ignored the second would replace the first."""
    ground = Ground(tmp_path)
    for number, name in enumerate(pair):
        still(tmp_path / "in" / name, number)
    code, _ = ground.run(*ground.batch("--json"))
    assert code == 2
    assert "would both be written" in ground.said
    assert not ground.outputs.exists()

    code, told = ground.run("batch", "me.png", "-", "-o", "out", "--json",
                            given="".join(f"in/{name}\n" for name in pair).encode())
    assert code == 7
    items = {item["inputs"]["target"]: item for item in map(json.loads, told.splitlines()[:-1])}
    assert [items[f"in/{name}"]["status"] for name in pair] == ["done", "failed"]
    assert "would both be written" in items[f"in/{pair[1]}"]["error"]["message"]
    assert set(ground.written()) == {pair[0]}


@pytest.mark.parametrize("output", ["../out.png", "../../out.png", "a/../../out.png", "/out.png", "./../out.png", "..",
                                    "a//b.png", "a/./b.png", "nul\0.png", "../out/../out2/x.png", "behind/x.png",
                                    "behind/../x.png", "link.png"])
def test_no_row_leads_out_of_the_folder(tmp_path, output):
    """`behind` is a link out of the folder, `link.png` one to an input."""
    ground = Ground(tmp_path / "ground")
    still(ground.root / "in" / "a.png", 1)
    ground.outputs.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (ground.outputs / "behind").symlink_to(tmp_path / "elsewhere")
    (ground.outputs / "link.png").symlink_to(ground.root / "in" / "a.png")
    (ground.root / "rows.jsonl").write_text(json.dumps({"target": "in/a.png", "output": output}) + "\n")

    def outside():
        return {path: path.read_bytes() for path in tmp_path.rglob("*")
                if path.is_file() and path.name not in ("said", "steps")}

    before = outside()
    code, _ = ground.run("batch", "me.png", "--manifest", "rows.jsonl", "-o", "out", "--overwrite")
    assert code == 2
    assert "Traceback" not in ground.said
    assert outside() == before
    assert not any((tmp_path / "elsewhere").iterdir())


def test_links_in_the_inputs_are_not_followed_out(tmp_path):
    ground = Ground(tmp_path / "ground")
    still(ground.root / "in" / "a.png", 1)
    still(tmp_path / "elsewhere" / "b.png", 2)
    (ground.root / "in" / "folder").symlink_to(tmp_path / "elsewhere")
    (ground.root / "in" / "link.png").symlink_to(tmp_path / "elsewhere" / "b.png")
    code, told = ground.run(*ground.batch("--json"))
    assert code == 0, ground.said
    assert {json.loads(line).get("key") for line in told.splitlines()[:-1]} == {"a.png"}
    assert "link" in ground.said


def test_what_is_already_there_under_such_names_stays(tmp_path):
    """Of another run, or of a person: with the same name, and with names that differ in form."""
    ground = Ground(tmp_path)
    for number, name in enumerate(("-x.png", "new\nline.png", "e\u0301.png")):
        still(tmp_path / "in" / name, number)
    ground.outputs.mkdir()
    for name in ("-x.png", "new\nline.png"):
        (ground.outputs / name).write_bytes(b"mine")
    assert ground.run(*ground.batch())[0] == 2
    assert ground.written() == {"-x.png": b"mine", "new\nline.png": b"mine"}
    code, _ = ground.run("batch", "me.png", "-", "-0", "-o", "out",
                         given=b"".join(bytes(path) + b"\0" for path in Path(tmp_path, "in").iterdir()))
    assert code == 7
    assert ground.written()["-x.png"] == ground.written()["new\nline.png"] == b"mine"
    assert "e\u0301.png" in ground.written()
