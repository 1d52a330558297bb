"""Names and messages as reports show them: one line, legal in XML and HTML, without the secrets of URLs."""

from __future__ import annotations

from faceswap_cli.jobs.items import Item
from faceswap_cli.media.urls import shown


def one_line(text: str) -> str:
    r"""The text with what cannot be printed as an escape: a newline is `\n`, a byte that is no UTF-8 is `\xff`.

    What remains is legal in XML 1.0, which has no control characters and no surrogates, and turns no text around.
    """
    return text if text.isprintable() else "".join(map(_printable, text))


def target_name(item: Item) -> str:
    """The target as the user knows it; a URL without its secrets."""
    return shown(item.name)


def _printable(char: str) -> str:
    if char.isprintable():
        return char
    if 0xDC80 <= ord(char) <= 0xDCFF:  # how Python carries a byte of a file name that is no UTF-8
        return f"\\x{ord(char) - 0xDC00:02x}"
    return repr(char)[1:-1]
