"""What saved faces are called."""

from __future__ import annotations

import re

from faceswap_cli.errors import UsageError
from faceswap_cli.names import SAVED_SUFFIX

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")


def check_name(name: str) -> str:
    """The name, if a saved face may have it.

    Raises:
        UsageError: It may not.
    """
    if not _NAME.fullmatch(name) or name.lower().endswith(SAVED_SUFFIX):
        raise UsageError(f"{name!r} cannot be the name of a saved face",
                         advice="take up to 64 letters (a-z), digits and - _ . of which - and . not in front")
    return name
