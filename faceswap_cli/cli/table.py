"""The table that `faceswap detect` prints for people; not to be imported for --help."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from faceswap_cli.jobs.tally import WarningTally
from faceswap_cli.names import shown
from faceswap_cli.text import one_line

if TYPE_CHECKING:
    from rich.console import RenderableType

    from faceswap_cli.faces.face import Face, Pose
    from faceswap_cli.jobs.detect import DetectReport


def face_table(report: DetectReport) -> RenderableType:
    """The faces of one file, one to a row, those of an animation frame by frame; below them what to beware of.

    Narrow enough for 80 columns: warnings are sentences, so they have lines of their own.
    """
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    if report.animated:
        table.add_column("frame", justify="right")
    table.add_column("face", justify="right")
    table.add_column("box", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("score", justify="right")
    table.add_column("pose")
    table.add_column("gender", no_wrap=True)
    warnings: defaultdict[int, WarningTally] = defaultdict(WarningTally)
    for frame in report.frames:
        for found in frame.faces:
            face = found.face
            size = f"{face.box.width:.0f}x{face.box.height:.0f}"
            cells = [str(found.index), _box(face), size, f"{face.score:.2f}", pose_words(face.pose), _gender(face)]
            table.add_row(*([str(frame.frame)] if report.animated else []), *cells)
            for text in face.warnings:
                warnings[found.index].add(frame.frame, text)
    title = Text(_title(report), style="bold", overflow="fold")
    notes = [Text(one_line(f"face {index}: {'; '.join(tally.lines(len(report.frames)))}"), overflow="fold")
             for index, tally in sorted(warnings.items())]
    return Group(title, *([table] if report.faces else []), *notes, Text())


def _title(report: DetectReport) -> str:
    size = f"{report.width}x{report.height}"
    if report.animated:
        with_face = sum(bool(frame.faces) for frame in report.frames)
        size += f", {len(report.frames)} frames, {with_face} of them with a face"
    elif not report.faces:
        size += ", no face"
    return f"{one_line(shown(report.path))} ({size})"


def _box(face: Face) -> str:
    return ",".join(f"{side:.0f}" for side in face.box)


def pose_words(pose: Pose | None) -> str:
    """Degrees in words: a sign would have to be looked up."""
    if pose is None:
        return "-"
    parts = [_turn(pose.yaw, "left", "right"), _turn(pose.pitch, "down", "up"),
             _turn(pose.roll, "tilts left", "tilts right")]
    return ", ".join(part for part in parts if part) or "frontal"


def _turn(degrees: float, negative: str, positive: str) -> str:
    """What a turn of more than ten degrees is called."""
    return "" if abs(degrees) < 10 else f"{negative if degrees < 0 else positive} {abs(degrees):.0f}"


def _gender(face: Face) -> str:
    if face.gender is None:
        return "-"
    return face.gender.value if face.gender_probability is None else f"{face.gender} {face.gender_probability:.0%}"
