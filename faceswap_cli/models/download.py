"""`models pull`: one verified file, or a pack of them, from the first address that gives it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from faceswap_cli.errors import ModelError
from faceswap_cli.models.archive import extract
from faceswap_cli.models.licences import check_accepted
from faceswap_cli.models.spec import ModelRole, ModelSpec
from faceswap_cli.models.store import ModelStore, how_to_get, storing
from faceswap_cli.models.transfer import DownloadPatience, Progress, RefusedError, Say, Transfer, open_client, show_host
from faceswap_cli.text import opt

if TYPE_CHECKING:
    import httpx

OFFLINE_VARIABLE = "FACESWAP_OFFLINE"
"""Environment variable that forbids downloads, unless it is empty or 0."""

MIRROR_VARIABLE = "FACESWAP_MODELS_MIRROR"
"""Environment variable with a base URL; `<base>/<file>` is asked before the published addresses."""


def pull(store: ModelStore, spec: ModelSpec, *, progress: Progress | None = None, say: Say | None = None,
         offline: bool = False, patience: DownloadPatience | None = None,
         transport: httpx.BaseTransport | None = None) -> Path:
    """Have a model on the disk, verified; downloads it where it is not there or damaged.

    A member of a pack comes by its own address where it has one, else with the whole pack.

    Args:
        store: Where it goes.
        spec: A model or a pack.
        progress: Called while bytes arrive.
        say: Called with what happens besides.
        offline: Download nothing; the environment variable `FACESWAP_OFFLINE` means the same.
        patience: Bounds of waiting.
        transport: Stands in for the network.

    Returns:
        The model's file; of a pack, the folder.

    Raises:
        UsageError: Its licence was not accepted.
        ModelError: Offline, not published, or no address gave the right bytes.
        OutputError: The folder cannot be written, or the disk is full.
    """
    found = _installed(store, spec)
    if found is not None:
        return found
    # What the user imported in place of a row is lost or damaged here: the row as published takes over.
    spec = next((row for row in store.catalogue if row.id == spec.id), spec)
    if not spec.urls and not spec.pack:
        raise ModelError(f"{spec.id} is not published with a known hash", command=how_to_get(spec))
    if offline or is_offline():
        state = "damaged" if store.is_installed(spec) else "not installed"
        raise ModelError(f"{spec.id} is {state}, and downloads are off ({opt('offline')} or {OFFLINE_VARIABLE})",
                         command=f"{how_to_get(spec)} with a network, or run: faceswap models import FILE")
    check_accepted(store, spec)
    tell = say or _keep_quiet
    with _alone(store, spec, tell):
        found = _installed(store, spec)
        if found is not None:
            return found
        _download(store, spec, progress=progress, say=tell, patience=patience or DownloadPatience(),
                  transport=transport)
    return store.folder if spec.role is ModelRole.PACK else store.path(spec)


def is_offline() -> bool:
    """Whether the environment forbids downloads."""
    return os.environ.get(OFFLINE_VARIABLE, "") not in ("", "0")


def addresses(spec: ModelSpec) -> tuple[str, ...]:
    """Where a file is asked for, in this order: the mirror of the environment, then where it is published."""
    mirror = os.environ.get(MIRROR_VARIABLE)
    return (*([f"{mirror.rstrip('/')}/{spec.file}"] if mirror else []), *spec.urls)


def _installed(store: ModelStore, spec: ModelSpec) -> Path | None:
    """Where the model is, if it is there and good."""
    try:
        for member in store.members(spec):
            store.path(store.find(member.id))
    except ModelError:
        return None
    return store.folder if spec.role is ModelRole.PACK else store.location(spec)


def _download(store: ModelStore, spec: ModelSpec, *, progress: Progress | None, say: Say, patience: DownloadPatience,
              transport: httpx.BaseTransport | None) -> None:
    """Try every address of the model, then those of its pack."""
    packs = [row for row in store.catalogue if row.id == spec.pack]
    failures: list[str] = []
    with open_client(patience, transport) as client:
        for row in (spec, *packs):
            part = store.folder / f"{row.file}.part"
            transfer = Transfer(client, part, sha256=str(row.sha256), size=row.bytes, patience=patience,
                                progress=progress, say=say)
            for url in addresses(row) if row.urls else ():
                say(f"{row.file} from {show_host(url)}")
                try:
                    transfer.fetch(url)
                except RefusedError as error:
                    failures.append(f"{show_host(url)}: {error}")
                    say(failures[-1])
                    continue
                _install(store, row, part)
                return
    raise ModelError(f"{spec.id} could not be downloaded ({'; '.join(failures)})",
                     advice="try again later, or download it by other means and run: faceswap models import FILE")


def _install(store: ModelStore, row: ModelSpec, part: Path) -> None:
    if row.role is not ModelRole.PACK:
        store.add(part, row, sha256=str(row.sha256), move=True)
        return
    try:
        extract(store, row, part)
    except ModelError:
        part.unlink(missing_ok=True)
        raise
    with storing(part):
        part.unlink()


@contextmanager
def _alone(store: ModelStore, spec: ModelSpec, say: Say) -> Iterator[None]:
    """Lets one process at a time download a model, or any model of its pack."""
    from filelock import FileLock, Timeout

    folder = store.folder / "locks"
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{spec.pack or spec.id}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(f"another process is downloading {spec.pack or spec.id}; waiting for it")
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _keep_quiet(_: str) -> None:
    pass
