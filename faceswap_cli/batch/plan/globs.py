"""Patterns for paths: `*.jpg`, `**/thumbs/`, `2024-??/*`. Pure functions over text."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from faceswap_cli.batch.plan.naming import readable
from faceswap_cli.errors import UsageError
from faceswap_cli.names import is_url

_WILD = re.compile(r"[*?\[]")


def has_wildcards(spec: str) -> bool:
    """Whether a name may be a pattern."""
    return _WILD.search(spec) is not None


def is_glob(spec: str) -> bool:
    """Whether an input is a pattern for files of this machine: it has a wildcard, and no file has this very name."""
    return has_wildcards(spec) and not is_url(spec) and not os.path.lexists(spec)


def split_glob(spec: str) -> tuple[str, str]:
    """The folder before the first wildcard, and the pattern below it: `in/a/*/b*.jpg` -> `in/a`, `*/b*.jpg`."""
    parts = spec.replace(os.sep, "/").split("/")
    first = next(number for number, part in enumerate(parts) if _WILD.search(part))
    folder = "/".join(parts[:first])
    return folder or ("/" if first else "."), "/".join(parts[first:])


def compile_globs(patterns: Iterable[str], option: str) -> re.Pattern[str] | None:
    """One pattern for paths relative to a folder, with `/`; to be used with `fullmatch`. None for no patterns.

    `*` and `?` stop at `/`, `**` does not, `[a-z]` and `[!a-z]` are as in a shell. A pattern without `/` fits the name
    of a file or folder at any depth, one with `/` the whole path; one that ends with `/` all that lies in a folder.

    Raises:
        UsageError: A pattern is empty or makes no sense.
    """
    compiled = [translate(pattern, option) for pattern in patterns]
    return re.compile("|".join(compiled), re.DOTALL) if compiled else None


def translate(pattern: str, option: str) -> str:
    """A glob as a regular expression, as `compile_globs` takes it."""
    text = pattern.removeprefix("/")
    if not text.strip("/"):
        raise UsageError(f"{option} {pattern!r} is empty", advice="give a glob such as '*.jpg'")
    anchored = "/" in pattern.rstrip("/")
    if text.endswith("/"):
        text += "**"
    made = "" if anchored else "(?:.*/)?"
    at = 0
    while at < len(text):
        if text.startswith("**/", at) and (at == 0 or text[at - 1] == "/"):
            made += "(?:.*/)?"
            at += 3
        elif text.startswith("**", at):
            made += ".*"
            at += 2
        elif text[at] in "*?":
            made += "[^/]*" if text[at] == "*" else "[^/]"
            at += 1
        elif text[at] == "[" and (end := text.find("]", at + (3 if text.startswith("[!", at) else 2))) > 0:
            inner = text[at + 1:end]
            negated = inner.startswith("!")
            chars = re.sub(r"([\\\[\]^&~|]|(?<=-)-)", r"\\\1", inner[negated:])
            made += f"(?!/)[{'^' if negated else ''}{chars}]"
            at = end + 1
        else:
            made += re.escape(text[at])
            at += 1
    try:
        re.compile(made)
    except re.error as error:
        raise UsageError(f"{option} {readable(pattern)} is no glob: {error.msg}") from error
    return f"(?:{made})"
