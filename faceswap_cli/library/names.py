"""What saved faces are called, and how a SOURCE names one: `@NAME`, or the file itself."""

from __future__ import annotations

import re

from faceswap_cli.errors import UsageError

MARK = "@"
"""What a SOURCE begins with that is the name of a saved face; a file of such a name is given as `./@name`."""

SUFFIX = ".safetensors"
"""Of the files of saved faces."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")


def check_name(name: str) -> str:
    """The name, if a saved face may have it.

    Raises:
        UsageError: It may not.
    """
    if not _NAME.fullmatch(name) or is_saved_file(name):
        raise UsageError(f"{name!r} cannot be the name of a saved face; take up to 64 letters (a-z), digits and - _ . "
                         "of which - and . not in front")
    return name


def is_named(spec: str) -> bool:
    """Whether a SOURCE is the name of a saved face."""
    return spec.startswith(MARK)


def is_saved_file(spec: str) -> bool:
    """Whether a SOURCE that is a path is taken for the file of a saved face."""
    return spec.lower().endswith(SUFFIX)
