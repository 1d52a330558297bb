"""`faceswap models`: which trained models there are, and having them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from faceswap_cli.cli.options import common as o
from faceswap_cli.cli.options import models as m
from faceswap_cli.cli.output import Output, say
from faceswap_cli.cli.stdout import is_terminal
from faceswap_cli.errors import ExitCode, InputError, ModelError, UsageError
from faceswap_cli.models.spec import ModelRole
from faceswap_cli.text import as_flag

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from faceswap_cli.models.spec import ModelSpec
    from faceswap_cli.models.store import ModelStore

LIST_EXAMPLES = """Examples

  faceswap models list
  faceswap models list --installed
  faceswap models list --json
"""

PULL_EXAMPLES = """Examples

  faceswap models pull inswapper_128 buffalo_l --accept-license
  faceswap models pull neural --accept-license
  faceswap models pull gfpgan_1.4 --accept-license --models-dir /srv/models
"""

VERIFY_EXAMPLES = """Examples

  faceswap models verify
  faceswap models verify inswapper_128
"""

PATH_EXAMPLES = """Examples

  faceswap models path
  faceswap models path inswapper_128
"""

IMPORT_EXAMPLES = """Examples

  faceswap models import inswapper_128.onnx
  faceswap models import hyperswap_1a_256.onnx --as hyperswap_1a_256
  faceswap models import mine.onnx --name mine --family inswapper
  faceswap models import GFPGANv1.3.pth
"""

REMOVE_EXAMPLES = """Examples

  faceswap models remove inswapper_128
  faceswap models remove buffalo_l gfpgan_1.4
"""


def build_models() -> typer.Typer:
    """The group with its commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False,
                        help="List, download, verify and remove trained models; the embedded engine needs none.")
    group.command("list", epilog=LIST_EXAMPLES)(list_)
    group.command("pull", epilog=PULL_EXAMPLES)(pull)
    group.command("verify", epilog=VERIFY_EXAMPLES)(verify)
    group.command("path", epilog=PATH_EXAMPLES)(path)
    group.command("import", epilog=IMPORT_EXAMPLES)(import_)
    group.command("remove", epilog=REMOVE_EXAMPLES)(remove)
    return group


def list_(
    installed: m.InstalledOption = False,
    models_dir: m.ModelsDirOption = None,
    json: o.JsonOption = False,
    quiet: o.QuietOption = False,
    debug: o.DebugOption = False,
) -> None:
    """List models: what for, how large, whether they are here or how to get them."""
    from faceswap_cli.cli.models.report import ModelState, list_models, list_report, neural_command

    output = Output(json=json, quiet=quiet, verbose=debug)
    store = m.open_store(models_dir)
    listed = [one for one in list_models(store, models_dir) if one.state is ModelState.INSTALLED or not installed]
    neural = neural_command(store, models_dir)
    if output.json:
        output.data(list_report(store, listed, neural))
        return
    output.note(f"models folder: {store.folder}")
    if listed:
        from faceswap_cli.cli.models.table import ModelsTable, model_lines

        if is_terminal():
            output.table(ModelsTable(listed))
        else:
            output.lines(model_lines(listed))
    else:
        output.note("no model is installed; the embedded engine needs none")
    if neural is not None:
        output.note(f"neural engine: {neural}")


def pull(
    ids: m.PullArgument,
    accept_license: m.AcceptLicenseOption = False,
    offline: m.OfflineOption = False,
    models_dir: m.ModelsDirOption = None,
    json: o.JsonOption = False,
    quiet: o.QuietOption = False,
    debug: o.DebugOption = False,
    no_progress: o.NoProgressOption = False,
) -> None:
    """Download models that are not here, and verify them.

    A download that was interrupted continues where it stopped. Nothing is downloaded but by this command.

    Exit code 0: all named are there; 2: terms are to be accepted first; 5: a model cannot be had.
    """
    from faceswap_cli.cli.models.report import pulled_entry
    from faceswap_cli.models import download

    output = Output(json=json, quiet=quiet, verbose=debug, progress=not no_progress)
    store = m.open_store(models_dir)
    specs = _named(store, ids)
    lacking = [spec for spec in specs if not _is_good(store, spec)]
    _check_published(lacking)
    if lacking and not (offline or download.is_offline()):
        _agree(store, lacking, ids, models_dir, accepts=accept_license, output=output)
    for spec in specs:
        if spec not in lacking:
            output.note(f"{spec.id} is installed: {_place(store, spec)}")
            continue
        try:
            with output.progress(spec.id, unit="B") as progress:
                download.pull(store, spec, progress=progress, say=output.note, offline=offline)
        except KeyboardInterrupt:  # told here: elsewhere an interruption leaves nothing behind
            say("interrupted; run the same command again to go on where it stopped")
            raise SystemExit(ExitCode.INTERRUPTED) from None
        output.note(f"pulled {spec.id}: {_place(store, spec)}")
    if output.json:
        output.report(folder=str(store.folder),
                      models=[pulled_entry(store, spec, spec in lacking) for spec in specs])


def verify(
    ids: m.VerifyArgument = None,
    models_dir: m.ModelsDirOption = None,
    json: o.JsonOption = False,
    quiet: o.QuietOption = False,
    debug: o.DebugOption = False,
) -> None:
    """Read models again, and compare them with what they should be.

    Exit code 0: all are good; 5: one is damaged, or one that was named is missing.
    """
    output = Output(json=json, quiet=quiet, verbose=debug)
    store = m.open_store(models_dir)
    named = _named(store, ids) if ids else [spec for spec in store.specs() if store.is_installed(spec)]
    members = {member.id: member for spec in named if ids or spec.role is not ModelRole.PACK
               for member in store.members(spec)}
    checked = [_check(store, member) for member in members.values()]
    if output.json:
        output.report(folder=str(store.folder), models=checked)
    elif checked:
        from faceswap_cli.cli.models.table import aligned

        output.lines(aligned([(one["id"], one["state"], one["file"]) for one in checked]))
    else:
        output.note(f"no model is installed in {store.folder}")
    bad = [one for one in checked if one["message"]]
    for one in bad:
        say(one["message"], label="error", style="red")
    if bad:
        raise typer.Exit(ExitCode.MODEL)


def path(
    model: m.PathArgument = None,
    models_dir: m.ModelsDirOption = None,
    json: o.JsonOption = False,
    debug: o.DebugOption = False,
) -> None:
    """Print the models folder, or the verified file of a model.

    Exit code 5: the model is missing or damaged.
    """
    output = Output(json=json, verbose=debug)
    store = m.open_store(models_dir)
    spec = None if model is None else store.find(model)
    place = str(store.folder if spec is None else store.path(spec))
    if output.json:
        output.report(id=spec and spec.id, path=place)
    else:
        output.lines([place])


def import_(
    file: m.FileArgument,
    name: m.NameOption = None,
    as_id: m.AsOption = None,
    role: m.RoleOption = None,
    family: m.FamilyOption = None,
    models_dir: m.ModelsDirOption = None,
    json: o.JsonOption = False,
    quiet: o.QuietOption = False,
    debug: o.DebugOption = False,
    no_progress: o.NoProgressOption = False,
) -> None:
    """Take in your own copy of a model.

    It is recognised by its SHA-256, or kept under a name of its own.

    Exit code 3: the file cannot be read; 5: it is no model; 8: a checkpoint needs the extra `gfpgan` to be converted.
    """
    from faceswap_cli.cli.models.report import entry, list_models
    from faceswap_cli.models.importing import identify, import_file

    output = Output(json=json, quiet=quiet, verbose=debug, progress=not no_progress)
    if not file:
        raise InputError("the name of the file is empty", advice="name an ONNX model")
    store = m.open_store(models_dir)
    source = Path(file)
    known = identify(source, store.catalogue)
    warnings: tuple[str, ...] = ()
    if known is not None and known.checkpoint is not None:
        from faceswap_cli.models.convert import convert

        spec = convert(store, source, known.checkpoint, run=_run_graph, progress=output.note)
    else:
        spec, warnings = import_file(store, source, name=name, as_id=as_id, role=role, family=family)
    output.warn(warnings)
    output.note(f"imported {spec.id} ({spec.role}): {_place(store, spec)}")
    if output.json:
        (listed,) = [one for one in list_models(store, models_dir) if one.spec.id == spec.id]
        output.report(model=entry(store, listed), warnings=list(warnings))


def remove(
    ids: m.RemoveArgument,
    models_dir: m.ModelsDirOption = None,
    json: o.JsonOption = False,
    quiet: o.QuietOption = False,
    debug: o.DebugOption = False,
) -> None:
    """Delete models; of a pack, all that came in it.

    Exit code 5: one of them is not installed, and nothing was deleted.
    """
    from faceswap_cli.cli.models.report import present_files, show_size

    output = Output(json=json, quiet=quiet, verbose=debug)
    store = m.open_store(models_dir)
    specs = _named(store, ids)
    missing = [spec.id for spec in specs if not present_files(store, spec)]
    if missing:
        raise ModelError(f"not installed in {store.folder}: {', '.join(missing)}; nothing was removed",
                         advice="faceswap models list --installed shows what is")
    removed: list[dict[str, Any]] = []
    for spec in specs:
        sizes = {file: file.stat().st_size for file in present_files(store, spec)}
        gone = store.remove(spec)
        freed = sum(sizes.get(file, 0) for file in gone)
        removed.append({"id": spec.id, "files": [str(file) for file in gone], "bytes": freed})
        output.note(f"removed {spec.id}: {show_size(freed)} freed")
    if output.json:
        output.report(models=removed, bytes=sum(one["bytes"] for one in removed))


def _named(store: ModelStore, names: Sequence[str]) -> list[ModelSpec]:
    """The models that the user names, each once; a set stands for its models."""
    specs = [store.find(inner) for name in names for inner in m.SETS.get(name.lower(), (name,))]
    return list({spec.id: spec for spec in specs}.values())


def _is_good(store: ModelStore, spec: ModelSpec) -> bool:
    """Whether a model is there with the bytes that it should have."""
    if not store.is_installed(spec):
        return False
    try:
        for member in store.members(spec):
            store.path(member)
    except ModelError:
        return False
    return True


def _check_published(specs: Sequence[ModelSpec]) -> None:
    """Told before anyone agrees to terms for nothing; raises ModelError: there is no download of one of them."""
    from faceswap_cli.cli.models.report import is_published
    from faceswap_cli.models.store import how_to_get

    for spec in specs:
        if not is_published(spec):
            raise ModelError(f"{spec.id} is offered nowhere with a known hash, and not downloaded",
                             advice=f"with your own copy run: {how_to_get(spec)}")


def _agree(store: ModelStore, specs: Sequence[ModelSpec], names: Sequence[str], models_dir: str | None, *,
           accepts: bool, output: Output) -> None:
    """Show the terms of what is to be downloaded, and record that they are accepted."""
    from faceswap_cli.cli.models.report import pull_command
    from faceswap_cli.models.licences import accept, accepted, needs_acceptance

    agreed = accepted(store)
    licences = {spec.licence.id: spec.licence for spec in specs if spec.licence.id not in agreed}
    asked = [licence for licence in licences.values() if needs_acceptance(licence)]
    refused = bool(asked) and not accepts
    for licence in licences.values():
        who = ", ".join(spec.id for spec in specs if spec.licence.id == licence.id)
        text = f"terms of {who}: {licence.terms}{f' ({licence.url})' if licence.url else ''}"
        if refused:
            say(text)
        else:
            output.note(text)
    if refused:
        raise UsageError("nothing was downloaded",
                         advice="if you agree to these terms, run: "
                                f"{pull_command(names, models_dir=models_dir, accept=True)}")
    for licence in asked:
        accept(store, licence)


def _check(store: ModelStore, spec: ModelSpec) -> dict[str, Any]:
    """One model of what `models verify` tells."""
    file = store.location(spec)
    state, message = "ok", None
    try:
        store.verify(spec)
    except ModelError as error:
        state, message = "damaged" if file.is_file() else "missing", error.text(as_flag)
    return {"id": spec.id, "state": state, "file": str(file), "message": message}


def _place(store: ModelStore, spec: ModelSpec) -> Path:
    """The file of a model; the folder of a pack."""
    return store.folder if spec.role is ModelRole.PACK else store.location(spec)


def _run_graph(graph: Path, feeds: Mapping[str, NDArray[Any]]) -> Sequence[NDArray[Any]]:
    """Run a converted graph once, on the CPU as torch does."""
    from faceswap_cli.options import Provider, RuntimeOptions
    from faceswap_cli.runtime.session import open_session

    return open_session(graph, RuntimeOptions(provider=Provider.CPU), name=graph.stem, threads=1).run(None, feeds)
