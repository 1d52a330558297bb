"""Models out of a zip: only those that are known, only where every name in it is harmless, each one checked by hash."""

from __future__ import annotations

import hashlib
import lzma
import stat
import struct
import tempfile
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path, PurePosixPath

from faceswap_cli.errors import ModelError
from faceswap_cli.models.contents import BLOCK, show_bytes
from faceswap_cli.models.spec import ModelSpec
from faceswap_cli.models.store import ModelStore, storing

MAX_MEMBER_BYTES = 1 << 30
"""Bound on one unpacked model."""

_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, ValueError, LookupError,
           NotImplementedError,  # what it says of an unknown compression
           RuntimeError)         # what it says of an encrypted member
"""What `zipfile` raises on archives that are damaged, encrypted or packed in an unknown way."""


def extract(store: ModelStore, pack: ModelSpec, archive: Path) -> None:
    """Install all models of a pack, or none.

    Args:
        store: Where they go.
        pack: The row whose members are looked for, by file name, in whatever folder of the archive.
        archive: The zip; stays.

    Raises:
        ModelError: The archive is damaged, has names that lead out of a folder, or lacks a model or has another one.
        OutputError: The folder cannot be written.
    """
    parts: list[tuple[ModelSpec, Path]] = []
    try:
        with storing(store.folder):
            store.folder.mkdir(parents=True, exist_ok=True)
        try:
            with zipfile.ZipFile(archive) as opened:
                entries = _find(opened, [member.file for member in store.members(pack)], archive)
                for member in store.members(pack):
                    if not _is_good(store, member):
                        parts.append((member, _part(store.location(member))))
                        _unpack(opened, entries[member.file], member, parts[-1][1], archive)
        except _DAMAGE as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelError(f"{archive} is a damaged zip ({reason})", advice=_again(pack)) from error
        # Only now that all of them are good: a pack is whole or not there.
        for member, part in parts:
            store.add(part, member, sha256=str(member.sha256), move=True)
    finally:
        for _, part in parts:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def _is_good(store: ModelStore, member: ModelSpec) -> bool:
    try:
        store.path(member)
    except ModelError:
        return False
    return True


def _part(path: Path) -> Path:
    with storing(path), tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}-", suffix=".part", delete=False) as file:
        return Path(file.name)


def _find(opened: zipfile.ZipFile, files: list[str], archive: Path) -> dict[str, zipfile.ZipInfo]:
    """The entries of the wanted files; the whole archive is refused for one name that leads elsewhere."""
    entries: dict[str, zipfile.ZipInfo] = {}
    for entry in opened.infolist():
        # `orig_filename` is what the archive holds; zipfile has cut `filename` at a zero byte and turned separators.
        name = entry.orig_filename
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\0" in name:
            raise ModelError(f"{archive} is refused: it holds a file whose name leads out of a folder ({name!r})")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise ModelError(f"{archive} is refused: it holds a symbolic link ({name!r})")
        if path.name in files and not entry.is_dir():
            if path.name in entries:
                raise ModelError(f"{archive} is refused: it holds {path.name} twice")
            entries[path.name] = entry
    if missing := [file for file in files if file not in entries]:
        raise ModelError(f"{archive} is refused: it does not hold {', '.join(missing)}")
    return entries


def _unpack(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, member: ModelSpec, part: Path, archive: Path) -> None:
    """Write one model to `part`, never more of it than a model may have."""
    limit = member.bytes or MAX_MEMBER_BYTES
    found, size = hashlib.sha256(), 0
    with storing(part):
        file = part.open("wb")
    with file, opened.open(entry) as source:
        while block := source.read(BLOCK):
            size += len(block)
            if size > limit:
                raise ModelError(f"{archive} is refused: {member.file} in it is larger than {show_bytes(limit)}")
            found.update(block)
            with storing(part):
                file.write(block)
        with storing(part):
            file.close()
    with storing(part):
        part.chmod(0o644)
    if found.hexdigest() != member.sha256:
        raise ModelError(f"{archive} is refused: {member.file} in it is not the model {member.id}, or is damaged")


def _again(pack: ModelSpec) -> str:
    return f"run: faceswap models pull {pack.id}"
