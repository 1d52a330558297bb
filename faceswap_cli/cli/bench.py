"""`faceswap bench`: how fast the installed engines are on this machine.

`faceswap bench --json`:

    {"schema": 1,
     "machine": {"processor": str, "cores": int, "memory": int | null},
     "versions": {str: str},
     "rows": [{"engine": str, "media": "still" | "clip", "width": int, "height": int, "frames": int, "rounds": int,
               "parts": {"engine": str, "analyser": str, "swapper": str, "restorer": str | null,
                         "provider": str | null},
               "milliseconds": {"decode": float, "find": float, "swap": float, "restore": float | null,
                                "encode": float},
               "one": {"workers": 1, "rate": float, "slowest": float, "fastest": float, "memory": int | null},
               "all": {as "one"} | null}],
     "notes": [str],
     "seconds": float}

Milliseconds are for one frame by one worker; `find` is all that comes before the swap, `restore` is null where no
restorer is installed. `rate` is the median of the rounds, in frames a second, of stills in files a second, without
restoration; `all` is by all cores, and null for stills, which have them anyway, and on one core. Memory is in bytes.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from faceswap_cli.cli.options import common as o
from faceswap_cli.cli.options.declare import option
from faceswap_cli.cli.output import SCHEMA, Output
from faceswap_cli.cli.stdout import is_terminal
from faceswap_cli.errors import UsageError
from faceswap_cli.options import RuntimeOptions
from faceswap_cli.text import opt

if TYPE_CHECKING:
    from faceswap_cli.bench.records import BenchReport, BenchRow, Speed

BENCH_EXAMPLES = """Examples

  faceswap bench
  faceswap bench --engine embedded --still none --clip 480x270,1280x720
  faceswap bench --json
"""

MEASURED = "What is measured"

StillOption = Annotated[str, option(
    "--still", project=True, metavar="WxH,...|none", rich_help_panel=MEASURED, help="Sizes of pictures, in pixels.")]

ClipOption = Annotated[str, option(
    "--clip", project=True, metavar="WxH,...|none", rich_help_panel=MEASURED, help="Sizes of videos, in pixels.")]

SecondsOption = Annotated[float, option(
    "--seconds", project=True, metavar="N", rich_help_panel=MEASURED,
    help="How long to measure, about; warming up comes before it.")]

RoundsOption = Annotated[int | None, option(
    "--rounds", project=True, metavar="N", show_default=False, rich_help_panel=MEASURED,
    help="How often to measure everything, however long it takes.")]


def bench(
    engine: o.EngineOption = o.ENGINE_DEFAULTS.engine,
    still: StillOption = "512x512,1920x1080",
    clip: ClipOption = "480x270",
    seconds: SecondsOption = 20.0,
    rounds: RoundsOption = None,
    models_dir: o.ModelsDirOption = None,
    provider: o.ProviderOption = o.ENGINE_DEFAULTS.runtime.provider,
    device: o.DeviceOption = o.ENGINE_DEFAULTS.runtime.device,
    json: o.JsonOption = False,
    quiet: o.QuietOption = False,
    debug: o.DebugOption = False,
    no_progress: o.NoProgressOption = False,
) -> None:
    """Measure how fast the installed engines are on this machine.

    Pictures and videos of one face, which come with the package, are swapped from file to file. --engine auto measures
    every engine that is installed.
    """
    from faceswap_cli.bench.records import BenchOptions, Media, parse_scenes
    from faceswap_cli.bench.run import run_bench

    output = Output(json=json, quiet=quiet, verbose=debug, progress=not no_progress)
    if models_dir is not None and not models_dir.strip():
        raise UsageError(f"the name given to {opt('models-dir')} is empty", advice="name a folder")
    scenes = (*parse_scenes(Media.STILL, still), *parse_scenes(Media.CLIP, clip))
    options = BenchOptions(engine=engine, scenes=scenes, seconds=seconds, rounds=rounds,
                           runtime=RuntimeOptions(provider=provider, device=device), models_folder=models_dir)
    with output.progress("bench", unit="run") as on_step:
        report = run_bench(options, on_step)
    if output.json:
        output.data(_report(report))
        return
    from faceswap_cli.cli.bench_table import bench_lines, bench_table

    if is_terminal():
        output.table(bench_table(report))
    else:
        output.lines(bench_lines(report))
    for note in report.notes:
        output.note(note)


def _report(report: BenchReport) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "machine": {"processor": report.processor, "cores": report.cores, "memory": report.memory},
        "versions": dict(report.versions),
        "rows": [_row(row) for row in report.rows],
        "notes": list(report.notes),
        "seconds": round(report.seconds, 2),
    }


def _row(row: BenchRow) -> dict[str, Any]:
    scene = row.scene
    stages = {"decode": row.decode, "find": row.find, "swap": row.swap, "restore": row.restore, "encode": row.encode}
    return {
        "engine": row.engine, "media": scene.media.value, "width": scene.width, "height": scene.height,
        "frames": row.frames, "rounds": row.rounds, "parts": dict(row.parts),
        "milliseconds": {name: None if value is None else round(value, 2) for name, value in stages.items()},
        "one": _speed(row.one), "all": None if row.all is None else _speed(row.all),
    }


def _speed(speed: Speed) -> dict[str, Any]:
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(speed).items()}
