"""Which part of a clip is taken, and how people write it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from faceswap_cli.errors import UsageError
from faceswap_cli.text import opt


@dataclass(frozen=True, slots=True)
class Trim:
    """Which part of a clip is taken.

    Attributes:
        start: Seconds from its beginning; the frame shown then is the first.
        end: Seconds from its beginning, exclusive; None: to its end.
    """

    start: Fraction
    end: Fraction | None = None

    def __post_init__(self) -> None:
        if self.start < 0 or (self.end is not None and self.end <= self.start):
            raise UsageError(f"{opt('trim')}: the end must come after the start, and the start not before 0")


def parse_trim(text: str) -> Trim:
    """The part of a clip that `START-END` names: `00:01-00:05`, `90-`, `1:02:03.5-1:02:10`; either may be missing.

    Raises:
        UsageError: It is none.
    """
    start, dash, end = text.strip().partition("-")
    try:
        if not dash or not (start or end):
            raise ValueError
        return Trim(_seconds(start) if start else Fraction(0), _seconds(end) if end else None)
    except (ValueError, ZeroDivisionError) as error:
        raise UsageError(f"{opt('trim', text)}: write START-END in hours:minutes:seconds, such as "
                         "00:01-00:05, or seconds, such as 1-5") from error


def _seconds(text: str) -> Fraction:
    parts = text.split(":")
    if len(parts) > 3 or not all(part.replace(".", "", 1).isdigit() for part in parts):
        raise ValueError(text)
    total = Fraction(0)
    for part in parts:
        total = total * 60 + Fraction(part)
    return total
