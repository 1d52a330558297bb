"""Runs the server until it is stopped."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from faceswap_cli.errors import MissingDependencyError, OutputError, UsageError
from faceswap_cli.server.options import ServerOptions
from faceswap_cli.text import opt

INSTALL = "pip install 'faceswap-cli[serve]'"


def serve(options: ServerOptions, say: Callable[[str], None] = lambda line: None) -> None:
    """Serve until SIGINT or SIGTERM; what is at work is finished first, unless a second signal comes (SystemExit).

    To be called in the main thread.

    Args:
        options: How it runs.
        say: Told which engine was taken and, once requests are, where; a line each.

    Raises:
        MissingDependencyError: The extra `serve` is not installed.
        UsageError: Another server uses the data folder, or the keys cannot be read.
        ModelError: The engine that is asked for is not installed.
        OutputError: The address or the data folder cannot be used.
    """
    try:
        from faceswap_cli.server.uvicorn_server import Server
    except ImportError as error:
        raise MissingDependencyError(f"faceswap serve needs {error.name}, which is not installed",
                                     command=INSTALL) \
            from error
    from faceswap_cli.jobs import backend
    from faceswap_cli.server.app import build_app, data_folder

    engine = backend.open_backend(options.engine)  # what is missing is told now, not to the first client
    with _alone(data_folder(options)), _listening(options) as listener:
        app = build_app(options, backend.open_backend)
        url = _url(options, listener)
        for note in engine.notes:
            say(note)
        server = Server(app, lambda: say(f"serving {url} (Ctrl-C to stop)"), options.job_seconds)
        server.run(sockets=[listener])
        if server.forced_by is not None:
            raise SystemExit(128 + server.forced_by)
        if not server.started:
            raise OutputError("the server could not start", advice="its log says why")


@contextmanager
def _listening(options: ServerOptions) -> Iterator[socket.socket]:
    """A socket at the address; raises OutputError: it is taken, not of this machine, or not allowed."""
    host = options.host.removeprefix("[").removesuffix("]")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, options.port, type=socket.SOCK_STREAM,
                                                      flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            if sys.platform != "win32":  # there it would let two servers have one port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        raise OutputError(f"cannot listen at {options.host} port {options.port}: {error.strerror or error}",
                          advice=f"choose another {opt('port')} or {opt('host')}") from error
    with listener:
        yield listener


def _url(options: ServerOptions, listener: socket.socket) -> str:
    """Where the server is found."""
    if options.root:
        return options.root
    host = options.host.removeprefix("[").removesuffix("]")
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other servers away from a data folder."""
    from filelock import FileLock, Timeout

    from faceswap_cli.files.atomic import explain_failure

    lock: FileLock = FileLock(folder / "serve.lock", blocking=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise UsageError(f"another server uses {folder}",
                         advice=f"end it, or choose another {opt('data-dir')}") from None
    except OSError as error:
        raise OutputError(explain_failure(str(folder), folder, error)) from error
    try:
        yield
    finally:
        lock.release()
