"""What a batch is asked to do: one frozen record."""

from __future__ import annotations

import os
from dataclasses import dataclass

from faceswap_cli.batch.plan.naming import readable
from faceswap_cli.batch.plan.shards import Shard
from faceswap_cli.errors import InputError, UsageError
from faceswap_cli.jobs.job import SwapSpec
from faceswap_cli.names import Kind, kind_of
from faceswap_cli.text import opt

NAMES = "-"
"""The input that stands for names handed in beside the request: those of a pipe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRequest:
    """What `faceswap batch SOURCE INPUT... -o OUT` asks for.

    Attributes:
        spec: Whose face all items get, and how; rows of a manifest may differ.
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
        allow_private_urls, details: As in `SwapJob`, for all items.
        overwrite: Replace outputs that exist.
        resume: There is a journal: outputs that exist may be of an earlier run, and are looked at one by one when their
            turn comes.
        shard: Only this part of the items.
    """

    spec: SwapSpec
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
    allow_private_urls: bool = False
    details: bool = False
    overwrite: bool = False
    resume: bool = False
    shard: Shard | None = None


def check_request(request: BatchRequest) -> None:
    """Find what the parts of a request contradict each other in, and sources that are not there.

    Raises:
        UsageError: No folder for outputs, no source, or both a manifest and inputs.
        InputError: A source is missing.
    """
    if not request.output:
        raise UsageError("the name of the output folder is empty", advice=f"name a folder with {opt('o')}")
    if "\0" in request.output:
        raise UsageError("the name of the output folder has a NUL", advice=f"name a folder with {opt('o')}")
    if request.output == NAMES:
        raise UsageError(f"{opt('o')} - is no folder",
                         advice=f"a batch writes one file for each input, name a folder with {opt('o')}")
    if kind_of(request.output) is Kind.URL:
        raise UsageError(f"{opt('o', readable(request.output))} cannot be written to", advice="name a folder")
    if request.manifest is not None and (request.inputs or request.files_from):
        raise UsageError(f"{opt('manifest')} names all items", advice="leave out the inputs")
    if request.manifest is None and not request.spec.sources and not request.spec.pairs:
        raise UsageError("there is no source", advice="name a picture of the face to put on")
    for source in request.spec.pictures:
        if source == NAMES:
            raise UsageError("- (standard input) cannot be the source of a batch", advice="save the picture as a file")
        if kind_of(source, face=True) in (Kind.PATH, Kind.SAVED_FILE) and not os.path.lexists(source):
            kind = "source" if source in request.spec.sources else "picture"
            raise InputError(f"{readable(source)}: there is no such {kind}")
