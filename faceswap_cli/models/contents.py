"""Files as bytes: their hash, and what they look like to a person who expected a model."""

from __future__ import annotations

import hashlib
from pathlib import Path

BLOCK = 1 << 20
"""Bytes read or written at a time."""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, lower-case hex.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe_contents(path: Path, expected_bytes: int | None = None) -> str:
    """What a file that is not the model looks like, e.g. `an HTML page` or `a file that is cut short (1 of 5 MB)`.

    Args:
        path: Is read at its beginning only.
        expected_bytes: The model's size, where known.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        return f"a file that cannot be read ({error.strerror or error})"
    if not head:
        return "an empty file"
    if words := describe_text(head):
        return words
    if expected_bytes is not None and size < expected_bytes:
        return f"a file that is cut short ({show_bytes(size)} of {show_bytes(expected_bytes)})"
    if head.startswith(b"PK\x03\x04"):
        return "a zip archive"
    return f"another file of {show_bytes(size)}, or a damaged one"


def describe_text(head: bytes) -> str | None:
    """What a file that begins like this is, if it is one of the texts that servers send in place of a file."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return next((words for start, words in _TEXTS if text.startswith(start)), None)


def show_bytes(count: int) -> str:
    """A size as people read it, in powers of ten: `554.3 MB`."""
    size = float(count)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


_TEXTS = (
    (b"<!doctype html", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"<?xml", "an XML answer"),
    (b"version https://git-lfs", "a Git LFS pointer"),
    (b"{", "a JSON answer"),
)
