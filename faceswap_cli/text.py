"""Text for people: names and messages on one line."""

from __future__ import annotations


def one_line(text: str) -> str:
    r"""The text with what cannot be printed as an escape: a newline is `\n`, a byte that is no UTF-8 is `\xff`.

    File names may hold anything. What remains has nothing in it that a terminal obeys, is legal in XML 1.0, which has
    no control characters and no surrogates, and turns no text around.
    """
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(char: str) -> str:
    if char.isprintable():
        return char
    if 0xDC80 <= ord(char) <= 0xDCFF:  # how Python carries a byte of a file name that is no UTF-8
        return f"\\x{ord(char) - 0xDC00:02x}"
    return repr(char)[1:-1]
