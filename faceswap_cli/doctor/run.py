"""Makes the checks. Nothing that is broken breaks the doctor: what a check raises is what it found.

What runs code of other packages is looked at in a process of its own: a library built for another processor, or a
driver, ends or stops the process in which it is tried.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib import import_module

from faceswap_cli.doctor.checks import Check, DoctorOptions, Group, Look, fail, reason_of
from faceswap_cli.doctor.isolation import look_apart

_log = logging.getLogger(__name__)

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
        apart: Whether what may break is looked at in processes of their own.
    """
    for module, title in _TITLES.items():
        if module == "api" and options.remote is None:
            continue
        checks = look_apart(module, options) if apart and module in _APART else look_here(module, options)
        yield Group(_SPELLING.get(module, module), title, tuple(checks))


def look_here(module: str, options: DoctorOptions) -> Iterator[Check]:
    """Make the checks of one module in this process."""
    for name, look in looks_of(module).items():
        yield from guarded(name, look, options)


def looks_of(module: str) -> dict[str, Look]:
    """The checks of a module by name; one that only fails where it cannot even be imported."""
    try:
        looks: dict[str, Look] = import_module(f"faceswap_cli.doctor.{module}").LOOKS
    except Exception as error:  # whatever a package of this machine raises when it is loaded
        return {module: _raising(error)}
    return looks


def guarded(name: str, look: Look, options: DoctorOptions) -> Iterator[Check]:
    """What one check finds; what it raises is a failure with the error in it."""
    try:
        yield from look(options)
    except Exception as error:  # whatever it is, it is what was looked for
        _log.debug("%s", name, exc_info=True)
        yield fail(name, f"the check itself failed: {type(error).__name__}: {reason_of(error)}",
                   "faceswap doctor --debug shows where; please report it")


def _raising(error: Exception) -> Look:
    def look(options: DoctorOptions) -> Iterator[Check]:
        raise error

    return look
