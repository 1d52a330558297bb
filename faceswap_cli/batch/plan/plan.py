"""Inputs, a folder for outputs and a pattern become a plan: one `Item` for each output, every collision found.

The tree of outputs mirrors that of inputs: a file of a named folder keeps its path from there, so does one that a
quoted glob finds, from the folder before the first wildcard; files named one by one, on the command line, in a list or
in a pipe, have no path, unless `root` gives them one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from faceswap_cli.batch.items import Failure, FailureKind, Item
from faceswap_cli.batch.plan.naming import base_name, check_key, parent_name, parse_template, readable
from faceswap_cli.batch.plan.outputs import Claims, LocalTree, OutputTree, StoreTree
from faceswap_cli.batch.plan.targets import Candidate, Targets, input_folders
from faceswap_cli.batch.request import NAMES, BatchRequest, check_request
from faceswap_cli.errors import ExitCode, InputError, UsageError
from faceswap_cli.jobs.job import SwapJob
from faceswap_cli.media.formats import SUFFIXES, VIDEO, output_format
from faceswap_cli.media.frame import ClipInfo
from faceswap_cli.names import Kind, kind_of, shown
from faceswap_cli.options import MediaFormat, MediaOptions
from faceswap_cli.stores.urls import join
from faceswap_cli.text import as_flag, opt, spell

__all__ = ["NAMES", "BatchPlan", "BatchRequest", "make_plan", "plan_stream"]


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """All items, in order.

    Attributes:
        items: Those of the request's shard.
        root: The folder that all outputs lie in, as given.
        warnings: What was left out and why, a line for each reason.
        total: Items of all shards.
    """

    items: tuple[Item, ...]
    root: str
    warnings: tuple[str, ...]
    total: int


def make_plan(request: BatchRequest, names: Iterable[str] = ()) -> BatchPlan:
    """Find all items of a batch, and everything that is wrong with them as a whole, before anything runs.

    Reads folders and the manifest; writes nothing, and makes no folder. A file that is named and not there is an item,
    which fails when its turn comes; one that cannot even be named in the tree of outputs is an item with a `problem`.

    Args:
        request: What to do.
        names: What the input `-` stands for; see `lists.read_names`.

    Raises:
        UsageError: Two items with one output, on any file system; an output that is an input, a source or a folder,
            lies outside the output folder or in a folder of inputs, has a name that cannot be, or exists, with neither
            `overwrite` nor `resume`; a bad template, glob, manifest or list.
        InputError: There is nothing to do; a source, a folder or a list cannot be read.
    """
    planner = _Planner(request)
    candidates = list(planner.targets.candidates(names))
    if not candidates:
        raise planner.nothing()
    keys = [planner.key(number, candidate) for number, candidate in enumerate(candidates)]
    _refuse_collisions(candidates, keys)
    for candidate in candidates:
        planner.protect(candidate)
    items = []
    existing = []
    for number, (candidate, key) in enumerate(zip(candidates, keys, strict=True)):
        item = planner.item(number, candidate, key)
        if request.shard is not None and not request.shard.holds(item.key):
            continue
        items.append(item)
        if item.problem is None:
            problem, exists = planner.look(key)
            if problem is not None:
                raise UsageError(problem)
            if exists:
                existing.append(item.job.output)
    if existing and not request.overwrite and not request.resume:
        first = ", ".join(readable(path) for path in existing[:3]) + (", ..." if len(existing) > 3 else "")
        raise UsageError(f"{len(existing)} of {len(items)} outputs exist ({first})",
                         advice=f"add {opt('overwrite')} to replace them, or choose another folder with {opt('o')}")
    return BatchPlan(tuple(items), request.output, planner.targets.warnings, len(candidates))


def plan_stream(request: BatchRequest, names: Iterable[str],
                warn: Callable[[str], None] | None = None) -> Iterator[Item]:
    """The items of a batch as their names come through a pipe.

    What `make_plan` refuses as a whole becomes the `problem` of the item with which it is found: of two names with one
    output the first has it. What the request itself names is found before this returns.

    Args:
        request: What to do.
        names: What the input `-` stands for; read no further than the items are taken.
        warn: Told of what is left out.

    Raises:
        UsageError, InputError: As `make_plan`, for what the request itself names. The iterator raises them when no name
            came, or when what comes is no list of names.
    """
    planner = _Planner(request)
    named = [list(group) if group is not None else None for group in planner.targets.groups()]
    return _stream(planner, named, names, warn)


def _stream(planner: _Planner, named: list[list[Candidate] | None], names: Iterable[str],
            warn: Callable[[str], None] | None) -> Iterator[Item]:
    request, targets = planner.request, planner.targets
    claims = Claims()
    told = number = 0
    for group in named:
        for candidate in targets.distinct(targets.listed(names) if group is None else group):
            for line in targets.warnings[told:]:
                told += 1
                if warn is not None:
                    warn(line)
            item = planner.try_item(number, candidate, claims)
            number += 1
            if request.shard is None or request.shard.holds(item.key):
                yield item
    if not number:
        raise planner.nothing()


def _refuse_collisions(candidates: list[Candidate], keys: list[str]) -> None:
    claims = Claims()
    conflicts = [conflict for candidate, key in zip(candidates, keys, strict=True)
                 if candidate.problem is None and (conflict := claims.claim(key, candidate.spec)) is not None]
    if conflicts:
        raise UsageError(conflicts[0] if len(conflicts) == 1 else f"{conflicts[0]} ({len(conflicts)} such collisions)")


class _Planner:
    """What finding and naming the items of one request takes."""

    def __init__(self, request: BatchRequest) -> None:
        """Check what can be checked of the request alone.

        Raises:
            UsageError, InputError: As `make_plan`.
        """
        self.request = request
        check_request(request)
        self._template = parse_template(request.template)
        self._tree: OutputTree
        if kind_of(request.output) is Kind.STORE:
            self._tree = StoreTree(request.output, request.spec.pictures,
                                    ask=not (request.overwrite or request.resume))
        else:
            self._tree = LocalTree(request.output, input_folders(request.inputs), request.spec.pictures)
        self.targets = Targets(request, self._tree.holds)
        self.look = self._tree.look
        self._checked: set[tuple[str, MediaFormat | None]] = set()

    def nothing(self) -> InputError:
        """That there is no item at all."""
        reasons = "; ".join(self.targets.warnings) or "no name was given"
        return InputError(f"there is nothing to swap: {reasons}")

    def key(self, number: int, candidate: Candidate) -> str:
        """The output of an item, relative to the root, with `/`. Of one with a problem, what no output is called.

        Raises:
            UsageError: There is no name that it could have, or the name and the format contradict each other.
        """
        if candidate.problem is not None:
            return _key_of_problem(candidate)
        row = candidate.row
        media = (self.request if row is None else row).spec.media
        if row is not None and row.output is not None:
            key = self._named(row.output, row.where)
        else:
            folder, _, name = candidate.relative.rpartition("/")
            parent = parent_name(candidate.spec) if "parent" in self._template.fields else ""
            key = self._template.render(name, parent, number + 1, media.image_format)
            if folder:
                check_key(folder, f"{readable(candidate.spec)}: its folder is")
                key = f"{folder}/{key}"
        self._check_suffix(key, candidate.spec, media)
        return key

    def item(self, number: int, candidate: Candidate, key: str) -> Item:
        """The item. One with a problem has no output, so that nothing could be written for it."""
        request, row = self.request, candidate.row
        output = self._tree.path(key) if candidate.problem is None else ""
        job = SwapJob(spec=(request if row is None else row).spec, target=candidate.spec, output=output,
                      overwrite=request.overwrite, allow_private_urls=request.allow_private_urls,
                      details=request.details)
        problem = None
        if candidate.problem is not None:
            problem = Failure(FailureKind.USAGE, spell(candidate.problem, as_flag), ExitCode.USAGE)
        return Item(number=number, key=key, job=job, name=shown(candidate.spec), problem=problem)

    def try_item(self, number: int, candidate: Candidate, claims: Claims) -> Item:
        """The item; with a problem where `make_plan` would raise, or another item has its output."""
        problem = candidate.problem
        key = ""
        if problem is None:
            try:
                key = self.key(number, candidate)
            except UsageError as error:
                problem = error.marked
        if problem is None:
            self.protect(candidate)
            problem = self.look(key)[0] or claims.claim(key, candidate.spec)
        if problem is not None:
            candidate = replace(candidate, problem=problem)
            key = _key_of_problem(candidate)
        return self.item(number, candidate, key)

    def protect(self, candidate: Candidate) -> None:
        """Let no output replace this input and its sources."""
        self._tree.add_input(candidate.spec)
        for picture in candidate.row.spec.pictures if candidate.row is not None else ():
            self._tree.add_source(picture)

    def _named(self, output: str, where: str) -> str:
        """The key of an output that a row names."""
        key = output.replace(os.sep, "/")
        if os.path.isabs(output):  # noqa: PTH117 (text is compared)
            key = os.path.relpath(output, self.request.output).replace(os.sep, "/")
        elif kind_of(output) is Kind.STORE:
            key = output.removeprefix(join(self.request.output, ""))
        while key.startswith("./"):
            key = key[2:]
        check_key(key, f"{where}: output is")
        return key

    def _check_suffix(self, key: str, spec: str, media: MediaOptions) -> None:
        """Tell early that no output can have the suffix that a template or a row gives it.

        Where the target's own suffix says nothing, its content has to be seen first.
        """
        suffix = os.path.splitext(key)[1].lower()  # noqa: PTH122 (a Path for each file is slow)
        if (suffix, media.image_format) in self._checked:
            return
        if os.path.splitext(base_name(spec))[1].lower() in SUFFIXES or media.image_format is not None:  # noqa: PTH122
            moving = {SUFFIXES.get(suffix), media.image_format} & VIDEO  # whether the target moves is seen later
            output_format(Path(self._tree.path(key)), media,
                          ClipInfo(format=MediaFormat.PNG, width=1, height=1, frame_count=2 if moving else 1))
            self._checked.add((suffix, media.image_format))


def _key_of_problem(candidate: Candidate) -> str:
    """What no output is called, and the same from run to run."""
    return f"{candidate.relative}//{candidate.spec}"
