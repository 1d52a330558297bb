"""Requests by the rules of what may be repeated: looking is free, submitting is done once.

The key goes into one header, put in when a request leaves for an origin of the API, and nowhere else.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Generic, TypeVar

import httpx

from faceswap_cli.errors import UsageError
from faceswap_cli.segmind.address import Addresses, origin
from faceswap_cli.segmind.clock import Clock, Deadline, show_seconds
from faceswap_cli.segmind.faults import STILL_THERE, ApiError, Errand, Retry, failure, one_line, refusal
from faceswap_cli.segmind.key import ApiKey
from faceswap_cli.segmind.request_rate import Pace, asked_wait
from faceswap_cli.segmind.schema import AnswerError, decode_answer, read_error

_log = logging.getLogger(__name__)

Take = TypeVar("Take")

MAX_ANSWER_BYTES = 1 << 20
"""Bound on a JSON answer that holds no picture."""

_MAY_PASS = frozenset({500, 502, 503, 504})
_NEVER_MADE = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_CONNECT = 10.0
_TOLD = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long something is tried.

    Attributes:
        attempts: Faults in a row, with no answer that means anything, after which it is given up.
        backoff: Seconds before the second attempt; doubled for each one after it.
        longest: Bound on these waits.
        first_poll: Seconds before the first poll and between the first two.
        last_poll: What the time between two polls grows to.
        poll_growth: Factor of that growth.
        least_wait: Seconds to wait where a 429 says 0.
    """

    attempts: int = 6
    backoff: float = 1.0
    longest: float = 30.0
    first_poll: float = 1.0
    last_poll: float = 5.0
    poll_growth: float = 1.5
    least_wait: float = 0.5


@dataclass(frozen=True, slots=True)
class _Taken(Generic[Take]):
    """What `take` made of an answer."""

    value: Take


@dataclass(frozen=True, slots=True)
class _Fault:
    """A fault that may pass. `reason` continues `the API`; `reached`: the request may have arrived."""

    reason: str
    reached: bool = True
    status: int | None = None


@dataclass(frozen=True, slots=True)
class _Limited:
    """Status 429: the API's own words, and the seconds that it asks to wait."""

    words: str | None
    asked: float | None


class _SlowError(Exception):
    """The deadline is over while an answer drips in."""


class _KeyHeader(httpx.Auth):
    """Puts the key in when a request leaves, so that no record of headers made before holds it."""

    def __init__(self, key: ApiKey | None, addresses: Addresses) -> None:
        self._key = key
        self._origins = addresses.key_origins

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if self._key is not None and origin(request.url) in self._origins:
            request.headers["x-api-key"] = self._key.reveal()
        yield request


class Wire:
    """Makes requests and repeats those that may be. Safe for threads."""

    def __init__(self, key: ApiKey | None, addresses: Addresses, *, transport: httpx.BaseTransport | None, clock: Clock,
                 jitter: Callable[[], float], pace: Pace, patience: Patience, say: Callable[[str], None],
                 allow_double_billing: bool) -> None:
        """Set up; nothing is sent.

        Args:
            key: None: no header is sent.
            addresses: Where the API is.
            transport: Instead of the network, for tests.
            clock: Tells the time and waits.
            jitter: 0 to 1, anew at each call.
            pace: Shared by all that ask the same API.
            patience: Bounds of repeating.
            say: Called with one line about a long wait.
            allow_double_billing: Repeat what may already have started a job.

        Raises:
            UsageError: The environment names a proxy that cannot be used.
        """
        self._key = key
        self._clock = clock
        self._jitter = jitter
        self._pace = pace
        self._patience = patience
        self._say = say
        self._allow_double_billing = allow_double_billing
        headers = {"User-Agent": "faceswap-cli", "Accept": "*/*", "Accept-Encoding": "identity"}
        auth = _KeyHeader(key, addresses)
        context = _trusted()

        def open_client(auth: httpx.Auth | None, limits: httpx.Limits) -> httpx.Client:
            return httpx.Client(headers=headers, auth=auth, verify=context, transport=transport, limits=limits)

        kept, fresh = httpx.Limits(), httpx.Limits(max_keepalive_connections=0)
        try:
            self._asking = open_client(auth, kept)
            # A connection of its own for each submission: on one that was idle, the API's closing it would look like
            # a request lost after it was sent, which may not be repeated.
            self._submitting = open_client(auth, fresh)
            self._downloading = open_client(None, kept)
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            raise UsageError(f"the proxy in the environment cannot be used: {one_line(str(error))}",
                             advice="check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY") from error

    def close(self) -> None:
        """Close all connections."""
        for client in (self._asking, self._submitting, self._downloading):
            client.close()

    def get(self, url: str | httpx.URL, errand: Errand, deadline: Deadline, take: Callable[[httpx.Response], Take], *,
            with_key: bool = True) -> Take:
        """Look at something, as often as it takes.

        Args:
            url: What is asked for.
            errand: For the rules and for messages.
            deadline: Of the whole job.
            take: Reads an answer of any status but 429 and 500 to 504; what it raises for a broken body is repeated.
            with_key: Send the key, where the address is the API's.

        Raises:
            ApiError: It was refused, or failed too often.
        """
        client = self._asking if with_key else self._downloading
        return self._exchange(lambda timeout: client.build_request("GET", url, timeout=timeout), client, errand,
                              deadline, take)

    def post(self, url: str, body: Iterable[bytes], length: int, errand: Errand, deadline: Deadline,
             take: Callable[[httpx.Response], Take]) -> Take:
        """Send a JSON object; once only, where the errand is billed and it may have arrived.

        Args:
            url: Where it goes.
            body: The object, in pieces; iterated anew for each attempt.
            length: Bytes in all.
            errand, deadline, take: As for `get`.

        Raises:
            ApiError: As for `get`; `retry` says whether a job may exist.
        """
        client = self._submitting if errand.billed else self._asking
        headers = {"Content-Type": "application/json", "Content-Length": str(length)}
        return self._exchange(
            lambda timeout: client.build_request("POST", url, content=iter(body), headers=headers, timeout=timeout),
            client, errand, deadline, take)

    def read(self, response: httpx.Response, deadline: Deadline, limit: int = MAX_ANSWER_BYTES) -> bytes:
        """The body of an answer.

        Raises:
            AnswerError: It is longer than `limit`, or compressed.
        """
        return b"".join(self.chunks(response, deadline, limit))

    def chunks(self, response: httpx.Response, deadline: Deadline, limit: int) -> Iterator[bytes]:
        """The body of an answer as it comes.

        Raises:
            AnswerError: It is longer than `limit`, or compressed, which was not asked for.
        """
        if response.headers.get("content-encoding", "identity").strip().lower() not in ("identity", ""):
            raise AnswerError("compressed data, which was not asked for")
        size = 0
        for chunk in response.iter_raw():
            size += len(chunk)
            if size > limit:
                raise AnswerError(f"more than {limit / 2**20:.4g} MiB")
            if deadline.left() <= 0:
                raise _SlowError
            yield chunk

    def refused(self, response: httpx.Response, errand: Errand, deadline: Deadline) -> ApiError:
        """The error of an answer that is no success, with the API's own words where it has some."""
        return refusal(response.status_code, self._words(response, deadline), errand)

    def _words(self, response: httpx.Response, deadline: Deadline) -> str | None:
        """The API's own words in an answer that is no success."""
        try:
            words = read_error(decode_answer(self.read(response, deadline)))
        except (AnswerError, _SlowError, httpx.TransportError):
            return None
        return words and one_line(words, self.hide)

    def hide(self, text: str) -> str:
        """A text without the key."""
        return text if self._key is None else self._key.hide(text)

    def _exchange(self, build: Callable[[httpx.Timeout], httpx.Request], client: httpx.Client, errand: Errand,
                  deadline: Deadline, take: Callable[[httpx.Response], Take]) -> Take:
        faults = limits = 0
        perhaps_billed = False
        while True:
            allowed = self._pace.wait_to_poll(deadline.end) if errand.polls else self._pace.wait(deadline.end)
            if not allowed or deadline.left() <= 0:
                raise _known(self._over(errand, deadline), perhaps_billed)
            answer = self._once(build, client, errand, deadline, take)
            if isinstance(answer, _Taken):
                return answer.value
            if isinstance(answer, ApiError):
                raise _known(answer, perhaps_billed)
            if isinstance(answer, _Limited):
                limits += 1
                error = self._wait_for_limit(answer, limits, errand, deadline)
                if error is not None:
                    raise _known(error, perhaps_billed)
                continue
            perhaps_billed = perhaps_billed or (errand.billed and answer.reached)
            # Mostly there is no network at all, or no such host: twice the weight, so that this is soon said.
            faults += 1 if answer.reached else 2
            wait = self._backoff(faults)
            repeatable = not errand.billed or not answer.reached or self._allow_double_billing
            if not repeatable or faults >= self._patience.attempts or wait >= deadline.left():
                raise _known(failure(answer.reason, errand, reached=answer.reached, status=answer.status),
                             perhaps_billed)
            if wait >= _TOLD:
                self._say(f"the API {answer.reason}; trying again in {wait:.0f} s")
            self._clock.sleep(wait)

    def _once(self, build: Callable[[httpx.Timeout], httpx.Request], client: httpx.Client, errand: Errand,
              deadline: Deadline,
              take: Callable[[httpx.Response], Take]) -> _Taken[Take] | _Limited | _Fault | ApiError:
        """One attempt. What went wrong is returned: raised, it would carry frames of the library, with its headers."""
        left = max(deadline.left(), 0.001)
        patience = left if errand.patience is None else min(errand.patience, left)
        request = build(httpx.Timeout(patience, connect=min(_CONNECT, left)))
        try:
            response = client.send(request, stream=True)
            try:
                status = response.status_code
                if status == 429:
                    return _Limited(self._words(response, deadline),
                                    asked_wait(response.headers, self._clock.now()))
                if status in _MAY_PASS:
                    words = self._words(response, deadline)
                    return _Fault(f"answered: {words} ({status})" if words else f"answered with status {status}",
                                  status=status)
                return _Taken(take(response))
            finally:
                response.close()
        except ApiError as error:
            return error
        except AnswerError as error:
            return _Fault(f"answered with {one_line(str(error), self.hide)}")
        except _SlowError:
            return _Fault(f"was too slow: {deadline.shown} s are over")
        except _NEVER_MADE as error:
            reason = one_line(str(error), self.hide) or "no answer"
            return _Fault(f"cannot be reached at {request.url.host}: {reason}", reached=False)
        except httpx.TimeoutException:
            return _Fault(f"did not answer within {show_seconds(patience)} s")
        except httpx.TransportError as error:
            _log.debug("%s: %s", type(error).__name__, one_line(str(error), self.hide))
            return _Fault("broke off the connection")

    def _wait_for_limit(self, limited: _Limited, count: int, errand: Errand, deadline: Deadline) -> ApiError | None:
        """Wait as long as the API asks, or longer each time; all others wait too. An error where there is no time."""
        asked = limited.asked
        wait = self._backoff(count) if asked is None else \
            max(asked, self._patience.least_wait) + self._jitter() * self._patience.backoff
        if wait >= deadline.left():
            return refusal(429, limited.words, errand, wait=asked)
        self._pace.hold(wait)
        if wait >= _TOLD:
            self._say(f"the API's rate limit is reached; waiting {wait:.0f} s")
        return None

    def _backoff(self, count: int) -> float:
        """Seconds before the next attempt; half of them by chance, so that jobs do not come back all at once."""
        longest = min(self._patience.backoff * 2.0 ** min(count - 1, 30), self._patience.longest)
        return longest * (0.5 + 0.5 * self._jitter())

    def _over(self, errand: Errand, deadline: Deadline) -> ApiError:
        """The deadline is over, and nothing was sent."""
        if errand.result:
            return ApiError(f"the request is not done after {deadline.shown} s", advice=STILL_THERE,
                            retry=Retry.SAFE)
        return ApiError(f"there was no time left for {errand.name} within {deadline.shown} s",
                        advice="run again with more time", retry=Retry.SAFE)


@cache
def _trusted() -> ssl.SSLContext:
    """Certificates that are trusted; read once in a process, which takes longer than a request."""
    return httpx.create_ssl_context()


def _known(error: ApiError, perhaps_billed: bool) -> ApiError:
    """The error, honest about a job that an earlier attempt may have started."""
    if perhaps_billed and error.retry is Retry.SAFE:
        error.retry = Retry.UNKNOWN
    return error
