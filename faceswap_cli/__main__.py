"""`python -m faceswap_cli`, and the `faceswap` command."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; see `faceswap_cli.cli.app.main`."""
    try:
        from faceswap_cli.cli.app import main as run  # here, so that Ctrl-C while it loads is no traceback either

        return run(arguments)
    except KeyboardInterrupt:
        return 130


def run() -> None:
    """The `faceswap` command: ends the process with the exit code.

    Without taking Python apart first: freeing 100 MB of landmark model, tree by tree, takes 0.08 s that nobody sees
    anything of. Everything written is in its place by then; temporary files went with their `with` blocks.
    """
    try:
        code = main()
    except SystemExit as end:  # of an interrupted batch; a thread of it may still wait for standard input
        code = end.code if isinstance(end.code, int) else 1
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):  # its reader has gone, or it is closed
            code = code or 1
    os._exit(code)


if __name__ == "__main__":
    run()
