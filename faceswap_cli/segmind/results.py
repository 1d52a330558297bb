"""Results on their way to the disk: as bytes, as base64 text, or from the address that the API names."""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import httpx

from faceswap_cli.files.atomic import AtomicFile
from faceswap_cli.media.formats import HEAD_BYTES, Foreign, sniff_picture
from faceswap_cli.options import MediaFormat
from faceswap_cli.segmind.address import download_address
from faceswap_cli.segmind.clock import Deadline
from faceswap_cli.segmind.faults import FETCH, ApiError
from faceswap_cli.segmind.schema import AnswerError
from faceswap_cli.segmind.wire import Wire

MAX_RESULT_BYTES = 256 * 2**20
"""Default bound on a result."""

MAX_REDIRECTS = 5

_TEXT_BLOCK = 4 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A result that is on the disk.

    Attributes:
        path: Where it is.
        format: By its content.
        bytes: Its size.
        request_id: Names the request, where the API said so.
        inference_time: Seconds of computing, where the API said so.
        warnings: What else a server said, one line each.
    """

    path: Path
    format: MediaFormat
    bytes: int
    request_id: str | None = None
    inference_time: float | None = None
    warnings: tuple[str, ...] = ()


def store(pieces: Iterable[bytes], destination: Path) -> tuple[MediaFormat, int]:
    """Write a result to a temporary file, and rename it once it is whole and a picture.

    Returns:
        Its format and size.

    Raises:
        AnswerError: It is no picture.
        OutputError: It cannot be written.
    """
    rest = iter(pieces)
    head = b""
    for piece in rest:
        head += piece
        if len(head) >= HEAD_BYTES:
            break
    found = sniff_picture(head)
    if not head or isinstance(found, Foreign):
        raise AnswerError("nothing instead of a picture" if not head else
                          f"{found.kind if isinstance(found, Foreign) and found.kind else 'data'} instead of a picture")
    size = 0
    with AtomicFile(destination, overwrite=True) as output:
        for piece in chain((head,), rest):
            size += len(piece)
            with output.writing():
                output.file.write(piece)
        output.commit()
    return found, size


def decoded(text: str) -> Iterator[bytes]:
    """The bytes of base64 text; a `data:` prefix and line breaks, which the contract does not allow, are overlooked.

    Raises:
        AnswerError: It is not base64.
    """
    if text.startswith("data:"):
        text = text.partition(",")[2]
    if any(blank in text for blank in " \r\n\t"):
        text = "".join(text.split())
    for start in range(0, len(text), _TEXT_BLOCK):
        try:
            yield binascii.a2b_base64(text[start:start + _TEXT_BLOCK], strict_mode=True)
        except ValueError as error:
            raise AnswerError("text that is neither an address nor base64") from error


def is_address(output: str) -> bool:
    """Whether an `output` is an address; else it is base64 text."""
    return output[:8].lower().startswith(("http://", "https://"))


def download(wire: Wire, output: str, destination: Path, deadline: Deadline, limit: int) -> tuple[MediaFormat, int]:
    """Fetch a result from where the API says it is: without the key, whatever host that is.

    Args:
        wire: Makes the requests.
        output: The address.
        destination: Where it goes; replaced.
        deadline: Of the whole job.
        limit: Bound on its bytes.

    Returns:
        Its format and size.

    Raises:
        ApiError: It cannot be had.
        AnswerError: The address is none that may be fetched.
        OutputError: It cannot be written.
    """
    def take(response: httpx.Response) -> tuple[MediaFormat, int] | httpx.URL:
        if response.has_redirect_location:
            return _follow(response)
        if response.status_code != 200:
            raise wire.refused(response, FETCH, deadline)
        return store(wire.chunks(response, deadline, limit), destination)

    url = download_address(output)
    for _ in range(MAX_REDIRECTS + 1):
        taken = wire.get(url, FETCH, deadline, take, with_key=False)
        if not isinstance(taken, httpx.URL):
            return taken
        url = taken
    raise ApiError(f"the API's result redirects more than {MAX_REDIRECTS} times")


def _follow(response: httpx.Response) -> httpx.URL:
    """Where a redirect leads; never from https to http."""
    here = response.request.url
    try:
        there = str(here.join(response.headers["location"]))
    except (httpx.InvalidURL, ValueError):
        there = ""
    parsed = download_address(there)
    if here.scheme == "https" and parsed.scheme == "http":
        raise AnswerError("a redirect from https to http, which is refused")
    return parsed
