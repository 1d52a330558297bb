"""The options that hand jobs to the API, declared once, and what their values mean.

What the user set is known by comparison with the defaults of `faceswap_cli.options`, which are the API's own: an option
that is given with its default value changes nothing, sent or not.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated

import typer

from faceswap_cli.errors import UsageError
from faceswap_cli.options import Fallback, RemoteMode, RemoteOptions

REMOTE = "Remote API"

URL_VARIABLE = "SEGMIND_BASE_URL"

RemoteOption = Annotated[bool, typer.Option(
    "--remote", rich_help_panel=REMOTE,
    help="Have the Segmind API swap, or a server that is like it (`faceswap serve`). Files are sent there; http(s) "
         "inputs are handed over as URLs. The key comes from SEGMIND_API_KEY. Each request may be billed.")]

RemoteModeOption = Annotated[RemoteMode | None, typer.Option(
    "--remote-mode", show_default="auto", rich_help_panel=REMOTE,
    help="async queues the request and polls, so that an interrupted run can come back to it; sync waits for the "
         "answer of one call; auto queues where the server has a queue.")]

RemoteUrlOption = Annotated[str | None, typer.Option(
    "--remote-url", metavar="URL", show_default=False, rich_help_panel=REMOTE,
    help=f"Root of the API. Default: {URL_VARIABLE}, else Segmind's.")]

RemoteUploadUrlOption = Annotated[str | None, typer.Option(
    "--remote-upload-url", metavar="URL", show_default=False, rich_help_panel=REMOTE,
    help="Where local files are sent. Default: the usual place of that API.")]

RemoteTimeoutOption = Annotated[float | None, typer.Option(
    "--remote-timeout", metavar="SECONDS", show_default="600", rich_help_panel=REMOTE,
    help="Longest time for one request, waiting included.")]

KeyFileOption = Annotated[str | None, typer.Option(
    "--key-file", metavar="FILE", show_default=False, rich_help_panel=REMOTE,
    help="Holds the API key; only you may be able to read it (chmod 600). It goes before SEGMIND_API_KEY.")]

FallbackOption = Annotated[Fallback | None, typer.Option(
    "--fallback", show_default=False, rich_help_panel=REMOTE,
    help="local: when the API is down or out of credits, swap on this machine, and say so.")]

RefusedOption = Annotated[bool, typer.Option("--remote", hidden=True)]


def remote_options(remote: bool, mode: RemoteMode | None, url: str | None, upload_url: str | None,
                   timeout: float | None, key_file: str | None, fallback: Fallback | None) -> RemoteOptions | None:
    """How the API is called; None: it is not.

    Raises:
        UsageError: One of the options without `--remote`, or a value out of its range.
    """
    given = {"--remote-mode": mode, "--remote-url": url, "--remote-upload-url": upload_url,
             "--remote-timeout": timeout, "--key-file": key_file, "--fallback": fallback}
    if not remote:
        refuse_without(given)
        return None
    for option in ("--remote-url", "--remote-upload-url", "--key-file"):
        if given[option] == "":
            raise UsageError(f"the value given to {option} is empty; leave it out, or give one")
    defaults = RemoteOptions()
    return RemoteOptions(mode or defaults.mode, url or os.environ.get(URL_VARIABLE) or None, upload_url, key_file,
                         defaults.deadline if timeout is None else timeout, fallback)


def refuse_without(given: Mapping[str, object]) -> None:
    """Raises: UsageError: An option that means something with `--remote` only."""
    for option, value in given.items():
        if value is not None:
            raise UsageError(f"{option} is for --remote; add --remote, or leave it out")
