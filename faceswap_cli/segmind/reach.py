"""Asks an API whether it is there, in a way that starts no job and is billed by nobody."""

from __future__ import annotations

import random
from dataclasses import dataclass

import httpx

from faceswap_cli.names import redact_url
from faceswap_cli.segmind.address import Addresses, is_hosted
from faceswap_cli.segmind.clock import Clock, Deadline, SystemClock
from faceswap_cli.segmind.faults import ApiError, Errand
from faceswap_cli.segmind.key import ApiKey, require_key
from faceswap_cli.segmind.request_rate import PROCESS
from faceswap_cli.segmind.wire import Patience, Wire

_NOBODYS = "00000000-0000-4000-8000-000000000000"
"""A request that was never made: asking for its state is answered with 404, after the key was looked at."""

_LOOK = Errand(name="to be looked at", patience=10.0)


@dataclass(frozen=True, slots=True)
class Reached:
    """An API that answered.

    Attributes:
        root: Its address.
        seconds: Until the answer was there.
        notes: What the user should know.
    """

    root: str
    seconds: float
    notes: tuple[str, ...]


def reach(key: ApiKey | None, *, base_url: str | None = None, upload_url: str | None = None, seconds: float = 15.0,
          transport: httpx.BaseTransport | None = None, clock: Clock | None = None) -> Reached:
    """Ask for the state of a request that nobody made.

    Args:
        key: As `load_key` gives it; None where the server needs none.
        base_url, upload_url: As for `SegmindClient`.
        seconds: In all.
        transport: Instead of the network, for tests.
        clock: Tells the time and waits.

    Raises:
        UsageError: An address that is none.
        ApiError: It cannot be reached, refuses the key, or answers as no such API does.
        RemoteError: There is no key, and the hosted API wants one.
    """
    addresses = Addresses.of(base_url, upload_url)
    if is_hosted(addresses):
        key = require_key(key)
    clock, root = clock or SystemClock(), redact_url(addresses.root)
    wire = Wire(key, addresses, transport=transport, clock=clock, jitter=random.random, pace=PROCESS,
                patience=Patience(attempts=2, backoff=0.5), say=lambda line: None, allow_double_billing=False)
    limit = Deadline(seconds, clock)

    def take(response: httpx.Response) -> None:
        if response.status_code not in (200, 404):
            raise wire.refused(response, _LOOK, limit)
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json" and not is_hosted(addresses):
            raise ApiError(f"{root} answers, but not as such an API does", advice="check the address of the API")

    began = clock.monotonic()
    try:
        wire.get(f"{addresses.root}/v2/requests/{_NOBODYS}/status", _LOOK, limit, take)
    finally:
        wire.close()
    notes = ("the API key is sent over http, where others can read it; use https",) \
        if key is not None and addresses.exposes_key else ()
    return Reached(root, clock.monotonic() - began, notes)
