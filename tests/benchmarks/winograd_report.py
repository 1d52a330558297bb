"""The Winograd rewrite of a swapper's graph against the graph itself, side by side in one run.

    python tests/benchmarks/winograd_report.py [GRAPH.onnx] [--rounds 9]

Without a graph: a stand-in of inswapper_128 of its full size with random weights, built by the generator in
../shared/tools into a temporary folder (3 GB while it runs). Rewriting, and the memory of each graph, are measured in
processes of their own. Times alternate between the two graphs within one process; a ratio is the median over the rounds
of original to rewritten, and so hardly minds what else the machine does; CPU time, of one thread, minds it least.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np
import onnxruntime

from faceswap_cli.runtime.winograd import rewrite

TOOL = Path(__file__).parents[2] / ".." / "shared" / "tools" / "build_inswapper_like.py"
WORKERS = 2
GIGA = 1e9


@dataclass(frozen=True)
class Alone:
    """What a process of its own tells: seconds, and memory in bytes.

    Attributes:
        peak: Largest resident size.
        own: Memory at the end that is not a mapped file, which processes would share.
    """

    seconds: float
    peak: int
    own: int


def build_stand_in(path: Path) -> None:
    spec = importlib.util.spec_from_file_location("build_inswapper_like", TOOL)
    if spec is None or spec.loader is None or not TOOL.exists():
        raise SystemExit(f"{TOOL} is not there; name a graph")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    model, _ = tool.build()
    path.write_bytes(model.SerializeToString())


def open_graph(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def inputs(session: onnxruntime.InferenceSession) -> dict[str, np.ndarray]:
    """A random picture, and a vector of length 1."""
    random = np.random.default_rng(0)
    feeds = {}
    for value in session.get_inputs():
        shape = [size if isinstance(size, int) else 1 for size in value.shape]
        drawn = random.random(shape) if len(shape) == 4 else random.standard_normal(shape)
        feeds[value.name] = (drawn if len(shape) == 4 else drawn / np.linalg.norm(drawn)).astype(np.float32)
    return feeds


def alone(task: str, *paths: Path) -> Alone:
    """Run this file in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--alone", task, *map(str, paths)], check=True, capture_output=True, text=True
    )
    return Alone(**json.loads(done.stdout.splitlines()[-1]))


def run_alone(task: str, paths: list[Path]) -> None:
    started = time.perf_counter()
    if task == "rewrite":
        rewrite(paths[0], paths[1])
        seconds = time.perf_counter() - started
    else:
        session = open_graph(paths[0], 1)
        seconds = time.perf_counter() - started
        session.run(None, inputs(session))
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    # Not getrusage: its maximum counts the parent too, whose copy this process was.
    peak, own = (int(status[name].split()[0]) * 1024 for name in ("VmHWM", "RssAnon"))
    print(json.dumps(asdict(Alone(seconds, peak, own))))


def alternate(rounds: int, first: Callable[[], object], second: Callable[[], object]) -> list[tuple[float, float]]:
    """Seconds of both, round by round, after one round that does not count."""
    measured = []
    for _ in range(rounds + 1):
        pair = []
        for task in (first, second):
            started = time.perf_counter()
            task()
            pair.append(time.perf_counter() - started)
        measured.append((pair[0], pair[1]))
    return measured[1:]


def cpu_seconds(session: onnxruntime.InferenceSession, feeds: dict[str, np.ndarray]) -> float:
    started = time.thread_time()
    session.run(None, feeds)
    return time.thread_time() - started


def show(name: str, pairs: list[tuple[float, float]], faces: int = 1) -> None:
    before, after = (median(pair[side] for pair in pairs) / faces * 1000 for side in (0, 1))
    ratio = median(pair[0] / pair[1] for pair in pairs)
    best = min(pair[0] for pair in pairs) / min(pair[1] for pair in pairs)
    print(f"| {name} | {before:.0f} | {after:.0f} | {ratio:.2f}x | {best:.2f}x |")


def report(original: Path, folder: Path, rounds: int) -> None:
    built = alone("rewrite", original, folder)
    made = folder / "model.onnx"
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"rewriting: {built.seconds:.1f} s, at most {built.peak / GIGA:.2f} GB; on disk {size / GIGA:.2f} GB")
    for name, path in (("original", original), ("rewritten", made)):
        opened = alone("run", path)
        print(
            f"{name}: opened in {opened.seconds:.2f} s; after one run {opened.own / GIGA:.2f} GB of its own, "
            f"at most {opened.peak / GIGA:.2f} GB with mapped files"
        )
    one = [open_graph(path, 1) for path in (original, made)]
    feeds = inputs(one[0])
    expected, found = (session.run(None, feeds)[0].astype(np.float64) for session in one)
    print(f"rewritten against original: {-10 * np.log10(np.mean((expected - found) ** 2)):.1f} dB of a peak of 1\n")
    print("| ms a face | original | rewritten | ratio | ratio of the best |\n|---|---|---|---|---|")
    cpu = [(cpu_seconds(one[0], feeds), cpu_seconds(one[1], feeds)) for _ in range(rounds)]
    show("CPU time, 1 thread", cpu)
    with ThreadPoolExecutor(WORKERS) as pool:

        def together(session: onnxruntime.InferenceSession) -> None:
            list(pool.map(lambda _: session.run(None, feeds), range(WORKERS)))

        pairs = alternate(rounds, lambda: together(one[0]), lambda: together(one[1]))
        show(f"{WORKERS} workers of 1 thread", pairs, WORKERS)
    two = [open_graph(path, 2) for path in (original, made)]
    show("2 threads", alternate(rounds, lambda: two[0].run(None, feeds), lambda: two[1].run(None, feeds)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("graph", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--alone", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        run_alone(options.alone[0], [Path(path) for path in options.alone[1:]])
        return
    with tempfile.TemporaryDirectory() as folder:
        graph = options.graph
        if graph is None:
            graph = Path(folder) / "stand-in.onnx"
            build_stand_in(graph)
        made = Path(folder) / "made"
        made.mkdir()
        report(graph, made, options.rounds)


if __name__ == "__main__":
    main()
