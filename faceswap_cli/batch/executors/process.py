"""A worker process from the outside."""

from __future__ import annotations

import contextlib
import pickle
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faceswap_cli.batch.executors.messages import WorkerSetup
from faceswap_cli.processes.protocol import pack, pass_greeting, receive
from faceswap_cli.processes.spawn import python_command, thread_environment

_CHILD = "faceswap_cli.batch.executors.child"
"""What it runs."""

_END_SECONDS = 2.0
"""Time to end by itself, for a worker with nothing to do."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A worker said something.

    Attributes:
        process: Which worker.
        message: A record of `messages`, or an ItemResult.
    """

    process: WorkerProcess
    message: object


@dataclass(frozen=True, slots=True)
class Gone:
    """A worker process has ended, however, and was cleaned up after."""

    process: WorkerProcess


class WorkerProcess:
    """One spawned process, and the thread that listens to it.

    Attributes:
        number: Of the worker; a replacement has that of the one it replaces.
        born: When it was started, by `time.monotonic`.
    """

    def __init__(self, number: int, setup: WorkerSetup, folder: Path, say: Callable[[Heard | Gone], None]) -> None:
        """Start the process; it is heard of when it is ready.

        Args:
            number: Of the worker.
            setup: What it is to do.
            folder: For its temporary files; removed when it has ended.
            say: Called by the listening thread for all that happens.

        Raises:
            OSError: The system starts no more processes.
        """
        self.number = number
        self.born = time.monotonic()
        self._folder = folder
        self._say = say
        self._process = subprocess.Popen(
            python_command(_CHILD), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**thread_environment(setup.threads), "TMPDIR": str(folder)})
        self.send(setup)
        threading.Thread(target=self._listen, name=f"faceswap-worker-{number}", daemon=True).start()

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def send(self, message: object) -> None:
        """Say something to it, which it waits for. That it has gone meanwhile is told by `Gone`, not here."""
        stream = self._process.stdin
        assert stream is not None
        with contextlib.suppress(OSError, ValueError):
            stream.write(pack(message))
            stream.flush()

    def end(self) -> None:
        """Let it end: it does as soon as it notices."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # of what could not be written before
            self._process.stdin.close()

    def kill(self) -> None:
        """End it now."""
        self._process.kill()

    def wait(self) -> None:
        """Until it has ended; one that does not is killed."""
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def describe_end(self) -> str:
        """How it ended: `was ended by SIGSEGV`, `ended with exit code 3`."""
        code = self._process.returncode
        if code is None or code >= 0:
            return f"ended with exit code {code}"
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return f"was ended by {name}" + (", as by a system that runs out of memory" if name == "SIGKILL" else "")

    def _listen(self) -> None:
        """Runs in a thread of its own until the process has ended."""
        stream = self._process.stdout
        assert stream is not None
        try:
            pass_greeting(stream)
            while True:
                self._say(Heard(self, receive(stream)))
        except (EOFError, OSError, ValueError, pickle.UnpicklingError, MemoryError):  # gone, or talking nonsense
            self.end()
            self.wait()
            stream.close()
        finally:
            self._say(Gone(self))
