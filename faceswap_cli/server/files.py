"""The files that the server hands out under names that nobody can guess: results and uploaded pictures."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from faceswap_cli.errors import OutputError
from faceswap_cli.files.atomic import explain_failure
from faceswap_cli.media.formats import FORMATS
from faceswap_cli.server.store import KeptFile, Store

RESULTS = "/results/"
ASSETS = "/assets/"

SUFFIXES = {kind: row.media_type.removeprefix("image/").replace("jpeg", "jpg")
            for kind, row in FORMATS.items() if row.video is None}
"""The suffix of a file of each format."""

MEDIA_TYPES = {suffix: FORMATS[kind].media_type for kind, suffix in SUFFIXES.items()}
"""The media type of each suffix."""

_NAME = re.compile(r"[A-Za-z0-9_-]{43}\.[a-z]{3,4}")
_SECRET_BYTES = 32


class FileShelf:
    """A folder of such files. The store knows them; what it does not know is removed when the server starts."""

    def __init__(self, folder: Path, store: Store) -> None:
        """Make the folder.

        Raises:
            OutputError: It cannot be made.
        """
        self._folder = folder
        self._store = store
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(explain_failure(str(folder), folder, error)) from error

    def new_path(self, suffix: str) -> Path:
        """Where a new file of this suffix may be written; it is not kept before `keep` is told of it."""
        return self._folder / f"{secrets.token_urlsafe(_SECRET_BYTES)}.{suffix}"

    def keep(self, paths: Sequence[Path], *, asset: bool, expires: float) -> None:
        """Hand out files that were written to places of `new_path`: all of them, or on an error none."""
        self._store.add_files([KeptFile(name=path.name, media_type=MEDIA_TYPES[path.suffix[1:]],
                                        bytes=path.stat().st_size, asset=asset, expires=expires)
                               for path in paths])

    def find(self, name: str, now: float) -> tuple[KeptFile, Path] | None:
        """A file by its name; None: there is none, or its time is over."""
        if not _NAME.fullmatch(name):
            return None
        kept = self._store.file(name, now)
        path = self._folder / name
        return (kept, path) if kept is not None and path.is_file() else None

    def find_url(self, url: str, now: float) -> Path | None:
        """A file by the URL that this server gave for it, whatever its host was called then; None: it is no such URL.

        Who knows the name may have the file, so the host does not matter.
        """
        try:
            path = urlsplit(url).path
        except ValueError:
            return None
        for root in (RESULTS, ASSETS):
            _, found, name = path.rpartition(root)
            if found and "/" not in name and (known := self.find(name, now)) is not None:
                return known[1]
        return None

    def remove(self, names: Sequence[str]) -> None:
        """Remove files that the store has forgotten."""
        for name in names:
            with suppress(OSError):
                (self._folder / name).unlink(missing_ok=True)

    def drop(self, name: str) -> None:
        """Forget and remove a file."""
        self._store.drop_file(name)
        self.remove([name])

    def sweep(self) -> None:
        """Remove what is in the folder and not known: left by a process that was killed."""
        known = self._store.file_names()
        with suppress(OSError):
            self.remove([path.name for path in self._folder.iterdir() if path.name not in known])
