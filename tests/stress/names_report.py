"""Batches over files with names that nobody would choose: each is done or told, nothing is overwritten, nothing leaves.

    python tests/stress/names_report.py [--rounds 20] [--names 60] [--seed 4]

Each round makes `--names` random names of what is hard in names (line ends, dashes, bytes that are no text, forms of
Unicode, quotes, braces, wildcards, control characters), and gives them to `faceswap batch` as a folder, through a pipe,
as a list of bare names and in a manifest. Exit code 1 if one of them did what it must not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from ground import JOURNAL, Ground, still

LONGEST = 255

NAMES = (
    b"plain.png", b"new\nline.png", b"-dash.png", b"--help", b"--.png", b"-", b"-0.png", b"\xff\xfe.png", b"\xc3.png",
    b"\xed\xa0\x80.png", "\u00e9t\u00e9.png".encode(), "\u30d5\u309a.png".encode(), "\U0001f600.png".encode(),
    "\u202egnp.png".encode(), "\u2028\u0085.png".encode(), b" .png", b"  two  spaces .png", b" ", b"trailing ",
    b"'.png", b'".png', b"`ls`.png", b"$HOME.png", b"~.png", b"a;b|c&d.png", b"{}.png", b"{stem}.png", b"{0}.png",
    b"{{.png", b"%s%n.png", b"*.png", b"?.png", b"[a].png", b"**", b"\\.png", b"\\n.png", b"#.png", b"a,b;c\td.png",
    b"\r.png", b"\x01\x02.png", b"\x1b[31mred.png", b"\x7f.png", b"con.png", b"a:b.png", b"http:", b"s3:..png",
    b"a..png", b"a.png.", b"two.dots.png", b"no suffix", b"n" * (LONGEST - 4) + b".png", b"\xc3\xa9" * 125 + b"x.png",
    b"faceswap.part", b"<&>.png", b"null", b"true.png", b"1e5.png", b"=1+1.png",
)
"""No two of them are one name, on any file system."""

PIECES = (
    b"\n", b"\r", b"\t", b"-", b"--", b" ", b"'", b'"', b"{", b"}", b"{stem}", b"{number}", b"%s", b"$HOME", b"`", b";",
    b"|", b"&", b"*", b"?", b"[", b"]", b"~", b"#", b"\\", b":", b"\xff", b"\xc3", b"\xc3\xa9", b"e\xcc\x81",
    b"\xf0\x9f\x98\x80", b"\xe2\x80\xae", b"\xc2\x85", b"\xe2\x80\xa8", b"\x01", b"\x1b[31m", b"\x7f", b"a", b"A",
    b"\xc3\x9f", b"ss", b"\xef\xac\x81", b"..", b".", b"\xed\xa0\x80", b",", b"=", b"http:", b"n" * 90,
)
SUFFIXES = (b".png", b".png", b".PNG", b"")


class Names:
    """A ground whose targets have such names.

    Attributes:
        wrong: What happened that must not.
    """

    def __init__(self, root: Path, names: Iterable[bytes]) -> None:
        """Write a picture for each name, and find out what is to become of it."""
        self.ground = Ground(root)
        self.names = list(names)
        self.wrong: list[str] = []
        self._folder = os.fsencode(root / "in")
        self._whole: dict[bytes, bytes] = {}
        plain = root / "plain"
        for number, name in enumerate(self.names):
            still(plain / f"{number}.png", number)
            shutil.copy(plain / f"{number}.png", self._path(name))
        ground = self.ground
        code, _ = ground.run("batch", "me.png", "plain", "-o", "whole", "--workers", "2")
        assert code == 0, ground.said
        for number, name in enumerate(self.names):
            self._whole[name] = (root / "whole" / f"{number}.png").read_bytes()
        shutil.rmtree(root / "whole")
        shutil.rmtree(plain)

    def _path(self, name: bytes) -> bytes:
        return os.path.join(self._folder, name)  # noqa: PTH118 (bytes)

    def as_folder(self, *options: str) -> dict[bytes, str]:
        return self._run("folder", "in", *options)

    def through_pipe(self, *options: str) -> dict[bytes, str]:
        return self._run("pipe", "-", "-0", *options, given=b"".join(b"in/" + name + b"\0" for name in self.names))

    def as_list(self, *options: str) -> dict[bytes, str]:
        """Bare names, from the folder that they lie in."""
        (self.ground.root / "list").write_bytes(b"".join(name + b"\0" for name in self.names))
        return self._run("list", "--files-from", "../list", "-0", *options, cwd=self.ground.root / "in",
                         source="../me.png", out="../out")

    def in_manifest(self, *options: str) -> dict[bytes, str]:
        """Targets and outputs by name, in JSON Lines."""
        rows = [{"target": f"in/{os.fsdecode(name)}", "output": os.fsdecode(name)} for name in self.names]
        (self.ground.root / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return self._run("manifest", "--manifest", "rows.jsonl", *options)

    def _run(self, how: str, *arguments: str, source: str = "me.png", out: str = "out",
             **more: Any) -> dict[bytes, str]:
        """Status of each name that the run told of; empty: it refused before anything ran."""
        ground = self.ground
        before = self._outside()
        code, told = ground.run("batch", source, *arguments, "-o", out, "--json", "--workers", "2", **more)
        self._check(self._outside() == before, f"{how}: something outside the outputs has changed")
        self._check("Traceback" not in ground.said, f"{how}: {ground.said}")
        control = [char for char in ground.said if (ord(char) < 32 and char != "\n") or 127 <= ord(char) < 160]
        self._check(not control, f"{how}: control characters {control!r} came to a terminal")
        items = [json.loads(line) for line in told.splitlines()]
        if not items[-1].get("summary"):
            self._check(code == 2 and not ground.outputs.exists(), f"{how}: exit {code}, something was written")
            return {}
        statuses: dict[bytes, str] = {}
        for item in items[:-1]:
            target = os.fsencode(item["inputs"]["target"]).rpartition(b"/")[2]
            statuses[target] = item["status"]
            if item["status"] == "failed":
                self._check(bool(item["error"]["message"]), f"{how}: {target!r} failed for no reason")
        self._check(code == (7 if "failed" in statuses.values() else 0), f"{how}: exit {code}")
        written = self._written()
        done = {name for name, status in statuses.items() if status == "done"}
        self._check(set(written) == done, f"{how}: {set(written) ^ done} written, or not")
        for name in done & set(self._whole):
            self._check(written.get(name) == self._whole[name], f"{how}: {name!r} holds another picture")
        taken = {name for name in self.names if how != "folder" or name.lower().endswith(b".png")}  # as folders are
        for name in taken - set(statuses):
            self._check(False, f"{how}: of {name!r} nothing was told")
        self._check(ground.left() == [], f"{how}: left {ground.left()}")
        shutil.rmtree(ground.outputs)
        return statuses

    def _written(self) -> dict[bytes, bytes]:
        """Outputs by their names, folders included: there should be none."""
        found = {}
        for folder, _, names in os.walk(os.fsencode(self.ground.outputs)):
            for name in names:
                path = os.path.join(folder, name)  # noqa: PTH118 (bytes)
                if name != os.fsencode(JOURNAL):
                    relative = os.path.relpath(path, os.fsencode(self.ground.outputs))
                    found[relative] = Path(os.fsdecode(path)).read_bytes()
        return found

    def _outside(self) -> dict[str, str]:
        """Everything in and around the ground but for the outputs, and what runs always write."""
        ground = self.ground
        found = {}
        for path in ground.root.rglob("*"):
            relative = path.relative_to(ground.root)
            if relative.parts[0] not in ("out", "steps", "said", "tmp") and path.is_file():
                found[str(relative)] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found | {str(path): "" for path in ground.root.parent.iterdir()}

    def _check(self, right: bool, what: str) -> None:
        if not right:
            self.wrong.append(what)


def random_names(chance: random.Random, number: int) -> list[bytes]:
    """Names that file systems on Linux take, no two alike to them."""
    found: set[bytes] = set()
    while len(found) < number:
        name = b"".join(chance.choice(PIECES) for _ in range(chance.randrange(1, 6))) + chance.choice(SUFFIXES)
        if len(name) <= LONGEST and not name.startswith(b"."):
            found.add(name)
    return sorted(found)


def main() -> int:
    parser = argparse.ArgumentParser(description="Batches over files with names that nobody would choose.")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--names", type=int, default=60)
    parser.add_argument("--seed", type=int, default=4)
    options = parser.parse_args()
    bad = 0
    counts: dict[str, int] = {}
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            chance = random.Random(options.seed + number)
            names = Names(Path(folder, "ground"), random_names(chance, options.names))
            for run in (names.as_folder, names.through_pipe, names.as_list, names.in_manifest):
                statuses = run("--verbose")
                for status in statuses.values() or ["refused"]:
                    counts[f"{run.__name__}, {status}"] = counts.get(f"{run.__name__}, {status}", 0) + 1
            for what in names.wrong:
                bad += 1
                print(f"round {number}: {what}")
    print(f"{options.rounds} rounds of {options.names} names in four ways: {bad} wrong; {counts}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
