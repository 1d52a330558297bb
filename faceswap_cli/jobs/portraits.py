"""The portraits that come with the package, for trying engines out: averages of people, nobody in particular."""

from __future__ import annotations

from importlib.resources import files
from typing import IO

NAMES = ("woman", "man")
"""Far enough apart for a swap to show."""


def open_portrait(name: str) -> IO[bytes]:
    """A JPEG of 480x600, one face from the front.

    Args:
        name: One of `NAMES`.
    """
    return files("faceswap_cli").joinpath(f"data/{name}.jpg").open("rb")
