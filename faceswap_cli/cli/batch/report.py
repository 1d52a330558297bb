"""The JSON Lines that `faceswap batch` prints. Their shapes are a contract, as those of `faceswap_cli/cli/report.py`.

`faceswap batch --json` prints one object for each item as it ends, in the order of the inputs with `--ordered`:

    {"schema": 1, "number": int, "key": str,
     "status": "done" | "copied" | "skipped" | "failed" | "current" | "stopped",
     "inputs": {"sources": [str], "target": str, "references": [str], "pairs": [{"reference": str, "source": str}]},
     "output": {"path": str, "sha256": str | null, "format": str, ... as in `swap --json`} | null,
     "engine", "frames", "faces", "similarity", "warnings", "timings": as in `swap --json`,
     "error": {"type": str, "message": str, "exit_code": int} | null,
     "attempts": int, "seconds": float, "worker": int | null}

`number` counts the items from 0 in the order of the inputs. `key` is the output relative to `-o`, with `/`: it names an
item from run to run. `error` is set where `status` is `failed`; its `type` is that of `swap --json`, or `WorkerDied`,
`Timeout` or `MemoryLimit` where the worker was lost. Where nothing was swapped in this run (`failed`; `current`, done
by an earlier run; `stopped`, not begun) `engine`, `frames`, `similarity` and `timings` are null, `faces` is empty, and
`output` is null or, of `current` items, path and sha256 alone.

The last line sums up, and is the only one with the key `summary`:

    {"schema": 1, "summary": true, "counts": {"total": int, STATUS: int}, "seconds": float, "stopped": str | null,
     "warnings": [str], "exit_code": int}

With `--remote` it has `"remote": {"requests": int, "cost": float | null, "fallbacks": int}` too: requests that were
made, what they cost if `--cost-per-request` was given, and items that were swapped on this machine instead. The `type`
of an error is then also `ApiError`, `ApiRefusal` (the API has judged the item) or `PerhapsBilled` (a job may exist
there).

`counts` has every status; `stopped` says why not all items were begun. `jq 'select(.status == "failed")'` needs no care
for this line. A batch that cannot begin prints `{"error": ...}` alone, as every command does.

`faceswap batch --dry-run --json` prints what would be done, and sums up likewise:

    {"schema": 1, "number": int, "key": str, "status": "swap" | "current" | "failed",
     "inputs": as above, "output": {"path": str}, "error": as above}
    {"schema": 1, "summary": true, "dry_run": true,
     "counts": {"total": int, "swap": int, "current": int, "failed": int, "all_shards": int}, "warnings": [str]}

There `failed` is what is known to fail without being run, and `all_shards` counts the items of all shards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faceswap_cli.cli.output import SCHEMA
from faceswap_cli.cli.report import inputs_report, swap_report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faceswap_cli.batch.items import Failure, Item, ItemResult
    from faceswap_cli.batch.plan.plan import BatchPlan
    from faceswap_cli.batch.run import BatchReport

_TOLD = ("engine", "frames", "faces", "similarity", "warnings", "timings")
"""What an item tells as a single swap does."""

_NOTHING: dict[str, Any] = {"engine": None, "frames": None, "faces": [], "similarity": None, "warnings": [],
                             "timings": None}


def item_report(result: ItemResult) -> dict[str, Any]:
    """One line of `batch --json`."""
    item = result.item
    told = _NOTHING
    output: dict[str, Any] | None = None
    if result.outcome is not None:
        report = swap_report(result.outcome)
        told = {key: report[key] for key in _TOLD}
        output = report["output"]
    if output is None and result.output is not None:
        output = {"path": item.job.output}
    if output is not None:
        output = {**output, "sha256": None if result.output is None else result.output.sha256}
    return {
        **_named(item),
        "status": result.status.value,
        "inputs": inputs_report(item.job),
        "output": output,
        **told,
        "error": _error(result.failure),
        "attempts": result.attempts,
        "seconds": round(result.seconds, 4),
        "worker": result.worker,
    }


def summary_report(report: BatchReport) -> dict[str, Any]:
    """The last line of `batch --json`."""
    from faceswap_cli.batch.items import Status

    counts = {status.value: report.counts.get(status, 0) for status in Status}
    return {
        "schema": SCHEMA,
        "summary": True,
        "counts": {"total": sum(counts.values()), **counts},
        "seconds": round(report.seconds, 3),
        "stopped": report.stopped,
        "warnings": list(report.warnings),
        "exit_code": int(report.exit_code),
    }


def planned_report(item: Item, word: str, failure: Failure | None) -> dict[str, Any]:
    """One line of `batch --dry-run --json`.

    Args:
        item: As planned.
        word: What would become of it: `swap`, `current` or `failed`.
        failure: Why it would be told as failed.
    """
    return {**_named(item), "status": word, "inputs": inputs_report(item.job), "output": {"path": item.job.output},
            "error": _error(failure)}


def plan_summary(plan: BatchPlan, counts: Mapping[str, int]) -> dict[str, Any]:
    """The last line of `batch --dry-run --json`."""
    words = {word: counts.get(word, 0) for word in ("swap", "current", "failed")}
    return {"schema": SCHEMA, "summary": True, "dry_run": True,
            "counts": {"total": len(plan.items), **words, "all_shards": plan.total}, "warnings": list(plan.warnings)}


def _named(item: Item) -> dict[str, Any]:
    return {"schema": SCHEMA, "number": item.number, "key": item.key}



def _error(failure: Failure | None) -> dict[str, Any] | None:
    if failure is None:
        return None
    return {"type": failure.type, "message": failure.message, "exit_code": int(failure.exit_code)}
