"""URLs as text: telling them from paths, and showing them without their secrets. Imports nothing heavy."""

from __future__ import annotations

import re


def is_url(text: str) -> bool:
    """Whether an input is meant as a URL (of any scheme) rather than as a path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text) is not None


def shown(spec: str) -> str:
    """An input as people are told of it: a URL without its secrets, anything else as it is."""
    return redact_url(spec) if is_url(spec) else spec


def redact_url(text: str) -> str:
    """A URL as messages show it: no credentials, no query, one line."""
    scheme, found, rest = re.split(r"[?#]", text, maxsplit=1)[0].partition("://")
    authority, slash, path = rest.partition("/")
    bare = f"{scheme}{found}{authority.rpartition('@')[2]}{slash}{path}"
    bare = "".join(char if char.isprintable() and char != " " else "?" for char in bare)
    return bare if len(bare) <= 120 else bare[:117] + "..."
