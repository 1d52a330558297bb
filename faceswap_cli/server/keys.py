"""The keys that clients must send. Kept as hashes; compared in a time that tells nothing."""

from __future__ import annotations

import hmac
import os
import re
import stat
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from faceswap_cli.errors import UsageError
from faceswap_cli.text import opt

ANYONE = ""
"""The owner of requests where no key is asked for."""

_HASHED = re.compile(r"sha256:([0-9a-fA-F]{64})")


class KeyRing:
    """The keys of a server."""

    def __init__(self, hashes: Iterable[bytes]) -> None:
        """Keep them.

        Args:
            hashes: SHA-256 of each key; none: no key is asked for.
        """
        self._hashes = tuple(dict.fromkeys(hashes))

    @classmethod
    def of(cls, *keys: str) -> KeyRing:
        """The ring of some keys."""
        return cls(_digest(key) for key in keys)

    @classmethod
    def read(cls, path: Path) -> KeyRing:
        """The keys of a file: one a line, or `sha256:` and the hash of one in hexadecimal; `#` begins a comment line.

        Raises:
            UsageError: It cannot be read, others may read it, or it holds no key.
        """
        try:
            mode = path.stat().st_mode
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not UTF-8 text"
            raise UsageError(f"{opt('keys-file', path)} cannot be read: {reason}") from error
        if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
            raise UsageError(f"{opt('keys-file', path)} can be read by others", command=f"chmod 600 {path}")
        keys = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
        if not keys:
            raise UsageError(f"{opt('keys-file', path)} holds no key", advice="write one on each line")
        hashed = (_HASHED.fullmatch(key) for key in keys)
        return cls(bytes.fromhex(found[1]) if found else _digest(key)
                   for key, found in zip(keys, hashed, strict=True))

    @property
    def needed(self) -> bool:
        """Whether clients must send a key."""
        return bool(self._hashes)

    def owner(self, key: str | None) -> str | None:
        """Who sends this key, as a name that is not the key; None: nobody who may."""
        if not self._hashes:
            return ANYONE
        given = _digest(key or "")
        # Every hash is compared, whichever fits: the time says neither which nor how much of it.
        fits = [hmac.compare_digest(given, known) for known in self._hashes]
        return sha256(b"owner of requests\0" + given).hexdigest()[:32] if any(fits) and key else None


def _digest(key: str) -> bytes:
    return sha256(key.encode("utf-8", "surrogateescape")).digest()
