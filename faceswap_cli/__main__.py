"""`python -m faceswap_cli`, and the `faceswap` command."""

from __future__ import annotations

import sys

from faceswap_cli.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
