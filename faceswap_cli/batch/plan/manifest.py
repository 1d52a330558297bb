"""A manifest: a CSV or JSONL file with one row for each item, and a column for each option that may differ.

    target,source,output,target_index
    party.jpg,me.jpg,party-me.jpg,0
    dance.gif,,,all

An empty cell, a column that is not there and null mean what the command line says. Targets and sources are relative to
the manifest's folder, so that it can move with its pictures (with the manifest from a pipe: to the current folder);
outputs are relative to the output folder, which they cannot leave.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

from faceswap_cli.batch.plan.naming import readable
from faceswap_cli.errors import InputError, UsageError
from faceswap_cli.faces.select import parse_index
from faceswap_cli.facts import Option, fields
from faceswap_cli.jobs.job import Pair, SwapSpec
from faceswap_cli.names import STDIN, Kind, is_url, kind_of
from faceswap_cli.options import parse_masks
from faceswap_cli.trim import parse_trim

OFF = "off"
"""The restorer that restores nothing, where the command line names one."""

_DELIMITERS = ",;\t"
_OTHER_WORDS = {"jpg": "jpeg", "tif": "tiff"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row.

    Attributes:
        where: The manifest and the line, for messages.
        target: What is changed, ready for a job.
        output: Relative to the output folder, as given; None: named by the template.
        spec: That of the batch with what the row says.
    """

    where: str
    target: str
    output: str | None
    spec: SwapSpec


def _one_of(kind: type[StrEnum], text: str) -> StrEnum:
    word = text.lower()
    try:
        return kind(_OTHER_WORDS.get(word, word))
    except ValueError as error:
        raise ValueError(f"is none of {', '.join(kind)}") from error


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ValueError("is no whole number") from error


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ValueError("is no number") from error


def _share(text: str) -> float:
    value = _number(text)
    if not 0 <= value <= 1:
        raise ValueError("is outside 0..1")
    return value


def _switch(text: str) -> bool:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if text.lower() not in words:
        raise ValueError("is neither true nor false")
    return words[text.lower()]


def _label(text: str) -> str:
    from faceswap_cli.media.marks.label import check_label  # loads OpenCV, which most tables do not need

    return check_label(text)


_READERS: dict[str, Callable[[str], Any]] = {
    "target_index": lambda text: parse_index(text, option="target_index"),
    "source_index": lambda text: parse_index(text, option="source_index", repeats=True),
    "mask": parse_masks,
    "restore": lambda text: None if text == OFF else text,
    "trim": parse_trim,
    "label": _label,
    "min_similarity": _share,
}
"""What cells mean where the type of the option does not say it."""

_BY_TYPE: dict[Any, Callable[[str], Any]] = {int: _whole, float: _number, bool: _switch, str: str}


def _reader(one: Option) -> Callable[[str], Any]:
    """What a cell means, by the type of the option."""
    kind = get_type_hints(one.record)[one.field.name]
    kind = next(part for part in (*get_args(kind), kind) if part is not NoneType)
    return _BY_TYPE.get(kind) or partial(_one_of, kind)


_OPTIONS = {one.facts.key.removeprefix("no-").replace("-", "_"): one for one in fields(SwapSpec) if one.facts.column}
_COLUMNS = {name: _READERS.get(name) or _reader(one) for name, one in _OPTIONS.items()}

COLUMNS = ("target", "source", "reference", "pair", "output", *_COLUMNS)
"""All columns that a manifest can have."""

Cells = tuple[tuple[str, str], ...]
"""Columns of options and their cells, those that are not empty."""


def read_manifest(path: str, spec: SwapSpec) -> list[Row]:
    """All rows.

    Args:
        path: The manifest, or `-`. It is JSONL when it begins with a brace, else CSV, with commas, semicolons or tabs.
        spec: What holds where a row says nothing.

    Raises:
        InputError: It cannot be read.
        UsageError: A column that is not known, a row without a target, a value out of its range; tells the line.
    """
    name = "the manifest on standard input" if path == STDIN else readable(path)
    text = _text(path, name)
    folder = "" if path == STDIN else str(Path(path).parent)
    known: dict[Cells, SwapSpec] = {}  # rows that say the same share the same options, and with them a loaded engine
    rows = []
    for line, record in _jsonl(text, name) if text.lstrip()[:1] in ("{", "[") else _csv(text, name):
        where = f"{name}, line {line}"
        if "target" not in record:
            raise UsageError(f"{where}: there is no target", advice="name the picture to change")
        target, output = record.pop("target"), record.pop("output", None)
        if not isinstance(target, str):
            raise UsageError(f"{where}: target is no single name")
        sources, references, pairs = (_names(record.pop(column, None), column, where)
                                      for column in ("source", "reference", "pair"))
        people: dict[str, Any] = {"sources": tuple(_locate_face(source, folder) for source in sources),
                                  "references": tuple(_locate_face(reference, folder) for reference in references),
                                  "pairs": tuple(_pair(text, folder, where) for text in pairs)}
        if output is not None and not isinstance(output, str):
            raise UsageError(f"{where}: output is no single name")
        cells = tuple((column, _cell(value)) for column, value in record.items())
        try:
            merged = known.get(cells) or known.setdefault(cells, _merge(spec, cells))
        except UsageError as error:
            raise error.about(where) from error
        rows.append(Row(where=where, target=_locate(target, folder), output=output,
                        spec=replace(merged, **{role: names for role, names in people.items() if names})))
    return rows


def _merge(spec: SwapSpec, cells: Cells) -> SwapSpec:
    """What holds with the options of a row; raises UsageError."""
    for name, text in cells:
        try:
            value = _COLUMNS[name](text)
        except ValueError as error:
            raise UsageError(f"{name} {readable(text)} {error}") from error
        if name == "restore":
            spec = _put(spec, ("engine", "restore", "if_available"), False)
        elif name == "min_similarity":
            spec = _put(spec, ("engine", "measure"), True)
        spec = _put(spec, _OPTIONS[name].path, value)
    return spec


def _put(options: Any, path: tuple[str, ...], value: Any) -> Any:
    """The record with another value at the end of a path of names."""
    if not path:
        return value
    name, *rest = path
    return replace(options, **{name: _put(getattr(options, name), tuple(rest), value)})


def _names(value: Any, column: str, where: str) -> list[str]:
    """The names in a cell, or in a list of JSON; raises UsageError."""
    listed = value if isinstance(value, list) else [] if value is None else [value]
    if not all(isinstance(name, str) for name in listed):
        raise UsageError(f"{where}: {column} is neither a name nor a list of names")
    return listed


def _pair(text: str, folder: str, where: str) -> Pair:
    reference, equals, source = text.partition("=")
    if not (equals and reference and source):
        raise UsageError(f"{where}: pair {readable(text)} is not of the form REFERENCE=SOURCE")
    return Pair(_locate_face(reference, folder), _locate_face(source, folder))


def _text(path: str, name: str) -> str:
    """The manifest; bytes that are no UTF-8 survive in the way in which names of files have them."""
    try:
        data = sys.stdin.buffer.read() if path == STDIN else Path(path).read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"the manifest {name} does not exist") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"the manifest {name} cannot be read: {reason}") from error
    if b"\0" in data:
        raise InputError(f"the manifest {name} is no text in UTF-8", advice="save it as CSV in UTF-8")
    return data.decode("utf-8-sig", "surrogateescape")


def _csv(text: str, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Lines and what is in the cells that are not empty."""
    first = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(_lines(text), delimiter=delimiter, strict=True)
    columns: list[str] | None = None
    begins = 1
    try:
        for cells in reader:
            line, begins = begins, reader.line_num + 1
            if not any(cells):
                continue
            if columns is None:
                columns = [_column(cell) for cell in cells]
                _check_columns(columns, f"{name}, line {line}")
                continue
            if len(cells) > len(columns):
                raise UsageError(f"{name}, line {line}: {len(cells)} cells for {len(columns)} columns",
                                 advice="put names with a comma in quotation marks")
            yield line, {column: cell for column, cell in zip(columns, cells, strict=False) if cell}
    except csv.Error as error:
        raise UsageError(f"{name}, line {begins}: {error}") from error


def _lines(text: str) -> Iterator[str]:
    """Lines with their ends; unlike `splitlines` it breaks at LF alone, so that odd characters in names survive."""
    at = 0
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        yield text[at:end]
        at = end


def _jsonl(text: str, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Lines and the members that are not null."""
    for line, record in enumerate(_lines(text), start=1):
        if not record.strip():
            continue
        where = f"{name}, line {line}"
        try:
            pairs = json.loads(record, object_pairs_hook=list)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{where}: not JSON ({error})", advice="write one object a line") from error
        if not record.lstrip().startswith("{"):
            raise UsageError(f"{where}: not an object", advice='write one object a line, such as {"target": "a.jpg"}')
        columns = [_column(column) for column, _ in pairs]
        _check_columns(columns, where, need_target=False)
        yield line, {column: value for column, (_, value) in zip(columns, pairs, strict=True)
                     if value is not None and value != ""}


def _column(cell: str) -> str:
    return cell.strip().lower().replace("-", "_")


def _check_columns(columns: list[str], where: str, *, need_target: bool = True) -> None:
    for number, column in enumerate(columns):
        if column not in COLUMNS:
            near = get_close_matches(column, COLUMNS, 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise UsageError(f"{where}: there is no column {column!r}{hint}", advice=f"known are {', '.join(COLUMNS)}")
        if column in columns[:number]:
            raise UsageError(f"{where}: the column {column} is there twice")
    if need_target and "target" not in columns:
        raise UsageError(f"{where}: there is no column target", advice="the first line names the columns")


def _cell(value: Any) -> str:
    """A value of JSON as a cell of CSV; lists of numbers have commas."""
    if isinstance(value, list):
        return ",".join(_cell(entry) for entry in value)
    return json.dumps(value) if isinstance(value, bool) else str(value).strip()


def _locate(spec: str, folder: str) -> str:
    """A name in the manifest as a job takes it: from the manifest's folder, and never standard input."""
    if is_url(spec):
        return spec
    path = os.path.join(folder, spec)  # noqa: PTH118 (a Path would change what the user wrote)
    return f".{os.sep}{path}" if path == STDIN else path


def _locate_face(spec: str, folder: str) -> str:
    """Likewise for a picture of a face; the name of a saved face stays as it is."""
    return spec if kind_of(spec, face=True) is Kind.SAVED else _locate(spec, folder)
