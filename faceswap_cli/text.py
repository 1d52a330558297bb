"""Text for people: names and messages on one line, and the options in them, which each door spells in its own way.

A message marks what not every reader is told alike: `opt("max-pixels", 9)` is `--max-pixels 9` on the command line and
`max_pixels=9` in Python, and what is in `here(...)` is for those at this machine. The marks are noncharacters of
Unicode, which no text of others holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Spelling = Callable[[str, str], str]
"""An option and the value it is to have, or "" -> how that is written."""

_OPTION = re.compile("\ufdd0([a-z0-9-]+)([^\ufdd1]*)\ufdd1")
_HERE = re.compile("\ufdd2([^\ufdd3]*)\ufdd3")


def opt(name: str, value: object = "") -> str:
    """An option in a message.

    Args:
        name: As the command line has it, with dashes before it or without.
        value: What it is to be; empty: nothing is said of it.
    """
    return f"\ufdd0{name.lstrip('-')}{f' {value}' if value != '' else ''}\ufdd1"


def here(text: str) -> str:
    """A part of a message for those who run the program, not for those whom it serves."""
    return f"\ufdd2{text}\ufdd3"


def as_flag(name: str, value: str) -> str:
    """An option as the command line writes it."""
    return f"{'-' if len(name) == 1 else '--'}{name}{f' {value}' if value else ''}"


def as_field(name: str, value: str) -> str:
    """An option as the records of options in Python have it."""
    field, value = (name[3:], "False") if name.startswith("no-") else (_FIELDS.get(name, name), value)
    return field.replace("-", "_") + (f"={value}" if value else "")


_FIELDS = {"o": "output"}


def spell(text: str, option: Spelling = as_field, *, at_home: bool = True) -> str:
    """A marked text for a reader.

    Args:
        text: Or a `Note`.
        option: How options are written.
        at_home: Whether the reader runs the program; else nothing is left of what is `here`.
    """
    told = _HERE.sub(r"\1" if at_home else "", text.marked if isinstance(text, Note) else text)
    return _OPTION.sub(lambda found: option(found[1], found[2][1:]), told)


def marked_options(text: str) -> tuple[str, ...]:
    """The options that a marked text speaks of, in order."""
    return tuple(dict.fromkeys(found[1] for found in _OPTION.finditer(text)))


class Note(str):
    """A marked text that reads, as it is, as callers from Python are to read it."""

    marked: str

    def __new__(cls, marked: str) -> Note:
        """A note of a marked text, or of another note."""
        note = super().__new__(cls, spell(marked))
        note.marked = marked.marked if isinstance(marked, Note) else marked
        return note


def squeeze(text: object) -> str:
    """What another library says, on one line: runs of white space are one blank."""
    return " ".join(str(text).split())


def one_line(text: str) -> str:
    r"""The text with what cannot be printed as an escape: a newline is `\n`, a byte that is no UTF-8 is `\xff`.

    File names may hold anything. What remains has nothing in it that a terminal obeys, is legal in XML 1.0, which has
    no control characters and no surrogates, and turns no text around.
    """
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(char: str) -> str:
    if char.isprintable():
        return char
    if 0xDC80 <= ord(char) <= 0xDCFF:  # how Python carries a byte of a file name that is no UTF-8
        return f"\\x{ord(char) - 0xDC00:02x}"
    return repr(char)[1:-1]
