"""The files of settings: where they lie, and what they say. Nothing of what it means."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceswap_cli.errors import UsageError

PROJECT_FILE = "faceswap.toml"

USER_FILE_VARIABLE = "FACESWAP_CONFIG"
"""Names another user file; set to nothing: there is none."""

_LARGEST = 1 << 20
"""Bytes. Settings take a few hundred; what is larger is something else."""


def user_file(environment: Mapping[str, str]) -> Path | None:
    """Where the user's settings are, which need not exist; None: the user wants none.

    Raises:
        UsageError: The variable names a home that is not known.
    """
    named = environment.get(USER_FILE_VARIABLE)
    if named is None:
        from platformdirs import user_config_path

        return user_config_path("faceswap", appauthor=False) / "config.toml"
    try:
        return Path(named).expanduser().absolute() if named.strip() else None
    except RuntimeError as error:
        raise UsageError(f"{USER_FILE_VARIABLE} is {named}: whose home that is, is not known",
                         advice="write it out") from error


def project_file(folder: Path) -> Path | None:
    """The `faceswap.toml` of a folder or the nearest one above it.

    The search ends with the root of a repository (which has a `.git`) and before the home folder, unless it begins
    there. It never looks into a folder where anybody may leave files, such as /tmp, nor above one.

    Args:
        folder: Where it begins; an absolute path.
    """
    home = _home()
    for place in (folder, *folder.parents):
        try:
            if _is_shared(place) or (place == home and place != folder):
                return None
            if (place / PROJECT_FILE).is_file():
                return place / PROJECT_FILE
        except OSError:  # a folder that may not be looked into holds no project of this user
            return None
        if is_there(place / ".git"):
            return None
    return None


def is_there(path: Path) -> bool:
    """Whether a file exists; what lies where nobody may look, as the home of another user, does not."""
    try:
        return path.exists()
    except OSError:
        return False


def read_toml(path: Path) -> dict[str, Any]:
    """What a file says.

    Raises:
        UsageError: It cannot be read, or is no TOML; names the line.
    """
    import tomllib

    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"the settings in {path} cannot be read: {error.strerror or error}") from error
    if len(data) > _LARGEST:
        raise UsageError(f"the settings in {path} are more than {_LARGEST >> 20} MB",
                         advice="that is no file of settings")
    try:
        return tomllib.loads(data.decode("utf-8-sig"))  # some editors begin a file with a mark
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"the settings in {path} are not UTF-8 (line {line})",
                         advice="save the file as UTF-8") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        what = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise UsageError(f"the settings in {path} are not TOML: {what}", advice="mend or remove the file") from error


def _home() -> Path | None:
    try:
        return Path.home().resolve()
    except (RuntimeError, OSError):  # a user without one
        return None


def _is_shared(folder: Path) -> bool:
    """Whether anybody may leave files there that only they can remove: that is what the sticky bit is for."""
    mode = folder.stat().st_mode
    return os.name != "nt" and bool(mode & stat.S_ISVTX and mode & stat.S_IWOTH)
