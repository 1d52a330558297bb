"""Which files of folders a batch takes. Finds files; reads no picture."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from faceswap_cli.batch.plan.globs import compile_globs, split_glob, translate
from faceswap_cli.batch.plan.naming import readable
from faceswap_cli.errors import InputError, UsageError
from faceswap_cli.media.formats import SUFFIXES
from faceswap_cli.text import opt

OUTPUTS_REASON = "is of the output folder"
"""Why what lies there is no input."""

SAME_FOLDER = ("{} is the folder of inputs and of outputs: the next run would take its outputs for inputs; choose "
               "another folder with -o")
"""Why there is no plan, with the folder to be filled in."""

Fits = Callable[[str], bool]
"""Whether a file is wanted, by its path from the named folder."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file to work on.

    Attributes:
        spec: How a job names it.
        relative: Its path from the named folder, with `/`.
    """

    spec: str
    relative: str


class TargetFinder:
    """Finds pictures in folders, the same in any run: sorted by name, folder by folder.

    Hidden files and folders, unfinished files (`.part`) and what is no regular file are left out. A link to a file is
    taken where it leads to a file in the same named folder; links that lead out of it are left out and told. Linked
    folders are not entered: what they hold within the named folder is found where it is.
    """

    def __init__(self, include: Iterable[str] = (), exclude: Iterable[str] = (), *, recursive: bool = True,
                 outputs: str | None = None) -> None:
        """Prepare the patterns.

        Args:
            include: Globs of files to take; none: all with the suffix of a picture.
            exclude: Globs of files and folders to leave out.
            recursive: Folders in folders too.
            outputs: The folder of outputs, left out wherever it is met; a batch would else feed on itself.

        Raises:
            UsageError: A glob makes no sense.
        """
        self._include = compile_globs(include, opt("include"))
        self._exclude = compile_globs(exclude, opt("exclude"))
        self._recursive = recursive
        self._outputs = _identity(outputs) if outputs is not None else None
        self._real_outputs = os.path.realpath(outputs) if self._outputs is not None and outputs is not None else None
        self._left_out: dict[str, list[str]] = {}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was left out and may surprise: a line for each reason, with its first file."""
        return tuple(f"left out: {_some(files)} {reason}" for reason, files in self._left_out.items())

    def leave_out(self, path: str, reason: str) -> None:
        """Tell of something left out.

        Args:
            path: Of the file or folder.
            reason: What goes on after its name, the same for all like it.
        """
        self._left_out.setdefault(reason, []).append(path)

    def folder(self, folder: str) -> Iterator[Found]:
        """The pictures of a folder, each with its path from there.

        Raises:
            InputError: A folder cannot be read.
            UsageError: It is the folder of outputs.
        """
        empty = True
        for found in self._walk(folder, self._fits, depth=None if self._recursive else 1):
            empty = False
            yield found
        if empty:
            self.leave_out(folder, "has no pictures")

    def glob(self, spec: str) -> Iterator[Found]:
        """The files that a pattern fits, each with its path from the folder before the first wildcard.

        A pattern whose last part has no dot, such as `*`, takes pictures only.

        Raises:
            InputError: A folder cannot be read.
            UsageError: The pattern makes no sense, or looks for files in the folder of outputs itself.
        """
        folder, pattern = split_glob(spec)
        if os.path.isdir(folder):  # noqa: PTH112 (a name that cannot be is no folder)
            yield from self._walk(folder, self._pattern(pattern), _depth(pattern))

    def wanted(self, pattern: str = "") -> Fits:
        """Whether a file is taken, by its path from the folder: for folders that are not walked, as those of a store.

        Args:
            pattern: The pattern of a glob, from `split_glob`; empty for a folder.

        Raises:
            UsageError: The pattern makes no sense.
        """
        fits = self._pattern(pattern) if pattern else self._fits
        depth = _depth(pattern) if pattern else None if self._recursive else 1

        def wanted(relative: str) -> bool:
            parts = relative.split("/")
            paths = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
            return ((depth is None or len(parts) <= depth) and not any(map(_unfit, parts))
                    and not any(map(self._excluded, paths)) and fits(relative))

        return wanted

    def _pattern(self, pattern: str) -> Fits:
        compiled = re.compile(translate(f"/{pattern}", "the pattern"), re.DOTALL)
        any_suffix = "." in pattern.rpartition("/")[2] and self._include is None

        def fits(relative: str) -> bool:
            return compiled.fullmatch(relative) is not None and (any_suffix or self._fits(relative))

        return fits

    def _excluded(self, relative: str) -> bool:
        return self._exclude is not None and self._exclude.fullmatch(relative) is not None

    def _fits(self, relative: str) -> bool:
        """Whether a file is wanted, by its path alone."""
        if self._include is not None:
            return self._include.fullmatch(relative) is not None
        return os.path.splitext(relative)[1].lower() in SUFFIXES  # noqa: PTH122 (a Path for each file is slow)

    def _walk(self, folder: str, fits: Fits, depth: int | None) -> Iterator[Found]:
        if self._outputs is not None and _identity(folder) == self._outputs:
            raise UsageError(SAME_FOLDER.format(readable(folder)))
        real = os.path.realpath(folder)
        waiting = [iter(_entries(folder, ""))]
        prefixes = [""]
        while waiting:
            entry = next(waiting[-1], None)
            if entry is None:
                waiting.pop()
                prefixes.pop()
                continue
            name = entry.name
            relative = prefixes[-1] + name
            if _unfit(name) or self._excluded(relative):
                continue
            if entry.is_symlink():
                if fits(relative) and self._leads_inside(entry.path, real):
                    yield Found(entry.path, relative)
            elif entry.is_dir(follow_symlinks=False):
                if (depth is None or len(waiting) < depth) and not self._is_outputs(entry):
                    waiting.append(iter(_entries(entry.path, relative)))
                    prefixes.append(relative + "/")
            elif fits(relative) and entry.is_file(follow_symlinks=False):
                yield Found(entry.path, relative)

    def _leads_inside(self, path: str, root: str) -> bool:
        """Whether a link leads to a file below `root`; else it is told, where it may surprise."""
        target = os.path.realpath(path)
        try:
            mode = os.stat(target).st_mode  # noqa: PTH116 (a Path for each file is slow)
        except (OSError, ValueError):
            self.leave_out(path, "is a link to nothing")
            return False
        if not stat.S_ISREG(mode):
            return False
        if self._real_outputs is not None and target.startswith(below(self._real_outputs)):
            self.leave_out(path, OUTPUTS_REASON)
            return False
        if target.startswith(below(root)):
            return True
        self.leave_out(path, "is a link out of the folder; name the file to take it")
        return False

    def _is_outputs(self, entry: os.DirEntry[str]) -> bool:
        if self._outputs is None or _identity(entry.path) != self._outputs:
            return False
        self.leave_out(entry.path, OUTPUTS_REASON)
        return True


def below(folder: str) -> str:
    """What the path of all that lies in a folder begins with."""
    return folder if folder.endswith(os.sep) else folder + os.sep


def _depth(pattern: str) -> int | None:
    """How deep a pattern looks; None: any depth."""
    return None if "**" in pattern else pattern.count("/") + 1


def _unfit(name: str) -> bool:
    """Hidden, or unfinished."""
    return name.startswith(".") or name.endswith(".part")


def _some(files: list[str]) -> str:
    return readable(files[0]) + (f" and {len(files) - 1} more:" if len(files) > 1 else "")


def _identity(folder: str) -> tuple[int, int] | None:
    """What tells a folder from all others; None where there is none."""
    try:
        status = Path(folder).stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _entries(folder: str, relative: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        advice = f"{opt('exclude', readable(relative))} leaves it out" if relative else ""
        raise InputError(f"cannot read the folder {readable(folder)}: {error.strerror or error}",
                         advice=advice) from error
