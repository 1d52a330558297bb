"""A worker that does what the name of an item says; a real part in real worker processes."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from faceswap_cli.batch.items import Item, ItemResult, Status
from faceswap_cli.files.atomic import AtomicFile
from faceswap_cli.jobs.resume.stamps import Stamp


class Obedient:
    """Items are named by what they do: `ok`, `sleep 0.1`, `kill`; `once kill` does so only the first time."""

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def run(self, item: Item) -> ItemResult:
        words = item.name.split()
        output = item.job.output_path
        assert output is not None
        with output.with_suffix(".begun").open("a", encoding="ascii") as file:
            file.write(f"{os.getpid()}\n")
        if words[0] == "once":
            if len(output.with_suffix(".begun").read_text(encoding="ascii").splitlines()) == 1:
                self._do(words[1:], item)
        else:
            self._do(words, item)
        return ItemResult(item=item, status=Status.DONE, output=Stamp(self.threads, os.getpid(), item.key))

    def _do(self, words: list[str], item: Item) -> None:
        assert item.job.output_path is not None
        match words:
            case ["ok"]:
                pass
            case ["sleep", seconds]:
                time.sleep(float(seconds))
            case ["raise"]:
                raise ValueError("two\nlines")
            case ["kill"]:
                os.kill(os.getpid(), signal.SIGKILL)
            case ["crash"]:
                import resource

                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
                ctypes.string_at(0)
            case ["exit"]:
                os._exit(3)
            case ["hang"]:
                ctypes.PyDLL(None).sleep(60)  # with the interpreter held, as a library in an endless loop
            case ["hog"]:
                hoard = []
                while True:
                    hoard.append(bytearray(os.urandom(1) * 5_000_000))
                    time.sleep(0.005)
            case ["chatter"]:
                print("from Python")
                os.write(1, b"from C\n")
            case ["read"]:
                assert sys.stdin.read() == ""
            case ["half"]:
                half = AtomicFile(item.job.output_path)
                half.file.write(b"half")
                half.file.flush()
                self._do(["kill"], item)
            case ["finish"]:
                with AtomicFile(item.job.output_path, overwrite=item.job.overwrite) as file:
                    file.file.write(b"whole")
                    file.commit()
                self._do(["kill"], item)
            case ["litter"]:
                Path(os.environ["TMPDIR"], "litter").write_bytes(b"x")
                self._do(["kill"], item)
            case _:
                raise AssertionError(words)


class Stillborn:
    """Cannot be made."""

    def __init__(self, threads: int) -> None:
        raise RuntimeError("no such library")


class DeadOnArrival:
    """Takes the process with it when it is made."""

    def __init__(self, threads: int) -> None:
        os._exit(9)


class Lambda:
    """Its results cannot be sent."""

    def __init__(self, threads: int) -> None:
        pass

    def run(self, item: Item) -> ItemResult:
        cannot_be_pickled: Any = lambda: None  # noqa: E731 (a lambda is what pickle refuses)
        return ItemResult(item=item, status=Status.DONE, sources={"a": cannot_be_pickled})
