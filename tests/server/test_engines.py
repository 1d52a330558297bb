"""The server over real engines: the embedded one, and the neural one on small stand-ins for its models."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import graphs
import numpy as np
import pytest
from live import body, encode, pixels

from faceswap_cli.jobs.backend import open_backend
from faceswap_cli.models.importing import import_file
from faceswap_cli.models.spec import ModelRole
from faceswap_cli.models.store import ModelStore
from faceswap_cli.options import (
    EngineName,
    EngineOptions,
    GenderFilter,
    Interpolation,
    MediaFormat,
    Order,
    RestoreOptions,
)
from faceswap_cli.runtime import session
from faceswap_cli.segmind.schema import Slug, parse_request
from faceswap_cli.server.options import ServerOptions
from faceswap_cli.server.translate import translate


def fill(folder: Path, *more: str) -> EngineOptions:
    """A models folder that a swap can run from."""
    made, store = folder / "made", ModelStore(folder / "models")
    made.mkdir()
    for name, write, role in (
        ("swap", graphs.write_inswapper, ModelRole.SWAPPER), ("find", graphs.write_scrfd, ModelRole.DETECTOR),
        ("know", graphs.write_arcface, ModelRole.RECOGNISER), ("sharpen", graphs.write_restorer, ModelRole.RESTORER),
    ):
        if role is not ModelRole.RESTORER or "restorer" in more:
            import_file(store, write(made / f"{name}.onnx"), role=role)
    return EngineOptions(engine=EngineName.NEURAL, models_folder=str(store.folder))


def warned(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    return json.loads(answer.headers.get("x-faceswap-warnings", "[]"))


def task(engine: EngineOptions | None = None, slug: Slug = Slug.FACESWAP_V3, **more):
    pictures = {"source_img": "a", "target_img": "b"} if slug is Slug.FACESWAP_V3 else \
        {"input_face_image": "a", "target_face_image": "b"}
    return translate(parse_request(slug, pictures | more), ServerOptions(engine=engine or EngineOptions()))


def test_fields_become_options():
    neural = EngineOptions(engine=EngineName.NEURAL)
    found = task(neural, detect_gender_input="male", detect_gender_source="female", detection_face_order="bottom-top",
                 input_faces_index="2, 0,2", source_faces_index="1,1", image_format="webp", image_quality=40,
                 face_restore_weight=0.5, interpolation="Lanczos")
    select, restore = found.engine.select, found.engine.restore
    assert (select.target_gender, select.source_gender) == (GenderFilter.MALE, GenderFilter.FEMALE)
    assert (select.order, select.target_index, select.source_index) == (Order.BOTTOM_TOP, (2, 0), (1, 1))
    assert (restore.weight, restore.interpolation, restore.if_available) == (0.5, Interpolation.LANCZOS, True)
    assert (found.format, found.media.image_quality) == (MediaFormat.WEBP, 40)
    assert "'a'" not in repr(found)  # it may be a whole picture
    for engine in (EngineOptions(), EngineOptions(engine=EngineName.EMBEDDED)):  # has no use for how to restore
        assert task(engine, face_restore_weight=0.5).engine.restore == RestoreOptions(if_available=True)


def test_defaults_are_those_of_the_api():
    found = task()
    assert (found.engine.select.target_index, found.engine.select.source_index) == ((0,), (0,))
    assert (found.engine.restore.weight, found.format, found.media.image_quality) == (0.75, MediaFormat.JPEG, 95)
    other = task(slug=Slug.FACESWAPPER, face_restore=False)
    assert not other.restore and not other.engine.restore.if_available


def test_what_is_asked_for_by_name_and_not_installed_is_told(tmp_path):
    bare = task(fill(tmp_path, "restorer"), face_restore="GFPGANv1.3.pth", facedetection="YOLOv5l")
    assert bare.engine.restore.model is None and bare.engine.restore.if_available
    assert [words in line for words, line in zip(("GFPGANv1.3.pth", "YOLOv5l"), bare.warnings, strict=True)] \
        == [True, True]
    # the defaults of the API are asked for by nobody, but for the restorer something else runs
    assert task(fill_again(tmp_path)).warnings == (bare.warnings[0].replace("GFPGANv1.3.pth", "codeformer-v0.1.0.pth"),)
    assert task().warnings == ()


def fill_again(folder: Path) -> EngineOptions:
    return EngineOptions(engine=EngineName.NEURAL, models_folder=str(folder / "models"))


@pytest.fixture
def heads() -> dict[str, bytes]:
    return {"source": encode(bright((255, 235, 225), 1)), "target": encode(bright((250, 245, 240), 2))}


def bright(colour: tuple[int, int, int], seed: int) -> np.ndarray:
    """A bright square with some structure on a dark picture: what the stand-in detector takes for a face."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 60, (160, 200, 3), dtype=np.uint8)
    image[40:120, 60:140] = np.clip(rng.integers(-20, 1, (80, 80, 3)) + colour, 0, 255)
    return image


def test_the_neural_engine_serves_and_opens_each_graph_once(start, tmp_path, heads, monkeypatch):
    opened = []
    real = session.open_session
    monkeypatch.setattr(session, "open_session", lambda path, *rest, **more: opened.append(path.name)
                        or real(path, *rest, **more))
    live = start(backend=open_backend, workers=2, engine=fill(tmp_path, "restorer"))
    client = live.client()
    for more in ({}, {"face_restore_weight": 0.25}, {"detection_face_order": "left-right"}, {"image_format": "png"}):
        lines = warned(client.post("/v1/faceswap-v3", json=body(**heads, **more)))
        assert not any("not restored" in line for line in lines)
    assert opened and len(opened) == len(set(opened))


def test_the_neural_engine_without_a_restorer_swaps_and_says_so(start, tmp_path, heads):
    live = start(backend=open_backend, engine=fill(tmp_path))
    client = live.client()
    for slug in Slug:
        assert any("not restored" in line for line in warned(client.post(f"/v1/{slug}", json=body(slug, **heads))))


def test_the_embedded_engine_serves_several_at_once_with_equal_bytes(start, assets):
    live = start(backend=open_backend, workers=2)
    client = live.client()
    request = body(source=(assets / "woman-1.jpg").read_bytes(), target=(assets / "man-2.jpg").read_bytes(),
                   detect_gender_source="female")
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: client.post("/v1/faceswap-v3", json=request), range(6)))
    assert any("not restored" in line for line in warned(answers[0]))
    assert len({answer.content for answer in answers}) == 1
    target = pixels((assets / "man-2.jpg").read_bytes())
    assert pixels(answers[0].content).shape == target.shape
    assert (pixels(answers[0].content) != target).any()
