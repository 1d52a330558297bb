"""The command line over a catalogue of stand-ins: `python run_models.py FOLDER URL models list`.

A row whose file is in the folder has the hash and the size of that file; every row is published at URL only.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

from faceswap_cli.cli.app import main
from faceswap_cli.models import catalogue


def stand_in(spec):
    file = folder / spec.file
    if file.is_file():
        data = file.read_bytes()
        spec = replace(spec, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
    return replace(spec, urls=tuple(f"{url}/{spec.file}" for _ in spec.urls[:1]))


if __name__ == "__main__":
    folder, url = Path(sys.argv[1]), sys.argv[2]
    catalogue.CATALOGUE = tuple(stand_in(spec) for spec in catalogue.CATALOGUE)
    sys.exit(main(sys.argv[3:]))
