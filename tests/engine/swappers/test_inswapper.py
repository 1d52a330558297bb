from __future__ import annotations

import contextlib
import io
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from types import SimpleNamespace

import cv2
import graphs
import numpy as np
import pytest
from heads import portrait
from refusals import refused

from faceswap_cli.engine.swappers.emap import read_emap
from faceswap_cli.engine.swappers.inswapper import InswapperSwapper
from faceswap_cli.errors import ExitCode, ModelError, UsageError
from faceswap_cli.faces.face import Box, Face
from faceswap_cli.faces.paste import covered, cut
from faceswap_cli.faces.templates import arcface, enlarged, estimate, five_points
from faceswap_cli.models.spec import Crop, Family, Licence, ModelRole, ModelSpec, Template
from faceswap_cli.options import Accelerate, MaskKind, RuntimeOptions, SwapOptions
from faceswap_cli.runtime.accelerate import AcceleratedSession
from faceswap_cli.runtime.session import SharedSession

RUNTIME = RuntimeOptions(accelerate=Accelerate.OFF)
LICENCE = Licence("none", "none", "", commercial=True)


def spec(family=Family.INSWAPPER, side=128, **more):
    crop = Crop(side, Template.ARCFACE, *((0.5, 0.5) if family is Family.HYPERSWAP else ()))
    return ModelSpec(id="stand_in", role=ModelRole.SWAPPER, family=family, file="stand_in.onnx", licence=LICENCE,
                     summary="", **{"crop": crop, **more})


def swapper(path, options=None, row=None, **more):
    row, options = row or spec(), options or SwapOptions()
    session = AcceleratedSession(path, RUNTIME, name=row.id, sha256="0" * 64)
    return InswapperSwapper(session, row, options, **more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("graphs")


@pytest.fixture(scope="module")
def plain(folder):
    return graphs.write_inswapper(folder / "plain.onnx")


@pytest.fixture(scope="module")
def echo(folder):
    return graphs.write_inswapper(folder / "echo.onnx", echo=1.0)


def source(seed=1):
    return Face(box=Box(0, 0, 1, 1), score=1.0, landmarks=arcface(112), embedding=graphs.identity(seed))


@cache
def target():
    """A portrait and its face with five landmarks, as the neural analyser gives them."""
    found = portrait("woman-2")
    return found.pixels, Face(box=found.face.box, score=1.0, landmarks=five_points(found.face.landmarks))


def swapped(part, image, face, *sources, memory=None):
    result = image.copy()
    prepared = [part.prepare(image, one) for one in sources or (source(),)]
    warned = part.swap(result, face, part.decide(image, prepared, face, memory))
    assert warned == ()
    return result


def insightfaces(path):
    """insightface's own class on the same graph. It prints."""
    inswapper = pytest.importorskip("insightface.model_zoo.inswapper")
    session = SharedSession(path, RUNTIME, name="oracle").get()
    with contextlib.redirect_stdout(io.StringIO()) as said:
        theirs = inswapper.INSwapper(str(path), session)
    assert "inswapper-shape" in said.getvalue()
    return theirs


def their_swap(theirs, image, face, one, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return theirs.get(np.ascontiguousarray(image[..., ::-1]), SimpleNamespace(kps=face.landmarks),
                          SimpleNamespace(normed_embedding=one.embedding), **how)


def psnr(one, other):
    error = np.mean((one.astype(np.float64) - other) ** 2)
    return np.inf if error == 0 else 10 * np.log10(255 ** 2 / error)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_drawn_face_is_that_of_insightface_on_the_same_graph(plain, seed):
    image, face = target()
    ours, theirs = swapper(plain), insightfaces(plain)
    decision = ours.decide(image, [ours.prepare(image, source(seed))], face)
    for points in (face.landmarks, face.landmarks * 0.2 + 50, (face.landmarks - 200) * 3, face.landmarks[:, ::-1] + 9):
        there = Face(box=face.box, score=1.0, landmarks=points)
        wanted, matrix = their_swap(theirs, image, there, source(seed), paste_back=False)
        crop = cut(image, estimate(points, "arcface", 128), 128)
        drawn = ours.draw(ours._session.get(), crop, decision.latent)
        assert np.abs(estimate(points, "arcface", 128) - matrix).max() < 1e-3
        assert np.abs(drawn.astype(int) - wanted[..., ::-1]).max() <= 1
        assert psnr(drawn, wanted[..., ::-1]) > 55


def test_a_whole_swap_is_that_of_insightface(plain):
    image, face = target()
    theirs = their_swap(insightfaces(plain), image, face, source())[..., ::-1]
    ours = swapped(swapper(plain), image, face)
    region = covered(estimate(face.landmarks, "arcface", 128), 128, (image.shape[1], image.shape[0]))
    part = np.s_[region.y0:region.y1, region.x0:region.x1]
    assert psnr(ours[part], theirs[part]) > 50
    assert psnr(image[part], theirs[part]) < 30
    ours[part] = image[part]
    assert np.array_equal(ours, image)


@pytest.mark.parametrize("kind", [{"dtype": np.float16}, {"external": True}, {"batch": "N"}])
def test_other_exports_of_the_graph_draw_the_same(folder, plain, kind):
    image, face = target()
    other = graphs.write_inswapper(folder / f"{next(iter(kind))}.onnx", **kind)
    ours = swapped(swapper(plain), image, face)
    assert np.abs(swapped(swapper(other), image, face).astype(int) - ours).max() <= (2 if "dtype" in kind else 0)


def test_the_identity_decides_what_is_drawn(plain):
    image, face = target()
    part = swapper(plain)
    one, other = swapped(part, image, face, source(1)), swapped(part, image, face, source(2))
    assert (one != other).any(2).mean() > 0.05
    # However long the embedding is.
    longer = Face(box=Box(0, 0, 1, 1), score=1.0, landmarks=arcface(112), embedding=3 * graphs.identity(1))
    assert np.abs(swapped(part, image, face, longer).astype(int) - one).max() <= 1


def test_of_several_pictures_the_mean_identity_is_drawn(plain):
    image, face = target()
    part = swapper(plain)
    both = [part.prepare(image, source(seed)) for seed in (1, 2)]
    decision = part.decide(image, both, face)
    assert decision.number is None
    mean = graphs.identity(1) + graphs.identity(2)
    wanted = part.decide(
        image, [part.prepare(image, Face(box=Box(0, 0, 1, 1), score=1.0, landmarks=arcface(112), embedding=mean))],
        face)
    assert np.allclose(decision.latent, wanted.latent, atol=1e-6)
    assert np.linalg.norm(decision.latent) == pytest.approx(1, abs=1e-6)


def test_hyperswap_takes_identities_as_they_are_and_pixels_around_zero(folder):
    image, face = target()
    path = graphs.write_hyperswap(folder / "hyper.onnx", echo=1.0)
    row = spec(Family.HYPERSWAP, 256)
    part = swapper(path, row=row)
    decision = part.decide(image, [part.prepare(image, source())], face)
    assert np.array_equal(decision.latent, graphs.identity(1)[None])
    crop = cut(image, estimate(face.landmarks, "arcface", 256), 256)
    echoed = part.draw(part._session.get(), crop, decision.latent)
    assert np.abs(echoed.astype(int) - crop).max() <= 1
    drawing = swapper(graphs.write_hyperswap(folder / "hyper2.onnx"), row=row)
    assert (swapped(drawing, image, face) != image).any(2).mean() > 0.05


@pytest.mark.parametrize("names", [{"target": "a", "source": "b"}, {}])
def test_inputs_are_found_by_name_or_shape(folder, names):
    import onnx

    model = onnx.load(graphs.write_inswapper(folder / "named.onnx"))
    for value in model.graph.input:
        value.name = {"target": "a", "source": "b"}[value.name]
    for node in model.graph.node:
        node.input[:] = [{"target": "a", "source": "b"}.get(name, name) for name in node.input]
    path = folder / "renamed.onnx"
    onnx.save(model, path)
    image, face = target()
    wanted = swapped(swapper(folder / "named.onnx"), image, face)
    assert np.array_equal(swapped(swapper(path, row=spec(inputs=names)), image, face), wanted)


# --- pixel boost ---


@pytest.mark.parametrize("batch", [1, "N"])
@pytest.mark.parametrize("times", [2, 3, 4])
def test_a_boosted_echo_is_the_larger_crop(folder, times, batch):
    image, face = target()
    path = graphs.write_inswapper(folder / f"echo{batch}.onnx", echo=1.0, batch=batch)
    part = swapper(path, SwapOptions(size=128 * times))
    latent = part.decide(image, [part.prepare(image, source())], face).latent
    matrix = enlarged(estimate(face.landmarks, "arcface", 128), times)
    crop = cut(image, matrix, 128 * times)
    drawn = part.draw(part._session.get(), crop, latent)
    assert drawn.shape == crop.shape and psnr(drawn, crop) > 48
    assert np.abs(drawn.astype(int) - crop).max() <= 1


def test_boosting_keeps_detail_that_the_model_alone_loses(echo):
    """A face larger than the crop, echoed: the more pixels, the more of it is left."""
    image, face = target()
    image = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(0).normal(0, 12, image.shape)
    image = np.clip(image + cv2.GaussianBlur(noise, (0, 0), 1), 0, 255).astype(np.uint8)
    face = Face(box=face.box, score=1.0, landmarks=face.landmarks * 2 + 0.5)
    quality = [psnr(swapped(swapper(echo, SwapOptions(size=size)), image, face), image) for size in (None, 256, 512)]
    assert quality[0] + 1 < quality[1] < quality[2] - 1


def test_a_boosted_crop_shows_each_run_the_same_face(plain):
    """All small crops show the whole face: what is drawn keeps its place and its colour."""
    image, face = target()
    one, two = (swapped(swapper(plain, SwapOptions(size=size)), image, face) for size in (128, 256))
    blurred = [cv2.GaussianBlur(result, (0, 0), 6) for result in (one, two)]
    assert psnr(*blurred) > 40


@pytest.mark.parametrize(("size", "side"), [(384, 256), (128, 256)])
def test_a_size_that_the_model_has_no_multiple_of_is_refused(folder, size, side):
    path = graphs.write_hyperswap(folder / "sized.onnx")
    with refused(UsageError, f"--swap-size {size}.*{side}.*stand_in"):
        swapper(path, SwapOptions(size=size), row=spec(Family.HYPERSWAP, side))


# --- around it ---


def test_frames_swapped_in_parallel_are_those_swapped_alone(plain):
    image, face = target()
    part = swapper(plain)
    clip = part.open_clip(20)
    decision = part.decide(image, [part.prepare(image, source())], face, clip)
    assert decision.clip and decision.faces_ahead == 20
    wanted = swapped(part, image, face)

    def frame(_):
        result = image.copy()
        part.swap(result, face, decision)
        return result

    with ThreadPoolExecutor(4) as pool:
        assert all(np.array_equal(result, wanted) for result in pool.map(frame, range(12)))


def test_the_session_is_told_of_the_faces_ahead(plain):
    image, face = target()
    asked = []
    inner = SharedSession(plain, RUNTIME, name="stand_in")

    class Sessions:
        path, notes = plain, ("it ran",)

        def get(self, clip=False, faces_ahead=None):
            asked.append((clip, faces_ahead))
            return inner.get(clip)

    part = InswapperSwapper(Sessions(), spec(), SwapOptions(size=256))
    swapped(part, image, face)
    swapped(part, image, face, memory=part.open_clip(10))
    swapped(part, image, face, memory=part.open_clip(None))
    assert asked == [(False, 4), (True, 40), (True, None)]
    assert part.notes == ("it ran",)


def test_68_landmarks_serve_as_well(plain):
    image, face = target()
    whole = portrait("woman-2").face
    assert np.array_equal(swapped(swapper(plain), image, whole), swapped(swapper(plain), image, face))


def test_a_face_outside_the_picture_or_without_extent_changes_nothing(plain):
    image, face = target()
    for points in (face.landmarks + 5000, np.full((5, 2), 100.0)):
        assert np.array_equal(swapped(swapper(plain), image, Face(box=face.box, score=1.0, landmarks=points)), image)


def test_a_picture_of_one_pixel(plain):
    image = np.full((1, 1, 3), 9, np.uint8)
    assert swapped(swapper(plain), image,
                   Face(box=Box(0, 0, 1, 1), score=1.0, landmarks=arcface(128) - 64)).shape == (1, 1, 3)


# --- what is wrong ---


def test_a_source_without_embedding_names_the_way_to_one(plain):
    with pytest.raises(ModelError, match="models pull buffalo_l") as caught:
        swapper(plain).prepare(target()[0], target()[1])
    assert caught.value.exit_code is ExitCode.MODEL


def test_an_embedding_of_another_kind_is_refused(plain):
    face = Face(box=Box(0, 0, 1, 1), score=1.0, landmarks=arcface(112), embedding=np.ones(128, np.float32))
    with pytest.raises(ModelError, match=r"512.*128"):
        swapper(plain).prepare(target()[0], face)


def test_a_graph_of_another_kind_is_refused(folder, plain):
    image, face = target()
    part = swapper(graphs.write_restorer(folder / "other.onnx", side=128), row=spec(Family.HYPERSWAP, 128))
    with pytest.raises(ModelError, match="stand_in is no swapper"):
        swapped(part, image, face)
    part = swapper(plain, row=spec(side=256))
    with pytest.raises(ModelError, match=r"256 pixels.*128"):
        swapped(part, image, face)


def test_numbers_that_are_none_are_told(folder):
    image, face = target()
    path = graphs.write_inswapper(folder / "nan.onnx", echo=float("nan"))
    before = image.copy()
    with pytest.raises(ModelError, match="fp16"):
        swapped(swapper(path), image, face)
    assert np.array_equal(image, before)


def test_the_occlusion_mask_needs_its_model(plain):
    with pytest.raises(ModelError, match="models pull xseg"):
        swapper(plain, SwapOptions(masks=(MaskKind.BOX, MaskKind.OCCLUSION)))


@pytest.mark.parametrize("kind", [{}, {"external": True}, {"dtype": np.float16}])
def test_the_matrix_is_read_from_the_end_of_the_graph(folder, kind):
    path = graphs.write_inswapper(folder / f"emap{len(kind)}{kind.get('external')}.onnx", **kind)
    matrix = read_emap(path)
    assert matrix.dtype == np.float32 and matrix.shape == (512, 512)
    assert np.abs(matrix - graphs.emap()).max() < (1e-3 if "dtype" in kind else 1e-9)


def test_a_matrix_that_was_moved_is_told(folder):
    path = graphs.write_inswapper(folder / "moved.onnx", last=False)
    with pytest.raises(ModelError, match=r"last initializer.*published"):
        read_emap(path)


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><html></html>" * 40, bytes(1000), b"\x3a\xff\xff\xff"])
def test_a_file_that_is_no_graph_is_told(tmp_path, content):
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.onnx") as caught:
        read_emap(path)
    assert caught.value.exit_code is ExitCode.MODEL


def test_a_graph_cut_short_is_told(tmp_path, plain):
    path = tmp_path / "short.onnx"
    path.write_bytes(plain.read_bytes()[:-1000])
    with pytest.raises(ModelError, match=r"short\.onnx"):
        read_emap(path)
