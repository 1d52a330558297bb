"""The one door to Pillow: it is quiet inside, our limit rules, and every failure is an InputError."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from types import TracebackType

from PIL import Image as PILImage

from faceswap_cli.errors import FaceswapError, InputError
from faceswap_cli.text import squeeze

# Without a handler of their own these would print to stderr through logging's handler of last resort.
for _library in ("PIL", "tifffile", "imageio"):
    logging.getLogger(_library).addHandler(logging.NullHandler())

_REASON_LENGTH = 160


class _Quiet:
    """Python warnings off and Pillow's own pixel limit lifted while any thread is inside.

    Both are global to the process: the first thread in changes them, the last one out restores what it found, so that a
    program that imports faceswap keeps its own settings.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._filters: warnings.catch_warnings[None] | None = None
        self._limit: int | None = None

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._limit = PILImage.MAX_IMAGE_PIXELS
                PILImage.MAX_IMAGE_PIXELS = None
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.simplefilter("ignore")
            self._inside += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0 and self._filters is not None:
                self._filters.__exit__(None, None, None)
                self._filters = None
                PILImage.MAX_IMAGE_PIXELS = self._limit


quiet = _Quiet()
"""Context manager, shared by all threads."""


@contextlib.contextmanager
def decoding(name: str, kind: str) -> Iterator[None]:
    """Turn whatever a decoder raises for a damaged file into one line. Lift Pillow's pixel limit: check before.

    Args:
        name: How to call the file in messages.
        kind: What it is, by content: `PNG`.

    Raises:
        InputError: Anything went wrong but one of our own errors, which passes as it is.
    """
    with quiet:
        try:
            yield
        except FaceswapError:
            raise
        except MemoryError as error:
            raise InputError(f"{name} cannot be read as {kind}: not enough memory",
                             advice="make it smaller first") from error
        except Exception as error:  # decoders of damaged files raise nearly everything, up to RecursionError
            reason = squeeze(error)[:_REASON_LENGTH] or type(error).__name__
            raise InputError(f"{name} cannot be read as {kind}, it may be damaged or incomplete: {reason}") from error


_LIBTIFF_LINE = re.compile(rb"^\w+: .+\.\s*$")
_stderr_lock = threading.Lock()


@contextlib.contextmanager
def libtiff_errors() -> Iterator[list[str]]:
    """Keep libtiff, which reports errors on the process's standard error alone, from printing there.

    Some of these errors stop a decoder, others leave it with a picture that is part guesswork. What other threads print
    meanwhile is passed on afterwards.

    Yields:
        A list that holds the errors after the block.
    """
    found: list[str] = []
    with _stderr_lock, tempfile.TemporaryFile() as caught:
        try:
            saved = os.dup(2)
        except OSError:  # closed: nothing can be printed
            yield found
            return
        _flush_stderr()
        os.dup2(caught.fileno(), 2)
        try:
            yield found
        finally:
            _flush_stderr()
            os.dup2(saved, 2)
            os.close(saved)
            caught.seek(0)
            for line in caught.read(1 << 20).splitlines(keepends=True):
                if _LIBTIFF_LINE.match(line):
                    found.append(line.decode(errors="replace").strip())
                else:
                    with contextlib.suppress(OSError):
                        os.write(2, line)


def _flush_stderr() -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or no standard error at all
        sys.stderr.flush()
