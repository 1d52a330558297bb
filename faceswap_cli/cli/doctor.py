"""`faceswap doctor`: looks at everything that a run needs, and says what to do about what is wrong.

`faceswap doctor --json`:

    {"schema": 1, "healthy": bool,
     "counts": {"ok": int, "note": int, "warn": int, "fail": int},
     "checks": [{"group": str, "name": str, "state": "ok" | "note" | "warn" | "fail", "finding": str,
                 "advice": str | null, "data": {str: any}}]}

`healthy`: the exit code is 0. Groups and names stay the same from run to run; `finding` and `advice` are for people.
`data` holds what a program may want: versions, paths, bytes; which keys, depends on the check, and may grow.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceswap_cli.cli.options import common as o
from faceswap_cli.cli.options import remote as r
from faceswap_cli.cli.options.declare import option
from faceswap_cli.cli.output import SCHEMA, Output
from faceswap_cli.cli.stdout import is_terminal
from faceswap_cli.errors import ExitCode, UsageError
from faceswap_cli.options import RemoteOptions
from faceswap_cli.text import opt

if TYPE_CHECKING:
    from faceswap_cli.doctor.checks import Check, DoctorOptions, Group

DOCTOR_EXAMPLES = """Examples

  faceswap doctor
  faceswap doctor --verify
  faceswap doctor --json
"""

LOOKS = "What is looked at"

VerifyOption = Annotated[bool, option(
    "--verify", project=True, rich_help_panel=LOOKS,
    help="Read all installed models again, and try the neural engine; takes as long as reading them.")]

RemoteOption = Annotated[bool, typer.Option(
    "--remote", rich_help_panel=LOOKS,
    help="Ask the API too whether it answers and takes the key; starts no job. Without it nothing goes over a "
         "network.")]

StrictOption = Annotated[bool, option(
    "--strict", project=True, rich_help_panel=o.REPORTING, help="Exit with 1 for warnings too.")]


def doctor(
    verify: VerifyOption = False,
    models_dir: o.ModelsDirOption = None,
    remote: RemoteOption = False,
    remote_url: r.RemoteUrlOption = None,
    key_file: r.KeyFileOption = None,
    strict: StrictOption = False,
    json: o.JsonOption = False,
    quiet: o.QuietOption = False,
    debug: o.DebugOption = False,
) -> None:
    """Look at everything that a run needs, and say what to do about what is wrong.

    Exit code 0: nothing failed; 1: something did.
    """
    from faceswap_cli.doctor.checks import DoctorOptions
    from faceswap_cli.doctor.run import examine

    output = Output(json=json, quiet=quiet, verbose=debug)
    for flag, value in (("--models-dir", models_dir), ("--remote-url", remote_url), ("--key-file", key_file)):
        if value is not None and not value.strip():
            raise UsageError(f"the value given to {opt(flag)} is empty", advice="leave it out, or give one")
        if value is not None and not remote and flag != "--models-dir":
            raise UsageError(f"{opt(flag)} is for {opt('remote')}", advice=f"add {opt('remote')}, or leave it out")
    address = remote_url or os.environ.get(r.URL_VARIABLE) or None
    options = DoctorOptions(verify, None if models_dir is None else str(Path(models_dir).expanduser().absolute()),
                            RemoteOptions(base_url=address, key_file=key_file) if remote else None)
    groups = list(_told(output, options, examine(options)))
    counts = Counter(check.state.value for group in groups for check in group.checks)
    healthy = not counts["fail"] and not (strict and counts["warn"])
    if output.json:
        output.data(_report(groups, counts, healthy))
    else:
        output.note(_summary(counts))
    if not healthy:
        raise typer.Exit(ExitCode.UNEXPECTED)


def _told(output: Output, options: DoctorOptions, groups: Any) -> Any:
    """The groups, each shown to people as soon as it is there."""
    for group in groups:
        checks = [check for check in group.checks if not output.quiet or check.state.value in ("warn", "fail")]
        if not output.json and checks:
            from faceswap_cli.cli.doctor_table import check_lines, check_table

            if is_terminal():
                output.table(check_table(group.title, checks))
            else:
                output.lines(check_lines(group.name, checks))
        yield group


def _report(groups: list[Group], counts: Counter[str], healthy: bool) -> dict[str, Any]:
    from faceswap_cli.doctor.checks import CheckState

    return {"schema": SCHEMA, "healthy": healthy, "counts": {state.value: counts[state.value] for state in CheckState},
            "checks": [_entry(group.name, check) for group in groups for check in group.checks]}


def _entry(group: str, check: Check) -> dict[str, Any]:
    return {"group": group, "name": check.name, "state": check.state.value, "finding": check.finding,
            "advice": check.advice or None, "data": dict(check.data)}


def _summary(counts: Counter[str]) -> str:
    """`31 checks: nothing failed, 1 warning`."""
    total = sum(counts.values())
    parts = [f"{counts['fail']} failed" if counts["fail"] else "nothing failed"]
    if counts["warn"]:
        parts.append(f"{counts['warn']} {'warning' if counts['warn'] == 1 else 'warnings'}")
    return f"{total} checks: {', '.join(parts)}"
