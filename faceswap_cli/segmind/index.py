"""The API's index lists: `0` or `0, 2`, zero-based face numbers."""

from __future__ import annotations

import re

_LIST = re.compile(r"\s*[0-9]{1,9}\s*(,\s*[0-9]{1,9}\s*)*", re.ASCII)


def is_index_list(text: str) -> bool:
    """Whether the text is an index list; numbers of more than nine digits are none."""
    return _LIST.fullmatch(text) is not None


def read_index_list(text: str) -> tuple[int, ...]:
    """The numbers of an index list, in the order given, repeats included.

    Args:
        text: For which `is_index_list` holds.
    """
    return tuple(int(entry) for entry in text.split(","))
