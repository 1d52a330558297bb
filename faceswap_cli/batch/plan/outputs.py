"""What can be wrong with the outputs of a batch as a whole: two of one name, an input that would be lost, a way out."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from typing import Protocol

from faceswap_cli.batch.plan.naming import fold, readable
from faceswap_cli.batch.plan.selection import below
from faceswap_cli.errors import InputError, UsageError
from faceswap_cli.names import is_url
from faceswap_cli.stores.files import check_store_root, list_stored
from faceswap_cli.stores.urls import canonical, join
from faceswap_cli.text import opt

_ADVICE = f"tell them apart with {opt('name')} '{{parent}}-{{name}}', or keep their folders with {opt('root')}"


class Claims:
    """Which output is whose, on any file system: names that differ in case or Unicode form are one name."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[str, str]] = {}
        self._folders: dict[str, tuple[str, str]] = {}
        self._parents: set[str] = set()

    def claim(self, key: str, target: str) -> str | None:
        """Take an output for a target.

        Args:
            key: The output, relative to the root, with `/`.
            target: For messages.

        Returns:
            Why it cannot be had; None: it is taken now.
        """
        folded = fold(key)
        taken = self._files.get(folded)
        if taken is not None:
            both = f"{readable(taken[1])} and {readable(target)} would both be written to {readable(key)}"
            if taken[0] != key:
                both += f" and {readable(taken[0])}, one file where case or Unicode form is ignored"
            return f"{both}; {_ADVICE}"
        if folded in self._folders:
            other, its_target = self._folders[folded]
            return (f"{readable(target)} would be written to {readable(key)}, and {readable(its_target)} below it to "
                    f"{readable(other)}; {_ADVICE}")
        parents = self._new_parents(folded)
        for parent in parents:
            if parent in self._files:
                other, its_target = self._files[parent]
                return (f"{readable(its_target)} would be written to {readable(other)}, and {readable(target)} below "
                        f"it to {readable(key)}; {_ADVICE}")
        for parent in parents:
            self._folders[parent] = (key, target)
        self._files[folded] = (key, target)
        return None

    def _new_parents(self, folded: str) -> list[str]:
        """The folders above a name that no name before had."""
        found = []
        parent = folded.rpartition("/")[0]
        while parent and parent not in self._folders:
            found.append(parent)
            parent = parent.rpartition("/")[0]
        return found


class OutputTree(Protocol):
    """The folder of outputs as it is, and what must not be lost in it."""

    def path(self, key: str) -> str:
        """Where an output lies."""

    def add_source(self, spec: str) -> None:
        """A source, which no output may replace or, where it is a folder, join."""

    def add_input(self, spec: str) -> None:
        """A file which no output may replace."""

    def holds(self, spec: str) -> bool:
        """Whether an input lies in this tree."""

    def look(self, key: str) -> tuple[str | None, bool]:
        """What is wrong with an output, and whether it exists."""


class StoreTree:
    """A folder of a store; its files are asked for once, and only where that is wanted."""

    def __init__(self, root: str, sources: Iterable[str] = (), *, ask: bool) -> None:
        """Look at the root.

        Args:
            root: A URL of a store.
            sources: Pictures of the face to put on.
            ask: Find out which outputs exist; else none does.

        Raises:
            OutputError: There is no such bucket.
            MissingDependencyError, UsageError: As `check_store_root`.
        """
        check_store_root(root)
        self._root = root
        self._ask = ask
        self._existing: frozenset[str] | None = None
        self._inputs = set(map(canonical, sources))

    def path(self, key: str) -> str:
        """As `OutputTree`."""
        return join(self._root, key)

    def add_source(self, spec: str) -> None:
        """As `OutputTree`."""
        self._inputs.add(canonical(spec))

    def add_input(self, spec: str) -> None:
        """As `OutputTree`."""
        self._inputs.add(canonical(spec))

    def holds(self, spec: str) -> bool:
        """As `OutputTree`."""
        return spec.startswith(join(self._root, ""))

    def look(self, key: str) -> tuple[str | None, bool]:
        """As `OutputTree`."""
        path = self.path(key)
        if canonical(path) in self._inputs:
            return _is_input(path), True
        if not self._ask:
            return None, False
        if self._existing is None:
            try:
                self._existing = frozenset(file.name for file in list_stored(self._root).files)
            except InputError:  # nothing there yet
                self._existing = frozenset()
        return None, key in self._existing


class LocalTree:
    """A folder of this machine."""

    def __init__(self, root: str, folders: Iterable[str] = (), sources: Iterable[str] = ()) -> None:
        """Look at the root.

        Args:
            root: The folder; it need not be there.
            folders: That inputs were looked for in; outputs in them would be the inputs of the next run.
            sources: Pictures, and folders of pictures, of the face to put on.

        Raises:
            UsageError: The root is a file.
        """
        self._root = root
        self._absolute = os.path.abspath(root)  # noqa: PTH100 (text is compared; a Path for each file is slow)
        self._real = os.path.realpath(root)
        self._there = os.path.isdir(root)  # noqa: PTH112 (a name that cannot be is no folder)
        if not self._there and os.path.lexists(root):
            raise UsageError(f"{opt('o', readable(root))} is no folder", advice="name the folder for the outputs")
        self._taboo = {real: folder for folder in folders
                       if (real := os.path.realpath(folder)).startswith(below(self._real))}
        self._taboo_sources: dict[str, str] = {}
        self._inputs: set[str] = set()
        self._unseen: list[str] = []
        self._identities: set[tuple[int, int]] = set()
        self._parents: dict[str, tuple[str | None, bool]] = {}
        self._inside: dict[str, bool] = {}
        for source in sources:
            self.add_source(source)

    def path(self, key: str) -> str:
        """As `OutputTree`."""
        return os.path.join(self._root, key)  # noqa: PTH118 (a Path would change what the user wrote)

    def add_source(self, spec: str) -> None:
        """As `OutputTree`."""
        if not is_url(spec) and os.path.isdir(spec):  # noqa: PTH112 (as above)
            self._taboo_sources[os.path.realpath(spec)] = spec
        else:
            self.add_input(spec)

    def add_input(self, spec: str) -> None:
        """As `OutputTree`."""
        if not is_url(spec):
            self._inputs.add(os.path.abspath(spec))  # noqa: PTH100 (as above)
            self._unseen.append(spec)

    def holds(self, spec: str) -> bool:
        """As `OutputTree`."""
        if is_url(spec):
            return False
        folder = os.path.dirname(spec)  # noqa: PTH120 (as above)
        if folder not in self._inside:
            real = os.path.realpath(folder)
            self._inside[folder] = real == self._real or real.startswith(below(self._real))
        return self._inside[folder]

    def look(self, key: str) -> tuple[str | None, bool]:
        """As `OutputTree`.

        Outputs that do not exist yet are compared with inputs by name, others by what they are, links followed.
        """
        parent = key.rpartition("/")[0]
        if parent not in self._parents:
            self._parents[parent] = self._look_at_folder(parent)
        problem, there = self._parents[parent]
        path = self.path(key)
        if problem is not None:
            return f"{readable(path)} {problem}", False
        if below(self._absolute) + key in self._inputs:
            return _is_input(path), there
        if not there:
            return None, False
        try:
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode):
                if not os.path.realpath(path).startswith(below(self._real)):
                    return f"{readable(path)} is a link out of the output folder; remove it", True
                mode = os.stat(path).st_mode  # noqa: PTH116 (as above)
            if stat.S_ISDIR(mode):
                return (f"{readable(path)} is a folder, and an output would have its name; change it with "
                        f"{opt('name')}"), True
            status = os.stat(path)  # noqa: PTH116 (as above)
            if (status.st_dev, status.st_ino) in self._seen_inputs():
                return _is_input(path), True
        except FileNotFoundError:  # nothing there, or a link to nothing
            return None, os.path.lexists(path)
        except (OSError, ValueError) as error:
            return f"{readable(path)} cannot be written: {_reason(error)}", False
        return None, True

    def _look_at_folder(self, parent: str) -> tuple[str | None, bool]:
        path = self.path(parent) if parent else self._root
        real = os.path.realpath(path)
        if real != self._real and not real.startswith(below(self._real)):
            return "would lie outside the output folder, behind a link; remove the link", False
        for taboo, folder in self._taboo.items():
            if real == taboo or real.startswith(below(taboo)):
                return (f"would lie in the input folder {readable(folder)}, and be an input of the next run; choose "
                        f"another folder with {opt('o')}"), False
        if real in self._taboo_sources:
            return (f"would be one of the source pictures in {readable(self._taboo_sources[real])}; choose another "
                    f"folder with {opt('o')}"), False
        if not self._there:
            return None, False
        if not os.path.isdir(path) and os.path.lexists(path):  # noqa: PTH112 (as above)
            return f"cannot be written: {readable(path)} is no folder; remove it", False
        return None, os.path.isdir(path)  # noqa: PTH112 (as above)

    def _seen_inputs(self) -> set[tuple[int, int]]:
        """Device and number of all inputs; they are looked at when an output exists, and not before."""
        for spec in self._unseen:
            try:
                status = os.stat(spec)  # noqa: PTH116 (as above)
            except (OSError, ValueError):
                continue
            self._identities.add((status.st_dev, status.st_ino))
        self._unseen.clear()
        return self._identities


def _is_input(path: str) -> str:
    return (f"{readable(path)} is an input, and an output would replace it; choose another folder with {opt('o')}, or "
            f"{opt('name')}")


def _reason(error: OSError | ValueError) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
