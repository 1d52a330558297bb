"""What `faceswap models` reports of models, and its JSON; the shapes are a contract, as in `report`.

`faceswap models list --json`:

    {"schema": 1, "folder": str,
     "models": [{"id": str, "role": str, "family": str, "summary": str, "state": "installed" | "pull" | "import",
                 "default": bool, "imported": bool, "file": str | null, "bytes": int | null, "sha256": str | null,
                 "pack": str | null, "members": [str], "aliases": [str],
                 "licence": {"id": str, "terms": str, "url": str, "commercial": bool, "accepted": bool},
                 "command": str | null}],
     "neural": {"ready": bool, "command": str | null}}

`state` is how it can be had where it is not installed, and `command` the line that does it. `file` is the path of an
installed model; a pack has none. `default`: taken where none of its role is named, now or, as long as none of them is
installed, once it is. Nothing is hashed for the list. `neural` is what `--engine neural` needs.

`faceswap models pull --json`:

    {"schema": 1, "folder": str,
     "models": [{"id": str, "pulled": bool, "files": [{"path": str, "bytes": int, "sha256": str}]}]}

`pulled` is false for what was there. Several files are those of a pack.

`faceswap models verify --json`:

    {"schema": 1, "folder": str,
     "models": [{"id": str, "state": "ok" | "damaged" | "missing", "file": str, "message": str | null}]}

The exit code is 5 unless all are `ok`.

`faceswap models path --json`: `{"schema": 1, "id": str | null, "path": str}`.

`faceswap models import --json`: `{"schema": 1, "model": {as in list}, "warnings": [str]}`.

`faceswap models remove --json`:

    {"schema": 1, "models": [{"id": str, "files": [str], "bytes": int}], "bytes": int}
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from faceswap_cli.cli.options.models import SETS
from faceswap_cli.cli.output import SCHEMA
from faceswap_cli.models.catalogue import of_role
from faceswap_cli.models.licences import accepted, needs_acceptance
from faceswap_cli.models.spec import ModelRole, ModelSpec
from faceswap_cli.models.store import ModelStore, how_to_get

NEURAL_ROLES = (ModelRole.SWAPPER, ModelRole.DETECTOR, ModelRole.RECOGNISER)
"""What the neural engine cannot do without."""

_ROLES = (ModelRole.SWAPPER, ModelRole.PACK, ModelRole.DETECTOR, ModelRole.RECOGNISER,
          ModelRole.ATTRIBUTES, ModelRole.LANDMARKS, ModelRole.RESTORER, ModelRole.MASK)
"""In the order in which people meet them."""

_CHOSEN_ROLES = frozenset((ModelRole.SWAPPER, ModelRole.RESTORER, ModelRole.DETECTOR, ModelRole.RECOGNISER,
                           ModelRole.ATTRIBUTES, ModelRole.MASK))
"""Roles of which the engine takes one."""


class ModelState(StrEnum):
    """Whether a model is there, and else how it can be had."""

    INSTALLED = "installed"
    PULL = "pull"
    IMPORT = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel:
    """One model as `models list` tells of it.

    Attributes:
        spec: Its row.
        state: Whether it is there.
        default: Taken where none of its role is named.
        bytes: Size of what is there, or of what would be downloaded, where known.
        accepted: Whether its licence needs no acceptance, or has it.
        command: What gets it; None: it is there.
    """

    spec: ModelSpec
    state: ModelState
    default: bool
    bytes: int | None
    accepted: bool
    command: str | None


def list_models(store: ModelStore, models_dir: str | None = None) -> list[ListedModel]:
    """What is known of all models without reading their files, by role, best first.

    Args:
        store: Where they lie.
        models_dir: The folder as the user named it, for the lines to run.
    """
    agreed = accepted(store)
    defaults = {spec.id for role in _CHOSEN_ROLES if (spec := _default(store, role)) is not None}
    specs = sorted(store.specs(), key=lambda spec: (_ROLES.index(spec.role), spec.rank))
    return [_listed(store, spec, agreed, spec.id in defaults, models_dir) for spec in specs]


def _default(store: ModelStore, role: ModelRole) -> ModelSpec | None:
    return next(iter(store.installed(role) or of_role(role, store.catalogue)), None)


def _listed(store: ModelStore, spec: ModelSpec, agreed: set[str], default: bool, models_dir: str | None) -> ListedModel:
    there = store.is_installed(spec)
    state = ModelState.INSTALLED if there else ModelState.PULL if is_published(spec) else ModelState.IMPORT
    size = sum(store.location(member).stat().st_size for member in store.members(spec)) if there else spec.bytes
    return ListedModel(spec=spec, state=state, default=default, bytes=size,
                  accepted=not needs_acceptance(spec.licence) or spec.licence.id in agreed,
                  command=None if there else how_to_get(spec) + _in_folder(models_dir))


def is_published(spec: ModelSpec) -> bool:
    """Whether `models pull` can get it."""
    return bool(spec.urls or spec.pack)


def present_files(store: ModelStore, spec: ModelSpec) -> list[Path]:
    """The files of a model or pack that are there, good or not."""
    return [path for member in store.members(spec) if (path := store.location(member)).is_file()]


def pull_command(names: Sequence[str], *, models_dir: str | None, accept: bool) -> str:
    """The line that pulls models, for a shell."""
    words = ["faceswap", "models", "pull", *names, *(["--accept-license"] if accept else [])]
    return shlex.join(words) + _in_folder(models_dir)


def _in_folder(models_dir: str | None) -> str:
    return "" if models_dir is None else f" --models-dir {shlex.quote(models_dir)}"


def neural_command(store: ModelStore, models_dir: str | None) -> str | None:
    """The line that gets what the neural engine lacks; None: it lacks nothing."""
    wanted = [store.find(name) for name in SETS["neural"]]
    roles = {spec.id: {member.role for member in store.members(spec)} for spec in wanted}
    lacking = {role for role in NEURAL_ROLES if not store.installed(role)}
    specs = [spec for spec in wanted if roles[spec.id] & lacking]
    if not specs:
        return None
    agreed = accepted(store)
    return pull_command([spec.id for spec in specs], models_dir=models_dir,
                        accept=any(spec.licence.id not in agreed for spec in specs))


def list_report(store: ModelStore, listed: Sequence[ListedModel], neural: str | None) -> dict[str, Any]:
    """What `models list --json` prints."""
    return {"schema": SCHEMA, "folder": str(store.folder), "models": [entry(store, one) for one in listed],
            "neural": {"ready": neural is None, "command": neural}}


def entry(store: ModelStore, listed: ListedModel) -> dict[str, Any]:
    """One model of the list, and what `models import --json` tells of what it took."""
    spec = listed.spec
    has_file = listed.state is ModelState.INSTALLED and spec.role is not ModelRole.PACK
    return {
        "id": spec.id,
        "role": spec.role.value,
        "family": spec.family.value,
        "summary": spec.summary,
        "state": listed.state.value,
        "default": listed.default,
        "imported": spec.imported,
        "file": str(store.location(spec)) if has_file else None,
        "bytes": listed.bytes,
        "sha256": spec.sha256,
        "pack": spec.pack,
        "members": list(spec.members),
        "aliases": list(spec.aliases),
        "licence": {**asdict(spec.licence), "accepted": listed.accepted},
        "command": listed.command,
    }


def pulled_entry(store: ModelStore, spec: ModelSpec, pulled: bool) -> dict[str, Any]:
    """One model of what `models pull --json` prints."""
    return {"id": spec.id, "pulled": pulled,
            "files": [{"path": str(path), "bytes": path.stat().st_size, "sha256": member.sha256}
                      for member in store.members(spec) if (path := store.location(member)).is_file()]}


def show_size(count: int | None) -> str:
    """A size in three digits or so, in powers of ten; empty where it is not known."""
    if count is None:
        return ""
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if size >= 9.95 or unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
