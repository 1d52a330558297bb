"""Rewritten graphs: made once, kept in the cache, and compared with their originals whenever they are opened."""

from __future__ import annotations

import contextlib
import gc
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faceswap_cli.errors import ModelError
from faceswap_cli.files.cache import FolderCache
from faceswap_cli.options import Provider, RuntimeOptions
from faceswap_cli.runtime.comparison import ReferenceRun
from faceswap_cli.runtime.cores import core_count
from faceswap_cli.runtime.session import OutOfMemoryError, Session, onnxruntime_version, open_session
from faceswap_cli.text import squeeze

REWRITE_VERSION = 1
"""Part of the key of a rewritten graph: raised whenever the rewriter writes another graph."""

LEAST_PSNR = 70.0
"""dB; a rewrite that is further from its original is not used. The rounding of a good one gives about 118."""

_WAIT_SECONDS = 120.0
"""How long to wait while another process makes a rewrite."""

_ENTRY = "entry.json"
_REFERENCE = "original.npz"

_ON_CPU = RuntimeOptions(provider=Provider.CPU)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A graph that a rewriter wrote.

    Attributes:
        path: Of the new graph, in the folder that was given, beside the files with its constants.
        convolutions: How many were replaced.
        original_convolutions: How many the graph had.
        bytes: Size of the graph and its constants together.
    """

    path: Path
    convolutions: int
    original_convolutions: int
    bytes: int


Rewriter = Callable[[Path, Path], Rewritten]
"""`rewrite(path of a graph, folder to write to)`; raises `NothingToRewriteError`."""


class NothingToRewriteError(Exception):
    """The graph has no part that a rewrite would make faster; the message says why."""


class RewriteRefusedError(Exception):
    """The rewrite cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A session of a rewritten graph, which was compared with its original.

    Attributes:
        session: On the CPU.
        psnr: dB, at least `LEAST_PSNR`.
    """

    session: Session
    psnr: float


class RewrittenGraph:
    """The rewrite of one graph."""

    def __init__(self, path: Path, sha256: str, cache: FolderCache, rewriter: Rewriter, *, name: str) -> None:
        """Nothing is read or made yet.

        Args:
            path: Of the original, verified.
            sha256: Of the original, hexadecimal.
            cache: Where rewrites are kept.
            rewriter: Makes one.
            name: Of the model, for messages.
        """
        self._path = path
        self._sha256 = sha256
        self._cache = cache
        self._rewriter = rewriter
        self._name = name

    @property
    def cached(self) -> bool:
        """Whether it need not be made."""
        return self._cache.find(self._key()) is not None

    def open(self, threads: int) -> Opened:
        """Open it, made before where it is not in the cache, and compare it with the original on one fixed input.

        Args:
            threads: Inside one run.

        Raises:
            NothingToRewriteError: The graph has no part that can be made faster.
            RewriteRefusedError: It cannot be made, differs from the original or is damaged. What is damaged is removed.
        """
        key = self._key()
        entry = self._cache.find(key)
        fresh = entry is None
        try:
            if entry is None:
                entry = self._make(key)
            said = _read_entry(entry)
            if "nothing" in said:
                raise NothingToRewriteError(said["nothing"])
            if "refused" in said:
                raise RewriteRefusedError(said["refused"])
            reference = ReferenceRun.load(entry / _REFERENCE)
            if reference is None:
                raise ValueError(f"{entry / _REFERENCE} is damaged")
            session = open_session(entry / said["graph"], _ON_CPU, name=self._name, threads=threads)
            psnr = reference.distance(session)
        except OutOfMemoryError as error:
            raise RewriteRefusedError(str(error)) from error
        except (OSError, ValueError, KeyError, ModelError) as error:
            self._cache.discard(key)
            raise RewriteRefusedError(f"its rewrite cannot be {'made' if fresh else 'read'} "
                                      f"({_one_line(error)})") from error
        if psnr >= LEAST_PSNR:
            return Opened(session, psnr)
        del session  # its files are mapped, and not every system removes those
        self._cache.discard(key)
        if not fresh:
            raise RewriteRefusedError(f"its rewrite in the cache is damaged ({psnr:.0f} dB) and was removed")
        reason = f"its rewrite differs from the original ({psnr:.0f} dB, less than {LEAST_PSNR:.0f})"
        self._remember(key, refused=reason)
        raise RewriteRefusedError(reason)

    def _key(self) -> str:
        # Another version of ONNX Runtime may round differently, or optimise the rewrite into something wrong.
        return f"{self._sha256[:40]}-{REWRITE_VERSION}-{onnxruntime_version()}"

    def _make(self, key: str) -> Path:
        with self._cache.lock(_WAIT_SECONDS) as mine:
            entry = self._cache.find(key)
            if entry is None and not mine:
                raise RewriteRefusedError("another process is still making a rewrite")
            if entry is None:
                self._rewrite(key)
                entry = self._cache.find(key)
            if entry is None:
                raise RewriteRefusedError("its rewrite vanished from the cache")
            return entry

    def _rewrite(self, key: str) -> None:
        try:
            with self._cache.making(key) as folder:
                made = self._rewriter(self._path, folder)
                if not made.convolutions:
                    raise NothingToRewriteError("it has no convolution that can be replaced")
                gc.collect()  # graphs of onnx hold each other; the original needs the room now
                original = open_session(self._path, _ON_CPU, name=self._name, threads=core_count())
                ReferenceRun.of(original).save(folder / _REFERENCE)
                _write_entry(folder, graph=str(made.path.relative_to(folder)), convolutions=made.convolutions)
        except NothingToRewriteError as error:
            self._remember(key, nothing=str(error))
        except (OSError, ModelError):
            raise
        except Exception as error:  # a rewriter that trips over a graph is no reason not to swap
            raise RewriteRefusedError(f"its rewrite cannot be made ({_one_line(error)})") from error

    def _remember(self, key: str, **said: str) -> None:
        """Keep the next processes from trying in vain; versions are part of the key."""
        with contextlib.suppress(OSError), self._cache.making(key) as folder:
            _write_entry(folder, **said)


def _write_entry(folder: Path, **said: str | int) -> None:
    (folder / _ENTRY).write_text(json.dumps(said), encoding="utf-8")


def _read_entry(folder: Path) -> dict[str, str]:
    said = json.loads((folder / _ENTRY).read_text(encoding="utf-8"))
    return {str(key): str(value) for key, value in dict(said).items()}


def _one_line(error: BaseException) -> str:
    return squeeze(error) or type(error).__name__
