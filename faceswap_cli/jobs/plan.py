"""Inputs, a folder for outputs and a pattern become a plan: one `Item` for each output, every collision found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePath

from faceswap_cli.jobs.items import Item
from faceswap_cli.jobs.job import SwapJob
from faceswap_cli.jobs.shards import Shard
from faceswap_cli.options import EngineOptions, MediaOptions, OnNoFace

NAMES = "-"
"""The input that stands for names handed in beside the request: those of a pipe."""


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """What `faceswap batch SOURCE INPUT... -o OUT` asks for.

    Attributes:
        sources: Pictures of the face to put on, for all items; rows of a manifest may name others.
        inputs: Targets: files, folders, globs, URLs; `-` stands for the names handed to `make_plan` or `plan_stream`.
        output: The folder that all outputs lie in; made when needed.
        template: How outputs are called: `{stem}-swapped{suffix}`; see `naming.Template`.
        include: Globs: of the files in folders, only these; none: all pictures, by suffix.
        exclude: Globs: of the files and folders in folders, not these.
        recursive: Folders in folders too.
        root: Inputs keep their path from here in the output tree; None: files of a named folder keep their path from
            that folder, and files named one by one have none.
        files_from: Files that list more inputs, one name a line.
        null: Names in those files end with NUL instead (`-0`).
        manifest: A CSV or JSONL file with one row for each item, in the place of inputs.
        engine, media, on_no_face, allow_private_urls, details: As in `SwapJob`, for all items; rows may differ.
        overwrite: Replace outputs that exist.
        resume: Outputs that exist may be of an earlier run, and are looked at one by one when their turn comes.
        shard: Only this part of the items.
    """

    sources: tuple[str, ...]
    inputs: tuple[str, ...]
    output: str
    template: str = "{name}"
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    recursive: bool = True
    root: str | None = None
    files_from: tuple[str, ...] = ()
    null: bool = False
    manifest: str | None = None
    engine: EngineOptions = field(default_factory=EngineOptions)
    media: MediaOptions = field(default_factory=MediaOptions)
    on_no_face: OnNoFace = OnNoFace.FAIL
    allow_private_urls: bool = False
    details: bool = False
    overwrite: bool = False
    resume: bool = False
    shard: Shard | None = None


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """All items, in order.

    Attributes:
        items: Those of the request's shard.
        root: The folder that all outputs lie in, as given.
        warnings: What was left out and why, one line each.
        total: Items of all shards.
    """

    items: tuple[Item, ...]
    root: str
    warnings: tuple[str, ...]
    total: int


def make_plan(request: BatchRequest, names: Iterable[str] = ()) -> BatchPlan:
    """Find all items of a batch, and everything that is wrong with them as a whole, before anything runs.

    Reads folders and the manifest; writes nothing, and makes no folder.

    Args:
        request: What to do.
        names: What the input `-` stands for; see `selection.read_names`.
    """
    items = tuple(plan_stream(request, names))
    return BatchPlan(items, request.output, (), len(items))


def plan_stream(request: BatchRequest, names: Iterable[str]) -> Iterator[Item]:
    """The items of a batch as their names come through a pipe.

    What `make_plan` refuses as a whole becomes the `problem` of the item with which it is found.

    Args:
        request: What to do.
        names: What the input `-` stands for; read no further than the items are taken.
    """
    for number, name in enumerate([spec for spec in request.inputs if spec != NAMES] + list(names)):
        key = PurePath(name).name
        job = SwapJob(request.sources, name, str(PurePath(request.output, key)), request.engine, request.media,
                      request.overwrite or request.resume, request.on_no_face, request.allow_private_urls,
                      details=request.details)
        yield Item(number, key, job, name)
