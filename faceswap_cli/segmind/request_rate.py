"""How fast a batch may ask: one cap on polls, and a pause for all when the API says that it is too much."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite

from faceswap_cli.segmind.clock import Clock, SystemClock

POLLS_PER_MINUTE = 120
"""Default cap. One job alone asks about 20 times a minute."""

_MINUTE = 60.0


class Pace:
    """Shared by all jobs of a process, from any thread."""

    def __init__(self, polls_per_minute: int = POLLS_PER_MINUTE, clock: Clock | None = None) -> None:
        """Set up.

        Args:
            polls_per_minute: Within any minute there are no more polls than that.
            clock: Tells the time and waits.
        """
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._polls: deque[float] = deque(maxlen=max(1, polls_per_minute))
        self._held_until = float("-inf")

    def hold(self, seconds: float) -> None:
        """Let nobody ask for a while: the API's rate limit counts for the key, not for one job."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock.monotonic() + seconds)

    def wait(self, latest: float) -> bool:
        """Wait until asking is allowed.

        Args:
            latest: A time on the clock's `monotonic`.

        Returns:
            False, at once, where that is not before `latest`.
        """
        while True:
            with self._lock:
                until = self._held_until
            now = self._clock.monotonic()
            if until <= now:
                return True
            if until > latest:
                return False
            self._clock.sleep(until - now)

    def wait_to_poll(self, latest: float) -> bool:
        """Wait until one more poll is allowed; jobs are served in the order in which they ask.

        Args:
            latest: A time on the clock's `monotonic`.

        Returns:
            False, at once or when a pause was called meanwhile, where that is not before `latest`.
        """
        while True:
            with self._lock:
                slot = max(self._clock.monotonic(), self._held_until)
                if len(self._polls) == self._polls.maxlen:
                    slot = max(slot, self._polls[0] + _MINUTE)
                if slot > latest:
                    return False
                self._polls.append(slot)
            now = self._clock.monotonic()
            if slot > now:
                self._clock.sleep(slot - now)
            with self._lock:
                # A pause called meanwhile: those who waited would else all ask at its end.
                if self._held_until <= self._clock.monotonic():
                    return True


PROCESS = Pace()
"""The pace of this process, where no other is given."""


def asked_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that a 429 asks to wait, 0 or more; None where it does not say.

    Args:
        headers: Of the answer, looked up by lower-case names. `Retry-After` holds seconds or a date;
            `x-rate-limit-reset-at-utc` a date in any usual form, or seconds (or milliseconds) since 1970.
        now: Seconds since 1970. The answer's own `Date` goes first, as the machine's clock may be wrong.
    """
    date = _moment(headers.get("date", ""))
    now = now if date is None else date
    after = headers.get("retry-after", "").strip()
    seconds = _number(after)
    if seconds is not None:
        return max(0.0, seconds)
    for text in (after, headers.get("x-rate-limit-reset-at-utc", "").strip()):
        moment = _moment(text)
        if moment is not None:
            return max(0.0, moment - now)
    return None


def _moment(text: str) -> float | None:
    """Seconds since 1970 of a date; a date without a zone is UTC."""
    number = _number(text)
    if number is not None:
        return number / 1000 if number >= 1e12 else number if number >= 1e9 else None
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None
