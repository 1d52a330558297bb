"""What the API's refusals mean: who is to blame, whether a repetition may be billed, and what to do next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from faceswap_cli.errors import RemoteError
from faceswap_cli.segmind.ticket import Ticket

_SHOWN = 300


class Retry(StrEnum):
    """Whether the same job may be submitted once more."""

    NEVER = "never"
    """The API has judged it and would judge it the same again."""
    SAFE = "safe"
    """No job exists; a repetition is not billed twice."""
    UNKNOWN = "unknown"
    """A job may exist, or does; a repetition may be billed twice."""


class ApiError(RemoteError):
    """The API refused a job or failed. Picklable.

    Attributes:
        retry: Whether it may be submitted once more.
        stops_batch: All other jobs would fail alike: no key, no credits.
        status: HTTP status of the answer that said so; None where there was no answer.
        ticket: The request that was accepted and can still be resumed; None where there is none.
        out_of_order: The API itself does not work or cannot be reached, which says nothing about the job.
    """

    def __init__(self, message: str, *, advice: str = "", retry: Retry = Retry.NEVER, stops_batch: bool = False,
                 status: int | None = None, ticket: Ticket | None = None, out_of_order: bool = False) -> None:
        super().__init__(message, advice=advice)
        self.retry = retry
        self.stops_batch = stops_batch
        self.status = status
        self.ticket = ticket
        self.out_of_order = out_of_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What a request is made for.

    Attributes:
        name: For messages.
        billed: It may start a job, so it is made once only.
        polls: It counts for the cap on polls.
        result: It belongs to a request that was accepted.
        patience: Seconds without a byte after which it is given up; None: as long as the deadline lets it.
    """

    name: str
    billed: bool = False
    polls: bool = False
    result: bool = False
    patience: float | None = 30.0


CALL = Errand(name="the request", billed=True, patience=None)
SUBMIT = Errand(name="the request", billed=True, patience=60.0)
UPLOAD = Errand(name="the upload", patience=120.0)
POLL = Errand(name="to tell the state of the request", polls=True, result=True)
FETCH = Errand(name="to give the result", result=True)

_ADVICE = {
    400: "check the pictures and the options",
    401: "check SEGMIND_API_KEY or the key file",
    403: "check what the account may use",
    404: "check the address of the API",
    406: "add credits to the account, then run again",
    413: "take a smaller picture",
    422: "take other pictures or options",
    429: "wait, then run again with fewer requests at a time",
}

_BILLED_PERHAPS = "a job may exist and be billed, so look at the account before running it again"
STILL_THERE = "the request was accepted and goes on; run again within the hour to fetch its result"


def refusal(status: int, words: str | None, errand: Errand, *, wait: float | None = None) -> ApiError:
    """The error that an HTTP status means.

    Args:
        status: Other than 200.
        words: The API's own, one line.
        errand: What was asked for.
        wait: Seconds that the API asks to wait.
    """
    said = f"{words} ({status})" if words else f"status {status}"
    if 300 <= status < 400:
        return ApiError(f"the API answered with a redirect (status {status}), which is not followed with a key",
                        advice="check the address of the API", status=status)
    if status >= 500:
        return failure(f"answered: {said}" if words else f"answered with {said}", errand, status=status)
    if status == 404 and errand.result:
        return ApiError(f"the API has no result: {said}",
                        advice="results are kept for an hour, and a new request is billed again", retry=Retry.UNKNOWN,
                        status=status)
    if status == 422 and errand.result:
        return ApiError(f"the request failed: {said}", advice=_ADVICE[422], status=status)
    retry = Retry.SAFE if status in (401, 403, 406, 429) else Retry.NEVER
    advice = _ADVICE.get(status, _ADVICE[400]).replace("wait,", f"wait {wait:.0f} s," if wait else "wait,")
    return ApiError(f"the API refused {errand.name}: {said}", advice=advice, retry=retry,
                    stops_batch=status in (401, 406), status=status)


def failure(reason: str, errand: Errand, *, reached: bool = True, status: int | None = None) -> ApiError:
    """The error for an API that does not work.

    Args:
        reason: Continues `the API`.
        errand: What was asked for.
        reached: It may have got the request.
        status: Of its answer.
    """
    if errand.billed and reached:
        return ApiError(f"the API {reason}", advice=_BILLED_PERHAPS, retry=Retry.UNKNOWN, status=status,
                        out_of_order=True)
    if errand.result:
        advice = STILL_THERE
    else:
        advice = "run again later" if reached else "check the network and the address of the API"
    return ApiError(f"the API {reason}", advice=advice, retry=Retry.SAFE, status=status, out_of_order=True)


def one_line(text: str, hide: Callable[[str], str] = str) -> str:
    """A text of a stranger's, as a message shows it: one line, printable, not too long, without the key.

    Args:
        text: Whatever the API sent.
        hide: Takes the key out.
    """
    # The key first: blanks put into it by a line end would keep it from being found, so both are tried.
    line = hide(" ".join(hide(text).split()))
    line = "".join(char if char.isprintable() else "?" for char in line)
    return line if len(line) <= _SHOWN else line[:_SHOWN - 3] + "..."
