"""A client of the face-swap API that never bills twice in silence.

What may have started a job is sent once; what only looks is repeated. An accepted request is handed to the caller as a
`Ticket` before it is first asked for, so that another process can come back to it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from faceswap_cli.files.closing import Closing
from faceswap_cli.options import RemoteMode
from faceswap_cli.segmind.address import Addresses, is_hosted
from faceswap_cli.segmind.clock import Clock, Deadline, SystemClock
from faceswap_cli.segmind.faults import (
    CALL,
    FETCH,
    POLL,
    STILL_THERE,
    SUBMIT,
    UPLOAD,
    ApiError,
    Errand,
    Retry,
    one_line,
    refusal,
)
from faceswap_cli.segmind.key import ApiKey, require_key
from faceswap_cli.segmind.request_rate import PROCESS, Pace
from faceswap_cli.segmind.results import MAX_RESULT_BYTES, Received, decoded, download, is_address, store
from faceswap_cli.segmind.schema import (
    WARNINGS_HEADER,
    AnswerError,
    AnyRequest,
    State,
    SubmitAnswer,
    UploadAnswer,
    decode_answer,
    read_error,
    read_warnings,
)
from faceswap_cli.segmind.ticket import Ticket
from faceswap_cli.segmind.uploads import MAX_UPLOAD_BYTES, Asset, UploadBody, Uploaded, in_requests
from faceswap_cli.segmind.wire import Patience, Take, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE = 600.0
"""Default bound on one job in seconds, waiting included."""

_UNKNOWN_STATES = 5


class SegmindClient(Closing):
    """Calls one API with one key. Safe for threads; a batch shares one client.

    Attributes:
        addresses: Where the API is.
        notes: What the user should know before the first request.
    """

    def __init__(self, key: ApiKey | None, *, base_url: str | None = None, upload_url: str | None = None,
                 transport: httpx.BaseTransport | None = None, clock: Clock | None = None,
                 jitter: Callable[[], float] = random.random, pace: Pace | None = None,
                 patience: Patience | None = None, say: Callable[[str], None] = lambda line: None,
                 allow_double_billing: bool = False, max_upload_bytes: int = MAX_UPLOAD_BYTES,
                 max_result_bytes: int = MAX_RESULT_BYTES) -> None:
        """Set up; nothing is sent.

        Args:
            key: As `load_key` gives it; None where the server needs none.
            base_url: The API, with or without `/v1`; None: the hosted one.
            upload_url: Where files are sent; None: the usual place.
            transport: Instead of the network, for tests.
            clock: Tells the time and waits.
            jitter: 0 to 1, anew at each call.
            pace: Shared by all that use the same key; None: that of this process, or one by `clock`.
            patience: Bounds of repeating and polling.
            say: Called with one line about a long wait.
            allow_double_billing: Submit again where a job may exist already.
            max_upload_bytes: Bound on one file that is sent.
            max_result_bytes: Bound on a result.

        Raises:
            UsageError: An address that is none, or a proxy in the environment that cannot be used.
            RemoteError: There is no key, and the hosted API wants one.
        """
        self.addresses = Addresses.of(base_url, upload_url)
        if is_hosted(self.addresses):
            key = require_key(key)
        self.notes: tuple[str, ...] = ()
        if key is not None and self.addresses.exposes_key:
            self.notes = ("the API key is sent over http, where others can read it; use https",)
        self._clock = clock or SystemClock()
        self._jitter = jitter
        self._patience = patience or Patience()
        self._max_upload_bytes = max_upload_bytes
        self._max_result_bytes = max_result_bytes
        self._uploaded = Uploaded()
        self._has_no_queue = False
        if pace is None:
            pace = PROCESS if clock is None else Pace(clock=clock)
        self._wire = Wire(key, self.addresses, transport=transport, clock=self._clock, jitter=jitter, pace=pace,
                          patience=self._patience, say=say, allow_double_billing=allow_double_billing)

    def close(self) -> None:
        """Close all connections; open requests go on at the API."""
        self._wire.close()

    def upload(self, files: Sequence[Path], *, deadline: float = DEADLINE) -> list[str]:
        """Turn local files into addresses that a request can name. A file that was sent lately is not sent again.

        Starts no job and is not billed, and may be repeated.

        Args:
            files: Pictures.
            deadline: Seconds in all.

        Returns:
            One address for each file, in their order.

        Raises:
            LimitError: A file is larger than the limit.
            InputError: A file cannot be read, or is no picture.
            ApiError: The API refused or failed.
        """
        limit = Deadline(deadline, self._clock)
        assets = [Asset.of(file, self._max_upload_bytes) for file in files]
        unique = {asset.sha256: asset for asset in assets}
        urls: dict[str, str] = {}
        with ExitStack() as held:
            for sha256 in sorted(unique):  # in one order in all threads, so that no two wait for each other
                lock = self._uploaded.sending(sha256)
                if lock.acquire(timeout=max(0.0, limit.left())):
                    held.callback(lock.release)
                known = self._uploaded.find(sha256, self._clock.monotonic())
                if known is not None:
                    urls[sha256] = known
            missing = [asset for sha256, asset in unique.items() if sha256 not in urls]
            for group in in_requests(missing, self._max_upload_bytes):
                answer = self._upload(group, limit)
                for asset, url in zip(group, answer.file_urls, strict=True):
                    urls[asset.sha256] = url
                    self._uploaded.add(asset.sha256, url, self._clock.monotonic())
        return [urls[asset.sha256] for asset in assets]

    def call(self, request: AnyRequest, destination: Path, *, deadline: float = DEADLINE) -> Received:
        """One blocking call (v1). If it breaks off, its result is lost and may be billed.

        Args:
            request: As `parse` checked it; what was given is sent.
            destination: Where the result goes; replaced when the result is there and whole.
            deadline: Seconds in all.

        Raises:
            ApiError: The API refused or failed; `retry` says whether a repetition may be billed twice.
            OutputError: The result cannot be written.
        """
        limit = Deadline(deadline, self._clock)

        def take(response: httpx.Response) -> tuple[httpx.Headers, Any]:
            if response.status_code != 200:
                raise self._wire.refused(response, CALL, limit)
            # What was asked for does not tell what comes: the content type does.
            if response.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                return response.headers, store(self._wire.chunks(response, limit, self._max_result_bytes), destination)
            return response.headers, self._read_json(response, limit)

        headers, taken = self._post(self.addresses.call(1, request.slug), request.to_json(), CALL, limit, take)
        if isinstance(taken, dict):
            with self._paid():
                taken = self._store_output(taken.get("image") or taken.get("output"), destination, limit)
        found, size = taken
        return Received(path=destination, format=found, bytes=size, request_id=headers.get("x-request-id"),
                        warnings=self._lines(read_warnings(headers.get(WARNINGS_HEADER))))

    def submit(self, request: AnyRequest, *, deadline: float = DEADLINE) -> Ticket:
        """Hand a request to the queue (v2).

        Args:
            request: As `parse` checked it; what was given is sent.
            deadline: Seconds in all.

        Returns:
            What to write down before `resume` is called.

        Raises:
            ApiError: The API refused or failed; `retry` says whether a repetition may be billed twice.
        """
        limit = Deadline(deadline, self._clock)

        def take(response: httpx.Response) -> Ticket:
            if response.status_code not in (200, 201, 202):
                raise self._wire.refused(response, SUBMIT, limit)
            answer = SubmitAnswer.parse(self._read_json(response, limit))
            ticket = Ticket(slug=request.slug.value, request_id=answer.request_id,
                            status_url=self.addresses.own(answer.status_url, "status_url"),
                            response_url=self.addresses.own(answer.response_url, "response_url"),
                            submitted_at=self._clock.now())
            if self._wire.hide(repr(ticket)) != repr(ticket):  # it will be written down
                raise AnswerError("addresses that hold the API key, which are refused")
            return ticket

        return self._post(self.addresses.call(2, request.slug), request.to_json(), SUBMIT, limit, take)

    def resume(self, ticket: Ticket, destination: Path, *, deadline: float = DEADLINE) -> Received:
        """Wait for an accepted request and fetch its result; starts no job, whatever happens.

        Args:
            ticket: As `submit` gave it, in this process or another one.
            destination: Where the result goes; replaced when the result is there and whole.
            deadline: Seconds in all.

        Raises:
            ApiError: The request failed, is not known any more, or is not done at the deadline; `ticket` is set where
                it can be resumed again.
            OutputError: The result cannot be written.
        """
        limit = Deadline(deadline, self._clock)
        with self._paid(ticket):
            # Tickets lie in files: what they say is judged as what the API said.
            status_url = self.addresses.own(ticket.status_url, "status_url")
            response_url = self.addresses.own(ticket.response_url, "response_url")
            self._wait(status_url, limit)
            body = self._result(response_url, limit)
            found, size = self._store_output(body["output"], destination, limit)
        metrics = body.get("metrics")
        seconds = metrics.get("inference_time") if isinstance(metrics, dict) else None
        return Received(path=destination, format=found, bytes=size, request_id=ticket.request_id,
                        inference_time=float(seconds) if isinstance(seconds, int | float) else None,
                        warnings=self._lines(read_warnings(body.get("warnings"))))

    def swap(self, request: AnyRequest, destination: Path, *, mode: RemoteMode = RemoteMode.AUTO,
             deadline: float = DEADLINE, on_ticket: Callable[[Ticket], None] = lambda ticket: None) -> Received:
        """Have a request done in one of the two ways.

        Args:
            request: As `parse` checked it; what was given is sent.
            destination: Where the result goes; replaced when the result is there and whole.
            mode: `auto` queues, from which an interrupted run can be resumed, and calls where the API has no queue.
            deadline: Seconds in all.
            on_ticket: Called before the first poll, to write the ticket down.

        Raises:
            ApiError: As `call` and `resume`.
            OutputError: The result cannot be written.
        """
        limit = Deadline(deadline, self._clock)
        if mode is RemoteMode.SYNC or (mode is RemoteMode.AUTO and self._has_no_queue):
            return self.call(request, destination, deadline=deadline)
        try:
            ticket = self.submit(request, deadline=deadline)
        except ApiError as error:
            if mode is RemoteMode.AUTO and error.status in (404, 405) and error.retry is Retry.NEVER:
                received = self.call(request, destination, deadline=limit.left())
                self._has_no_queue = True
                return received
            raise
        on_ticket(ticket)
        return self.resume(ticket, destination, deadline=limit.left())

    def _post(self, url: str, body: dict[str, Any], errand: Errand, deadline: Deadline,
              take: Callable[[httpx.Response], Take]) -> Take:
        data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
        return self._wire.post(url, (data,), len(data), errand, deadline, take)

    def _upload(self, assets: list[Asset], deadline: Deadline) -> UploadAnswer:
        def take(response: httpx.Response) -> UploadAnswer:
            if response.status_code not in (200, 201):
                raise self._wire.refused(response, UPLOAD, deadline)
            answer = UploadAnswer.parse(self._read_json(response, deadline), len(assets))
            if not all(is_address(url) for url in answer.file_urls):
                raise AnswerError("file_urls that are no addresses")
            return answer

        body = UploadBody(assets)
        return self._wire.post(self.addresses.upload, body, body.length, UPLOAD, deadline, take)

    def _wait(self, status_url: str, deadline: Deadline) -> None:
        """Poll until the request is completed."""
        pause, unknown = self._patience.first_poll, 0
        while True:
            left = deadline.left()
            if left > 0:
                self._clock.sleep(min(pause * (1 + 0.25 * self._jitter()), left))
            state = self._wire.get(status_url, POLL, deadline, lambda response: self._state(response, deadline))
            if state is State.COMPLETED:
                return
            unknown = 0 if isinstance(state, State) else unknown + 1
            if unknown >= _UNKNOWN_STATES:
                raise ApiError(f"the API keeps answering with the unknown state {state}", advice=STILL_THERE,
                               retry=Retry.UNKNOWN, out_of_order=True)
            pause = min(pause * self._patience.poll_growth, self._patience.last_poll)

    def _state(self, response: httpx.Response, deadline: Deadline) -> State | str:
        """The state in an answer; a word that is none, as it is."""
        word = self._pending(response, POLL, deadline).get("status")
        if not isinstance(word, str) or not word.strip():
            raise AnswerError("no status")
        try:
            return State(word.strip().upper())
        except ValueError:
            return repr(one_line(word, self._wire.hide))

    def _result(self, response_url: str, deadline: Deadline) -> dict[str, Any]:
        """The result's JSON object, with an `output` that is not empty."""
        def take(response: httpx.Response) -> dict[str, Any]:
            body = self._pending(response, FETCH, deadline)
            # An answer that lags behind the state, or lacks its picture, is asked for again, like one that broke off.
            if body.get("status") != State.COMPLETED:
                raise AnswerError("a result that is not COMPLETED")
            if not isinstance(body.get("output"), str) or not body["output"].strip():
                raise AnswerError("a result without an output")
            return body

        return self._wire.get(response_url, FETCH, deadline, take)

    def _pending(self, response: httpx.Response, errand: Errand, deadline: Deadline) -> dict[str, Any]:
        """The JSON object of a request that has not failed."""
        if response.status_code != 200:
            raise self._wire.refused(response, errand, deadline)
        body = self._read_json(response, deadline)
        if body.get("status") == State.FAILED:
            words = read_error(body)
            raise refusal(422, one_line(words, self._wire.hide) if words else "inference failed", errand)
        return body

    def _read_json(self, response: httpx.Response, deadline: Deadline) -> dict[str, Any]:
        return decode_answer(self._wire.read(response, deadline, self._max_result_bytes * 4 // 3 + 4096))

    def _store_output(self, output: object, destination: Path, deadline: Deadline) -> tuple[Any, int]:
        if not isinstance(output, str) or not output.strip():
            raise AnswerError("a success without a picture")
        output = output.strip()
        if is_address(output):
            return download(self._wire, output, destination, deadline, self._max_result_bytes)
        return store(decoded(output), destination)

    @contextmanager
    def _paid(self, ticket: Ticket | None = None) -> Iterator[None]:
        """Errors inside are about a job that exists: to submit it again may be billed again."""
        try:
            yield
        except AnswerError as error:
            advice = "the result may be billed" if ticket is None else STILL_THERE
            raise ApiError(f"the API answered with {one_line(str(error), self._wire.hide)}", advice=advice,
                           retry=Retry.UNKNOWN, ticket=ticket, out_of_order=True) from error
        except ApiError as error:
            if error.status != 422:  # which says that the job itself failed
                error.retry = Retry.UNKNOWN
                error.ticket = None if error.status == 404 else ticket
            raise

    def _lines(self, warnings: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(one_line(line, self._wire.hide) for line in warnings)
