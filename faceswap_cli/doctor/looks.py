"""The checks of one module: what they find, and what they raise."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib import import_module

from faceswap_cli.doctor.checks import Check, DoctorOptions, Look, fail, parts_of, reason_of
from faceswap_cli.errors import FaceswapError

_log = logging.getLogger(__name__)


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
    except FaceswapError as error:
        yield fail(name, *parts_of(error))
    except ImportError as error:
        _log.debug("%s", name, exc_info=True)
        yield fail(name, f"a package that it needs cannot be loaded: {reason_of(error)}",
                   "see what is said of the packages")
    except Exception as error:  # whatever it is, it is what was looked for
        _log.debug("%s", name, exc_info=True)
        yield fail(name, f"the check itself failed: {type(error).__name__}: {reason_of(error)}",
                   "faceswap doctor --debug shows where; please report it")


def _raising(error: Exception) -> Look:
    def look(options: DoctorOptions) -> Iterator[Check]:
        raise error

    return look
