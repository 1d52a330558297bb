"""What `faceswap --version` prints; nothing is imported to find out."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

_PARTS = {
    "dlib": ("dlib-bin", "dlib"),
    "opencv": ("opencv-python", "opencv-python-headless", "opencv-contrib-python"),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
    "insightface": ("insightface",),
    "Pillow": ("Pillow",),
    "numpy": ("numpy",),
    "PyAV": ("av",),
    "imageio": ("imageio",),
}
"""A part, and the distributions that may hold it."""


def version_lines() -> list[str]:
    """The versions of faceswap, Python and the parts that a report of a problem needs."""
    lines = [f"faceswap {_version(('faceswap-cli',))}",
             f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"]
    return lines + [f"{part} {_version(names)}" for part, names in _PARTS.items()]


def _version(names: tuple[str, ...]) -> str:
    for name in names:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "not installed"
