"""How the outputs of a batch are called: `{stem}-swapped{suffix}`. Pure functions over names; no file is looked at."""

from __future__ import annotations

import os
import re
import string
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote

from faceswap_cli.errors import UsageError
from faceswap_cli.media.formats import FORMATS, SUFFIXES
from faceswap_cli.names import is_url, shown
from faceswap_cli.options import MediaFormat
from faceswap_cli.text import opt

NAME_BYTES = 255
"""Longest name of a file or folder that common file systems take, in bytes."""

FIELDS = ("stem", "suffix", "name", "parent", "number")
"""What a template can hold."""

_FORBIDDEN = frozenset('/\0<>:"|?*\\' if os.name == "nt" else "/\0")
_LIKE_A_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,4}\Z")


def readable(spec: str) -> str:
    """A name as messages show it: on one line, a URL without its secrets."""
    text = shown(spec)
    return text if text.isprintable() else repr(text)


def fold(key: str) -> str:
    """What two names share that some file system takes for one: case and Unicode form are ignored."""
    return key.lower() if key.isascii() else unicodedata.normalize("NFC", unicodedata.normalize("NFD", key).casefold())


def split_suffix(name: str) -> tuple[str, str]:
    """Stem and suffix of a file name; what follows the last dot is no suffix where it does not look like one.

    `photo.jpg` -> `photo`, `.jpg`; `.jpg` and `party.2024-12` have none.
    """
    at = name.rfind(".")
    if at <= 0 or not name[:at].strip(".") or not _LIKE_A_SUFFIX.match(name, at):
        return name, ""
    return name[:at], name[at:]


def suffix_for(suffix: str, asked: MediaFormat | None) -> str:
    """The suffix of an output.

    Args:
        suffix: Of the target; kept, as it is written, where it fits.
        asked: The format that is forced; None: that of the target.
    """
    if asked is None or SUFFIXES.get(suffix.lower()) is asked:
        return suffix
    return FORMATS[asked].suffixes[0]


def base_name(spec: str) -> str:
    """The name of the file that an input names; of a URL, the last part of its path, made fit for a file name."""
    if not is_url(spec):
        return os.path.basename(spec.rstrip(os.sep + "/"))  # noqa: PTH119 (a Path would lose what the user wrote)
    return _parts_of_url(spec)[-1]


def parent_name(spec: str) -> str:
    """The name of the folder that an input lies in; of a URL without folders, its host."""
    if not is_url(spec):
        return os.path.basename(os.path.dirname(os.path.abspath(spec)))  # noqa: PTH100, PTH119, PTH120 (as above)
    return _parts_of_url(spec)[-2]


def _parts_of_url(url: str) -> list[str]:
    """Host and parts of the path, at least two in all, each fit for a file name."""
    rest = re.split(r"[?#]", url, maxsplit=1)[0].partition("://")[2]
    host, *parts = rest.split("/")
    fit = ["".join("_" if char in _FORBIDDEN or char == "\\" else char for char in unquote(part)) for part in parts]
    fit = [part for part in fit if part.strip(".")]
    return [host.rpartition("@")[2].replace(":", "_") or "_", *(fit or ["picture"])]


@dataclass(frozen=True, slots=True)
class NameTemplate:
    """A parsed `--name`.

    Attributes:
        text: As given.
        parts: Text to take as it is, then the field that follows and its format; both are empty at the end.
    """

    text: str
    parts: tuple[tuple[str, str, str], ...]

    @property
    def fields(self) -> frozenset[str]:
        """The fields that are used."""
        return frozenset(field for _, field, _ in self.parts)

    def render(self, name: str, parent: str, number: int, asked: MediaFormat | None = None) -> str:
        """The name of an output, perhaps with folders, as `check_key` accepts it.

        Args:
            name: File name of the target.
            parent: Name of the folder that the target lies in.
            number: Place of the item in the batch, from 1.
            asked: The format that is forced; None: that of the target.

        Raises:
            UsageError: The result is no name of a file.
        """
        stem, suffix = split_suffix(name)
        suffix = suffix_for(suffix, asked)
        values: dict[str, str | int] = {
            "stem": stem, "suffix": suffix, "name": stem + suffix, "parent": parent, "number": number}
        made = []
        for text, field, spec in self.parts:
            made.append(text)
            if field:
                made.append(format(values[field], spec))
        result = "".join(made)
        check_key(result, f"{opt('name', readable(self.text))} makes of {readable(name)}")
        return result


def parse_template(text: str) -> NameTemplate:
    """Read a template such as `{stem}-swapped{suffix}` or `{parent}/{number:04}{suffix}`.

    `stem`, `suffix` (with its dot, of the output's format) and `name` (both) are of the target's file name, `parent` is
    the folder that it lies in, `number` counts from 1. Formats are those of Python; `{{` is a brace.

    Raises:
        UsageError: A field that is not known, a format that does not fit, a brace without its partner.
    """
    where = opt("name", readable(text))
    try:
        parsed = list(string.Formatter().parse(text))
    except ValueError as error:
        raise UsageError(f"{where}: {error}", advice="write {{ or }} for a brace") from error
    parts = []
    for literal, field, spec, conversion in parsed:
        if field is None:
            parts.append((literal, "", ""))
            continue
        if field not in FIELDS or conversion:
            shape = f"{{{field}{'!' + conversion if conversion else ''}}}"
            known = ", ".join(f"{{{name}}}" for name in FIELDS)
            raise UsageError(f"{where}: there is no {readable(shape)}", advice=f"use {known}")
        _check_format(field, spec or "", where)
        parts.append((literal, field, spec or ""))
    if not any(field for _, field, _ in parts) and not text.strip():
        raise UsageError(f"{opt('name')} is empty", advice="give a template such as {stem}-swapped{suffix}")
    return NameTemplate(text, tuple(parts))


def _check_format(field: str, spec: str, where: str) -> None:
    """Widths are looked at first: formatting with a width of a billion takes as many bytes."""
    if all(int(digits) <= NAME_BYTES for digits in re.findall(r"[0-9]{1,18}", spec)) and "{" not in spec:
        try:
            format(1 if field == "number" else "x", spec)
        except (ValueError, OverflowError):
            pass
        else:
            return
    raise UsageError(f"{where}: {{{field}}} cannot have the format {readable(spec)}",
                     advice="such as {number:04} it can be")


def check_key(key: str, where: str) -> None:
    """Make sure that a path, with `/`, names a file below the folder that it is relative to, on any file system.

    Args:
        key: The path.
        where: What came to this path, for messages: `list.csv, line 3: output`.

    Raises:
        UsageError: It is absolute, leads up, has an empty part or one of more than 255 bytes, or what no name can have.
    """
    for part in key.split("/"):
        if part in ("", ".", ".."):
            raise UsageError(f"{where} {key!r}, which is no name of a file below the output folder")
        if not _FORBIDDEN.isdisjoint(part):
            raise UsageError(f"{where} {readable(key)}, which has a character that no file name can have")
        if len(part) * 4 > NAME_BYTES:  # no character takes more than four bytes
            _check_length(part, key, where)
        elif not part.isascii():
            _encoded(part, key, where)


def _check_length(part: str, key: str, where: str) -> None:
    size = len(_encoded(part, key, where))
    if size > NAME_BYTES:
        raise UsageError(f"{where} {readable(key)}: a name of {size} bytes, of which file systems take {NAME_BYTES}",
                         advice=f"shorten it, with {opt('name')} '{{stem:.50}}{{suffix}}' for example")


def _encoded(part: str, key: str, where: str) -> bytes:
    try:
        return os.fsencode(part)
    except UnicodeEncodeError as error:
        raise UsageError(f"{where} {readable(key)}, which has a character that no file name can have") from error
