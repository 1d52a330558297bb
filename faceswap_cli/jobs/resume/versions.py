"""Versions of what decides the pixels beside the models: a result is current only while they stay the same."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

from faceswap_cli.jobs.backend import SwapBackend

_PACKAGES = {
    "faceswap": ("faceswap-cli",),
    "opencv": ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"),
    "numpy": ("numpy",),
    "dlib": ("dlib-bin", "dlib"),
    "face-recognition-models": ("face-recognition-models",),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino"),
    "insightface": ("insightface",),
    "Pillow": ("Pillow",),
    "av": ("av",),
}
"""What each is known by here, and the distributions that may bring it."""


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    found = []
    for name, distributions in _PACKAGES.items():
        for distribution in distributions:
            try:
                found.append((name, version(distribution)))
            except PackageNotFoundError:
                continue
            break
    return tuple(found)


def pixel_versions() -> dict[str, str]:
    """Versions by package, read from what is installed, without importing it."""
    return dict(_versions())


def describe_models(backend: SwapBackend) -> dict[str, str]:
    """What `ItemResult.models` says of a backend: SHA-256 of its models by id, and `pixel_versions`."""
    return {**backend.models, **pixel_versions()}
