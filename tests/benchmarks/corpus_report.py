"""The tool over every file of a corpus: what it answers, how long it takes, what it leaves behind.

Run: python tests/benchmarks/corpus_report.py [PATH...] [--installed] [--actions target,source,detect] [--out all.json]

Each file is the target of a swap (with `--on-no-face copy`), the source of a swap, and looked at by `detect`. By
default every run is a fork of one warm process, so that a crash, a hang or a memory limit ends that run alone;
`--installed` runs the `faceswap` command itself. Without PATH: ../shared/media/corpus and ../shared/media/faces.

Exit code 1 when a run left a traceback, hung, died, succeeded without an output or left files behind.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import json
import os
import pkgutil
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

PROJECT = Path(__file__).parents[2]
MEDIA = PROJECT / ".." / "shared" / "media"
FACE, OTHER = PROJECT / "assets" / "woman-3.jpg", PROJECT / "assets" / "man-1.jpg"
ACTIONS = ("target", "source", "detect")
KEPT_SUFFIXES = {".jpg", ".jpeg", ".png", ".apng", ".webp", ".tif", ".tiff", ".bmp", ".avif", ".gif"}


@dataclass(frozen=True)
class Limits:
    """Of one run: wall clock in seconds, address space in bytes."""

    seconds: float
    memory: int


@dataclass(frozen=True)
class Run:
    """What one run did.

    Attributes:
        exit: Exit code; None when a signal ended it.
        signal: Name of that signal.
        peak_mb: Largest resident size.
        problems: `traceback`, `unexpected`, `hang`, `died`, `no output`, `leftover`, `stdout`.
        message: The last line on standard error.
    """

    action: str
    category: str
    file: str
    size: int
    exit: int | None
    signal: str | None
    seconds: float
    peak_mb: float
    problems: list[str]
    message: str
    leftovers: list[str]
    pillow: str


def main() -> int:
    options = _parse()
    categories, pillow = _manifests()
    files = sorted(found for path in options.paths for found in _files(path))
    limits = Limits(options.seconds, options.memory * 2**20)
    if not options.installed:
        _warm_up()
    runs: list[Run] = []
    # Not TemporaryDirectory: the forks, which end as the interpreter does, would each remove it.
    scratch = Path(tempfile.mkdtemp(prefix="corpus-"))
    try:
        for path in files:
            category = categories.get(path.resolve(), _default_category(path))
            for action in options.actions.split(","):
                runs.append(_run(action, path, _short(path), category, pillow.get(path.resolve(), ""), scratch, limits,
                                 options.installed))
    finally:
        shutil.rmtree(scratch)
    _print(runs)
    if options.out:
        options.out.write_text(json.dumps([asdict(run) for run in runs], indent=1))
    return int(any(run.problems for run in runs))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", type=Path, default=[MEDIA / "corpus", MEDIA / "faces"])
    parser.add_argument("--installed", action="store_true", help="run the faceswap command instead of forks")
    parser.add_argument("--actions", default=",".join(ACTIONS))
    parser.add_argument("--seconds", type=float, default=30.0, help="a run that takes longer hangs")
    parser.add_argument("--memory", type=int, default=4096, help="address space of a run in MiB")
    parser.add_argument("--out", type=Path, help="all outcomes as JSON")
    return parser.parse_args()


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    for found in path.rglob("*"):
        if found.is_file() and found.name not in ("MANIFEST.md", "manifest.json"):
            yield found


def _short(path: Path) -> str:
    with contextlib.suppress(ValueError):
        return str(path.resolve().relative_to(MEDIA.resolve()))
    return str(path)


def _default_category(path: Path) -> str:
    return "faces" if path.parent.name == "faces" else f"other {path.suffix}"


def _manifests() -> tuple[dict[Path, str], dict[Path, str]]:
    """Category, and what Pillow said, of each file that a manifest lists."""
    categories, pillow = {}, {}
    manifest = MEDIA / "corpus" / "manifest.json"
    if manifest.exists():
        for entry in json.loads(manifest.read_text()):
            path = (manifest.parent / entry["file"].partition("/")[2]).resolve()
            categories[path] = entry["category"]
            pillow[path] = str((entry.get("pil") or [""])[0])
    return categories, pillow


def _warm_up() -> None:
    """Load what every run needs, without starting a thread that a fork would lose."""
    import dlib  # noqa: F401

    import faceswap_cli

    for module in pkgutil.walk_packages(faceswap_cli.__path__, "faceswap_cli."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    from faceswap_cli.engine.analysers import dlib_weights

    for value in vars(dlib_weights).values():
        if isinstance(value, dlib_weights.SharedModel):
            value.run(lambda model: None)


def _run(action: str, path: Path, name: str, category: str, pillow: str, scratch: Path, limits: Limits,
         installed: bool) -> Run:
    folder = scratch / "run"
    temporary = folder / "tmp"
    temporary.mkdir(parents=True)
    suffix = path.suffix.lower() if path.suffix.lower() in KEPT_SUFFIXES else ".png"
    output = folder / f"out{suffix if action == 'target' else '.png'}"
    arguments = {
        "target": ["swap", str(FACE), str(path), "-o", str(output), "--on-no-face", "copy", "--json"],
        "source": ["swap", str(path), str(OTHER), "-o", str(output), "--json"],
        "detect": ["detect", str(path), "--json"],
    }[action]
    start = time.monotonic()
    status, usage, hung = _wait(_start(arguments, folder, temporary, limits, installed), limits.seconds)
    seconds = time.monotonic() - start
    code, number = (os.waitstatus_to_exitcode(status), 0)
    if code < 0:
        code, number = None, -code
    said = (folder / "stderr").read_text(errors="replace")
    data = (folder / "stdout").read_bytes()
    expected = {"stdout", "stderr", "tmp", output.name}
    leftovers = sorted(str(found.relative_to(folder)) for found in folder.rglob("*")
                       if str(found.relative_to(folder)) not in expected)
    problems = []
    if "Traceback" in said:
        problems.append("traceback")
    if "unexpected" in said or code == 1:
        problems.append("unexpected")
    if hung:
        problems.append("hang")
    elif number:
        problems.append("died")
    if code == 0 and action != "detect" and not (output.exists() and output.stat().st_size):
        problems.append("no output")
    if code not in (0, None) and output.exists():
        problems.append("output in spite of failure")
    if leftovers:
        problems.append("leftover")
    if not number and not _is_one_object(data):
        problems.append("stdout")
    shutil.rmtree(folder)
    lines = said.strip().splitlines() or [""]
    return Run(action, category, name, path.stat().st_size, code, signal.Signals(number).name if number else None,
               round(seconds, 3), round(usage.ru_maxrss / 1024, 1), problems, lines[-1][:400], leftovers, pillow)


def _start(arguments: Sequence[str], folder: Path, temporary: Path, limits: Limits, installed: bool) -> int:
    """A child process that runs the command; its standard streams are files in `folder`."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.environ.update(TMPDIR=str(temporary), XDG_STATE_HOME=str(folder.parent))
        tempfile.tempdir = None
        for number, place in ((0, os.devnull), (1, folder / "stdout"), (2, folder / "stderr")):
            os.dup2(os.open(place, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644), number)
        if installed:
            command = Path(sys.executable).with_name("faceswap")
            os.execv(command, [str(command), *arguments])
        code = _call(arguments)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(code)  # never back into the parent's code


def _call(arguments: Sequence[str]) -> int:
    """The command line in this process, ended as the interpreter would end it."""
    from faceswap_cli.__main__ import main as command

    try:
        code = command(arguments)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    if sys.stdout is not None:
        sys.stdout.flush()
    return int(code)


def _wait(child: int, seconds: float) -> tuple[int, resource.struct_rusage, bool]:
    """Wait for the child; after `seconds` it is killed, with what it started."""
    end = time.monotonic() + seconds
    pause = 0.002
    while True:
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            return status, usage, False
        if time.monotonic() > end:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            _, status, usage = os.wait4(child, 0)
            return status, usage, True
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def _is_one_object(data: bytes) -> bool:
    """Whether standard output holds one JSON object on one line, and nothing else."""
    try:
        return data.count(b"\n") == 1 and isinstance(json.loads(data), dict)
    except ValueError:
        return False


def _print(runs: Sequence[Run]) -> None:
    for action in dict.fromkeys(run.action for run in runs):
        chosen = [run for run in runs if run.action == action]
        print(f"\n{action}: {len(chosen)} files")
        table: dict[str, Counter[str]] = defaultdict(Counter)
        for run in chosen:
            for row in (run.category, "all"):
                table[row][f"exit {run.exit}" if run.exit is not None else str(run.signal)] += 1
                table[row].update(run.problems)
        columns = sorted({column for row in table.values() for column in row}, key=lambda one: (" " not in one, one))
        print(f"{'category':20}" + "".join(f"{column:>12}" for column in columns))
        for category in sorted(table, key=lambda one: (one == "all", one)):
            print(f"{category:20}" + "".join(f"{table[category][column] or '.':>12}" for column in columns))
    print("\nslowest")
    for run in sorted(runs, key=lambda run: -run.seconds)[:8]:
        print(f"  {run.seconds:6.1f} s  {run.action} {run.file}")
    print("most memory")
    for run in sorted(runs, key=lambda run: -run.peak_mb)[:8]:
        print(f"  {run.peak_mb:6.0f} MB  {run.action} {run.file}")
    refused = [run for run in runs if run.exit == 3 and run.pillow.startswith("ok") and run.action == "target"]
    print(f"\nrefused, though Pillow reads them: {len(refused)}")
    for run in refused:
        print(f"  {run.message}")
    print(f"\nproblems: {sum(bool(run.problems) for run in runs)}")
    for run in runs:
        if run.problems:
            print(f"  {run.action} {run.file}: {', '.join(run.problems)}: {run.message}")


if __name__ == "__main__":
    sys.exit(main())
