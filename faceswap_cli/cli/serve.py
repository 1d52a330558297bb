"""`faceswap serve`: values become `ServerOptions`; the server runs until it is stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from faceswap_cli.cli.consent import tell_once
from faceswap_cli.cli.options import common as o
from faceswap_cli.cli.options.engine import EngineChoice, Swapping, Talk, engine_options
from faceswap_cli.cli.options.groups import grouped
from faceswap_cli.cli.output import Output, say
from faceswap_cli.server.options import MIB, ServerOptions

SERVE_EXAMPLES = """Examples

  faceswap serve
  faceswap serve --port 8080 --workers 4
  faceswap serve --host 0.0.0.0 --keys-file keys.txt --public-url https://swap.example.org
"""

_DEFAULTS = ServerOptions()
_NETWORK = "Network"
_WORK = "Work"

HostOption = Annotated[str, typer.Option(
    "--host", metavar="ADDRESS", rich_help_panel=_NETWORK,
    help="Address to listen at. Anything but this machine's own needs --keys-file.")]

PortOption = Annotated[int, typer.Option(
    "--port", metavar="N", min=0, max=65535, rich_help_panel=_NETWORK, help="0 takes any that is free.")]

KeysFileOption = Annotated[Path | None, typer.Option(
    "--keys-file", metavar="FILE", show_default=False, rich_help_panel=_NETWORK,
    help="API keys, one a line, or sha256: and the hash of one; only you may be able to read it (chmod 600). "
         "Without it no key is asked for.")]

PublicUrlOption = Annotated[str | None, typer.Option(
    "--public-url", metavar="URL", show_default=False, rich_help_panel=_NETWORK,
    help="Root of the URLs in answers, behind a proxy. Default: as the client addresses the server.")]

WorkersOption = Annotated[int, typer.Option(
    "--workers", metavar="N", min=1, rich_help_panel=_WORK,
    help="Requests at work at once. Each has models of its own in memory.")]

QueueOption = Annotated[int, typer.Option(
    "--queue", metavar="N", min=1, rich_help_panel=_WORK,
    help="Requests that may wait; more are answered 429, to come again.")]

JobTimeoutOption = Annotated[float, typer.Option(
    "--job-timeout", metavar="SECONDS", min=1, rich_help_panel=_WORK,
    help="How long a blocking call waits, and how long an animation may take.")]

DataDirOption = Annotated[Path | None, typer.Option(
    "--data-dir", metavar="FOLDER", show_default=False, rich_help_panel=_WORK,
    help="Where requests and results are kept, results for an hour. Default: in the user's state folder.")]

MaxBodyOption = Annotated[int, typer.Option(
    "--max-body", metavar="MB", min=1, rich_help_panel=o.LIMITS, help="Refuse requests that are larger.")]

MaxInputOption = Annotated[int, typer.Option(
    "--max-download", metavar="MB", min=1, rich_help_panel=o.LIMITS,
    help="Refuse pictures at a URL that are larger.")]


@grouped
def serve(
    engine: EngineChoice,
    swapping: Swapping,
    talk: Talk,
    host: HostOption = _DEFAULTS.host,
    port: PortOption = _DEFAULTS.port,
    keys_file: KeysFileOption = None,
    public_url: PublicUrlOption = None,
    workers: WorkersOption = _DEFAULTS.workers,
    queue: QueueOption = _DEFAULTS.queue,
    job_timeout: JobTimeoutOption = _DEFAULTS.job_seconds,
    data_dir: DataDirOption = None,
    max_body: MaxBodyOption = _DEFAULTS.max_body // MIB,
    max_download: MaxInputOption = _DEFAULTS.max_input // MIB,
    max_pixels: o.MaxPixelsOption = _DEFAULTS.max_pixels,
    allow_private_urls: o.AllowPrivateUrlsOption = False,
) -> None:
    """Serve the API of Segmind for both of its face swap models, on an engine of this machine."""
    output = talk.output()
    options = ServerOptions(
        host=host, port=port, workers=workers, queue=queue, max_body=max_body * MIB, max_input=max_download * MIB,
        max_pixels=max_pixels, job_seconds=job_timeout, keys_file=keys_file, public_url=public_url, data_dir=data_dir,
        allow_private_urls=allow_private_urls,
        engine=engine_options(engine, swapping))

    from faceswap_cli.server.serve import serve as run

    log_to(output)
    tell_once(output)
    run(options, output.note)
    output.note("stopped")


def log_to(output: Output) -> None:
    """What the server has to say is told as everything else is: each request with --verbose, trouble always."""
    import logging

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            text = self.format(record)
            if record.levelno >= logging.WARNING:
                for line in text.splitlines():
                    say(line)
            else:
                output.detail(text)

    for name in ("faceswap.serve", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [Handler()], False
        logger.setLevel(logging.INFO if name == "faceswap.serve" else logging.WARNING)
