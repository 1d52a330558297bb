"""What restoring does to a picture, with graphs that are simple enough to foretell."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from graphs import Graph, write_restorer

from faceswap_cli.engine.restorers import OnnxRestorer, face_mask
from faceswap_cli.errors import ModelError
from faceswap_cli.faces.align import invert, transform
from faceswap_cli.faces.face import Box, Face
from faceswap_cli.faces.templates import ffhq, similarity
from faceswap_cli.image import Image
from faceswap_cli.models.catalogue import find_spec
from faceswap_cli.options import Interpolation, RestoreOptions, RuntimeOptions
from faceswap_cli.runtime.session import SharedSession

SIDE = 128
"""Of the crops of these tests: the graphs name their own side."""


def pattern(width: int, height: int, cell: int = 5) -> Image:
    """Coloured squares of random shade, smoothed a little: detail everywhere, nothing near black or white."""
    small = np.random.default_rng(7).integers(40, 216, (height // cell + 1, width // cell + 1, 3), dtype=np.uint8)
    large = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.GaussianBlur(large, (0, 0), 1.0), np.uint8)


def plain() -> Image:
    """One colour, far from grey: whatever is resampled stays as it is."""
    return np.full((300, 300, 3), (60, 150, 210), np.uint8)


def face_at(x: float, y: float, size: float, turn: float = 0.0) -> Face:
    """A face whose FFHQ crop is `size` pixels wide, with its middle at x, y, turned clockwise by degrees."""
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    points = (ffhq(1) - 0.5) * size @ np.array([[cos, sin], [-sin, cos]]) + [x, y]
    return Face(box=Box(x - size / 2, y - size / 2, x + size / 2, y + size / 2), score=1.0, landmarks=points)


def footprint(image: Image, face: Face) -> np.ndarray:
    """Which pixels the face's crop covers: bool (H, W)."""
    corners = transform(invert(similarity(face.landmarks, ffhq(SIDE))),
                        np.array([[-1, -1], [SIDE, -1], [SIDE, SIDE], [-1, SIDE]]))
    return cv2.fillConvexPoly(np.zeros(image.shape[:2], np.uint8), np.rint(corners).astype(np.int32), 1) > 0


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("graphs")
    return {
        "identity": write_restorer(folder / "identity.onnx", side=SIDE, gain=1.0),
        "inverse": write_restorer(folder / "inverse.onnx", side=SIDE, gain=-1.0),
        "grey": write_restorer(folder / "grey.onnx", side=SIDE, gain=0.0),
        "loud": write_restorer(folder / "loud.onnx", side=SIDE, gain=50.0),
        "codeformer": write_restorer(folder / "codeformer.onnx", side=SIDE, gain=1.0, weight=True),
    }


def restorer(path: Path, **options: Any) -> OnnxRestorer:
    spec = find_spec("codeformer" if "codeformer" in path.stem else "gfpgan_1.4")
    chosen = RestoreOptions(**{"weight": 1.0, **options})
    return OnnxRestorer(SharedSession(path, RuntimeOptions(), name=spec.id), spec, chosen)


def restored(path: Path, image: Image, face: Face, **options: object) -> Image:
    result = image.copy()
    restorer(path, **options).restore(result, face, clip=False)
    return result


def middle(image: Image, face: Face, radius: int = 3) -> np.ndarray:
    x, y = np.rint(face.landmarks.mean(0)).astype(int)
    return image[y - radius:y + radius + 1, x - radius:x + radius + 1].astype(float)


PLACES = {
    "same size": face_at(150, 140, SIDE, turn=10),
    "small": face_at(60, 70, 40, turn=-25),
    "large": face_at(210, 190, 330, turn=5),
    "clipped": face_at(30, 60, 150),
}


@pytest.mark.parametrize("interpolation", Interpolation)
@pytest.mark.parametrize("place", PLACES)
def test_a_restorer_that_changes_nothing_leaves_the_picture(graphs, place: str, interpolation: Interpolation) -> None:
    image = pattern(420, 380)
    result = restored(graphs["identity"], image, PLACES[place], interpolation=interpolation)
    assert np.abs(result.astype(int) - image).max() <= 2


@pytest.mark.parametrize("interpolation", Interpolation)
@pytest.mark.parametrize("place", PLACES)
def test_the_face_changes_and_nothing_around_it(graphs, place: str, interpolation: Interpolation) -> None:
    image, face = pattern(420, 380), PLACES[place]
    result = restored(graphs["inverse"], image, face, interpolation=interpolation)
    outside = ~footprint(image, face)
    assert np.array_equal(result[outside], image[outside])
    # What was inverted of the crop is, of a face of any size, the local mean.
    means = [cv2.GaussianBlur(picture, (0, 0), 4).astype(float) for picture in (image, result)]
    before, after = (middle(picture, face, radius=8) for picture in means)
    assert np.abs(before + after - 255).mean() < 12
    assert np.abs(before - after).mean() > 15


def test_the_edge_of_the_change_cannot_be_seen(graphs) -> None:
    """On a plain picture the step from a pixel to the next is a small part of the whole change."""
    image = np.full((300, 300, 3), 40, np.uint8)
    result = restored(graphs["grey"], image, face_at(150, 150, 200, turn=15)).astype(int)
    assert result.max() >= 127
    assert max(np.abs(np.diff(result, axis=axis)).max() for axis in (0, 1)) < 0.15 * (127 - 40)


def test_a_large_face_keeps_the_detail_that_its_crop_cannot_show(graphs) -> None:
    """What is finer than the crop is not in the difference; what is coarser is."""
    coarse = np.full((600, 600, 3), 60, np.uint8)
    fine = coarse.copy()
    fine[::2, ::2] += 20
    fine[1::2, 1::2] += 20
    face = face_at(300, 300, SIDE * 4)
    changed = restored(graphs["grey"], fine, face).astype(int)
    inner = changed[270:310, 280:320]
    assert abs(inner.mean() - 127.5) < 3
    assert np.abs(np.diff(inner, axis=0)).mean() > 15


def test_a_grid_finer_than_the_crop_does_not_alias(graphs) -> None:
    """Stripes of two pixels, seen by a crop of a fifth of the size, are grey to it and stay so."""
    image = np.full((700, 700, 3), 90, np.uint8)
    image[:, ::2] = 160
    result = restored(graphs["inverse"], image, face_at(350, 350, SIDE * 5)).astype(float)
    columns = cv2.blur(result, (8, 8))[300:400, 300:400]
    assert columns.max() - columns.min() < 4


def test_weight_blends_where_the_graph_takes_none(graphs) -> None:
    image, face = pattern(300, 300, cell=60), PLACES["same size"]
    whole, half, none = (restored(graphs["inverse"], image, face, weight=weight) for weight in (1.0, 0.5, 0.0))
    assert np.array_equal(none, image)
    expected = (middle(whole, face) + middle(image, face)) / 2
    assert np.abs(middle(half, face) - expected).max() <= 1
    assert np.abs(middle(half, face) - middle(image, face)).max() > 10


def test_weight_is_the_fidelity_input_where_the_graph_has_one(graphs) -> None:
    """The stand-in multiplies the picture's distance from grey by it: 1 changes nothing, 0 makes grey."""
    image, face = plain(), PLACES["same size"]
    whole, half, none = (restored(graphs["codeformer"], image, face, weight=weight) for weight in (1.0, 0.5, 0.0))
    assert np.array_equal(whole, image)
    assert np.abs(middle(half, face) - (middle(image, face) + 127.5) / 2).max() <= 1
    assert np.abs(middle(none, face) - 127.5).max() <= 1


def test_a_fidelity_weight_without_dimensions_is_fed_too(tmp_path: Path) -> None:
    graph = Graph()
    graph.op("Mul", "picture", graph.op("Cast", "weight", to=onnx.TensorProto.FLOAT), out="output")
    path = graph.write(tmp_path / "codeformer.onnx", {"weight": (), "picture": (1, 3, SIDE, SIDE)},
                       {"output": (1, 3, SIDE, SIDE)}, types={"weight": np.float64})
    image, face = plain(), PLACES["same size"]
    assert np.abs(middle(restored(path, image, face, weight=0.0), face) - 127.5).max() <= 1


@pytest.mark.parametrize("kind", ["inverse", "codeformer"])
def test_visibility_blends_after_the_weight(graphs, kind: str) -> None:
    image, face = pattern(300, 300, cell=60), PLACES["same size"]
    weight = 1.0 if kind == "inverse" else 0.0
    whole, half, none = (restored(graphs[kind], image, face, weight=weight, visibility=visibility)
                         for visibility in (1.0, 0.5, 0.0))
    assert np.array_equal(none, image)
    assert np.abs(middle(half, face) - (middle(whole, face) + middle(image, face)) / 2).max() <= 1
    assert np.abs(middle(whole, face) - middle(image, face)).max() > 10


def test_interpolations_differ(graphs) -> None:
    image, face = pattern(300, 300), face_at(150, 150, 70, turn=20)
    results = {restored(graphs["inverse"], image, face, interpolation=kind).tobytes() for kind in Interpolation}
    assert len(results) == len(Interpolation)


def test_values_beyond_white_and_black_are_clipped(graphs) -> None:
    image, face = np.full((300, 300, 3), 140, np.uint8), PLACES["same size"]
    assert (middle(restored(graphs["loud"], image, face), face) == 255).all()
    assert (middle(restored(graphs["loud"], image - 40, face), face) == 0).all()


def test_colours_reach_the_graph_as_red_green_blue(tmp_path: Path) -> None:
    graph = Graph()
    graph.op("Mul", "input", graph.constant(np.array([1.0, 0.0, 0.0]).reshape(1, 3, 1, 1)), out="output")
    path = graph.write(tmp_path / "red.onnx", {"input": (1, 3, SIDE, SIDE)}, {"output": (1, 3, SIDE, SIDE)})
    image = np.full((300, 300, 3), (200, 60, 20), np.uint8)
    red, green, blue = middle(restored(path, image, PLACES["same size"]), PLACES["same size"]).mean((0, 1))
    assert (red, green, blue) == pytest.approx((200, 127.5, 127.5), abs=1)


def test_a_face_mostly_outside_the_picture_is_left(graphs) -> None:
    image = pattern(300, 300)
    assert np.array_equal(restored(graphs["inverse"], image, face_at(-60, 150, 200)), image)
    assert np.array_equal(restored(graphs["inverse"], image, face_at(5000, 150, 200)), image)
    assert not np.array_equal(restored(graphs["inverse"], image, face_at(20, 150, 200)), image)


def test_a_face_without_extent_is_left(graphs) -> None:
    image, face = pattern(300, 300), replace(face_at(150, 150, 100), landmarks=np.full((5, 2), 150.0))
    assert np.array_equal(restored(graphs["inverse"], image, face), image)


def test_68_landmarks_serve_as_well(graphs) -> None:
    from heads import mean_face

    image = pattern(300, 300)
    face = replace(face_at(150, 150, 100), landmarks=mean_face(scale=50, at=(150, 150)))
    result = restored(graphs["inverse"], image, face)
    assert np.abs(result.astype(int) - image)[140:160, 140:160].mean() > 10
    assert np.array_equal(result[:20], image[:20])


def test_frames_restored_in_parallel_are_those_restored_alone(graphs) -> None:
    shared = restorer(graphs["inverse"])
    frames = [np.roll(pattern(300, 300), 7 * shift, axis=1) for shift in range(6)]
    alone = [restored(graphs["inverse"], frame, PLACES["same size"]) for frame in frames]

    def work(frame: Image) -> Image:
        result = frame.copy()
        shared.restore(result, PLACES["same size"], clip=True)
        return result

    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(work, frames))
    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))
    assert shared.name == "gfpgan_1.4"
    assert shared.notes == ()


def write_nan(path: Path) -> Path:
    graph = Graph()
    graph.op("Log", graph.op("Mul", "input", graph.constant(0.0)), out="logs")
    graph.op("Mul", "logs", graph.constant(0.0), out="output")
    return graph.write(path, {"input": (1, 3, SIDE, SIDE)}, {"output": (1, 3, SIDE, SIDE)})


def write_shrinking(path: Path) -> Path:
    graph = Graph()
    graph.op("MaxPool", "input", kernel_shape=[2, 2], strides=[2, 2], out="output")
    return graph.write(path, {"input": (1, 3, SIDE, SIDE)}, {"output": (1, 3, SIDE // 2, SIDE // 2)})


def write_classifier(path: Path) -> Path:
    graph = Graph()
    graph.op("Identity", "input", out="output")
    return graph.write(path, {"input": (1, 512)}, {"output": (1, 512)})


def write_two_pictures(path: Path) -> Path:
    graph = Graph()
    graph.op("Add", "input", "reference", out="output")
    shape = (1, 3, SIDE, SIDE)
    return graph.write(path, {"input": shape, "reference": shape}, {"output": shape})


@pytest.mark.parametrize(("write", "message"), [
    (write_nan, "gfpgan_1.4 gave numbers that are no picture"),
    (write_shrinking, r"gfpgan_1.4 is no restorer: its output has the shape \(1, 3, 64, 64\)"),
    (write_classifier, "gfpgan_1.4 is no restorer: its graph takes or gives no picture"),
    (write_two_pictures, "gfpgan_1.4 has an input 'reference'"),
])
def test_a_graph_that_is_no_restorer_is_refused_and_the_picture_kept(tmp_path: Path, write, message: str) -> None:
    image = pattern(300, 300)
    result = image.copy()
    with pytest.raises(ModelError, match=message):
        restorer(write(tmp_path / "graph.onnx")).restore(result, PLACES["same size"], clip=False)
    assert np.array_equal(result, image)


def test_the_mask_covers_the_features_and_not_the_border() -> None:
    mask = face_mask(512)
    x, y = np.rint(ffhq(512)).astype(int).T
    assert (mask[y, x] == 1).all()
    border = np.ones((512, 512), bool)
    border[12:-12, 12:-12] = False
    assert not mask[border].any()
