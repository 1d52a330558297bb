"""One swap by the API, and on this machine where the user wants that when the API cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from faceswap_cli.cli.consent import tell_once
from faceswap_cli.cli.output import Output

if TYPE_CHECKING:
    from faceswap_cli.jobs.job import Outcome, SwapJob


def swap_there(output: Output, job: SwapJob, swap_here: Callable[[Output, SwapJob], Outcome]) -> Outcome:
    """Have the API do a job.

    Args:
        output: How the command speaks.
        job: With `remote`.
        swap_here: Does it on this machine.

    Raises:
        FaceswapError: As `api_jobs.swap.swap_remote` and, with a fallback, as `swap_here`.
    """
    from faceswap_cli.api_jobs.swap import Remote, Spent, check_remote, falls_back, swap_remote
    from faceswap_cli.segmind.faults import ApiError

    assert job.spec.remote is not None
    check_remote(job)
    spent = Spent()
    with Remote(job.spec.remote, say=output.note) as remote:
        for note in remote.notes:
            output.note(note)
        tell_once(output)
        try:
            return swap_remote(job, remote, spent)
        except KeyboardInterrupt:
            if spent.requests:
                output.note("the request goes on at the API; run the same command again within the hour to fetch its "
                            "result, which is not billed again")
            raise
        except ApiError as error:
            if not falls_back(error, job.spec.remote):
                raise
            warning = f"{error.marked}; swapped on this machine instead (--fallback local)"
    outcome = swap_here(output, replace(job, spec=replace(job.spec, remote=None)))
    return replace(outcome, warnings=(warning, *outcome.warnings))
