"""Every option of the command line, declared once. Defaults come from `faceswap_cli.options`."""

from __future__ import annotations

from typing import Annotated

import typer

from faceswap_cli.cli.options.declare import option
from faceswap_cli.options import (
    Accelerate,
    EngineName,
    EngineOptions,
    GenderFilter,
    Interpolation,
    MediaFormat,
    MediaOptions,
    OnNoFace,
    Order,
    Provider,
    SelectOptions,
)

FACES = "Faces"
ENGINE = "Engine"
NEURAL = "Neural engine"
RESTORE = "Restoration (neural engine)"
OUTPUT = "Output"
LIMITS = "Limits"
REPORTING = "Reporting"

SELECT_DEFAULTS = SelectOptions()
ENGINE_DEFAULTS = EngineOptions()
MEDIA_DEFAULTS = MediaOptions()

# --- what is read and written -----------------------------------------------------------------------------------------

SourceArgument = Annotated[str | None, typer.Argument(
    metavar="SOURCE", show_default=False,
    help="Picture of the face to put on: a file, a folder of pictures of one person, a URL, - for standard input, or "
         "@NAME for a saved face (`faceswap faces`).")]

TargetArgument = Annotated[str | None, typer.Argument(
    metavar="TARGET", show_default=False,
    help="Picture, animation or video to change: a file, a URL, or - for standard input.")]

AnimationArgument = Annotated[str | None, typer.Argument(
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
         "For each target face the embedded engine takes the one nearest in pose, the neural one all together.")]

OverwriteOption = Annotated[bool, typer.Option(
    "--overwrite", rich_help_panel=OUTPUT, help="Replace an output that exists.")]

ImageFormatOption = Annotated[MediaFormat | None, typer.Option(
    "--image-format", show_default=False, rich_help_panel=OUTPUT,
    help="Format of the output, where the suffix does not say; else as the target.")]

FileTypeOption = Annotated[MediaFormat | None, option(
    "--file-type", project=True, metavar="gif|webp|apng", show_default=False, rich_help_panel=OUTPUT,
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

ShownGenderOption = Annotated[GenderFilter, option(
    "--gender", project=True, rich_help_panel=FACES,
    help="Show only faces that look so; their numbers stay those among all faces.")]

# --- what runs --------------------------------------------------------------------------------------------------------

EngineOption = Annotated[EngineName, typer.Option(
    "--engine", rich_help_panel=ENGINE,
    help="auto takes the best engine that is installed; embedded needs nothing but this package; neural needs models: "
         "faceswap models pull neural.")]

ModelsDirOption = Annotated[str | None, typer.Option(
    "--models-dir", metavar="FOLDER", show_default=False, rich_help_panel=ENGINE,
    help="Where models lie. Default: FACESWAP_MODELS_DIR, else the user's data folder; see `faceswap models path`.")]

SwapperOption = Annotated[str | None, typer.Option(
    "--swapper", metavar="ID", show_default=False, rich_help_panel=NEURAL, autocompletion=lambda: _ids("swapper"),
    help="Model that swaps. Default: the best one that is installed; see `faceswap models list`.")]

SwapSizeOption = Annotated[int | None, typer.Option(
    "--swap-size", metavar="PIXELS", show_default=False, rich_help_panel=NEURAL,
    help="Side of the swapped crop, a multiple of the model's own: 256 or 512 is finer than 128, and takes 4 or 16 "
         "times as long.")]

MaskOption = Annotated[str | None, typer.Option(
    "--mask", metavar="box,hull,occlusion", show_default=False, rich_help_panel=NEURAL,
    autocompletion=lambda: ["box", "hull", "occlusion", "box,hull", "box,occlusion"],
    help="What bounds the new face; several are combined. occlusion needs the model xseg. Default: box.")]

KeepMouthOption = Annotated[bool, typer.Option(
    "--keep-mouth", rich_help_panel=NEURAL, help="The target keeps its own mouth.")]

DetectorOption = Annotated[str | None, typer.Option(
    "--detector", metavar="ID", show_default=False, rich_help_panel=NEURAL, autocompletion=lambda: _ids("detector"),
    help="Model that finds faces. Default: the best one that is installed.")]

DetectorSizeOption = Annotated[int, typer.Option(
    "--detector-size", metavar="PIXELS", rich_help_panel=NEURAL,
    help="Side of the square that a picture is fitted into to find faces: a multiple of 32 within 128..1280. "
         "Larger finds smaller faces.")]

DetectorScoreOption = Annotated[float, typer.Option(
    "--detector-score", metavar="0..1", rich_help_panel=NEURAL, help="Least score of a face.")]

ProviderOption = Annotated[Provider, typer.Option(
    "--provider", rich_help_panel=NEURAL, help="What runs the models; auto takes the fastest that is there.")]

DeviceOption = Annotated[int, typer.Option(
    "--device", metavar="N", rich_help_panel=NEURAL, help="Number of the GPU.")]

AccelerateOption = Annotated[Accelerate, typer.Option(
    "--accelerate", rich_help_panel=NEURAL,
    help="On a CPU: winograd rewrites the swapper's graph to run twice as fast, for 2.3 GB of memory; auto does so "
         "where there are enough faces ahead and memory to spare.")]

RestoreOption = Annotated[str | None, typer.Option(
    "--restore", metavar="ID", show_default=False, rich_help_panel=RESTORE, autocompletion=lambda: _ids("restorer"),
    help="Sharpen swapped faces with a model: gfpgan_1.4, codeformer, ... On a CPU it takes 1.5 to 3 times as long as "
         "the swap.")]

FaceRestoreOption = Annotated[bool, typer.Option(
    "--face-restore/--no-face-restore", rich_help_panel=RESTORE,
    help="Sharpen swapped faces where a restorer is installed.")]

RestoreWeightOption = Annotated[float, typer.Option(
    "--restore-weight", metavar="0..1", rich_help_panel=RESTORE,
    help="How much of the restored face is taken; for CodeFormer how true it stays to the swapped one.")]

RestoreVisibilityOption = Annotated[float, typer.Option(
    "--restore-visibility", metavar="0..1", rich_help_panel=RESTORE,
    help="How much of the restored face is blended over the swapped one.")]

InterpolationOption = Annotated[Interpolation, typer.Option(
    "--interpolation", rich_help_panel=RESTORE, help="How a face is resized for the restorer and back.")]


def _ids(role: str) -> list[str]:
    """Ids of the models of a role, for completion."""
    from faceswap_cli.models.catalogue import of_role
    from faceswap_cli.models.spec import ModelRole

    return [spec.id for spec in of_role(ModelRole(role))]


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

QuietOption = Annotated[bool, option(
    "--quiet", "-q", project=True, rich_help_panel=REPORTING, help="Say nothing but errors.")]

VerboseOption = Annotated[bool, option(
    "--verbose", "-v", project=True, rich_help_panel=REPORTING,
    help="Tell of every face, and how long each stage took.")]

DebugOption = Annotated[bool, typer.Option(
    "--debug", rich_help_panel=REPORTING, help="Show the traceback of an error, and what libraries log.")]

NoProgressOption = Annotated[bool, option(
    "--no-progress", project=True, rich_help_panel=REPORTING,
    help="Show no progress bar; there is one on a terminal only.")]

# --- detect -----------------------------------------------------------------------------------------------------------

AnnotateOption = Annotated[str | None, typer.Option(
    "--annotate", metavar="OUT", show_default=False, rich_help_panel=OUTPUT,
    help="Write a copy with numbered boxes and landmarks; for several pictures name a folder.")]

CropsOption = Annotated[str | None, typer.Option(
    "--crops", metavar="FOLDER", show_default=False, rich_help_panel=OUTPUT,
    help="Write each face, upright, as <name>-<frame>-<number>.png into a folder.")]
