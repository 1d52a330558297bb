"""The options of `faceswap faces`, declared once; what all commands share stands in `options`."""

from __future__ import annotations

from typing import Annotated

import typer

from faceswap_cli.cli.options import common as o

SAVED = "Saved face"


def _saved(incomplete: str) -> list[str]:
    """Names of saved faces, for completion."""
    from faceswap_cli.library.library import Library

    return [name for name in Library().names() if name.startswith(incomplete)]


NewNameArgument = Annotated[str, typer.Argument(
    metavar="NAME", show_default=False, help="What to call the face: letters, digits and - _ . as in anna-2025.")]

PicturesArgument = Annotated[list[str], typer.Argument(
    metavar="PICTURE", show_default=False,
    help="Pictures of one person: files, folders, URLs, or - for standard input.")]

NameArgument = Annotated[str, typer.Argument(
    metavar="NAME", show_default=False, autocompletion=_saved, help="Name of a saved face, or a .safetensors file.")]

NamesArgument = Annotated[list[str], typer.Argument(
    metavar="NAME", show_default=False, autocompletion=_saved, help="Names of saved faces to delete.")]

PathArgument = Annotated[str | None, typer.Argument(
    metavar="NAME", show_default=False, autocompletion=_saved,
    help="Saved face to locate; none named: the folder of saved faces.")]

NoteOption = Annotated[str | None, typer.Option(
    "--note", metavar="TEXT", show_default=False, rich_help_panel=SAVED,
    help="Where the pictures are from, and who agreed to their use; kept in the file.")]

ReplaceOption = Annotated[bool, typer.Option(
    "--overwrite", rich_help_panel=SAVED, help="Replace a saved face of that name.")]

IndexOption = Annotated[int | None, typer.Option(
    "--source-index", min=0, metavar="N", show_default=False, rich_help_panel=o.FACES,
    help="Number of the face in each picture, as `faceswap detect` numbers them. "
         "Default: the first that passes --source-gender.")]

YesOption = Annotated[bool, typer.Option(
    "--yes", "-y", rich_help_panel=SAVED, help="Delete without asking.")]

SheetOption = Annotated[str | None, typer.Option(
    "--picture", metavar="OUT", show_default=False, rich_help_panel=o.OUTPUT,
    help="Write the pictures in it side by side, the face marked, to look at: faces.png.")]
