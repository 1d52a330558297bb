"""`faceswap faces`: source faces kept under a name, which SOURCE takes as @NAME."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from faceswap_cli.cli.consent import tell_once
from faceswap_cli.cli.options import common as o
from faceswap_cli.cli.options import faces as f
from faceswap_cli.cli.options.engine import Detection, EngineChoice, InputLimits, TalkAndProgress, engine_options
from faceswap_cli.cli.options.groups import grouped
from faceswap_cli.cli.output import Output
from faceswap_cli.cli.stdout import is_terminal
from faceswap_cli.errors import UsageError
from faceswap_cli.options import GenderFilter, MediaOptions, Order
from faceswap_cli.text import opt

if TYPE_CHECKING:
    from faceswap_cli.library.library import Library

SAVE_EXAMPLES = """Examples

  faceswap faces save anna anna.jpg --note "her own pictures, agreed 2025-03-01"
  faceswap faces save anna anna-1.jpg anna-2.jpg more-of-anna/
  faceswap faces save boss group.jpg --order left-right --source-index 2
  faceswap swap @anna party.jpg -o out.jpg
"""

LIST_EXAMPLES = """Examples

  faceswap faces list
  faceswap faces list --json
"""

SHOW_EXAMPLES = """Examples

  faceswap faces show anna
  faceswap faces show anna --picture anna-faces.png
  faceswap faces show from-a-friend.safetensors
"""

REMOVE_EXAMPLES = """Examples

  faceswap faces remove anna
  faceswap faces remove anna boss --yes
"""

PATH_EXAMPLES = """Examples

  faceswap faces path
  faceswap faces path anna
"""


def build_faces() -> typer.Typer:
    """The group with its commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False,
                        help="Keep faces under a name, and use them as SOURCE: @NAME.")
    group.command("save", epilog=SAVE_EXAMPLES)(save)
    group.command("list", epilog=LIST_EXAMPLES)(list_)
    group.command("show", epilog=SHOW_EXAMPLES)(show)
    group.command("remove", epilog=REMOVE_EXAMPLES)(remove)
    group.command("path", epilog=PATH_EXAMPLES)(path)
    return group


@grouped
def save(
    name: f.NewNameArgument,
    pictures: f.PicturesArgument,
    engine: EngineChoice,
    detection: Detection,
    limits: InputLimits,
    talk: TalkAndProgress,
    note: f.NoteOption = None,
    overwrite: f.ReplaceOption = False,
    order: o.OrderOption = Order.LARGE_SMALL,
    source_index: f.IndexOption = None,
    source_gender: o.SourceGenderOption = GenderFilter.NO,
    json: o.JsonOption = False,
) -> None:
    """Keep the face of one person under a name, from one picture or several.

    The file has what is around the face in each picture, and what engines see in it; not the names of the pictures.

    Any engine can use it. With --engine auto all that are installed look at it now.
    """
    from faceswap_cli.jobs.saved_faces import SaveRequest, check_save, open_lookers, save_face
    from faceswap_cli.library.library import Library

    output = talk.output(json=json, progress=not talk.no_progress)
    request = SaveRequest(name=name, pictures=tuple(pictures), note=note,
                          engine=engine_options(engine, detection, order=order, source_gender=source_gender,
                                                source_index=None if source_index is None else (source_index,)),
                          media=MediaOptions(max_pixels=limits.max_pixels), overwrite=overwrite,
                          allow_private_urls=limits.allow_private_urls)
    library = Library()
    check_save(request, library)
    lookers = open_lookers(request.engine)
    for text in lookers[0].finder.notes:
        output.note(text)
    tell_once(output)
    with output.progress(name, unit="picture") as progress:
        saved = save_face(request, lookers, library, progress)
    output.warn(saved.warnings)
    pictures_kept, engines = len(saved.face.pictures), saved.face.engines
    output.note(f"saved {name}: {pictures_kept} picture{'' if pictures_kept == 1 else 's'}, "
                f"engine{'' if len(engines) == 1 else 's'} {', '.join(engines)}; use it as @{name}")
    if output.json:
        from faceswap_cli.cli.faces.report import face_report

        output.data({**face_report(saved.face, name, saved.path), "warnings": list(saved.warnings)})


def list_(
    json: o.JsonOption = False,
    quiet: o.QuietOption = False,
    debug: o.DebugOption = False,
) -> None:
    """List saved faces."""
    from faceswap_cli.cli.faces.report import list_faces, list_report
    from faceswap_cli.library.library import Library

    output = Output(json=json, quiet=quiet, verbose=debug)
    library = Library()
    listed = list_faces(library)
    if output.json:
        output.data(list_report(library, listed))
        return
    output.note(f"folder of saved faces: {library.folder}")
    if listed:
        from faceswap_cli.cli.faces.table import faces_lines, faces_table

        if is_terminal():
            output.table(faces_table(listed))
        else:
            output.lines(faces_lines(listed))
        output.warn([one.error for one in listed if one.error is not None])
    else:
        output.note("no face is saved; faceswap faces save NAME PICTURE saves one")


def show(
    name: f.NameArgument,
    picture: f.SheetOption = None,
    overwrite: o.OverwriteOption = False,
    json: o.JsonOption = False,
    quiet: o.QuietOption = False,
    debug: o.DebugOption = False,
) -> None:
    """Tell all about a saved face, and check its file.

    Exit code 3: there is none of that name, or it is damaged.
    """
    from faceswap_cli.library.files import read_face
    from faceswap_cli.library.library import Library
    from faceswap_cli.names import MARK, Kind, kind_of

    output = Output(json=json, quiet=quiet, verbose=debug)
    is_file = kind_of(name, face=True) is Kind.SAVED_FILE
    file = Path(name) if is_file else Library().find(name)
    face = read_face(file, name)
    called = face.name if is_file else name.removeprefix(MARK)
    if picture is not None:
        from faceswap_cli.jobs.saved_sheet import write_sheet

        write_sheet(face, Path(picture), overwrite=overwrite)
    if output.json:
        from faceswap_cli.cli.faces.report import face_report

        output.data({**face_report(face, called, file), **({} if picture is None else {"picture": picture})})
        return
    from faceswap_cli.cli.faces.table import face_lines

    output.lines(face_lines(face, called, file))
    if picture is not None:
        output.note(f"wrote {picture}")


def remove(
    names: f.NamesArgument,
    yes: f.YesOption = False,
    json: o.JsonOption = False,
    quiet: o.QuietOption = False,
    debug: o.DebugOption = False,
) -> None:
    """Delete saved faces; on a terminal it asks first, elsewhere it needs --yes.

    Exit code 3: one of them is not there, and nothing was deleted.
    """
    from faceswap_cli.jobs.saved_faces import remove_face
    from faceswap_cli.library.library import Library

    output = Output(json=json, quiet=quiet, verbose=debug)
    files = _named(Library(), names)
    if not yes and not _agrees(list(files)):
        output.note("nothing was removed")
        return
    removed = []
    for name, file in files.items():
        removed.append({"name": name, "file": str(file), "bytes": remove_face(file)})
        output.note(f"removed {name}")
    if output.json:
        output.report(faces=removed, bytes=sum(int(str(one["bytes"])) for one in removed))


def path(
    name: f.PathArgument = None,
    json: o.JsonOption = False,
    debug: o.DebugOption = False,
) -> None:
    """Print the folder of saved faces, or the file of one."""
    from faceswap_cli.library.library import Library
    from faceswap_cli.names import MARK

    output = Output(json=json, verbose=debug)
    library = Library()
    place = str(library.folder if name is None else library.find(name))
    if output.json:
        output.report(name=None if name is None else name.removeprefix(MARK), path=place)
    else:
        output.lines([place])


def _named(library: Library, names: list[str]) -> dict[str, Path]:
    """The files of faces by name, each once; raises InputError: one is not there."""
    from faceswap_cli.names import MARK

    return {name.removeprefix(MARK): library.find(name) for name in names}


def _agrees(names: list[str]) -> bool:
    """Ask the person at the terminal; raises UsageError: there is none."""
    if sys.stdin is None or sys.stderr is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("nothing was removed: nobody can be asked here", advice=f"add {opt('yes')}")
    return typer.confirm(f"remove {', '.join(names)} for good?", err=True)
