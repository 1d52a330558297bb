"""The API key: where it comes from, and a type that no message shows."""

from __future__ import annotations

import hmac
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from faceswap_cli.errors import RemoteError

VARIABLE = "SEGMIND_API_KEY"

_LONGEST = 512


class ApiKey:
    """A key that is shown as `***` by whatever shows it. Not picklable, so that it gets into no file and no queue."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Take the key.

        Args:
            text: Blanks and line ends around it are left out.

        Raises:
            RemoteError: It cannot be sent in a header; the message does not show it.
        """
        text = text.strip()
        if not text or len(text) > _LONGEST or not all("!" <= char <= "~" for char in text):
            # Checked here, because the HTTP library would quote a bad header in its error.
            raise RemoteError(f"the API key is not one line of up to {_LONGEST} ASCII characters without blanks",
                              advice=f"check {VARIABLE} or the key file")
        self._text = text

    def reveal(self) -> str:
        """The key itself, for the one header that carries it."""
        return self._text

    def hide(self, text: str) -> str:
        """A text of the API's, in which the key, should it be repeated there, is `***`."""
        return text.replace(self._text, "***")

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ApiKey) and hmac.compare_digest(self._text, other._text)

    def __hash__(self) -> int:
        return hash(ApiKey)

    def __copy__(self) -> ApiKey:
        return self

    def __deepcopy__(self, memo: object) -> ApiKey:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("an API key is not written down")


def default_key_file() -> Path:
    """Where the key file is looked for."""
    from platformdirs import user_config_path

    return user_config_path("faceswap", appauthor=False) / "segmind-api-key"


def load_key(file: Path | None = None, *, environment: Mapping[str, str] | None = None) -> ApiKey | None:
    """The key of the environment, else of a key file.

    Args:
        file: A key file that the user named, which must exist; None: the usual one, which may be missing.
        environment: Where `SEGMIND_API_KEY` is looked up; it goes before the usual file, but not before one that is
            named. None: the process's.

    Returns:
        None where there is no key: a server on this machine may need none.

    Raises:
        RemoteError: The file cannot be read, may be read by others, or holds no key.
    """
    environment = os.environ if environment is None else environment
    if file is None and environment.get(VARIABLE, "").strip():
        return ApiKey(environment[VARIABLE])
    path = default_key_file() if file is None else file
    try:
        return ApiKey(_read_private(path))
    except FileNotFoundError as error:
        if file is None:
            return None
        raise RemoteError(f"there is no key file {path}",
                          advice=f"create it with mode 0600, or set {VARIABLE}") from error
    except OSError as error:
        raise RemoteError(f"the key file {path} cannot be read: {error.strerror or error}",
                          advice=f"check it, or set {VARIABLE}") from error
    except UnicodeDecodeError:
        # Without a cause: the error carries the bytes of the file.
        raise RemoteError(f"the key file {path} is not text", advice="it holds the key on one line") from None


def require_key(key: ApiKey | None) -> ApiKey:
    """The key.

    Raises:
        RemoteError: There is none; says where to put it.
    """
    if key is None:
        raise RemoteError("there is no API key",
                          advice=f"set {VARIABLE}, or write the key to {default_key_file()} (mode 0600)")
    return key


def _read_private(path: Path) -> str:
    """The text of a file that only its owner can read. Judged by the open file, which nobody can exchange meanwhile."""
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if os.name != "nt" and stat.S_IMODE(mode) & 0o077:
            raise RemoteError(f"the key file {path} can be read by others (mode {stat.S_IMODE(mode):04o})",
                              command=f"chmod 600 {path}")
        return file.read(4 * _LONGEST).decode("ascii")
