"""The models folder: what is in it, and verified paths to it.

A file is handed out only when its SHA-256 is the one that its row names. The hash of half a gigabyte takes a second, so
what was verified is remembered together with the file's size, times and inode; where any of them differs, the file is
read again.

    inswapper_128.onnx     models, flat, under the names of the catalogue
    imported/<id>.json     what is known of files that the catalogue does not know, or not by hash
    verified.json          what was verified
    licences.json          which licences were accepted
    locks/                 so that several first runs make one download
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from faceswap_cli.errors import InputError, ModelError, OutputError
from faceswap_cli.models import catalogue as rows
from faceswap_cli.models.catalogue import OWN, find_spec, of_role
from faceswap_cli.models.contents import BLOCK, describe_contents, sha256_of
from faceswap_cli.models.records import read_record, write_record
from faceswap_cli.models.spec import Crop, Family, ModelRole, ModelSpec, Template

FOLDER_VARIABLE = "FACESWAP_MODELS_DIR"
"""Environment variable that names the models folder."""


def default_folder() -> Path:
    """Where models lie unless told otherwise: `FACESWAP_MODELS_DIR`, else `models` in the user's data folder."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named).expanduser()
    from platformdirs import user_data_path

    return user_data_path("faceswap", appauthor=False) / "models"


class ModelStore:
    """The models of one folder, which need not exist yet.

    Attributes:
        folder: Where they lie, absolute.
        catalogue: The rows that are known by name.
    """

    def __init__(self, folder: Path | None = None, catalogue: tuple[ModelSpec, ...] | None = None) -> None:
        """Name the folder; nothing is read or made.

        Args:
            folder: None: `default_folder()`.
            catalogue: None: the one of `catalogue.py`.
        """
        self.catalogue = rows.CATALOGUE if catalogue is None else catalogue
        self.folder = (folder if folder is not None else default_folder()).absolute()

    # --- which models there are ---------------------------------------------------------------------------------------

    def specs(self) -> tuple[ModelSpec, ...]:
        """The catalogue and the user's own models; rows for which the user brought the file have its hash."""
        records = self._records()
        known = tuple(_with_record(spec, records.pop(spec.id, None)) for spec in self.catalogue)
        own = (_own_spec(name, record) for name, record in sorted(records.items()))
        return known + tuple(spec for spec in own if spec is not None)

    def find(self, name: str) -> ModelSpec:
        """The model with this id or alias, case ignored.

        Raises:
            UsageError: There is none; lists the nearest names.
        """
        return find_spec(name, self.specs())

    def installed(self, role: ModelRole) -> tuple[ModelSpec, ...]:
        """The models of a role whose files are there, best first; their bytes are not looked at."""
        return tuple(spec for spec in of_role(role, self.specs()) if self.is_installed(spec))

    def is_installed(self, spec: ModelSpec) -> bool:
        """Whether its file is there and its hash known; of a pack, whether all of its members are installed."""
        if spec.role is ModelRole.PACK:
            return all(self.is_installed(member) for member in self.members(spec))
        return spec.sha256 is not None and self.location(spec).is_file()

    def members(self, pack: ModelSpec) -> tuple[ModelSpec, ...]:
        """The models of a pack; the model itself where it is none."""
        return tuple(self.find(name) for name in pack.members) if pack.role is ModelRole.PACK else (pack,)

    def location(self, spec: ModelSpec) -> Path:
        """Where its file lies or would lie, whether or not it is there or good."""
        return self.folder / spec.file

    # --- verified files -----------------------------------------------------------------------------------------------

    def path(self, spec: ModelSpec) -> Path:
        """The model's file, verified.

        Raises:
            ModelError: It is not installed, or its bytes are not those of the row.
        """
        return self._verified(spec, trust_stamp=True)

    def verify(self, spec: ModelSpec) -> Path:
        """Like `path`, but reads the file again whatever is remembered; of a pack, all members.

        Returns:
            The file; of a pack, the folder.

        Raises:
            ModelError: It is not installed, or damaged.
        """
        if spec.role is not ModelRole.PACK:
            return self._verified(spec, trust_stamp=False)
        for member in self.members(spec):
            self._verified(member, trust_stamp=False)
        return self.folder

    def sha256(self, spec: ModelSpec) -> str:
        """The hash that the model's file has, after verifying it.

        Raises:
            ModelError: As `path`.
        """
        self.path(spec)
        assert spec.sha256 is not None
        return spec.sha256

    def _verified(self, spec: ModelSpec, trust_stamp: bool) -> Path:
        if spec.role is ModelRole.PACK:
            raise ModelError(f"{spec.id} is a pack and has no file of its own",
                             advice=f"name one of {', '.join(spec.members)}")
        path = self.location(spec)
        try:
            stamp = _stamp(path)
        except OSError:
            raise ModelError(f"{spec.id} is not installed", command=how_to_get(spec)) from None
        if spec.sha256 is None:
            raise ModelError(f"{path} was put there by hand and has no known hash", command=how_to_get(spec, path))
        if trust_stamp and self._remembered(path.name) == {**stamp, "sha256": spec.sha256}:
            return path
        try:
            found = sha256_of(path)
        except OSError as error:
            raise ModelError(f"{path} cannot be read: {error.strerror or error}",
                             advice="check its permissions") from error
        if found != spec.sha256:
            self._forget(path.name)
            raise ModelError(f"{path} is not the model {spec.id} but {describe_contents(path, spec.bytes)}",
                             command=how_to_get(spec))
        self._remember(path.name, {**stamp, "sha256": found})
        return path

    # --- changes ------------------------------------------------------------------------------------------------------

    def add(self, file: Path, spec: ModelSpec, *, sha256: str, move: bool = False, origin: str = "") -> ModelSpec:
        """Take a file in as the model of `spec`, whole or not at all.

        Args:
            file: Is copied, and the copy verified; or moved.
            spec: A row of the catalogue, or an own one (`imported`).
            sha256: Hash of `file`. Where it is not the one of the catalogue it is recorded, and the model is known by
                it from then on.
            move: Rename `file` instead of copying it; it must lie in the models folder and have been verified.
            origin: Where it comes from, recorded with it.

        Returns:
            The row with the hash that counts now.

        Raises:
            ModelError: The copy has another hash.
            InputError: The file cannot be read.
            OutputError: The folder cannot be written.
        """
        path = self.location(spec)
        pinned = next((row for row in self.catalogue if row.id == spec.id), None)
        with storing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            part = file if move else _copy(file, path)
            try:
                if not move and sha256_of(part) != sha256:
                    raise ModelError(f"{file} changed while it was read, or is damaged", advice="try again")
                sync(part)
                record = self._record_file(spec.id)
                if pinned is not None and pinned.sha256 == sha256:
                    part.replace(path)
                    record.unlink(missing_ok=True)
                else:
                    # The record goes first: a file without one would be taken for damaged, not for missing.
                    write_record(record, _record(replace(spec, sha256=sha256), origin))
                    part.replace(path)
            finally:
                if not move:
                    part.unlink(missing_ok=True)
            self._remember(path.name, {**_stamp(path), "sha256": sha256})
        return self.find(spec.id)

    def remove(self, spec: ModelSpec) -> tuple[Path, ...]:
        """Delete a model and what is recorded of it; of a pack, its members.

        Returns:
            The files that were deleted, which are none where it was not installed.

        Raises:
            OutputError: The folder cannot be written.
        """
        gone = []
        for member in self.members(spec):
            path = self.location(member)
            with storing(path):
                path.with_name(f"{path.name}.part").unlink(missing_ok=True)
                if path.is_file():
                    path.unlink()
                    gone.append(path)
                self._record_file(member.id).unlink(missing_ok=True)
            self._forget(path.name)
        return tuple(gone)

    # --- records ------------------------------------------------------------------------------------------------------

    def _records(self) -> dict[str, dict[str, Any]]:
        """What was recorded at imports, by id."""
        files = sorted((self.folder / "imported").glob("*.json"))
        return {file.stem: record for file in files if (record := read_record(file))}

    def _record_file(self, name: str) -> Path:
        return self.folder / "imported" / f"{name}.json"

    def _remembered(self, name: str) -> object:
        return read_record(self.folder / "verified.json").get(name)

    def _remember(self, name: str, stamp: dict[str, Any]) -> None:
        self._write_stamps({**read_record(self.folder / "verified.json"), name: stamp})

    def _forget(self, name: str) -> None:
        stamps = read_record(self.folder / "verified.json")
        if stamps.pop(name, None) is not None:
            self._write_stamps(stamps)

    def _write_stamps(self, stamps: dict[str, Any]) -> None:
        # A folder that cannot be written costs the hashing of every run, and two writers at once one of their stamps.
        with suppress(OSError):
            write_record(self.folder / "verified.json", stamps)


def how_to_get(spec: ModelSpec, file: Path | None = None) -> str:
    """The command that gets this model.

    Args:
        spec: The model.
        file: One that could be imported; None: `FILE`.
    """
    if spec.licence == OWN:
        return f"faceswap models import {file or 'FILE'} --name {spec.id}"
    if spec.urls or spec.pack:
        return f"faceswap models pull {spec.id}"
    if spec.checkpoints:
        return f"faceswap models import {spec.checkpoints[0].name}"
    return f"faceswap models import {file or 'FILE'} --as {spec.id}"


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turns failures to write into an error that says what to do.

    Raises:
        OutputError: Instead of `OSError`.
    """
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise OutputError(f"{path} cannot be written: the disk is full",
                              advice=f"free some space, or name another folder with {FOLDER_VARIABLE}") from error
        raise OutputError(f"{path} cannot be written: {error.strerror or error}",
                          advice=f"name another folder with {FOLDER_VARIABLE}") from error


def sync(path: Path) -> None:
    """Wait until a file's bytes are on the disk, so that a rename after it never shows an empty file."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _stamp(path: Path) -> dict[str, int]:
    """What changes when a file is changed or replaced."""
    state = path.stat()
    if not stat.S_ISREG(state.st_mode):
        raise FileNotFoundError(path)
    return {"size": state.st_size, "mtime_ns": state.st_mtime_ns, "ctime_ns": state.st_ctime_ns, "inode": state.st_ino}


def _copy(file: Path, beside: Path) -> Path:
    """A copy of `file` under a hidden name next to `beside`."""
    try:
        source = file.open("rb")
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}") from error
    with source, tempfile.NamedTemporaryFile(
            dir=beside.parent, prefix=f".{beside.name}-", suffix=".part", delete=False) as part:
        try:
            shutil.copyfileobj(source, part, BLOCK)
            Path(part.name).chmod(0o644)
        except BaseException:
            Path(part.name).unlink()
            raise
    return Path(part.name)


def _record(spec: ModelSpec, origin: str) -> dict[str, Any]:
    """What is written of an imported model."""
    crop = spec.crop
    return {
        "id": spec.id, "role": spec.role.value, "family": spec.family.value, "file": spec.file, "sha256": spec.sha256,
        "crop": None if crop is None else {
            "side": crop.side, "template": crop.template and crop.template.value, "mean": crop.mean, "std": crop.std},
        "inputs": spec.inputs, "origin": origin,
    }


def _with_record(spec: ModelSpec, record: dict[str, Any] | None) -> ModelSpec:
    """A row of the catalogue, with the hash under which the user's own file was recorded."""
    found = (record or {}).get("sha256")
    if record is None or not isinstance(found, str):
        return spec
    own = _own_spec(spec.id, record)
    inputs = own.inputs if own is not None and own.inputs else spec.inputs
    return replace(spec, sha256=found, bytes=None, inputs=inputs, imported=True)


def _own_spec(name: str, record: dict[str, Any]) -> ModelSpec | None:
    """A model that only its record knows; None where the record makes no sense."""
    try:
        crop = record["crop"]
        template = None if crop is None or crop["template"] is None else Template(crop["template"])
        file = str(record["file"])
        if Path(file).name != file:
            return None
        return ModelSpec(
            id=name, role=ModelRole(record["role"]), family=Family(record["family"]), file=file, licence=OWN,
            summary=f"imported from {record.get('origin') or 'a file'}", sha256=str(record["sha256"]),
            crop=None if crop is None else Crop(int(crop["side"]), template, float(crop["mean"]), float(crop["std"])),
            inputs={str(key): str(value) for key, value in record["inputs"].items()}, rank=_OWN_RANK, imported=True)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


_OWN_RANK = 200
"""Models of the user's own are taken when they are named, or when there is no other."""
