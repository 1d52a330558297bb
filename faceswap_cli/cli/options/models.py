"""The options of `faceswap models`, declared once; what all commands share stands in `options`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from faceswap_cli.cli.options.declare import option
from faceswap_cli.models.spec import Family, ModelRole
from faceswap_cli.text import opt

if TYPE_CHECKING:
    from faceswap_cli.models.store import ModelStore

MODELS = "Models"
DOWNLOAD = "Download"

SETS = {"neural": ("inswapper_128", "buffalo_l")}
"""Names that stand for several models: what `--engine neural` needs."""

# --- completion: what a shell offers for a name -----------------------------------------------------------------------


def open_store(models_dir: str | None) -> ModelStore:
    """The store of a folder; None: the usual one.

    Raises:
        UsageError: The name is empty.
    """
    from pathlib import Path

    from faceswap_cli.errors import UsageError
    from faceswap_cli.models.store import ModelStore

    if models_dir is None:
        return ModelStore()
    if not models_dir.strip():
        raise UsageError(f"the name given to {opt('models-dir')} is empty", advice="name a folder")
    return ModelStore(Path(models_dir).expanduser())


def _published(incomplete: str) -> list[str]:
    from faceswap_cli.models.catalogue import CATALOGUE

    names = [*SETS, *(spec.id for spec in CATALOGUE if spec.urls or spec.pack)]
    return [name for name in names if name.startswith(incomplete)]


def _import_only(incomplete: str) -> list[str]:
    from faceswap_cli.models.catalogue import CATALOGUE

    return [spec.id for spec in CATALOGUE if spec.sha256 is None and spec.id.startswith(incomplete)]


def _present(ctx: typer.Context, incomplete: str) -> list[str]:
    store = open_store(ctx.params.get("models_dir"))
    return [spec.id for spec in store.specs() if spec.id.startswith(incomplete) and store.is_installed(spec)]


# --- which models -----------------------------------------------------------------------------------------------------

PullArgument = Annotated[list[str], typer.Argument(
    metavar="ID", show_default=False, autocompletion=_published,
    help="Models, as `faceswap models list` names them; neural stands for those that --engine neural needs.")]

VerifyArgument = Annotated[list[str] | None, typer.Argument(
    metavar="ID", show_default=False, autocompletion=_present,
    help="Models to read again; none named: all that are installed.")]

PathArgument = Annotated[str | None, typer.Argument(
    metavar="ID", show_default=False, autocompletion=_present,
    help="Model to verify and locate; none named: the models folder.")]

RemoveArgument = Annotated[list[str], typer.Argument(
    metavar="ID", show_default=False, autocompletion=_present, help="Models to delete.")]

FileArgument = Annotated[str, typer.Argument(
    metavar="FILE", show_default=False,
    help="An ONNX model, buffalo_l.zip, or an official GFPGAN checkpoint (.pth; needs the extra `gfpgan` once).")]

InstalledOption = Annotated[bool, option(
    "--installed", project=True, rich_help_panel=MODELS, help="List only what is installed.")]

ModelsDirOption = Annotated[str | None, typer.Option(
    "--models-dir", metavar="FOLDER", show_default=False, rich_help_panel=MODELS,
    help="Where models lie. Default: FACESWAP_MODELS_DIR, else a folder of the user's data.")]

# --- how they come ----------------------------------------------------------------------------------------------------

AcceptLicenseOption = Annotated[bool, typer.Option(
    "--accept-license", rich_help_panel=DOWNLOAD,
    help="Agree to the terms of the models named; asked for once per licence, and recorded.")]

OfflineOption = Annotated[bool, typer.Option(
    "--offline", rich_help_panel=DOWNLOAD, help="Download nothing; fail where a model is not there.")]

NameOption = Annotated[str | None, typer.Option(
    "--name", metavar="NAME", show_default=False, rich_help_panel=MODELS,
    help="What to call a model that the catalogue does not know. Default: the file's name.")]

AsOption = Annotated[str | None, typer.Option(
    "--as", metavar="ID", show_default=False, rich_help_panel=MODELS, autocompletion=_import_only,
    help="Take the file for this model of the catalogue, of which no hash is known.")]

RoleOption = Annotated[ModelRole | None, typer.Option(
    "--role", metavar="ROLE", show_default=False, rich_help_panel=MODELS,
    help="What a model that the catalogue does not know is for: swapper, restorer, detector, recogniser, attributes, "
         "landmarks or mask. Default: recognised by its inputs and outputs.")]

FamilyOption = Annotated[Family | None, typer.Option(
    "--family", metavar="FAMILY", show_default=False, rich_help_panel=MODELS,
    help=f"How such a model is run: {', '.join(family for family in Family if family != Family.PACK)}. "
         "Default: recognised likewise.")]
