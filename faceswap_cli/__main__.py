"""`python -m faceswap_cli`, and the `faceswap` command."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; see `faceswap_cli.cli.app.main`."""
    try:
        from faceswap_cli.cli.app import main as run  # here, so that Ctrl-C while it loads is no traceback either

        return run(arguments)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
