"""A session that runs a faster rewrite of its graph where that pays, checked against the original.

Source of the figures: measured on two cores with the largest swapper (138 million weights).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from faceswap_cli.files.cache import FolderCache, cache_folder
from faceswap_cli.options import Accelerate, RuntimeOptions
from faceswap_cli.runtime.cores import core_count
from faceswap_cli.runtime.machine import free_memory
from faceswap_cli.runtime.providers import CPU, choose, short_name
from faceswap_cli.runtime.rewritten import (
    NothingToRewriteError,
    Rewriter,
    RewriteRefusedError,
    Rewritten,
    RewrittenGraph,
)
from faceswap_cli.runtime.session import Session, SharedSession, available_providers
from faceswap_cli.text import Note, opt

FACES_TO_LOAD = 1
"""From so many faces on a rewrite in the cache pays: at once. It is mapped, not parsed, so it opens in 0.1 s, not in
1.4 s as the original does; the run that checks it takes no longer than what the first face saves."""

FACES_TO_BUILD = 50
"""From so many faces on it pays to make one: that takes up to 20 s."""

FACES_OF_AN_OPEN_CLIP = 25
"""Taken for a clip that does not tell its length: a second of video. Enough to load a rewrite, not to make one."""

_MOST_BYTES = 2_600_000_000
"""Memory that the largest rewritten graph takes while it is used, nearly all of it weights. Making it takes less."""

_BYTES_A_BYTE = 5
"""None takes more than this many times its original's file: the weights of 3 x 3 become 6 x 6."""

_SPARE_BYTES = 1_000_000_000
"""Memory and disk left for others: frames, the other networks, the output."""

_CACHE_BYTES = 6_000_000_000
"""Of all rewritten graphs on disk: three of the largest."""


def rewrite_winograd(path: Path, folder: Path) -> Rewritten:
    """Rewrite convolutions by Winograd's method; as `winograd.rewrite`."""
    from faceswap_cli.runtime import winograd  # brings the package onnx, which only a rewrite needs

    return winograd.rewrite(path, folder)


class AcceleratedSession:
    """Like `SharedSession`, but may run a rewritten graph. Safe to share between threads.

    The rewrite is taken on a CPU only: for `winograd` always; for `auto` where the faces ahead and the free memory
    justify it; for `off` never. It is kept in the user's cache folder under the hash of the original, and compared
    with the original whenever it is opened.

    The rewritten graph differs from the original by rounding only, by less than one grey level, but the bytes of a
    picture may differ: with `auto`, the same picture swapped alone and among hundreds may take different graphs.
    `off` and `winograd` always take the same one. One object chooses once for each number of faces ahead, so that a
    job, which has one number, never mixes the two.
    """

    def __init__(self, path: Path, options: RuntimeOptions, *, name: str, sha256: str,
                 rewriter: Rewriter = rewrite_winograd, cache: FolderCache | None = None,
                 memory: Callable[[], int | None] = free_memory) -> None:
        """Nothing is opened yet.

        Args:
            path: Of a verified graph.
            options: Provider, device, threads, acceleration, and the faces ahead beside those of each call.
            name: Of the model, for messages.
            sha256: Of the graph's file, hexadecimal.
            rewriter: Makes the faster graph.
            cache: Where rewritten graphs are kept; None: the user's.
            memory: Bytes that may still be taken, None when unknown.
        """
        self.path = path
        self.name = name
        self._options = options
        self._memory = memory
        self._plain = SharedSession(path, options, name=name)
        self._cache = cache or FolderCache(cache_folder() / "graphs", _CACHE_BYTES)
        self._rewritten = RewrittenGraph(path, sha256, self._cache, rewriter, name=name)
        self._fast: dict[int, Session] = {}
        self._chosen: dict[tuple[bool, int], Session] = {}
        self._said: dict[str, None] = {}
        self._refused = False
        self._lock = threading.Lock()

    def get(self, clip: bool = False, faces_ahead: int | None = None) -> Session:
        """The session for a still or for the frames of a clip; always the same for the same arguments.

        Args:
            clip: Whether frames are swapped in parallel: each run then has one thread.
            faces_ahead: Faces that the job at hand will swap; None: unknown.

        Raises:
            ModelError, MissingDependencyError: As `open_session`, for the original graph.
        """
        if faces_ahead is None:
            faces_ahead = FACES_OF_AN_OPEN_CLIP if clip else 1
        key = (clip, self._options.faces_ahead + faces_ahead)
        with self._lock:
            if key not in self._chosen:
                self._chosen[key] = self._choose(*key)
            return self._chosen[key]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done and why, and what the user should know of the sessions opened so far."""
        return (*self._plain.notes, *tuple(self._said))

    def _choose(self, clip: bool, faces: int) -> Session:
        mode = self._options.accelerate
        if mode is Accelerate.OFF or self._refused:
            return self._plain.get(clip)
        if choose(self._options, available_providers()).names[0] != CPU:
            session = self._plain.get(clip)
            if session.providers[0] != CPU:
                if mode is Accelerate.WINOGRAD:
                    self._say(f"{opt('accelerate', 'winograd')} is for CPUs; {self.name} runs on "
                              f"{short_name(session.providers[0])} as it is")
                return session
        try:
            return self._get_fast(clip, faces) or self._plain.get(clip)
        except NothingToRewriteError as reason:
            if mode is Accelerate.WINOGRAD:  # otherwise nobody asked
                self._say(f"{self.name} is not accelerated: {reason}")
        except RewriteRefusedError as reason:
            self._say(f"{self.name} is not accelerated: {reason}")
        self._refused = True
        return self._plain.get(clip)

    def _get_fast(self, clip: bool, faces: int) -> Session | None:
        """A session of the rewritten graph; None: it does not pay."""
        threads = 1 if clip else core_count()
        if threads not in self._fast:
            if not self._pays(faces):
                return None
            opened = self._rewritten.open(threads)
            self._fast[threads] = opened.session
            self._say(f"{self.name} runs as a faster rewrite of its graph (equal to {opened.psnr:.0f} dB); "
                      f"{opt('accelerate', 'off')} runs the original")
        return self._fast[threads]

    def _pays(self, faces: int) -> bool:
        if self._options.accelerate is Accelerate.WINOGRAD:
            return True
        cached = self._rewritten.cached
        if faces < (FACES_TO_LOAD if cached else FACES_TO_BUILD):
            return False
        size = self.path.stat().st_size if self.path.is_file() else 0
        needed = min(_BYTES_A_BYTE * size, _MOST_BYTES) + _SPARE_BYTES
        free = self._memory()
        if free is None:
            lack = "how much memory is free is unknown"
        elif free < needed:
            lack = f"that needs {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free"
        elif not cached and self._cache.room < needed:
            lack = f"that needs {needed / 1e9:.1f} GB of disk in {self._cache.folder}"
        else:
            return True
        self._say(f"{self.name} is not accelerated: {lack}; {opt('accelerate', 'winograd')} does it all the same")
        return False

    def _say(self, note: str) -> None:
        self._said.setdefault(Note(note))
