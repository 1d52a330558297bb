"""`models import`: the user's own copy of a model, recognised by its hash or taken under a name. Loads no pickles."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from faceswap_cli.errors import InputError, UsageError
from faceswap_cli.models import catalogue
from faceswap_cli.models.archive import extract
from faceswap_cli.models.catalogue import OWN, find_spec
from faceswap_cli.models.contents import sha256_of
from faceswap_cli.models.signature import Signature, crop_of, fits, names_of, read_signature, recognise, role_of
from faceswap_cli.models.spec import Checkpoint, Family, ModelRole, ModelSpec
from faceswap_cli.models.store import ModelStore
from faceswap_cli.text import opt


@dataclass(frozen=True, slots=True)
class Known:
    """A file whose hash is in the catalogue.

    Attributes:
        spec: The row: a model, or a pack.
        checkpoint: The file is a PyTorch one that is to be converted to the model; None: the file is the model.
    """

    spec: ModelSpec
    checkpoint: Checkpoint | None = None


def identify(path: Path, specs: tuple[ModelSpec, ...] | None = None) -> Known | None:
    """What a file is, by its SHA-256, whatever its name.

    Args:
        path: The file.
        specs: Where to look; None: the catalogue.

    Raises:
        InputError: It cannot be read.
    """
    return _known(_hash(path), catalogue.CATALOGUE if specs is None else specs)


def import_file(store: ModelStore, path: Path, *, name: str | None = None, as_id: str | None = None,
                role: ModelRole | None = None, family: Family | None = None) -> tuple[ModelSpec, tuple[str, ...]]:
    """Take the user's own ONNX file, or `buffalo_l.zip`, into the store.

    Args:
        store: Where it goes.
        path: The file; is copied.
        name: Id under which a file is taken that the catalogue does not know; None: the file's name without suffix.
        as_id: Row of the catalogue without a known hash that the file is for, e.g. `hyperswap_1a_256`.
        role: What an unknown file is for; None: told from its inputs and outputs.
        family: How it is run; None: told likewise.

    Returns:
        The row as it counts from now on (of a zip, the pack's), and warnings for the user.

    Raises:
        UsageError: The file is a PyTorch one (`convert.py` takes those that `identify` knows); options that do not fit
            the file; or it is unknown and its inputs and outputs leave a doubt: the message says which option to give.
        InputError: The file cannot be read.
        ModelError: It is no model.
        OutputError: The folder cannot be written.
    """
    found = _hash(path)
    known = _known(found, store.catalogue)
    if known is not None:
        return _take_known(store, path, found, known, name, as_id)
    if as_id is not None:
        if name is not None:
            raise UsageError(f"{opt('as')} and {opt('name')} cannot both be given: {opt('as')} takes the name of the "
                             "catalogue")
        return _take_as(store, path, found, find_spec(as_id, store.catalogue), family)
    return _take_unknown(store, path, found, name, role, family)


def _hash(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error


def _known(sha256: str, specs: tuple[ModelSpec, ...]) -> Known | None:
    for spec in specs:
        if spec.sha256 == sha256:
            return Known(spec)
        for checkpoint in spec.checkpoints:
            if checkpoint.sha256 == sha256:
                return Known(spec, checkpoint)
    return None


def _take_known(store: ModelStore, path: Path, found: str, known: Known, name: str | None,
                as_id: str | None) -> tuple[ModelSpec, tuple[str, ...]]:
    spec = known.spec
    if as_id is not None and find_spec(as_id, store.catalogue).id != spec.id:
        raise UsageError(f"{path} is {spec.id}, by its hash, and not {as_id}", advice=f"leave {opt('as')} out")
    if known.checkpoint is not None:
        raise UsageError(f"{path} is {known.checkpoint.name}, a PyTorch file: it is not copied but converted")
    warnings = () if name in (None, spec.id) else (f"{path} is {spec.id}, by its hash; it is kept under that name",)
    if spec.role is ModelRole.PACK:
        extract(store, spec, path)
        return spec, warnings
    return store.add(path, spec, sha256=found), warnings


def _take_as(store: ModelStore, path: Path, found: str, spec: ModelSpec,
             family: Family | None) -> tuple[ModelSpec, tuple[str, ...]]:
    if spec.sha256 is not None:
        raise UsageError(f"{path} is not {spec.id}, whose hash is known",
                         advice=f"to use it all the same give it another name with {opt('name')}")
    signature = read_signature(path)
    if family not in (None, spec.family) or not fits(signature, spec.family):
        raise UsageError(f"{path} does not take and give what {spec.id} does: it has {_shown(signature)}")
    taken = replace(spec, inputs={**spec.inputs, **names_of(signature, spec.family)})
    warning = f"the hash of {spec.id} is not known, so that {path} was taken on trust"
    return store.add(path, taken, sha256=found, origin=path.name), (warning,)


def _take_unknown(store: ModelStore, path: Path, found: str, name: str | None,
                  role: ModelRole | None, family: Family | None) -> tuple[ModelSpec, tuple[str, ...]]:
    signature = read_signature(path)
    chosen = _choose(path, signature, role, family)
    taken = _own_name(store, path, found, name)
    spec = ModelSpec(
        id=taken, role=role_of(chosen), family=chosen, file=f"{taken}.onnx", licence=OWN, summary="",
        sha256=found, crop=crop_of(signature, chosen), inputs=names_of(signature, chosen), imported=True)
    warning = (f"{path} is not in the catalogue, so that nothing vouches for it; it is taken as {taken} "
               f"(role {spec.role.value}, family {chosen.value})")
    return store.add(path, spec, sha256=found, origin=path.name), (warning,)


def _choose(path: Path, signature: Signature, role: ModelRole | None, family: Family | None) -> Family:
    """The family of an unknown graph: as given, or as its inputs and outputs tell."""
    possible = [choice for choice in Family if fits(signature, choice) and (role is None or role_of(choice) is role)]
    if family is not None:
        if family not in possible:
            wanted = family.value if role is None else f"{family.value}, {role.value},"
            raise UsageError(f"{path} does not take and give what models of the family {wanted} do: it has "
                             f"{_shown(signature)}")
        return family
    found = recognise(signature)
    if found in possible:
        return found
    if role is not None and len(possible) == 1:
        return possible[0]
    families = " or ".join(choice.value for choice in possible)
    hint = f"give {opt('family', families)}" if possible else "no part of this program runs such a model"
    raise UsageError(f"{path} cannot be recognised by its inputs and outputs ({_shown(signature)})", advice=hint)


def _own_name(store: ModelStore, path: Path, found: str, name: str | None) -> str:
    """The id of an unknown file: as given, or made of the file's name."""
    given = name if name is not None else re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip("-._")
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", given):
        raise UsageError(f"{given!r} cannot be the name of a model: use small letters, digits, '.', '_' and '-' with "
                         f"{opt('name')}")
    taken = {key.lower() for row in store.catalogue for key in (row.id, *row.aliases, Path(row.file).stem)}
    if given in taken:
        raise UsageError(f"{path} is not the {given} of the catalogue: its hash is another one",
                         advice=f"give it a name of its own with {opt('name')}")
    own = next((spec for spec in store.specs() if spec.id == given), None)
    if own is not None and own.sha256 != found:
        raise UsageError(f"there is a model {given} already",
                         command=f"faceswap models remove {given}", advice=f"or give another {opt('name')}")
    return given


def _shown(signature: Signature) -> str:
    """Inputs and outputs in a few words: `target 1x3x128x128, source 1x512 -> output 1x3x128x128`."""
    def ports(side: str) -> str:
        found = signature.inputs if side == "in" else signature.outputs
        shown = [f"{port.name} {'x'.join('?' if size is None else str(size) for size in port.shape)}"
                 for port in found[:4]]
        return ", ".join(shown + (["..."] if len(found) > 4 else []))
    return f"{ports('in')} -> {ports('out')}"
