"""What a batch works on: the targets that a request names, in order, each with its place in the tree of inputs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from faceswap_cli.batch.plan.globs import has_wildcards, is_glob, split_glob
from faceswap_cli.batch.plan.lists import read_names
from faceswap_cli.batch.plan.manifest import Row, read_manifest
from faceswap_cli.batch.plan.naming import base_name, readable
from faceswap_cli.batch.plan.selection import OUTPUTS_REASON, SAME_FOLDER, Found, TargetFinder
from faceswap_cli.batch.request import NAMES, BatchRequest
from faceswap_cli.errors import InputError, UsageError
from faceswap_cli.media.formats import SUFFIXES
from faceswap_cli.names import Kind, is_url, kind_of
from faceswap_cli.stores.files import list_stored
from faceswap_cli.stores.urls import join
from faceswap_cli.text import opt


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may become an item.

    Attributes:
        spec: The target, as a job names it.
        relative: Its place in the tree of inputs, with `/`.
        row: Of the manifest.
        problem: Why it cannot be done.
    """

    spec: str
    relative: str
    row: Row | None = None
    problem: str | None = None


class Targets:
    """Finds the targets of one request."""

    def __init__(self, request: BatchRequest, is_output: Callable[[str], bool]) -> None:
        """Nothing is read yet.

        Args:
            request: What to do.
            is_output: Whether a file lies in the folder of outputs; raises nothing.

        Raises:
            UsageError: A glob makes no sense.
        """
        self._request = request
        self._is_output = is_output
        self._finder = TargetFinder(request.include, request.exclude, recursive=request.recursive,
                              outputs=None if kind_of(request.output) is Kind.STORE else request.output)
        self._distinct: set[tuple[str, str]] = set()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was left out, so far."""
        return self._finder.warnings

    def candidates(self, names: Iterable[str]) -> Iterator[Candidate]:
        """All targets in order, each once for each output."""
        for group in self.groups():
            yield from self.distinct(self.listed(names) if group is None else group)

    def groups(self) -> Iterator[Iterable[Candidate] | None]:
        """The targets of each input in order; None: those of the pipe."""
        request = self._request
        if request.manifest is not None:
            yield self._rows(request.manifest)
        for spec in request.inputs:
            yield None if spec == NAMES else self._expand(spec)
        for path in request.files_from:
            yield self._listed_in(path)

    def distinct(self, candidates: Iterable[Candidate]) -> Iterator[Candidate]:
        """Without those that were there before: a file named twice is taken once."""
        for candidate in candidates:
            if candidate.row is None:
                spec = candidate.spec
                same = spec if is_url(spec) else os.path.abspath(spec)  # noqa: PTH100 (a Path for each file is slow)
                if (same, candidate.relative) in self._distinct:
                    continue
                self._distinct.add((same, candidate.relative))
            yield candidate

    def listed(self, names: Iterable[str]) -> Iterator[Candidate]:
        """The targets of a list, without outputs: a list made while the batch runs may name them."""
        for name in names:
            if self._is_output(name):
                self._finder.leave_out(name, OUTPUTS_REASON)
            else:
                yield self._single(name, listed=True)

    def _expand(self, spec: str) -> Iterator[Candidate]:
        if not spec:
            raise UsageError("the name of an input is empty", advice="name a picture or a folder")
        if kind_of(spec) is Kind.STORE:
            yield from self._expand_stored(spec)
        elif is_glob(spec):
            none = True
            for found in self._finder.glob(spec):
                none = False
                yield self._found(found, split_glob(spec)[0])
            if none:
                yield Candidate(spec, base_name(spec), problem=f"{readable(spec)}: there is no such file, and as a "
                                                                "pattern it fits none")
        elif not is_url(spec) and os.path.isdir(spec):  # noqa: PTH112 (a name that cannot be is no folder)
            for found in self._finder.folder(spec):
                yield self._found(found, spec)
        else:
            yield self._single(spec)

    def _expand_stored(self, spec: str) -> Iterator[Candidate]:
        """A URL with the suffix of a picture is taken at its word; else what lies below it is asked for."""
        pattern = has_wildcards(spec)
        if not pattern and os.path.splitext(spec)[1].lower() in SUFFIXES:  # noqa: PTH122 (a URL is no path)
            yield self._single(spec)
            return
        folder, below = split_glob(spec) if pattern else (spec, "")
        if folder.rstrip("/") == self._request.output.rstrip("/"):
            raise UsageError(SAME_FOLDER.format(readable(folder)))
        listing = list_stored(folder, self._finder.wanted(below))
        for name in listing.unsafe:
            self._finder.leave_out(join(folder, name), "has a name that no file can have")
        for file in listing.files:
            if self._is_output(file.spec):
                self._finder.leave_out(file.spec, OUTPUTS_REASON)
            else:
                yield self._found(Found(file.spec, file.name), folder)
        if not listing.files:
            self._finder.leave_out(spec, "has no pictures")

    def _listed_in(self, path: str) -> Iterator[Candidate]:
        try:
            with Path(path).open("rb") as stream:
                yield from self.listed(read_names(stream, null=self._request.null, origin=readable(path)))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise InputError(f"the list {readable(path)} cannot be read: {reason}") from error

    def _rows(self, path: str) -> Iterator[Candidate]:
        for row in read_manifest(path, self._request.spec):
            if not (row.spec.sources or row.spec.pairs):
                raise UsageError(f"{row.where}: there is no source", advice="name one in the row, or one for all rows")
            try:
                relative = base_name(row.target) if row.output is not None else self._single(row.target).relative
            except UsageError as error:
                raise error.about(row.where) from error
            yield Candidate(row.target, relative, row)

    def _single(self, spec: str, *, listed: bool = False) -> Candidate:
        """A file by its name. One of a list that does not lie below `--root` is the list's problem, not the batch's."""
        if spec == NAMES:  # a file of that name, in a list
            spec = f".{os.sep}{spec}"
        try:
            return Candidate(spec, self._from_root(spec) or base_name(spec))
        except UsageError as error:
            if not listed:
                raise
            return Candidate(spec, base_name(spec), problem=error.marked)

    def _found(self, found: Found, folder: str) -> Candidate:
        """A file of a folder."""
        below = self._from_root(folder)
        return Candidate(found.spec, f"{below}/{found.relative}" if below else found.relative)

    def _from_root(self, spec: str) -> str:
        """The path of a file or folder from `--root`, with `/`; empty for the root itself, and without one."""
        root = self._request.root
        if root is None:
            return ""
        if is_url(spec) or is_url(root):
            found = spec.removeprefix(root.rstrip("/") + "/")
            if found == spec and spec.rstrip("/") != root.rstrip("/"):
                raise UsageError(f"{readable(spec)} does not lie below {opt('root')} {readable(root)}")
            return "" if found == spec else found.strip("/")
        try:
            path = os.path.relpath(spec, root).replace(os.sep, "/")
        except ValueError:  # another drive
            path = ".."
        if path.split("/", 1)[0] == "..":
            raise UsageError(f"{readable(spec)} does not lie below {opt('root')} {readable(root)}")
        return "" if path == "." else path


def input_folders(inputs: Iterable[str]) -> Iterator[str]:
    """The folders in which inputs are looked for."""
    for spec in inputs:
        if is_glob(spec):
            yield split_glob(spec)[0]
        elif spec != NAMES and not is_url(spec) and os.path.isdir(spec):  # noqa: PTH112 (as above)
            yield spec
