"""The options that only `batch` has, declared once, and what their values mean."""

from __future__ import annotations

import math
import re
from enum import StrEnum
from typing import Annotated

import typer

from faceswap_cli.cli.options.common import OUTPUT, REPORTING
from faceswap_cli.cli.options.declare import option
from faceswap_cli.errors import UsageError
from faceswap_cli.facts import Refusal
from faceswap_cli.options import OnError, OnNoFace
from faceswap_cli.text import opt

INPUTS = "Inputs"
RUNNING = "Running"
RESUMING = "Failures and resuming"

AUTO = "auto"
"""The number of workers that fits the machine."""


class ExecutorName(StrEnum):
    """Where the items of a batch run."""

    LOCAL = "local"
    RAY = "ray"


# --- what is read and written -----------------------------------------------------------------------------------------

BatchSourceArgument = Annotated[str | None, typer.Argument(
    metavar="SOURCE", show_default=False,
    help="Picture of the face to put on: a file, a folder of pictures of one person, a URL, or @NAME for a saved "
         "face. With --manifest it may be left out; with --pair there is none, and --source names the face for "
         "everybody else.")]

InputsArgument = Annotated[list[str] | None, typer.Argument(
    metavar="INPUT", show_default=False,
    help="What to change: pictures, animations and videos, folders of them, quoted globs such as 'in/**/*.jpg', URLs; "
         "- reads names from standard input, one to a line.")]

BatchOutputOption = Annotated[str, typer.Option(
    "--output", "-o", metavar="FOLDER", show_default=False, rich_help_panel=OUTPUT,
    help="Folder of the results, made when it is missing; it mirrors the folders given as INPUT.")]

NameOption = Annotated[str, option(
    "--name", project=True, metavar="TEMPLATE", rich_help_panel=OUTPUT,
    help="Name of each result: {name} is that of its target, {stem} and {suffix} its parts. For instance "
         "'{stem}-me{suffix}'.")]

RootOption = Annotated[str | None, option(
    "--root", project=True, metavar="FOLDER", show_default=False, rich_help_panel=OUTPUT,
    help="Inputs keep their path from this folder in the output. Default: files of a folder keep their path from that "
         "folder, files named one by one have none.")]

FilesFromOption = Annotated[str | None, typer.Option(
    "--files-from", metavar="FILE", show_default=False, rich_help_panel=INPUTS,
    help="Read names of targets from a file, one to a line; - is standard input.")]

NullOption = Annotated[bool, typer.Option(
    "--null", "-0", rich_help_panel=INPUTS,
    help="Names end with a NUL instead of a newline, as `find -print0` writes them.")]

ManifestOption = Annotated[str | None, typer.Option(
    "--manifest", metavar="FILE", show_default=False, rich_help_panel=INPUTS,
    help="A table of jobs, CSV or JSONL, with the columns target and, as needed, source, output and any option of "
         "`swap`.")]

IncludeOption = Annotated[list[str] | None, option(
    "--include", project=True, metavar="GLOB", show_default=False, rich_help_panel=INPUTS,
    help="Take only files of folders that match; may be repeated.")]

ExcludeOption = Annotated[list[str] | None, option(
    "--exclude", project=True, metavar="GLOB", show_default=False, rich_help_panel=INPUTS,
    help="Leave out files of folders that match; may be repeated.")]

RecursiveOption = Annotated[bool, option(
    "--recursive/--no-recursive", project=True, rich_help_panel=INPUTS, help="Take the folders within folders too.")]

ShardOption = Annotated[str | None, typer.Option(
    "--shard", metavar="I/N", show_default=False, rich_help_panel=INPUTS,
    help="Do only part I of N, counted from 0: the parts are disjoint, complete, and the same on every machine.")]

BatchOnNoFaceOption = Annotated[OnNoFace, typer.Option(
    "--on-no-face", rich_help_panel=OUTPUT,
    help="When nothing was swapped in a target: fail counts it as failed, copy passes it through, skip writes "
         "nothing.")]

# --- failures and resuming --------------------------------------------------------------------------------------------

OnErrorOption = Annotated[OnError, option(
    "--on-error", project=True, rich_help_panel=RESUMING, help="When an item fails: go on with the others, or stop.")]

MaxFailuresOption = Annotated[int | None, typer.Option(
    "--max-failures", min=1, metavar="N", show_default=False, rich_help_panel=RESUMING,
    help="Stop when N items have failed.")]

JournalOption = Annotated[str | None, option(
    "--journal", project=True, metavar="FILE", show_default=False, rich_help_panel=RESUMING,
    help="Where the journal records each finished item, one JSON line each. Default: .faceswap-journal.jsonl in the "
         "output folder.")]

ResumeOption = Annotated[bool, option(
    "--resume/--no-resume", project=True, rich_help_panel=RESUMING,
    help="Skip what the journal has as done where neither inputs, options, models nor the result have changed; "
         "--no-resume does everything again.")]

RetryFailedOption = Annotated[bool, option(
    "--retry-failed", project=True, rich_help_panel=RESUMING, help="Try again what failed in an earlier run.")]

# --- running ----------------------------------------------------------------------------------------------------------

WorkersOption = Annotated[str, option(
    "--workers", "-j", project=True, remote=Refusal.WORKERS, metavar="auto|N", rich_help_panel=RUNNING,
    help="Processes that work at once; auto: as many as cores and memory carry.")]

ThreadsOption = Annotated[int | None, option(
    "--threads", project=True, remote=Refusal.WORKERS, min=1, metavar="N", show_default=False, rich_help_panel=RUNNING,
    help="Threads of each worker. Default: the cores divided among the workers.")]

TimeoutOption = Annotated[float | None, option(
    "--timeout", remote=Refusal.WORKERS, metavar="SECONDS", show_default=False, rich_help_panel=RUNNING,
    help="Longest time for one item; a worker that takes longer is ended and replaced.")]

MaxMemoryOption = Annotated[str | None, option(
    "--max-memory", remote=Refusal.WORKERS, metavar="SIZE", show_default=False, rich_help_panel=RUNNING,
    help="Most memory of one worker, such as 800M or 2G; a worker that takes more is ended and replaced.")]

ExecutorOption = Annotated[ExecutorName, option(
    "--executor", remote=Refusal.WORKERS, rich_help_panel=RUNNING,
    help="local: worker processes on this machine; ray: a Ray cluster (the extra `ray`).")]

AddressOption = Annotated[str | None, option(
    "--address", only_with="--executor ray", metavar="ADDRESS", show_default=False, rich_help_panel=RUNNING,
    help="Of the Ray cluster. Default: RAY_ADDRESS, else one on this machine.")]

NumGpusOption = Annotated[float | None, option(
    "--num-gpus", project=True, only_with="--executor ray", metavar="N", show_default=False, rich_help_panel=RUNNING,
    help="GPUs for each worker on Ray; 0.5 lets two share one.")]

OrderedOption = Annotated[bool, option(
    "--ordered", project=True, rich_help_panel=REPORTING,
    help="Tell of the items in the order of the inputs, not as they finish.")]

# --- what is said -----------------------------------------------------------------------------------------------------

BatchJsonOption = Annotated[bool, typer.Option(
    "--json", rich_help_panel=REPORTING,
    help="Print one JSON object for each item as it finishes, one to a line, and a summary as the last; errors too.")]

PlanOption = Annotated[bool, typer.Option(
    "--dry-run", rich_help_panel=REPORTING,
    help="Print what would be done, and what was done before: a table on a terminal, lines in a pipe (what, target, "
         "output, between tabs), JSON with --json. Nothing is written.")]

ReportOption = Annotated[str | None, option(
    "--report", project=True, metavar="FILE", show_default=False, rich_help_panel=REPORTING,
    help="Write a JSON report of the whole batch.")]

JunitOption = Annotated[str | None, option(
    "--junit", project=True, metavar="FILE", show_default=False, rich_help_panel=REPORTING,
    help="Write a JUnit XML report, which CI systems show.")]

SummaryHtmlOption = Annotated[str | None, option(
    "--summary-html", project=True, metavar="FILE", show_default=False, rich_help_panel=REPORTING,
    help="Write a contact sheet: source, target and result of each item, in one HTML file.")]

# --- values -----------------------------------------------------------------------------------------------------------

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?b)?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def parse_size(text: str, option: str) -> int:
    """Bytes: `800M` and `2G` count in 1024; a number alone is bytes.

    Raises:
        UsageError: It is no size, or less than one byte.
    """
    match = _SIZE.fullmatch(text.strip())
    size = 0 if match is None else int(float(match[1]) * 1024 ** _POWERS[match[2].lower()])
    if size < 1:
        raise UsageError(f"{opt(option)} {text}: that is no size", advice="write 800M or 2G")
    return size


def parse_workers(text: str) -> int | None:
    """How many workers; None: `auto`.

    Raises:
        UsageError: It is neither `auto` nor a number of 1 or more.
    """
    if text.strip().lower() == AUTO:
        return None
    if not text.strip().isdecimal() or int(text) < 1:
        raise UsageError(f"{opt('workers', text)}: that is neither auto nor a number of 1 or more")
    return int(text)


def check_seconds(seconds: float | None, option: str) -> None:
    """Raises: UsageError: A time that is not above zero."""
    if seconds is not None and not (seconds > 0 and math.isfinite(seconds)):
        raise UsageError(f"{opt(option)} {seconds:g} must be more than 0 seconds")
