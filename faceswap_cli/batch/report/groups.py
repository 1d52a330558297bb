"""The warnings of a whole batch in few lines: those that differ only in numbers and names are one kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from faceswap_cli.batch.items import ItemResult
from faceswap_cli.batch.report.text import target_name

MAX_KINDS = 500
"""Kinds of warnings that are told apart; a bound on memory."""

_FRAMES = re.compile(r"^\d+ of \d+ frames: ")
_RANGE = re.compile(r"(\d+(?:\.\d+)?)(?:\.\.(\d+(?:\.\d+)?))?")


@dataclass(slots=True, kw_only=True)
class WarningKind:
    """One kind.

    Attributes:
        words: The text around the numbers.
        least, greatest: Of each number.
        items: How many items had it.
        first: Target of the first one.
    """

    words: tuple[str, ...]
    least: list[float]
    greatest: list[float]
    items: int
    first: str

    @property
    def text(self) -> str:
        """The warning, with ranges for numbers that differed: `head turned 39..45 degrees`."""
        numbers = [f"{low:.12g}" if low == high else f"{low:.12g}..{high:.12g}"
                   for low, high in zip(self.least, self.greatest, strict=True)]
        return "".join(word + number for word, number in zip(self.words, [*numbers, ""], strict=True))


class WarningGroups:
    """Counts the warnings of items."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, ...], WarningKind] = {}
        self.left_out = 0
        """Warnings of kinds beyond `MAX_KINDS`."""

    def add(self, result: ItemResult) -> None:
        """Count the warnings of an item, each kind once."""
        if result.outcome is None or not result.outcome.warnings:
            return
        counted: set[tuple[str, ...]] = set()
        for text in result.outcome.warnings:
            words, least, greatest = _parts(_without_names(text, result))
            kind = self._kinds.get(words)
            if kind is None:
                if len(self._kinds) >= MAX_KINDS:
                    self.left_out += 1
                    continue
                kind = self._kinds[words] = WarningKind(words=words, least=least, greatest=greatest, items=0,
                                                        first=target_name(result.item))
            kind.least = [min(pair) for pair in zip(kind.least, least, strict=True)]
            kind.greatest = [max(pair) for pair in zip(kind.greatest, greatest, strict=True)]
            kind.items += words not in counted
            counted.add(words)

    def __iter__(self) -> Iterator[WarningKind]:
        """The kinds, the most frequent first."""
        return iter(sorted(self._kinds.values(), key=lambda kind: -kind.items))


def _parts(text: str) -> tuple[tuple[str, ...], list[float], list[float]]:
    """The words around the numbers, and each number's least and greatest value; `39..45` is one number."""
    words, low, high, end = [], [], [], 0
    for found in _RANGE.finditer(text):
        words.append(text[end:found.start()])
        low.append(float(found[1]))
        high.append(float(found[2] or found[1]))
        end = found.end()
    return (*words, text[end:]), low, high


def _without_names(text: str, result: ItemResult) -> str:
    """The text as it would be for any other target, and for clips of any length."""
    text = _FRAMES.sub("", text)
    job = result.item.job
    for name, word in ((job.output, "the output"), (job.target, "the target"), (result.item.name, "the target")):
        if name and name in text:
            text = re.sub(rf"(?<![\w./-]){re.escape(name)}(?![\w/-])", word, text)
    return text
