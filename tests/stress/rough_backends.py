"""Backends that are hard on what runs them; `BrightSquares` of the fakes, with a temper."""

from __future__ import annotations

import ctypes
import os
import signal
from typing import Any

import fakes
from fakes import FakePlan, FakeSource

from faceswap_cli.image import Image

LETHAL = (255, 0, 255)
"""Colour of the first pixel of a picture that has its worker killed, as by the system when memory is out."""

CRASHING = (255, 255, 0)
"""Likewise, of one that a library crashes on."""


class Poisoned(fakes.BrightSquares):
    """Does not survive some pictures."""

    def plan(self, source: FakeSource, image: Image, clip: Any = None) -> FakePlan:
        corner = tuple(int(value) for value in image[0, 0])
        if corner == LETHAL:
            os.kill(os.getpid(), signal.SIGKILL)
        if corner == CRASHING:
            import resource

            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            ctypes.string_at(0)
        return super().plan(source, image, clip)


BACKENDS = fakes.BACKENDS | {"Poisoned": Poisoned}
