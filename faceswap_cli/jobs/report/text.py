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


def counted(number: int, noun: str) -> str:
    """A number and what is counted: `1 face`, `1,200 faces`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def show_seconds(seconds: float) -> str:
    """A time in two units: `8.2 s`, `1 min 23 s`, `2 h 5 min`."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def show_rate(rate: float) -> str:
    """Items in a unit of time in which there are some."""
    if rate >= 0.95:
        return f"{rate:.1f} items/s"
    return f"{rate * 60:.1f} items/min" if rate * 60 >= 0.95 else f"{rate * 3600:.1f} items/h"


def _printable(char: str) -> str:
    if char.isprintable():
        return char
    if 0xDC80 <= ord(char) <= 0xDCFF:  # how Python carries a byte of a file name that is no UTF-8
        return f"\\x{ord(char) - 0xDC00:02x}"
    return repr(char)[1:-1]
