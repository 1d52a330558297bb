"""Temporary folders of worker processes, which cannot remove them when they are killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from faceswap_cli.errors import OutputError
from faceswap_cli.files.leftovers import hold

_PREFIX = "faceswap-workers-"


class Scratch:
    """A folder that goes with `close`; should this process be killed, with the next `Scratch` of the same user.

    Attributes:
        path: The folder.
    """

    def __init__(self) -> None:
        """Make the folder, and remove those of processes that were killed.

        Raises:
            OutputError: There is no place for temporary files.
        """
        try:
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
            self._descriptor = _open_held(self.path)
        except OSError as error:
            raise OutputError(f"cannot write a temporary folder: {error.strerror or error}",
                              advice="set TMPDIR to a folder with room") from error
        sweep(but=self.path)

    def new_folder(self, name: str) -> Path:
        """An empty folder in it."""
        path = self.path / name
        path.mkdir(exist_ok=True)
        return path

    def close(self) -> None:
        """Remove it with all that is in it; nothing happens the second time."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def sweep(but: Path | None = None) -> None:
    """Remove what processes of this user that were killed have left, but for one folder."""
    with contextlib.suppress(OSError):  # there is no place for temporary files
        for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
            with contextlib.suppress(OSError):  # of another user, or just removed by another process
                if path != but and (descriptor := _open_held(path)) is not None:
                    try:
                        if os.fstat(descriptor).st_uid == os.getuid():
                            shutil.rmtree(path, ignore_errors=True)
                    finally:
                        os.close(descriptor)


def _open_held(path: Path) -> int | None:
    """A lock on a folder; None: another process holds it, or the system has no locks on folders."""
    if os.name == "nt":
        return None
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    if hold(descriptor):
        return descriptor
    os.close(descriptor)
    return None
