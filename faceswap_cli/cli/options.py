"""Every option of the command line, declared once. Defaults come from `faceswap_cli.options`."""

from __future__ import annotations

from typing import Annotated

import typer

from faceswap_cli.options import (
    EngineName,
    EngineOptions,
    GenderFilter,
    ImageFormat,
    MediaOptions,
    OnNoFace,
    Order,
    SelectOptions,
)

FACES = "Faces"
ENGINE = "Engine"
OUTPUT = "Output"
LIMITS = "Limits"
REPORTING = "Reporting"

SELECT_DEFAULTS = SelectOptions()
ENGINE_DEFAULTS = EngineOptions()
MEDIA_DEFAULTS = MediaOptions()

# --- what is read and written -----------------------------------------------------------------------------------------

SourceArgument = Annotated[str, typer.Argument(
    metavar="SOURCE", show_default=False,
    help="Picture of the face to put on: a file, a folder of pictures of one person, a URL, or - for standard input.")]

TargetArgument = Annotated[str, typer.Argument(
    metavar="TARGET", show_default=False,
    help="Picture or animation to change: a file, a URL, or - for standard input.")]

AnimationArgument = Annotated[str, typer.Argument(
    metavar="TARGET", show_default=False,
    help="Animation to change (GIF, animated WebP, APNG): a file, a URL, or - for standard input.")]

PicturesArgument = Annotated[list[str], typer.Argument(
    metavar="IMAGE", show_default=False,
    help="Pictures and animations to look at: files, URLs, or - for standard input.")]

OutputOption = Annotated[str, typer.Option(
    "--output", "-o", metavar="OUT", show_default=False, rich_help_panel=OUTPUT,
    help="Where the result goes; its suffix gives the format. - is standard output.")]

MoreSourcesOption = Annotated[list[str] | None, typer.Option(
    "--source", metavar="PICTURE", show_default=False, rich_help_panel=FACES,
    help="One more picture, or a folder of them, of the person in SOURCE; may be repeated. "
         "Each target face gets the one nearest in pose.")]

OverwriteOption = Annotated[bool, typer.Option(
    "--overwrite", rich_help_panel=OUTPUT, help="Replace an output that exists.")]

ImageFormatOption = Annotated[ImageFormat | None, typer.Option(
    "--image-format", show_default=False, rich_help_panel=OUTPUT,
    help="Format of the output, where the suffix does not say; else as the target.")]

FileTypeOption = Annotated[ImageFormat | None, typer.Option(
    "--file-type", metavar="gif|webp|apng", show_default=False, rich_help_panel=OUTPUT,
    autocompletion=lambda: ["gif", "webp", "apng"],
    help="Format of the output, where the suffix does not say; else as the target.")]

ImageQualityOption = Annotated[int, typer.Option(
    "--image-quality", min=10, max=100, rich_help_panel=OUTPUT, help="Quality of JPEG, WebP and AVIF.")]

OnNoFaceOption = Annotated[OnNoFace, typer.Option(
    "--on-no-face", rich_help_panel=OUTPUT,
    help="When nothing was swapped: fail with exit code 4, copy the target to the output, or skip (no output).")]

NoProvenanceOption = Annotated[bool, typer.Option(
    "--no-provenance", rich_help_panel=OUTPUT,
    help="Leave out the mark in the output's metadata that says the picture is a composite.")]

# --- which faces ------------------------------------------------------------------------------------------------------

OrderOption = Annotated[Order, typer.Option(
    "--order", rich_help_panel=FACES, help="How faces are counted, from 0, in source and target.")]

TargetIndexOption = Annotated[str | None, typer.Option(
    "--target-index", metavar="N,N|all", show_default=False, rich_help_panel=FACES,
    help="Faces of the target to replace, as `faceswap detect` numbers them. "
         "Default: the first that passes --target-gender.")]

SourceIndexOption = Annotated[str | None, typer.Option(
    "--source-index", metavar="N,N|all", show_default=False, rich_help_panel=FACES,
    help="Faces of the source to use; several are dealt out in turn. "
         "Default: the first that passes --source-gender.")]

TargetGenderOption = Annotated[GenderFilter, typer.Option(
    "--target-gender", rich_help_panel=FACES,
    help="Replace only faces that look so; a face that is not sure is left.")]

SourceGenderOption = Annotated[GenderFilter, typer.Option(
    "--source-gender", rich_help_panel=FACES, help="Use only faces that look so.")]

ShownGenderOption = Annotated[GenderFilter, typer.Option(
    "--gender", rich_help_panel=FACES,
    help="Show only faces that look so; their numbers stay those among all faces.")]

# --- what runs --------------------------------------------------------------------------------------------------------

EngineOption = Annotated[EngineName, typer.Option(
    "--engine", rich_help_panel=ENGINE,
    help="auto takes the best engine that is installed; embedded needs nothing but this package.")]

RestoreOption = Annotated[str | None, typer.Option(
    # Hidden as long as no engine has a restorer; the API's scripts pass it, and get a clear answer.
    "--restore", metavar="NAME", hidden=True,
    help="Sharpen swapped faces with a restorer.")]

FaceRestoreOption = Annotated[bool, typer.Option(
    "--face-restore/--no-face-restore", rich_help_panel=ENGINE,
    help="Sharpen swapped faces where a restorer is installed.")]

# --- limits -----------------------------------------------------------------------------------------------------------

MaxPixelsOption = Annotated[int, typer.Option(
    "--max-pixels", min=1, metavar="N", rich_help_panel=LIMITS,
    help="Refuse pictures of more pixels, before decoding; and animations of more than 20 times that in all frames.")]

AllowPrivateUrlsOption = Annotated[bool, typer.Option(
    "--allow-private-urls", rich_help_panel=LIMITS, help="Fetch URLs of private networks and of this machine too.")]

# --- what is said -----------------------------------------------------------------------------------------------------

JsonOption = Annotated[bool, typer.Option(
    "--json", rich_help_panel=REPORTING, help="Print one JSON object to standard output; errors too.")]

DryRunOption = Annotated[bool, typer.Option(
    "--dry-run", rich_help_panel=REPORTING,
    help="Look at the source and the target's first frame, say what would be done, and write nothing.")]

QuietOption = Annotated[bool, typer.Option("--quiet", "-q", rich_help_panel=REPORTING, help="Say nothing but errors.")]

VerboseOption = Annotated[bool, typer.Option(
    "--verbose", "-v", rich_help_panel=REPORTING, help="Tell of every face, and how long each stage took.")]

DebugOption = Annotated[bool, typer.Option(
    "--debug", rich_help_panel=REPORTING, help="Show the traceback of an error, and what libraries log.")]

NoProgressOption = Annotated[bool, typer.Option(
    "--no-progress", rich_help_panel=REPORTING, help="Show no progress bar; there is one on a terminal only.")]

# --- detect -----------------------------------------------------------------------------------------------------------

AnnotateOption = Annotated[str | None, typer.Option(
    "--annotate", metavar="OUT", show_default=False, rich_help_panel=OUTPUT,
    help="Write a copy with numbered boxes and landmarks; for several pictures name a folder.")]

CropsOption = Annotated[str | None, typer.Option(
    "--crops", metavar="FOLDER", show_default=False, rich_help_panel=OUTPUT,
    help="Write each face, upright, as <name>-<frame>-<number>.png into a folder.")]
