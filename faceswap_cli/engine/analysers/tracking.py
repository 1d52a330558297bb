"""Memory of one clip."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class ClipMemory:
    """What is remembered from frame to frame."""

    frame: int = 0
