"""Makes the checks. Nothing that is broken breaks the doctor: what a check raises is what it found.

What runs code of other packages is looked at in a process of its own: a library built for another processor, or a
driver, ends or stops the process in which it is tried.
"""

from __future__ import annotations

from collections.abc import Iterator

from faceswap_cli.doctor.checks import DoctorOptions, Group
from faceswap_cli.doctor.isolation import Apart
from faceswap_cli.doctor.looks import look_here

_TITLES = {
    "python": "Python",
    "packages": "Packages",
    "machine": "Machine",
    "terminal": "Terminal",
    "engines": "Engines",
    "installed_models": "Models",
    "saved_faces": "Saved faces",
    "providers": "Providers (what runs models)",
    "codecs": "Formats",
    "api": "Remote API",
}
"""The modules whose `LOOKS` are made, and what they are called; in this order."""

_APART = frozenset(("packages", "engines", "providers", "codecs", "saved_faces"))
"""Groups that run code of others."""

_SPELLING = {"installed_models": "models", "saved_faces": "faces", "api": "remote"}
"""What a group is called where that is not the name of its module."""


def examine(options: DoctorOptions, *, apart: bool = True) -> Iterator[Group]:
    """Look at everything, group by group.

    Args:
        options: What is looked at.
        apart: Whether what may break is looked at in a process of its own.
    """
    with Apart(options) as others:
        for module, title in _TITLES.items():
            if module != "api" or options.remote is not None:
                checks = others.look(module) if apart and module in _APART else look_here(module, options)
                yield Group(_SPELLING.get(module, module), title, tuple(checks))
