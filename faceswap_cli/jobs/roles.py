"""Who gets whose face: the references and sources of a job, as names."""

from __future__ import annotations

from faceswap_cli.errors import UsageError
from faceswap_cli.jobs.job import SwapJob

Cast = list[tuple[tuple[str, ...], tuple[str, ...]]]
"""For each role the names of its references and of its sources."""


def cast_of(job: SwapJob) -> Cast:
    """The roles of a job: its pairs in order, then its sources, for the person of its references or for all others.

    Pairs with the same reference are one role with several pictures of its source.

    Raises:
        UsageError: References, and no source.
    """
    pairs: dict[str, list[str]] = {}
    for pair in job.pairs:
        pairs.setdefault(pair.reference, []).append(pair.source)
    cast: Cast = [((reference,), tuple(dict.fromkeys(sources))) for reference, sources in pairs.items()]
    if job.references and not job.sources:
        raise UsageError("--reference needs a source, whose face that person gets; name one, or use --pair "
                         "REFERENCE=SOURCE")
    if job.sources or not cast:
        cast.append((job.references, job.sources))
    return cast


def pictures_of(job: SwapJob) -> tuple[str, ...]:
    """The names of all pictures of faces that a job reads, sources first, none twice."""
    paired = (name for pair in job.pairs for name in (pair.reference, pair.source))
    return tuple(dict.fromkeys((*job.sources, *job.references, *paired)))
