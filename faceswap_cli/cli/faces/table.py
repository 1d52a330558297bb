"""How `faceswap faces` looks to people; not to be imported for --help."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from faceswap_cli.cli.faces.report import ListedFace
from faceswap_cli.cli.models.report import show_size
from faceswap_cli.cli.models.table import aligned
from faceswap_cli.cli.table import pose_words
from faceswap_cli.faces.quality import eye_distance, face_warnings
from faceswap_cli.jobs.saved_sources import face_of
from faceswap_cli.library.saved_face import FaceRecord, SavedFace, SavedPicture
from faceswap_cli.text import one_line

if TYPE_CHECKING:
    from rich.console import RenderableType

_NAME_WIDTH = 20
_DAMAGED = "cannot be read"


def faces_table(listed: Sequence[ListedFace]) -> RenderableType:
    """The saved faces, one to a row; narrow enough for 80 columns, long names and notes go on below."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("name", overflow="fold", max_width=_NAME_WIDTH)
    table.add_column("pictures", justify="right")
    table.add_column("face", justify="right", no_wrap=True)
    table.add_column("engines")
    table.add_column("saved", no_wrap=True)
    table.add_column("note", overflow="fold")
    for one in listed:
        cells = [Text(cell) for cell in _cells(one)]
        if one.summary is None:
            cells[-1].stylize("red")
        table.add_row(*cells)
    return table


def faces_lines(listed: Sequence[ListedFace]) -> list[str]:
    """The same for a pipe: one face, one line; only the last column holds spaces."""
    header = ("name", "pictures", "face", "engines", "saved", "note")
    rows = [[cell or "-" for cell in _cells(one)] for one in listed]
    return aligned([header, *([cell.replace(" ", ",") for cell in row[:-1]] + row[-1:] for row in rows)])


def _cells(one: ListedFace) -> tuple[str, ...]:
    known = one.summary
    if known is None:
        return one.name, "", "", "", "", _DAMAGED
    width, height = known.face
    return (one.name, str(known.pictures), f"{width}x{height}", " ".join(map(one_line, known.engines)),
            one_line(known.created), one_line(known.note or ""))


def face_lines(face: SavedFace, name: str, path: Path) -> list[str]:
    """All about one saved face."""
    facts = [("name", name), ("file", f"{path} ({show_size(path.stat().st_size)})"),
             ("saved", f"{face.created} by {face.program}"), ("note", face.note or "-"), ("pictures", "")]
    rows: list[tuple[str, ...]] = [("", "picture", "size", "engine", "face", "eyes", "pose", "looks")]
    warnings: dict[str, None] = {}
    for number, picture in enumerate(face.pictures, 1):
        rows += [_row(number, picture, record) for record in picture.records]
        warnings |= dict.fromkeys(f"picture {number}: {text}" for record in picture.records
                                  for text in face_warnings(face_of(record), "source"))
    return [*(line.rstrip() for line in aligned([(key, one_line(value)) for key, value in facts])),
            *aligned(rows), *warnings]


def _row(number: int, picture: SavedPicture, record: FaceRecord) -> tuple[str, ...]:
    face = face_of(record)
    height, width = picture.pixels.shape[:2]
    return ("", str(number), f"{width}x{height}", one_line(record.engine),
            f"{face.box.width:.0f}x{face.box.height:.0f}", f"{eye_distance(face):.0f} px", pose_words(face.pose),
            record.gender or "-")
