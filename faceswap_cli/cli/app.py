"""Registers the commands, and handles every error once, at the edge."""

from __future__ import annotations

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from types import FrameType
from typing import Annotated

import typer
from typer.core import TyperCommand

from faceswap_cli.cli.batch.command import BATCH_EXAMPLES, batch
from faceswap_cli.cli.bench import BENCH_EXAMPLES, bench
from faceswap_cli.cli.command import Command
from faceswap_cli.cli.config.command import build_config
from faceswap_cli.cli.detect import DETECT_EXAMPLES, detect
from faceswap_cli.cli.doctor import DOCTOR_EXAMPLES, doctor
from faceswap_cli.cli.faces.command import build_faces
from faceswap_cli.cli.models.command import build_models
from faceswap_cli.cli.serve import SERVE_EXAMPLES, serve
from faceswap_cli.cli.swap import SWAP_EXAMPLES, SWAP_GIF_EXAMPLES, swap, swap_gif
from faceswap_cli.errors import ExitCode, FaceswapError, OutputError
from faceswap_cli.text import as_flag

PROGRAM = "faceswap"

_EPILOG = """Examples

  faceswap swap me.jpg party.jpg -o out.jpg
  faceswap swap-gif me.jpg dance.gif -o out.gif
  faceswap batch me.jpg photos/ -o out/
  faceswap detect group.jpg

Each command has its own --help. Defaults of your own: faceswap config --help.
"""


_INTERRUPTED = "interrupted; nothing was written"


def _show_version(value: bool) -> None:
    if value:
        from faceswap_cli.cli.version import version_lines

        typer.echo("\n".join(version_lines()))
        raise typer.Exit()


def _faceswap(
    version: Annotated[bool, typer.Option(
        "--version", is_eager=True, callback=_show_version, metavar="",
        help="Show the versions of faceswap and its parts.")] = False,
) -> None:
    """Put the face of one picture on the faces of others: stills and animations, offline."""


def _give_settings(app: typer.Typer) -> None:
    """Have the commands take what is set by variables and files, and those of groups too."""
    for info in app.registered_commands:
        if info.cls in (None, TyperCommand):
            info.cls = Command
    for group in app.registered_groups:
        if group.typer_instance is not None:
            _give_settings(group.typer_instance)


def build_app() -> typer.Typer:
    """The application with its commands."""
    app = typer.Typer(name=PROGRAM, no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False)
    app.callback(epilog=_EPILOG)(_faceswap)
    app.command("swap", epilog=SWAP_EXAMPLES)(swap)
    app.command("swap-gif", epilog=SWAP_GIF_EXAMPLES)(swap_gif)
    app.command("batch", epilog=BATCH_EXAMPLES)(batch)
    app.command("detect", epilog=DETECT_EXAMPLES)(detect)
    app.command("serve", epilog=SERVE_EXAMPLES)(serve)
    app.command("bench", epilog=BENCH_EXAMPLES)(bench)
    app.command("doctor", epilog=DOCTOR_EXAMPLES)(doctor)
    app.add_typer(build_models(), name="models")
    app.add_typer(build_faces(), name="faces")
    _give_settings(app)
    app.add_typer(build_config(), name="config")  # after it: what shows the settings cannot fail by them
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: Without the program's name; None: those of the process.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    # Asked of the arguments themselves, because errors in parsing them are to be told in the same way.
    debug, json = _has(given, "--debug"), _has(given, "--json")
    _mend_surroundings()
    _listen_for_signals()
    _quieten_libraries(debug)
    try:
        command = typer.main.get_command(build_app())
        code = command.main(given, prog_name=PROGRAM, standalone_mode=False)
        if code == ExitCode.INTERRUPTED:
            _say(_INTERRUPTED)
        return int(code or ExitCode.OK)
    except FaceswapError as error:
        if (end := _end_behind(error)) is not None:
            return end
        return _fail(error, error.text(as_flag), error.exit_code, json=json, debug=debug)
    except typer.TyperException as error:
        return _refuse(error, json=json)
    except (typer.Abort, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        from faceswap_cli.cli.stdout import drop_stdout

        drop_stdout()
        return ExitCode.UNEXPECTED
    except Exception as error:
        if (end := _end_behind(error)) is not None:
            return end
        if _is_out_of_memory(error):
            message = "not enough memory; make the picture smaller, or close other programs"
            return _fail(error, message, ExitCode.UNEXPECTED, json=json, debug=debug)
        what = str(error).strip().partition("\n")[0]
        message = f"unexpected {type(error).__name__}{': ' if what else ''}{what}"
        advice = "" if debug else "; run it again with --debug to see where"
        return _fail(error, message + advice, ExitCode.UNEXPECTED, json=json, debug=debug)


def _end_behind(error: BaseException) -> int | None:
    """The exit code where an error only hides that the process was told to end; None: it is an error.

    A signal that comes while a C extension is imported is turned into an ImportError: the import did fail.
    """
    behind: BaseException | None = error
    while behind is not None:
        if isinstance(behind, KeyboardInterrupt):
            _say(_INTERRUPTED)
            return ExitCode.INTERRUPTED
        if isinstance(behind, SystemExit) and isinstance(behind.code, int):
            return behind.code
        behind = behind.__cause__ or behind.__context__
    return None


def _is_out_of_memory(error: Exception) -> bool:
    """Whether Python or OpenCV, which has an error of its own for it (code -4), could not get memory."""
    return isinstance(error, MemoryError) or (type(error).__module__ == "cv2" and getattr(error, "code", 0) == -4)


def _fail(error: BaseException, message: str, code: ExitCode, *, json: bool, debug: bool) -> int:
    """Tell of an error: a line for people, an object for programs."""
    if debug:
        traceback.print_exception(error)
    _say(message, label="error")
    _write_error(error, message, code, json=json)
    return code


def _refuse(error: typer.TyperException, *, json: bool) -> int:
    """Tell of a mistake in the arguments, as Typer does."""
    from typer import rich_utils

    if isinstance(error, typer.BadParameter):
        error.message = error.message.removeprefix("Value error, ")  # what the validator of a type says of itself
    rich_utils.rich_format_error(error)  # type: ignore[arg-type]  # typed for the vendored class that every such error is
    _write_error(error, error.format_message(), ExitCode(error.exit_code), json=json)
    return error.exit_code


def _write_error(error: BaseException, message: str, code: ExitCode, *, json: bool) -> None:
    if json:
        from faceswap_cli.cli.output import write_json
        from faceswap_cli.cli.report import error_report

        try:
            write_json(error_report(error, message, code))
        except BrokenPipeError:
            from faceswap_cli.cli.stdout import drop_stdout

            drop_stdout()
        except OutputError:  # it cannot be told here; people have been told
            pass


def _say(text: str, label: str = "") -> None:
    from faceswap_cli.cli.output import say

    say(text, label=label, style="red")


def _has(arguments: list[str], flag: str) -> bool:
    """Whether a flag is among the arguments, before `--`."""
    return flag in (arguments[:arguments.index("--")] if "--" in arguments else arguments)


def _mend_surroundings() -> None:
    """Closed streams become voids; a terminal of no width, as some surroundings claim, has an unknown one."""
    from faceswap_cli.cli.stdout import fill_closed_streams

    fill_closed_streams()
    if os.environ.get("COLUMNS") == "0":
        del os.environ["COLUMNS"]


def _listen_for_signals() -> None:
    """A terminated command cleans up as an interrupted one does."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _terminate)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _quieten_libraries(debug: bool) -> None:
    """What libraries warn of is for developers; PYTHONWARNINGS and --debug still show it."""
    if debug:
        import logging

        logging.basicConfig(stream=sys.stderr, level=logging.DEBUG)
    elif not sys.warnoptions:
        warnings.simplefilter("ignore")
