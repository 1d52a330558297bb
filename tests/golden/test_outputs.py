"""What the command line writes is, byte for byte, what was pinned: see pin.py for what to do if not.

Bytes depend on the versions of encoders and on the processor too. The fingerprint of those is pinned beside them;
where it differs, outputs are compared by what they show, within a few levels. GOLDEN_EXACT=1 wants equal bytes anyway.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import graphs
import pytest
from golden import media
from golden.net import PINNING, Run, Store, difference, run_all

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks")

TOLERANCE = 6
"""Levels of 0..255 that the mean of a cell may differ by on another machine."""


@dataclass(frozen=True)
class Output:
    """A file that is written, and how.

    Attributes:
        arguments: Of the command line.
        written: What it writes, in the folder of the runs.
    """

    arguments: Sequence[str]
    written: tuple[str, ...]


def _swap(source: str, target: str, output: str, *more: str) -> Output:
    return Output(["swap", source, target, "-o", output, *more], (output,))


FIVE = ["woman-1.png", "woman-2.png", "woman-3.png", "man-2.png", "head.gif"]
EMBEDDED = ("--engine", "embedded")
NEURAL = ("--engine", "neural")
OUTPUTS = {
    "still as JPEG": _swap("man-1.png", "woman-2.png", "still.jpg", *EMBEDDED),
    "still as PNG": _swap("woman-3.png", "man-2.png", "still.png", *EMBEDDED),
    "16 bit PNG": _swap("man-1.png", "deep.png", "deep-out.png", *EMBEDDED),
    "16 bit TIFF": _swap("man-1.png", "deep.tif", "deep-out.tif", *EMBEDDED),
    "two of a group, WebP": _swap("woman-1.png", "group.png", "group.webp", *EMBEDDED, "--order", "left-right",
                                  "--target-index", "1,4"),
    "GIF": _swap("man-1.png", "head.gif", "head-out.gif", *EMBEDDED),
    "APNG": _swap("man-1.png", "head.apng", "head-out.apng", *EMBEDDED),
    "animated WebP": _swap("man-1.png", "head.webp", "head-out.webp", *EMBEDDED),
    "MP4": _swap("man-1.png", "head.mp4", "head-out.mp4", *EMBEDDED),
    "batch of five": Output(["batch", "man-1.png", *FIVE, "-o", "five", *EMBEDDED, "--workers", "1", "--ordered"],
                            tuple(f"five/{name}" for name in FIVE)),
    "neural still": _swap("one.png", "target.png", "neural.jpg", *NEURAL),
    "neural still, labelled": _swap("one.png", "target.png", "labelled.png", *NEURAL, "--label", "AI"),
    "neural 16 bit": _swap("one.png", "deep-square.png", "deep-neural.png", *NEURAL, "--mask", "hull", "--keep-mouth"),
    "neural, larger and restored": _swap("one.png", "target.png", "restored.png", *NEURAL, "--swap-size", "256",
                                         "--restore", "sharpen", "--restore-weight", "0.4"),
    "neural GIF": _swap("one.png", "square.gif", "neural.gif", *NEURAL, "--mask", "box,occlusion"),
    "neural MP4": _swap("one.png", "square.mp4", "neural.mp4", *NEURAL),
}
STORE = Store("outputs.json")


@pytest.fixture(scope="module")
def room(tmp_path_factory) -> Path:
    """The inputs, the models and a version of the package that stays: it is in the mark that outputs have."""
    folder = tmp_path_factory.mktemp("golden")
    media.write_inputs(folder)
    made = folder / "made"
    made.mkdir()
    stand_ins = {"swapper": ("swap", lambda path: graphs.write_inswapper(path, echo=0.5)),
                 "detector": ("find", graphs.write_scrfd), "recogniser": ("know", graphs.write_arcface),
                 "attributes": ("tell", graphs.write_genderage), "restorer": ("sharpen", graphs.write_restorer),
                 "mask": ("cover", graphs.write_xseg)}
    told = run_all([Run(folder, ["models", "import", str(write(made / f"{name}.onnx")), "--role", role])
                    for role, (name, write) in stand_ins.items()])
    assert [one.code for one in told] == [0] * len(stand_ins), told
    if PINNING:
        STORE.pin("machine", media.machine())
    return folder


@pytest.fixture(scope="module")
def same_version(tmp_path_factory) -> dict[str, str]:
    """An environment in which the package is of version 0.0.0, whatever it is: the version is in what is written."""
    folder = tmp_path_factory.mktemp("version")
    told = folder / "faceswap_cli-0.0.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: faceswap-cli\nVersion: 0.0.0\n")
    return {"PYTHONPATH": str(folder)}


@pytest.mark.parametrize("name", OUTPUTS)
def test_output(name, room, same_version):
    output = OUTPUTS[name]
    done = Run(room, [*output.arguments, "--json"], env=same_version).alone()
    assert done.returncode == 0, done.stderr
    report = [json.loads(line) for line in done.stdout.splitlines()]
    files = {written: {"sha256": hashlib.sha256((room / written).read_bytes()).hexdigest(),
                       "bytes": (room / written).stat().st_size, "look": media.look(room / written)}
             for written in output.written}
    found = {"files": files, "report": masked(report)}
    if PINNING:
        STORE.pin(name, found)
    wanted = STORE[name]
    if os.environ.get("GOLDEN_EXACT") == "1" or STORE["machine"] == media.machine():
        lines = [json.dumps(one, indent=1).splitlines() for one in (wanted, found)]
        assert wanted == found, difference(*lines)
    else:
        unlike = list(differences(wanted, found))
        assert not unlike, "\n".join(unlike)


def masked(value: Any) -> Any:
    """A report without times and what changes with them."""
    if isinstance(value, dict):
        return {key: "..." if key in ("timings", "seconds", "wall_seconds", "worker") else masked(inner)
                for key, inner in value.items()}
    return [masked(inner) for inner in value] if isinstance(value, list) else value


def differences(wanted: Any, found: Any, where: str = "") -> Any:
    """Where two records differ by more than another machine may make them differ."""
    key = where.rpartition(".")[2]
    if key in ("sha256", "bytes"):
        return
    if isinstance(wanted, dict) and isinstance(found, dict):
        if list(wanted) != list(found):
            yield f"{where}: {list(found)} instead of {list(wanted)}"
            return
        for inner in wanted:
            yield from differences(wanted[inner], found[inner], f"{where}.{inner}")
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for number, (one, other) in enumerate(zip(wanted, found, strict=True)):
            if ".look.cells" in where:
                if media.apart(one, other) > TOLERANCE:
                    yield f"{where}[{number}]: {media.apart(one, other)} levels apart"
            else:
                yield from differences(one, other, f"{where}[{number}]")
    elif isinstance(wanted, float) and isinstance(found, int | float):
        if abs(wanted - found) > max(0.05 * abs(wanted), 0.5):
            yield f"{where}: {found} instead of {wanted}"
    elif wanted != found:
        yield f"{where}: {found!r} instead of {wanted!r}"


def test_another_machine_does_not_hide_a_change():
    """The comparison by looks sees what a wrong face, time or size changes."""
    wanted = STORE["GIF"]
    assert not list(differences(wanted, json.loads(json.dumps(wanted))))
    for path, value in ((("look", "cells", 3), "00" * 192), (("look", "durations", 1), 1), (("look", "size", 0), 1)):
        changed = json.loads(json.dumps(wanted))
        place = changed["files"]["head-out.gif"]
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        assert list(differences(wanted, changed))


def test_no_output_is_pinned_that_is_not_written():
    assert PINNING or STORE.names() == {"machine", *OUTPUTS}
