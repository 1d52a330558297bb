"""The models folder, and whether what is in it is what it should be."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from faceswap_cli.doctor.checks import Check, DoctorOptions, Look, fail, note, ok, parts_of, show_gigabytes, warn
from faceswap_cli.errors import ModelError

if TYPE_CHECKING:
    from faceswap_cli.models.spec import ModelSpec
    from faceswap_cli.models.store import ModelStore


def _store(options: DoctorOptions) -> ModelStore:
    from faceswap_cli.models.store import ModelStore

    folder = options.models_folder
    return ModelStore(None if folder is None else Path(folder).expanduser())


def _folder(options: DoctorOptions) -> Iterator[Check]:
    from faceswap_cli.models.store import FOLDER_VARIABLE

    folder = _store(options).folder
    data = {"folder": str(folder), "exists": folder.is_dir()}
    other = f"make it accessible, or name another one with {FOLDER_VARIABLE} or --models-dir"
    if not folder.exists():
        yield ok("folder", f"{folder}: not there yet", **data)
    elif not folder.is_dir():
        yield fail("folder", f"{folder} is no folder", other, **data)
    elif not os.access(folder, os.R_OK | os.X_OK):
        yield fail("folder", f"{folder} cannot be read", other, **data)
    elif not os.access(folder, os.W_OK):
        yield note("folder", f"{folder} can be read, not written", "models can be used; to pull more, " + other, **data)
    else:
        yield ok("folder", str(folder), **data)


def _installed(options: DoctorOptions) -> Iterator[Check]:
    """Each model: by its size, or by its bytes with `verify`."""
    from faceswap_cli.models.spec import ModelRole

    store = _store(options)
    specs = [spec for spec in store.specs() if spec.role is not ModelRole.PACK and store.location(spec).is_file()]
    for spec in specs:
        yield _judge(store, spec, options.verify)
    if not specs:
        yield ok("models", "none is installed; the embedded engine needs none")


def _judge(store: ModelStore, spec: ModelSpec, verify: bool) -> Check:
    from faceswap_cli.models.contents import describe_contents
    from faceswap_cli.models.store import how_to_get

    file = store.location(spec)
    size = file.stat().st_size
    data = {"role": spec.role.value, "file": str(file), "bytes": size}
    if verify or spec.sha256 is None or spec.bytes is None:
        try:
            # What was verified since it last changed need not be read again, unless that is asked for.
            (store.verify if verify else store.path)(spec)
        except ModelError as error:
            state = fail if spec.sha256 is not None else warn
            return state(spec.id, *parts_of(error), **data)
        return ok(spec.id, f"{spec.role.value}, {show_gigabytes(size)}, verified", **data)
    if spec.bytes is not None and size != spec.bytes:
        return fail(spec.id, f"{file} is not the model but {describe_contents(file, spec.bytes)}",
                    how_to_get(spec), **data)
    if not os.access(file, os.R_OK):
        return fail(spec.id, f"{file} cannot be read", "give yourself the permission to read it", **data)
    return ok(spec.id, f"{spec.role.value}, {show_gigabytes(size)} (--verify reads it)", **data)


LOOKS: dict[str, Look] = {"folder": _folder, "models": _installed}
