"""URLs of object stores and other file systems (`s3://...`) as text; the network is not asked."""

from __future__ import annotations

import posixpath
import re

from faceswap_cli.errors import UsageError
from faceswap_cli.names import STORE_PACKAGES, STORES, Kind, kind_of, protocol


def join(root: str, name: str) -> str:
    """The URL of a file by its name relative to `root`."""
    return f"{root.rstrip('/')}/{name}" if not root.endswith("://") else root + name


def canonical(spec: str) -> str:
    """One spelling for all URLs of a stored file; other names as they are."""
    if kind_of(spec) is not Kind.STORE:
        return spec
    path = spec.partition("://")[2]
    if protocol(spec) not in STORES:  # where . and .. are names like any other
        path = posixpath.normpath(path) + "/" * path.endswith("/")
    return f"{STORE_PACKAGES[protocol(spec)]}://{path}"


def show(spec: str) -> str:
    """A URL as messages name it: one line, without password and query, of at most 160 characters."""
    bare = re.sub(r"\?[^/]*=.*", "", re.sub(r"^([^/]*//[^/:@]*):[^/]*@", r"\1@", spec), flags=re.DOTALL)
    bare = "".join(char if char.isprintable() else "?" for char in bare)
    return bare if len(bare) <= 160 else f"{bare[:78]}...{bare[-78:]}"


def check_store_url(spec: str) -> None:
    """Find out without the network whether a URL can be meant.

    Raises:
        UsageError: It holds a password, or names no bucket or host.
    """
    authority = spec.partition("://")[2].partition("/")[0]
    if ":" in authority.rpartition("@")[0]:
        raise UsageError(f"{show(spec)} is given with a password, which is refused",
                         advice="leave it to the environment or to the configuration of fsspec")
    if not authority or "\0" in spec:
        raise UsageError(f"{show(spec)} is not a valid URL", advice="write it like s3://bucket/folder/picture.jpg")
