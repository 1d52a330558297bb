"""Counting what happens to the faces of a clip, and saying it in few words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from faceswap_cli.engine.outcome import FaceOutcome
from faceswap_cli.errors import NoFaceError, UnlikeError
from faceswap_cli.jobs.job import MeasuredSimilarity
from faceswap_cli.text import here, opt

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SKIPS = {
    "gender-mismatch": "a face of the other gender was left as it is",
    "gender-unknown": "a face whose gender is not sure was left as it is",
    "person-unknown": "a face too small or turned to tell who it is was left as it is",
}


@dataclass(slots=True, kw_only=True)
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
        seen = self._seen.setdefault(tuple(words), _Seen(words=words, least=numbers, greatest=numbers))
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
        self._measured: dict[int, list[tuple[float, float]]] = {}
        self._pictures: dict[int, str] = {}
        self._nearest: float | None = None

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
                self._measure(outcome)
            elif outcome.skip_reason is not None:
                self.skipped[outcome.skip_reason] += 1
                if outcome.skip_reason == "no-such-face":
                    self._missing.add(frame, f"there is no face {outcome.index}")
                if outcome.skip_reason == "other-person" and outcome.reference_similarity is not None:
                    nearest = outcome.reference_similarity
                    self._nearest = nearest if self._nearest is None else max(nearest, self._nearest)

    def _measure(self, outcome: FaceOutcome) -> None:
        if outcome.similarity is not None and outcome.source is not None:
            self._measured.setdefault(outcome.source, []).append((outcome.similarity.source, outcome.similarity.target))
            self._pictures.setdefault(outcome.source, outcome.source_picture or "the source")

    def similarity(self, measure: str) -> MeasuredSimilarity | None:
        """How like their source the measured faces are; None: none was.

        Args:
            measure: What it is made of.
        """
        pairs = [pair for pairs in self._measured.values() for pair in pairs]
        if not pairs:
            return None
        return MeasuredSimilarity(measure, median(source for source, _ in pairs), median(target for _, target in pairs),
                                  len(pairs))

    def check_similarity(self, least: float, name: str, measure: str) -> None:
        """Make sure that the result is like its source: for each source face, by the median of the faces that got it.

        Args:
            least: What the median must be.
            name: Of the target.
            measure: What similarities are made of.

        Raises:
            UnlikeError: It is not; nothing may be written.
        """
        for source, pairs in sorted(self._measured.items()):
            middle = median(to_source for to_source, _ in pairs)
            if not middle >= least:
                faces = "1 face" if len(pairs) == 1 else f"median of {len(pairs)} measured faces"
                raise UnlikeError(f"{name}: the result looks too little like {self._pictures[source]}: similarity "
                                  f"{middle:.2f} ({measure}, {faces}), {opt('min-similarity')} asks for {least:g}",
                                  advice="take a sharper source picture, more from the front, or ask for less")

    def warnings(self) -> list[str]:
        """What is to be told of the swapped faces, without repetition, and of requested faces that were not swapped."""
        lines = self._warnings.lines(self.frames)
        if self.frames_swapped:
            lines += [*self._missing.lines(self.frames), *self._skips()]
        return lines

    def why_nothing(self, name: str) -> NoFaceError:
        """Why no face was swapped, and what to do next."""
        if self.frames_without_face == self.frames:
            return NoFaceError(f"no face found in {name}",
                               advice=f"{opt('on-no-face', 'copy')} passes such targets through")
        if self._nearest is not None and set(self.skipped) <= {"other-person", "person-unknown"}:
            return NoFaceError(f"no face in {name} is the person of a reference: the nearest has a similarity of "
                               f"{self._nearest:.2f}",
                               advice=f"take another picture of that person, or lower {opt('reference-threshold')}")
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self.skipped.items()))
        found = f" ({reasons})" if reasons else ""
        return NoFaceError(f"no face left to swap in {name}{found}",
                           advice=here("see what `faceswap detect` finds in it"))

    def _skips(self) -> list[str]:
        """Skips that may surprise; `not-selected` is what was asked for."""
        times = f" ({{}} times in {self.frames} frames)" if self.frames > 1 else ""
        return [text + times.format(self.skipped[reason]) for reason, text in _SKIPS.items() if self.skipped[reason]]
