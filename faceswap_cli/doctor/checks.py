"""What the doctor finds: one record for each thing that was looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from faceswap_cli.errors import FaceswapError
from faceswap_cli.options import RemoteOptions
from faceswap_cli.text import as_flag, spell, squeeze


class CheckState(StrEnum):
    """How a thing is; the milder first."""

    OK = "ok"
    NOTE = "note"
    """Nothing is wrong, and there is something to know: what could be installed."""
    WARN = "warn"
    """Something that some runs need does not work."""
    FAIL = "fail"
    """Something that every run needs, or that the user put there, does not work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What, in a word or two; the same from run to run.
        state: How it is.
        finding: What was found, in one line.
        advice: What to do next, in one line; empty: nothing is to be done.
        data: The same for programs: numbers in bytes, versions, paths.
    """

    name: str
    state: CheckState
    finding: str
    advice: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """What was looked at together.

    Attributes:
        name: The same from run to run.
        title: For people.
        checks: In the order in which they were made.
    """

    name: str
    title: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class DoctorOptions:
    """What is looked at.

    Attributes:
        verify: Read all models, and run the neural engine, which takes a while.
        models_folder: Where models lie; None: the usual place.
        remote: Ask the API whether it can be reached; None: nothing goes over a network.
    """

    verify: bool = False
    models_folder: str | None = None
    remote: RemoteOptions | None = None


Look = Callable[[DoctorOptions], Iterable[Check]]
"""Looks at one thing, or at some that belong together; what it raises is a finding too."""


def ok(name: str, finding: str, /, **data: Any) -> Check:
    """It works."""
    return Check(name=name, state=CheckState.OK, finding=finding, advice="", data=data)


def note(name: str, finding: str, advice: str = "", /, **data: Any) -> Check:
    """It is no fault, but should be known."""
    return Check(name=name, state=CheckState.NOTE, finding=finding, advice=advice, data=data)


def warn(name: str, finding: str, advice: str, /, **data: Any) -> Check:
    """It does not work, and some runs need it."""
    return Check(name=name, state=CheckState.WARN, finding=finding, advice=advice, data=data)


def fail(name: str, finding: str, advice: str, /, **data: Any) -> Check:
    """It does not work, and must."""
    return Check(name=name, state=CheckState.FAIL, finding=finding, advice=advice, data=data)


def reason_of(error: BaseException) -> str:
    """What an error says, on one line that is not too long; its class where it says nothing."""
    text = squeeze(error.text(as_flag) if isinstance(error, FaceswapError) else error) or type(error).__name__
    return text if len(text) <= 300 else f"{text[:297]}..."


def parts_of(error: FaceswapError) -> tuple[str, str]:
    """What happened and what to do next, in words for the command line."""
    advice = ", ".join(filter(None, (error.command, error.advice)))
    return squeeze(spell(error.message, as_flag)), squeeze(spell(advice, as_flag))


def show_gigabytes(count: int) -> str:
    """A number of bytes as people read it, in powers of ten."""
    return f"{count / 1e9:.1f} GB" if count >= 0.95e9 else f"{count / 1e6:.0f} MB"
