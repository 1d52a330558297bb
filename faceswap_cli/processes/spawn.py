"""Child processes that run a module of this program: how they are started, and how they settle in.

They are plain interpreters, not children of `multiprocessing`, which would run the user's main module again and keep a
process of its own to clean up after itself.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import BinaryIO

_START = ("import sys; sys.path += [path for path in sys.argv[2:] if path not in sys.path]; "
          "import importlib; importlib.import_module(sys.argv[1]).main()")
"""What the interpreter is given to run. Not `-m`, which would look for modules in the current folder first."""

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")

_PR_SET_PDEATHSIG = 1

STOPS = frozenset({signal.SIGINT, signal.SIGTERM})
"""Signals that a child leaves to its parent; to be held back while one is started, until it ignores them."""


def python_command(module: str) -> list[str]:
    """The command line that calls `main` of a module of this program in a new interpreter, which finds what this does.

    The interpreter behaves as this one was told to, and leaves the current folder alone.
    """
    given = {"-I": sys.flags.isolated, "-E": sys.flags.ignore_environment, "-s": sys.flags.no_user_site}
    flags = ["-P", *(flag for flag, is_given in given.items() if is_given),
             *(("-X", "utf8") if sys.flags.utf8_mode else ())]
    return [sys.executable, *flags, "-c", _START, module, *(path for path in sys.path if path)]


def thread_environment(threads: int) -> dict[str, str]:
    """That of this process, with a share of cores for libraries that read it when they are loaded."""
    shares = {}
    for name in _THREAD_VARIABLES:
        given = os.environ.get(name, "")
        shares[name] = str(min(int(given), threads) if given.isdecimal() and int(given) else threads)
    return {**os.environ, **shares}


def leave_signals_to_parent() -> None:
    """Ctrl-C and `kill` of a whole group reach children too; what follows of it, the parent decides."""
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)


def take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The pipes that came as standard input and output, moved out of the reach of what reads and prints there.

    Standard output is standard error from now on, for C libraries too; standard input is empty.
    """
    inbox, outbox = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # standard error is closed
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
    os.close(nowhere)
    if sys.stderr is not None:
        sys.stdout = sys.stderr
    return os.fdopen(inbox, "rb"), os.fdopen(outbox, "wb")


def die_with(parent: int) -> None:
    """Have the system end this process with its parent, even in the middle of a call that holds the interpreter."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:  # it went before that
            os._exit(0)
