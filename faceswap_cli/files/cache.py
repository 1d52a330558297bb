"""The folder for what can be made again: graphs rewritten for this machine, engines that a provider builds."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

FOLDER_VARIABLE = "FACESWAP_CACHE_DIR"

_MARK = ".used"
"""A file in each entry whose time tells the last use."""

_PART = ".part"

_ABANDONED_SECONDS = 24 * 3600
"""An unfinished entry as old as this was left by a process that died."""


def cache_folder() -> Path:
    """The user's cache folder, which may not exist yet: `FACESWAP_CACHE_DIR`, else the platform's."""
    import platformdirs  # not needed before a model is opened

    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else Path(platformdirs.user_cache_dir("faceswap", appauthor=False))


class FolderCache:
    """Folders that appear whole or not at all, each under a key; the longest unused go when they are too many.

    Safe under parallel processes: what one of them found may be read to its end even when another evicts it, where
    the system lets open files be deleted; elsewhere it stays.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        """Nothing is read or made yet.

        Args:
            folder: Of the entries; made with the first of them.
            limit: Bytes of all entries together, beyond which the longest unused go.
        """
        self.folder = folder
        self._limit = limit

    def find(self, key: str) -> Path | None:
        """The folder of an entry, which counts as used now; None: there is none."""
        entry = self.folder / key
        if not (entry / _MARK).is_file():
            return None
        with contextlib.suppress(OSError):  # a cache that was made for reading alone serves too
            os.utime(entry / _MARK)
        return entry

    @contextlib.contextmanager
    def lock(self, seconds: float) -> Iterator[bool]:
        """Let one process at a time make an entry, whichever: what is worth keeping takes memory to make.

        Args:
            seconds: How long to wait for another process.

        Yields:
            Whether it is this one's turn; False: the other one still works.

        Raises:
            OSError: The folder cannot be written.
        """
        from filelock import FileLock, Timeout  # only needed to write

        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / ".lock", timeout=seconds)
        try:
            lock.acquire()
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    @property
    def room(self) -> int:
        """Free bytes on the disk of the folder, which may not exist yet."""
        there = next(folder for folder in (self.folder, *self.folder.absolute().parents) if folder.is_dir())
        return shutil.disk_usage(there).free

    @contextlib.contextmanager
    def making(self, key: str) -> Iterator[Path]:
        """An empty folder to fill, published under the key when the block ends well and removed when it does not.

        When another process published the same key meanwhile, that one stays.

        Raises:
            OSError: The folder cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f".{key}.{secrets.token_hex(4)}{_PART}"
        part.mkdir()
        try:
            yield part
            (part / _MARK).touch()
            try:
                part.rename(self.folder / key)
            except OSError:
                if self.find(key) is None:  # not an entry of another process, but something half gone
                    self.discard(key)
                    part.rename(self.folder / key)
            self._evict(keep=key)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def discard(self, key: str) -> None:
        """Remove an entry; nothing happens when there is none or the system holds it."""
        self._remove(self.folder / key)

    def _evict(self, keep: str) -> None:
        """Remove abandoned parts, and the longest unused entries until the rest is within the limit."""
        entries = []
        for path in self.folder.iterdir():
            with contextlib.suppress(OSError):  # another process removes it just now
                if path.name.endswith(_PART):
                    if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                        shutil.rmtree(path, ignore_errors=True)
                elif (path / _MARK).is_file():
                    entries.append(((path / _MARK).stat().st_mtime_ns, _size(path), path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= self._limit:
                break
            if path.name != keep:
                self._remove(path)
                total -= size

    def _remove(self, entry: Path) -> None:
        # Renamed first, so that nobody finds an entry of which half is gone.
        grave = self.folder / f".{entry.name}.{secrets.token_hex(4)}{_PART}"
        with contextlib.suppress(OSError):
            entry.rename(grave)
            shutil.rmtree(grave, ignore_errors=True)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
