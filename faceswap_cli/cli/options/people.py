"""The options that say who is swapped and how like the source the result must be, declared once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from faceswap_cli.cli.options.common import FACES
from faceswap_cli.errors import UsageError
from faceswap_cli.text import opt

if TYPE_CHECKING:
    from faceswap_cli.jobs.job import Pair

ReferenceOption = Annotated[list[str] | None, typer.Option(
    "--reference", metavar="PICTURE", show_default=False, rich_help_panel=FACES,
    help="Swap only the person of this picture, wherever in TARGET. Again: more pictures of that person.")]

ReferenceThresholdOption = Annotated[float | None, typer.Option(
    "--reference-threshold", metavar="0..1", show_default="0.45, neural 0.3", rich_help_panel=FACES,
    help="How like a reference a face must be to be that person; --json reports how like each is.")]

PairOption = Annotated[list[str] | None, typer.Option(
    "--pair", metavar="REFERENCE=SOURCE", show_default=False, rich_help_panel=FACES,
    help="The person of picture REFERENCE gets the face of picture SOURCE. Again: more people. The SOURCE before "
         "TARGET may then be left out; --source names the face for everybody else.")]

MinSimilarityOption = Annotated[float | None, typer.Option(
    "--min-similarity", metavar="0..1", show_default=False, rich_help_panel=FACES,
    help="Write nothing, and end with 4, when the swapped faces look less like their source than this. On the scale of "
         "--json; 0.45 (neural 0.3) is what tells people apart.")]


@dataclass(frozen=True, slots=True)
class PeopleChoice:
    """Who is swapped, and how like the source the result must be."""

    reference: ReferenceOption = None
    reference_threshold: ReferenceThresholdOption = None
    pair: PairOption = None
    min_similarity: MinSimilarityOption = None

    def checked_similarity(self) -> float | None:
        """The least similarity.

        Raises:
            UsageError: It is outside 0..1.
        """
        if self.min_similarity is not None and not 0 <= self.min_similarity <= 1:
            raise UsageError(f"{opt('min-similarity')} {self.min_similarity:g} is outside 0..1")
        return self.min_similarity


def parse_pairs(texts: Sequence[str] | None) -> tuple[Pair, ...]:
    """The pairs that `REFERENCE=SOURCE` texts name.

    Names of files may hold `=`: a text is split at the first one whose left side is a file, else at the first.

    Raises:
        UsageError: There is no `=`, or nothing on one side of it.
    """
    from faceswap_cli.jobs.job import Pair

    pairs = []
    for text in texts or ():
        places = [place for place, letter in enumerate(text) if letter == "="]
        if not places:
            raise UsageError(f"{opt('pair', text)}: write REFERENCE=SOURCE, the person's picture and that of the new "
                             f"face, such as {opt('pair')} anna.jpg=me.jpg")
        # A name that is too long is no file, and no error as with `Path.is_file`.
        place = next((place for place in places if os.path.isfile(text[:place])), places[0])  # noqa: PTH113
        reference, source = text[:place], text[place + 1:]
        if not reference or not source:
            side = "REFERENCE" if not reference else "SOURCE"
            raise UsageError(f"{opt('pair', text)}: {side} is empty",
                             advice=f"write REFERENCE=SOURCE, such as {opt('pair')} anna.jpg=me.jpg")
        pairs.append(Pair(reference, source))
    return tuple(pairs)
