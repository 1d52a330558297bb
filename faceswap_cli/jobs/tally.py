"""Counting what happens to the faces of a clip, and saying it in few words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from faceswap_cli.engine.outcome import FaceOutcome

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SKIPS = {
    "gender-mismatch": "a face of the other gender was left as it is",
    "gender-unknown": "a face whose gender is not sure was left as it is",
}


@dataclass(slots=True)
class _Seen:
    """One kind of warning: its words around the numbers, the least and greatest of each number, and how often."""

    words: list[str]
    least: list[float]
    greatest: list[float]
    frames: int = 0
    last_frame: int = -1

    def text(self) -> str:
        """The warning with ranges for numbers that differed: `head turned 39..45 degrees`."""
        numbers = [f"{low:g}" if low == high else f"{low:g}..{high:g}"
                   for low, high in zip(self.least, self.greatest, strict=True)]
        return "".join(word + number for word, number in zip(self.words, [*numbers, ""], strict=True))


class WarningTally:
    """Warnings over the frames of a clip; those that differ only in their numbers are one kind."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, ...], _Seen] = {}

    def add(self, frame: int, text: str) -> None:
        """Count `text` for a frame; a kind counts once a frame."""
        words = _NUMBER.split(text)
        numbers = [float(number) for number in _NUMBER.findall(text)]
        seen = self._seen.setdefault(tuple(words), _Seen(words, numbers, numbers))
        seen.least = [min(pair) for pair in zip(seen.least, numbers, strict=True)]
        seen.greatest = [max(pair) for pair in zip(seen.greatest, numbers, strict=True)]
        if frame != seen.last_frame:
            seen.frames += 1
            seen.last_frame = frame

    def lines(self, frames: int) -> list[str]:
        """One line a kind, in the order they first came: `12 of 60 frames: head turned 39..45 degrees`."""
        if frames <= 1:
            return [seen.text() for seen in self._seen.values()]
        return [f"{seen.frames} of {frames} frames: {seen.text()}" for seen in self._seen.values()]


class Tally:
    """What happened to the faces of one still or clip."""

    def __init__(self, *, details: bool) -> None:
        """Start at nothing.

        Args:
            details: Keep every outcome, for reports; memory then grows with frames x faces.
        """
        self.frames = 0
        self.frames_swapped = 0
        self.frames_without_face = 0
        self.faces_swapped = 0
        self.outcomes: list[FaceOutcome] = []
        self.skipped: Counter[str] = Counter()
        self._details = details
        self._warnings = WarningTally()
        self._missing = WarningTally()

    def add(self, outcomes: Iterable[FaceOutcome], *, found: int, swapped: int) -> None:
        """Count the next frame."""
        frame = self.frames
        self.frames += 1
        self.frames_swapped += swapped > 0
        self.frames_without_face += found == 0
        self.faces_swapped += swapped
        for outcome in outcomes:
            if self._details:
                self.outcomes.append(outcome)
            if outcome.swapped:
                for text in outcome.warnings:
                    self._warnings.add(frame, text)
            elif outcome.skip_reason is not None:
                self.skipped[outcome.skip_reason] += 1
                if outcome.skip_reason == "no-such-face":
                    self._missing.add(frame, f"there is no face {outcome.index}")

    def warnings(self) -> list[str]:
        """What is to be told of the swapped faces, without repetition, and of requested faces that were not swapped."""
        lines = self._warnings.lines(self.frames)
        if self.frames_swapped:
            lines += [*self._missing.lines(self.frames), *self._skips()]
        return lines

    def why_nothing(self, name: str) -> str:
        """Why no face was swapped, and what to do next."""
        if self.frames_without_face == self.frames:
            return f"no face found in {name}; --on-no-face copy passes such targets through"
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self.skipped.items()))
        found = f" ({reasons})" if reasons else ""
        return f"no face left to swap in {name}{found}; see what `faceswap detect` finds in it"

    def _skips(self) -> list[str]:
        """Skips that may surprise; `not-selected` is what was asked for."""
        times = f" ({{}} times in {self.frames} frames)" if self.frames > 1 else ""
        return [text + times.format(self.skipped[reason]) for reason, text in _SKIPS.items() if self.skipped[reason]]
