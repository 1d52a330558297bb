"""Names that users give, as text: what each stands for, and URLs shown without their secrets. Imports nothing heavy."""

from __future__ import annotations

import re
from enum import Enum, auto

STDIN = "-"
"""The name that reads standard input."""

MARK = "@"
"""What the name of a saved face begins with; a file of such a name is given as `./@name`."""

SAVED_SUFFIX = ".safetensors"
"""Of the files of saved faces."""

STORES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs", "abfss": "adlfs",
          "oci": "ocifs", "oss": "ossfs", "tos": "tosfs", "hf": "huggingface_hub"}
"""Object stores, and the package that serves each: an upload appears there whole or not at all, and needs no folder."""

STORE_PACKAGES = STORES | {"sftp": "paramiko", "ssh": "paramiko", "smb": "smbprotocol", "webdav": "webdav4",
                           "hdfs": "pyarrow", "webhdfs": "requests", "memory": ""}
"""Those, and what has folders, and files that grow as they are written; `memory` lives in one process, for tests."""


class Kind(Enum):
    """What a name stands for."""

    PATH = auto()
    STDIN = auto()
    """A pipe; of an output, standard output."""
    URL = auto()
    """Of http(s); others are refused where they are fetched."""
    STORE = auto()
    """A URL that is reached through fsspec."""
    SAVED = auto()
    """The name of a saved face."""
    SAVED_FILE = auto()
    """The path of the file of a saved face."""


def kind_of(name: str, *, face: bool = False) -> Kind:
    """What a name stands for; nothing is looked at.

    Args:
        name: As given.
        face: It names pictures of a face, and may be a saved one; of a target or output such a name is a path.
    """
    if is_url(name):
        return Kind.STORE if protocol(name) in STORE_PACKAGES else Kind.URL
    if face and name.startswith(MARK):
        return Kind.SAVED
    if face and name.lower().endswith(SAVED_SUFFIX):
        return Kind.SAVED_FILE
    return Kind.STDIN if name == STDIN else Kind.PATH


def protocol(url: str) -> str:
    """The scheme of a URL, in lower case."""
    return url.partition("://")[0].lower()


def is_url(text: str) -> bool:
    """Whether an input is meant as a URL (of any scheme) rather than as a path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text) is not None


def shown(spec: str) -> str:
    """An input as people are told of it: a URL without its secrets, anything else as it is."""
    return redact_url(spec) if is_url(spec) else spec


def redact_url(text: str) -> str:
    """A URL as messages show it: no credentials, no query, one line."""
    scheme, found, rest = re.split(r"[?#]", text, maxsplit=1)[0].partition("://")
    authority, slash, path = rest.partition("/")
    bare = f"{scheme}{found}{authority.rpartition('@')[2]}{slash}{path}"
    bare = "".join(char if char.isprintable() and char != " " else "?" for char in bare)
    return bare if len(bare) <= 120 else bare[:117] + "..."
