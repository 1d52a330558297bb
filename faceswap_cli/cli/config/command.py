"""`faceswap config`: what is set by variables and files, and where the files are. A broken file does not break it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceswap_cli.cli.options import common as o
from faceswap_cli.cli.output import Output, say
from faceswap_cli.cli.stdout import is_terminal
from faceswap_cli.errors import ExitCode, OutputError, UsageError

if TYPE_CHECKING:
    from faceswap_cli.cli.config.settings import Settings

SHOW_EXAMPLES = """Examples

  faceswap config show
  faceswap config show swap --all
  faceswap config show --json
"""

PATH_EXAMPLES = """Examples

  faceswap config path
  faceswap config path --project
"""

INIT_EXAMPLES = """Examples

  faceswap config init
  faceswap config init --user
"""

CommandArgument = Annotated[list[str] | None, typer.Argument(
    metavar="COMMAND", show_default=False, help="Show what is set for one command, such as swap or models pull.")]

AllOption = Annotated[bool, typer.Option(
    "--all", "-a", help="Show the options that have their built-in value too.")]

ProjectOption = Annotated[bool, typer.Option(
    "--project", help="The project's file instead; an error where there is none.")]

UserOption = Annotated[bool, typer.Option(
    "--user", help="Write the user's file instead of faceswap.toml in this folder.")]


def build_config() -> typer.Typer:
    """The group with its commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False,
                        help="Show what is set by FACESWAP_ variables and by files, and where from.")
    group.command("show", epilog=SHOW_EXAMPLES)(show)
    group.command("path", epilog=PATH_EXAMPLES)(path)
    group.command("init", epilog=INIT_EXAMPLES)(init)
    return group


def show(
    context: typer.Context,
    command: CommandArgument = None,
    all_: AllOption = False,
    json: o.JsonOption = False,
    quiet: o.QuietOption = False,
    debug: o.DebugOption = False,
) -> None:
    """Show the values that options have without being given, and where each comes from.

    Flags go before variables, before faceswap.toml of the project, before the user's file, before what is built in.

    Exit code 0: all is well; 2: a file or a value is wrong (the rest is still shown).
    """
    from faceswap_cli.cli.command import catalogue_of
    from faceswap_cli.cli.config.report import check_values, config_report, gather
    from faceswap_cli.cli.config.settings import nearest, read_settings

    output = Output(json=json, quiet=quiet, verbose=debug)
    root = context.find_root().command
    catalogue = catalogue_of(root)
    wanted = tuple(command or ())
    chosen = {path: options for path, options in catalogue.items() if path[:len(wanted)] == wanted}
    if not chosen:
        named = " ".join(wanted)
        raise UsageError(f"there is no command {named} that takes settings"
                         f"{nearest(named, [' '.join(path) for path in catalogue])}")
    settings = read_settings(catalogue)
    shown = gather(settings, chosen, everything=all_)
    problems = [*settings.problems, *check_values(root, settings, chosen)]
    if json:
        output.data(config_report(settings, shown, problems))
    else:
        _tell_files(output, settings)
        if shown or settings.others:
            from faceswap_cli.cli.config.table import SettingsTable, setting_lines

            others = settings.others
            if is_terminal():
                output.table(SettingsTable(shown, others, one=len(chosen) == 1))
            else:
                output.lines(setting_lines(shown, others))
        else:
            output.note("nothing is set; every option has its built-in value (--all shows them)")
    if settings.unknown:
        output.warn([f"{name} is not a variable of faceswap" for name in settings.unknown])
    for problem in problems:
        say(problem, label="error", style="red")
    if problems:
        raise typer.Exit(ExitCode.USAGE)


def path(
    project: ProjectOption = False,
    json: o.JsonOption = False,
    quiet: o.QuietOption = False,
    debug: o.DebugOption = False,
) -> None:
    """Print where the user's file is, or is to be; FACESWAP_CONFIG names another one."""
    output = Output(json=json, quiet=quiet, verbose=debug)
    place = _project_file() if project else _user_file()
    if json:
        output.data({"path": str(place), "exists": place.is_file()})
        return
    output.lines([str(place)])
    if not place.is_file():
        output.note("there is no such file yet; `faceswap config init --user` writes one")


def init(
    context: typer.Context,
    user: UserOption = False,
    overwrite: o.OverwriteOption = False,
    quiet: o.QuietOption = False,
    debug: o.DebugOption = False,
) -> None:
    """Write a file of settings in which all is commented out: each option, what it does, and its built-in value."""
    from faceswap_cli.cli.command import catalogue_of
    from faceswap_cli.cli.config.file import PROJECT_FILE
    from faceswap_cli.cli.config.template import template
    from faceswap_cli.files.atomic import AtomicFile, explain_failure

    output = Output(quiet=quiet, verbose=debug)
    place = _user_file() if user else Path(PROJECT_FILE)
    text = template(catalogue_of(context.find_root().command), for_user=user)
    if user:
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(explain_failure(str(place), place.parent, error)) from error
    with AtomicFile(place, overwrite=overwrite) as out:
        with out.writing():
            out.file.write(text.encode())
        out.commit()
    output.note(f"wrote {place}")


def _user_file() -> Path:
    import os

    from faceswap_cli.cli.config.file import user_file

    place = user_file(os.environ)
    if place is None:
        raise UsageError("FACESWAP_CONFIG is set to nothing, so that there is no user file", advice="unset it")
    return place


def _project_file() -> Path:
    from faceswap_cli.cli.config.file import project_file

    place = project_file(Path.cwd())
    if place is None:
        raise UsageError("there is no faceswap.toml in this folder or the project's above it",
                         advice="`faceswap config init` writes one")
    return place


def _tell_files(output: Output, settings: Settings) -> None:
    for what, place in (("project file", settings.project), ("user file", settings.user)):
        there = place is not None and place.is_file()
        output.note(f"{what}: {'none' if place is None else place}{'' if there or place is None else ' (not there)'}")
