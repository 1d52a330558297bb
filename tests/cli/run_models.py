"""The command line over a catalogue of stand-ins: `python run_models.py FOLDER URL models list`.

A row or checkpoint whose file is in the folder has the hash of that file; every row is published at URL only.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

from faceswap_cli.cli.app import main
from faceswap_cli.models import catalogue


def pinned(row, name):
    """The row or checkpoint with the hash of its stand-in, where there is one."""
    file = folder / name
    return replace(row, sha256=hashlib.sha256(file.read_bytes()).hexdigest()) if file.is_file() else row


def stand_in(spec):
    file = folder / spec.file
    return replace(pinned(spec, spec.file), bytes=file.stat().st_size if file.is_file() else spec.bytes,
                   urls=tuple(f"{url}/{spec.file}" for _ in spec.urls[:1]),
                   checkpoints=tuple(pinned(checkpoint, checkpoint.name) for checkpoint in spec.checkpoints))


if __name__ == "__main__":
    folder, url = Path(sys.argv[1]), sys.argv[2]
    catalogue.CATALOGUE = tuple(stand_in(spec) for spec in catalogue.CATALOGUE)
    sys.exit(main(sys.argv[3:]))
