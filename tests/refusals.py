"""Errors as the command line says them: `str` of an error is for callers from Python, and names options as they do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from faceswap_cli.errors import FaceswapError
from faceswap_cli.text import as_flag


@contextmanager
def refused(kind: type[FaceswapError], match: str) -> Iterator[pytest.ExceptionInfo[FaceswapError]]:
    """As `pytest.raises`, for what `faceswap` says of the error."""
    with pytest.raises(kind) as caught:
        yield caught
    said = caught.value.text(as_flag)
    assert re.search(match, said), said
