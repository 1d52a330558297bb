"""The file system behind a URL, through fsspec, and its errors in words."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from faceswap_cli.errors import FaceswapError, InputError, MissingDependencyError, OutputError
from faceswap_cli.names import STORE_PACKAGES, STORES, protocol
from faceswap_cli.stores.urls import check_store_url, show

_TAGS = ("ETag", "etag", "generation", "content_md5", "md5Hash", "LastModified", "last_modified", "mtime",
         "modificationTime", "modified", "last_write_time", "created")
"""What file systems call the version of a file, the most telling first."""

_INSTALL = 'pip install "faceswap-cli[s3]"'
_ASK_FOR_CREDENTIALS = {"s3fs": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"}


@dataclass(frozen=True, slots=True)
class StoreStamp:
    """A stored file as it is: what tells without reading it that it has not changed.

    Attributes:
        size: Bytes.
        tag: What the file system calls this version of it: an ETag, a generation, a time; empty: nothing.
    """

    size: int
    tag: str


@dataclass(frozen=True, slots=True)
class Place:
    """A path of a file system.

    Attributes:
        system: An `fsspec.AbstractFileSystem`.
        path: As that file system takes it.
        key: Without the bucket; empty: the bucket itself, or the root.
    """

    system: Any
    path: str
    key: str

    def stamp(self) -> StoreStamp | None:
        """Asked anew: listings that the file system remembers may be old."""
        self.system.invalidate_cache()
        try:
            info = self.system.info(self.path)
        except FileNotFoundError:
            return None
        return _stamp_of(info)

    def stamps_below(self) -> dict[str, StoreStamp]:
        """The files of this folder by the last part of their names; there may be no such folder."""
        self.system.invalidate_cache()
        try:
            entries = self.system.ls(self.path, detail=True)
        except FileNotFoundError:
            return {}
        stamps = {str(entry["name"]).rpartition("/")[2]: _stamp_of(entry) for entry in entries}
        return {name: stamp for name, stamp in stamps.items() if stamp is not None}

    def put_beside(self, path: Path) -> None:
        """Upload under another name in the same folder, then rename."""
        folder, _, name = self.path.rpartition("/")
        part = f"{folder}/.{name[:200]}.{secrets.token_hex(4)}.part"
        if folder:
            self.system.makedirs(folder, exist_ok=True)
        try:
            self.system.put_file(str(path), part)
            self.system.mv(part, self.path)
        except BaseException:
            with suppress(Exception):  # the connection may be what failed; the first error is the one to tell
                self.system.rm_file(part)
            raise


def _stamp_of(info: dict[str, Any]) -> StoreStamp | None:
    """What a file system says of a file; None: it is a folder."""
    if info.get("type") == "directory":
        return None
    tag = next((info[name] for name in _TAGS if info.get(name)), "")
    # Some tell a time as a number in listings, and as a date of a single file.
    return StoreStamp(int(info.get("size") or 0), str(tag.timestamp() if isinstance(tag, datetime) else tag))


def open_place(spec: str) -> Place:
    """The file system that serves a URL, with what fsspec's configuration and environment say of it."""
    check_store_url(spec)
    scheme = protocol(spec)
    package = STORE_PACKAGES[scheme]
    try:
        import fsspec
    except ImportError as error:
        raise MissingDependencyError(f"{scheme}:// needs fsspec", advice=f"install it: {_INSTALL}") from error
    try:
        kind = fsspec.get_filesystem_class(scheme)
    except ImportError as error:
        install = _INSTALL if package == "s3fs" else f"pip install {package}"
        raise MissingDependencyError(f"{scheme}:// needs {package}", advice=f"install it: {install}") from error
    # Not `fsspec.core.url_to_fs`: it would take a "::" in a name for a chain of file systems, local ones among them.
    url = scheme + spec[len(scheme):]
    with explained(spec, InputError):
        path = str(kind._strip_protocol(url))
        system = kind(**kind._get_kwargs_from_urls(url))
    return Place(system, path, path.partition("/")[2] if scheme in STORES else path.strip("/"))


@contextmanager
def explained(spec: str, kind: type[InputError] | type[OutputError]) -> Iterator[None]:
    """Turn what a file system and the libraries below it raise, of which there is no list, into one line."""
    name = show(spec) if kind is InputError else f"cannot write {show(spec)}"
    try:
        yield
    except (FaceswapError, MemoryError):
        raise
    except FileNotFoundError as error:
        what = "there is no such file or bucket" if kind is InputError else "there is no such bucket or folder"
        raise kind(f"{name}: {what}; check the URL") from error
    except PermissionError as error:
        raise kind(f"{name}: no permission ({_reason(error)}); check the credentials and what they allow") from error
    except Exception as error:
        if "credential" in f"{type(error).__name__} {error}".lower():
            advice = _ASK_FOR_CREDENTIALS.get(STORE_PACKAGES[protocol(spec)], "see the documentation of its package")
            raise kind(f"{name}: no usable credentials ({_reason(error)}); {advice}") from error
        raise kind(f"{name}: {_reason(error)}; check the URL and the network, and try again") from error


def _reason(error: BaseException) -> str:
    """The first line of what went wrong; queries of URLs in it may be signatures."""
    if isinstance(error, LookupError | TypeError | AttributeError) and error.__context__ is not None:
        return _reason(error.__context__)  # a library stumbled over an error of its own
    if isinstance(error, TimeoutError):
        return "the connection broke off, or is too slow"
    lines = str(error).strip().splitlines()
    return re.sub(r"""\?[^\s"']*""", "", lines[0])[:200] if lines else type(error).__name__
