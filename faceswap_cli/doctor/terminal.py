"""Where results and talk are shown."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator

from faceswap_cli.doctor.checks import Check, DoctorOptions, Look, note, ok

_TABLE_WIDTH = 80


def _screen(options: DoctorOptions) -> Iterator[Check]:
    """Standard error is where progress and colours are; standard output, where tables go."""
    streams = {"standard output": sys.stdout, "standard error": sys.stderr}
    terminals = [name for name, stream in streams.items() if stream is not None and stream.isatty()]
    width = shutil.get_terminal_size().columns
    data = {"stdout": "standard output" in terminals, "stderr": "standard error" in terminals, "width": width}
    if not terminals:
        yield ok("screen", "none: output goes to pipes or files, plain and without progress", **data)
    elif width < _TABLE_WIDTH:
        yield note("screen", f"{width} columns", f"widen it to {_TABLE_WIDTH}: tables need that much", **data)
    else:
        missing = [name for name in streams if name not in terminals]
        but = f"; {missing[0]} goes elsewhere" if missing else ""
        yield ok("screen", f"{width} columns{but}", **data)


def _colour(options: DoctorOptions) -> Iterator[Check]:
    term = os.environ.get("TERM", "")
    # What it is set to is shown to nobody: only that it is.
    off = [name for name in ("NO_COLOR", "CI") if os.environ.get(name)]
    data = {"no_color": "NO_COLOR" in off, "ci": "CI" in off, "term": term}
    if "NO_COLOR" in off:
        yield ok("colour", "no: NO_COLOR is set", **data)
    elif term in ("dumb", "unknown"):
        yield ok("colour", f"no: TERM is {term}", **data)
    else:
        yield ok("colour", "on a terminal" + ("; no progress bars, because CI is set" if "CI" in off else ""), **data)


def _encoding(options: DoctorOptions) -> Iterator[Check]:
    output = (getattr(sys.stdout, "encoding", None) or "none").lower()
    names = sys.getfilesystemencoding().lower()
    data = {"output": output, "file_names": names}
    if "utf" in output and "utf" in names:
        yield ok("encoding", f"{output.upper()}", **data)
    else:
        yield note("encoding", f"{output.upper()} for output, {names.upper()} for file names",
                   "set PYTHONUTF8=1 or a locale such as C.UTF-8, so that all names can be shown and written", **data)


LOOKS: dict[str, Look] = {
    "screen": _screen,
    "colour": _colour,
    "encoding": _encoding,
}
