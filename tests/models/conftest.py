"""A faulty site, and small rows in place of the catalogue."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from faulty_site import BODY, Site, sha, zip_of

from faceswap_cli.models.catalogue import INSIGHTFACE, YOLOV5_FACE
from faceswap_cli.models.spec import Family, ModelRole, ModelSpec


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy stands between the tests and their site, and no variable says where models are."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FACESWAP_OFFLINE", "FACESWAP_MODELS_MIRROR",
                 "FACESWAP_MODELS_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.stop.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def row() -> Callable[..., ModelSpec]:
    """A row of a model whose bytes are BODY."""
    def make(*urls: str, data: bytes = BODY, **other: object) -> ModelSpec:
        values: dict[str, object] = {
            "id": "tiny", "role": ModelRole.DETECTOR, "family": Family.YOLOV5_FACE, "file": "tiny.onnx",
            "licence": YOLOV5_FACE, "summary": "a tiny model", "sha256": sha(data), "bytes": len(data), "urls": urls,
            **other}
        return ModelSpec(**values)
    return make


@dataclass
class Pack:
    """A pack of two models, and the zip that holds them."""

    spec: ModelSpec
    members: tuple[ModelSpec, ModelSpec]
    data: dict[str, bytes]
    zipped: bytes

    @property
    def rows(self) -> tuple[ModelSpec, ...]:
        return (self.spec, *self.members)


@pytest.fixture
def pack(row: Callable[..., ModelSpec]) -> Callable[..., Pack]:
    def make(*urls: str, entries: dict[str, bytes] | None = None, zipped: bytes | None = None) -> Pack:
        data = {"finder.onnx": b"finder" * 900, "namer.onnx": b"namer" * 900}
        packed = zipped if zipped is not None else zip_of(
            entries if entries is not None else {f"buffalo/{name}": content for name, content in data.items()})
        finder, namer = (
            row(data=content, id=name.removesuffix(".onnx"), file=name, pack="buffalo", licence=INSIGHTFACE, role=role,
                bytes=None)
            for (name, content), role in zip(data.items(), (ModelRole.DETECTOR, ModelRole.RECOGNISER), strict=True))
        spec = row(*urls, data=packed, id="buffalo", file="buffalo.zip", role=ModelRole.PACK, family=Family.PACK,
                   licence=INSIGHTFACE, members=("finder", "namer"))
        return Pack(spec, (finder, namer), data, packed)
    return make


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"
