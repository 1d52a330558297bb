"""The folder of saved faces: which there are, and the file of each by its name."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path

from faceswap_cli.errors import InputError, UsageError
from faceswap_cli.names import MARK, SAVED_SUFFIX

FOLDER_VARIABLE = "FACESWAP_FACES_DIR"
"""Environment variable that names the folder."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")


def check_name(name: str) -> str:
    """The name, if a saved face may have it.

    Raises:
        UsageError: It may not.
    """
    if not _NAME.fullmatch(name) or name.lower().endswith(SAVED_SUFFIX):
        raise UsageError(f"{name!r} cannot be the name of a saved face",
                         advice="take up to 64 letters (a-z), digits and - _ . of which - and . not in front")
    return name


def default_folder() -> Path:
    """Where saved faces lie: `FACESWAP_FACES_DIR`, else `faces` in the user's data folder."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named).expanduser()
    from platformdirs import user_data_path

    return user_data_path("faceswap", appauthor=False) / "faces"


class Library:
    """The saved faces of one folder, which need not exist yet.

    Attributes:
        folder: Where they lie, absolute.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Name the folder, or take `default_folder()`; nothing is read or made."""
        self.folder = (folder if folder is not None else default_folder()).absolute()

    def names(self) -> list[str]:
        """The names of all saved faces, sorted.

        Raises:
            InputError: The folder cannot be read.
        """
        try:
            found = [path.stem for path in self.folder.iterdir() if path.suffix == SAVED_SUFFIX and path.is_file()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise InputError(f"{self.folder} cannot be read: {error.strerror or error}") from error
        return sorted((name for name in found if _is_name(name)), key=lambda name: (name.lower(), name))

    def location(self, name: str) -> Path:
        """Where the face of a name lies, or would.

        Raises:
            UsageError: A saved face cannot have this name.
        """
        return self.folder / f"{check_name(name)}{SAVED_SUFFIX}"

    def find(self, name: str) -> Path:
        """The file of the saved face of a name, with or without the `@`.

        Raises:
            InputError: There is none; tells near names.
        """
        if _is_name(name.removeprefix(MARK)) and (path := self.location(name.removeprefix(MARK))).is_file():
            return path
        names = self.names()
        folded = {known.lower(): known for known in names}
        near = difflib.get_close_matches(name.removeprefix(MARK).lower(), folded, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(MARK + folded[one] for one in near)}? " if near else ""
        more = "faceswap faces list shows all" if names else "none is saved yet: faceswap faces save NAME PICTURE"
        raise InputError(f"there is no saved face {MARK}{name.removeprefix(MARK)}", advice=f"{hint}{more}")


def _is_name(name: str) -> bool:
    try:
        check_name(name)
    except UsageError:
        return False
    return True
