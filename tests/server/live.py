"""A server of the tests' own, in a thread, and pictures to send."""

from __future__ import annotations

import base64
import io
import socket
import threading
import time
from pathlib import Path
from typing import Any

import fakes
import httpx
import numpy as np
from PIL import Image as Pillow

from faceswap_cli.image import Image
from faceswap_cli.options import EngineOptions
from faceswap_cli.server.app import build_app
from faceswap_cli.server.options import ServerOptions
from faceswap_cli.server.uvicorn_server import Server

FIELDS = {"faceswap-v3": ("source_img", "target_img"), "sd2.1-faceswapper": ("input_face_image", "target_face_image")}
FINAL = ("COMPLETED", "FAILED")


def encode(*images: Image, kind: str = "PNG", **more: Any) -> bytes:
    """The bytes of a picture, or of an animation."""
    first, *others = (Pillow.fromarray(image) for image in images)
    file = io.BytesIO()
    first.save(file, kind, **({"save_all": True, "append_images": others, "duration": 40} if others else {}), **more)
    return file.getvalue()


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def uri(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{text(data)}"


SOURCE = encode(fakes.scene((8, 8, 16, fakes.RED)))
TARGET = encode(fakes.scene((4, 4, 20, fakes.BLUE), (40, 20, 12, fakes.BLUE)))
EMPTY = encode(fakes.scene())
CLIP = encode(*(fakes.scene((4 + 2 * step, 4, 20, fakes.BLUE)) for step in range(3)), kind="GIF")


def body(slug: str = "faceswap-v3", source: bytes = SOURCE, target: bytes = TARGET, **more: Any) -> dict[str, Any]:
    """A request with pictures in it."""
    return dict(zip(FIELDS[slug], (uri(source), uri(target)), strict=True)) | more


def pixels(data: bytes) -> Image:
    return np.asarray(Pillow.open(io.BytesIO(data)).convert("RGB"))


def is_red(image: Image, x: int, y: int) -> bool:
    red, green, blue = (int(value) for value in image[y, x])
    return red > 200 and green < 80 and blue < 80


class Clock:
    """The time, which the tests set."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


class Held(fakes.BrightSquares):
    """Swaps when it is let."""

    gate = threading.Event()

    def render(self, plan: Any, image: Image) -> Image:
        assert self.gate.wait(30)
        return super().render(plan, image)


class Live:
    """A running server."""

    def __init__(self, folder: Path, backend: Any = fakes.BrightSquares, **more: Any) -> None:
        arguments = {name: more.pop(name) for name in ("now", "resolve") if name in more}
        self.options = ServerOptions(data_dir=folder / "serve", **more)
        self.opened: list[EngineOptions] = []

        def open_backend(options: EngineOptions) -> Any:
            self.opened.append(options)
            return backend(options)

        self.app = build_app(self.options, open_backend, **arguments)
        self.queue = self.app.state.queue
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self._clients: list[httpx.Client] = []
        started = threading.Event()
        self.server = Server(self.app, started.set)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]})
        self.thread.start()
        assert started.wait(30)

    def client(self, key: str | None = None, **headers: str) -> httpx.Client:
        client = httpx.Client(base_url=self.url, timeout=60, headers=headers | ({"x-api-key": key} if key else {}))
        self._clients.append(client)
        return client

    def end(self, client: httpx.Client, answer: dict[str, Any]) -> httpx.Response:
        """The last answer about the state of a request."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            state = client.get(answer["status_url"])
            if state.json().get("status") in FINAL:
                return state
            time.sleep(0.01)
        raise AssertionError("the request does not end")

    def stop(self) -> None:
        for client in self._clients:
            client.close()
        self.server.should_exit = True
        self.thread.join(60)
        assert not self.thread.is_alive()
        self.socket.close()
