"""Names and figures as reports show them."""

from __future__ import annotations

from faceswap_cli.batch.items import Item
from faceswap_cli.names import shown


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
