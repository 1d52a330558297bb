"""exiftool: reads and writes metadata of every format, independently of what writes them here."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

found = shutil.which("exiftool") is not None
needed = pytest.mark.skipif(not found, reason="exiftool is not installed")


def read(path: Path) -> dict[str, Any]:
    """All tags of a file, by `Group:Name`, such as `XMP-dc:Title`."""
    done = subprocess.run(["exiftool", "-json", "-G1", "-struct", str(path)], capture_output=True, check=True)
    tags: dict[str, Any] = json.loads(done.stdout)[0]
    return tags


def write(path: Path, *tags: str) -> Path:
    """Write `-Tag=value` arguments into a file."""
    subprocess.run(["exiftool", "-q", "-overwrite_original", *tags, str(path)], check=True)
    return path
