"""What all readers and writers of files do alike: open, close, and leave nothing behind."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from faceswap_cli.errors import InputError
from faceswap_cli.files.atomic import AtomicFile
from faceswap_cli.media.frame import ClipInfo, Reader


class FileReader:
    """An open file; leaving the `with` block closes it."""

    def __init__(self, path: Path, name: str) -> None:
        """Open `path`, called `name` in messages.

        Raises:
            InputError: Missing or unreadable.
        """
        self._name = name
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise InputError(f"cannot read {name}: {error.strerror}") from error

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


class ReaderAround:
    """A reader that changes the frames of another one, which is closed with it."""

    def __init__(self, reader: Reader) -> None:
        """Wrap an open reader; none of its frames has been taken."""
        self._reader = reader

    @property
    def info(self) -> ClipInfo:
        """Facts of the whole clip: how many frames are left of it is known when they were read."""
        return self._reader.info

    def close(self) -> None:
        """Release the file."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


class FileWriter:
    """An output on its way; leaving the `with` block without a commit removes it."""

    def __init__(self, out: AtomicFile) -> None:
        self._out = out

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._out.discard()
