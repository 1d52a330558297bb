from __future__ import annotations

import io
import shutil
import stat
import sys
from dataclasses import replace
from pathlib import Path

import graphs
import numpy as np
import pytest
from PIL import Image as PILImage
from refusals import refused
from segmind_api import CANARY, FakeClock, SegmindApi

from faceswap_cli.api_jobs.swap import Remote, check_source, swap_remote
from faceswap_cli.batch.plan.manifest import read_manifest
from faceswap_cli.engine.outcome import SourcePicture
from faceswap_cli.errors import InputError, NoFaceError, UsageError
from faceswap_cli.faces.five_points import camera_of
from faceswap_cli.jobs import saved_faces
from faceswap_cli.jobs.backend import open_backend
from faceswap_cli.jobs.inputs import Inputs
from faceswap_cli.jobs.job import Pair, SwapJob, SwapSpec
from faceswap_cli.jobs.resume.stamps import stamp_sources
from faceswap_cli.jobs.saved_faces import Looker, SaveRequest, open_lookers, save_face
from faceswap_cli.jobs.saved_sheet import draw_sheet, write_sheet
from faceswap_cli.jobs.saved_sources import face_of, read_pictures
from faceswap_cli.jobs.swap import swap_file
from faceswap_cli.library.files import encode, read_face
from faceswap_cli.library.library import Library
from faceswap_cli.models.importing import import_file
from faceswap_cli.models.spec import ModelRole
from faceswap_cli.models.store import ModelStore
from faceswap_cli.options import (
    EngineName,
    EngineOptions,
    GenderFilter,
    Order,
    RemoteOptions,
    SelectOptions,
)

EMBEDDED = EngineOptions(engine=EngineName.EMBEDDED)


@pytest.fixture(autouse=True)
def library(tmp_path, monkeypatch) -> Library:
    monkeypatch.setenv("FACESWAP_FACES_DIR", str(tmp_path / "faces"))
    return Library()


@pytest.fixture(scope="module")
def lookers() -> list[Looker]:
    return open_lookers(EMBEDDED)


def selecting(**choice) -> EngineOptions:
    return EngineOptions(engine=EngineName.EMBEDDED, select=SelectOptions(**choice))


def saved(lookers, name: str, *pictures: Path | str, **more):
    """With an engine of its own, other lookers than the shared ones."""
    if "engine" in more:
        lookers = open_lookers(more["engine"])
    return save_face(SaveRequest(name=name, pictures=tuple(map(str, pictures)), **({"engine": EMBEDDED} | more)),
                     lookers)


def swapped(sources: tuple[str, ...], target: Path, folder: Path, engine: EngineOptions = EMBEDDED) -> np.ndarray:
    out = folder / "out.png"
    swap_file(SwapJob(spec=SwapSpec(sources=sources, engine=engine), target=str(target), output=str(out),
                      overwrite=True),
              open_backend(engine))
    with PILImage.open(out) as image:
        return np.array(image).astype(int)


# --- a saved face serves as its pictures do ---------------------------------------------------------------------------


@pytest.mark.parametrize("names", [("man-1",), ("woman-3",), ("woman-1", "woman-2")])
def test_a_swap_is_the_same_as_with_the_pictures(lookers, assets, tmp_path, names):
    pictures = tuple(str(assets / f"{name}.jpg") for name in names)
    saved(lookers, "anna", *pictures)
    with_pictures = swapped(pictures, assets / "man-2.jpg", tmp_path)
    np.testing.assert_array_equal(swapped(("@anna",), assets / "man-2.jpg", tmp_path), with_pictures)
    with PILImage.open(assets / "man-2.jpg") as target:
        assert np.abs(with_pictures - np.array(target)).max() > 20


def test_of_a_group_the_chosen_face_is_saved_and_what_is_around_it(lookers, assets, tmp_path):
    engine = selecting(order=Order.LEFT_RIGHT, source_index=(2,))
    done = saved(lookers, "boss", assets / "group.jpg", engine=engine)
    (picture,) = done.face.pictures
    with PILImage.open(assets / "group.jpg") as group:
        assert picture.pixels.shape[1] < group.width
    expected = swapped((str(assets / "group.jpg"),), assets / "man-2.jpg", tmp_path, engine)
    np.testing.assert_array_equal(swapped(("@boss",), assets / "man-2.jpg", tmp_path), expected)


def test_orientation_is_applied(lookers, assets, tmp_path):
    exif = PILImage.Exif()
    exif[0x0112] = 6
    with PILImage.open(assets / "man-1.jpg") as upright:
        upright.transpose(PILImage.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
        upright.save(tmp_path / "upright.png")
    one, two = (saved(lookers, name, tmp_path / f"{name}.png").face.pictures[0] for name in ("turned", "upright"))
    np.testing.assert_array_equal(one.pixels, two.pixels)


def test_a_large_face_is_kept_smaller_and_its_points_with_it(lookers, assets, monkeypatch):
    whole = saved(lookers, "whole", assets / "man-1.jpg").face.pictures[0]
    monkeypatch.setattr(saved_faces, "MAX_SIDE", 300)
    small = saved(lookers, "small", assets / "man-1.jpg").face.pictures[0]
    assert max(small.pixels.shape) == 300
    zoom = 300 / max(whole.pixels.shape)
    (there,) = lookers[0].finder.find(small.pixels)
    np.testing.assert_allclose(small.records[0].landmarks, (whole.records[0].landmarks + 0.5) * zoom - 0.5, atol=0.5)
    np.testing.assert_allclose(small.records[0].landmarks, there.landmarks, atol=2.5)


def test_an_engine_that_does_not_know_the_face_looks_at_its_place(lookers, assets):
    """Beside it stands a larger face, which would be the first."""
    done = saved(lookers, "second", assets / "group.jpg", engine=selecting(order=Order.LEFT_RIGHT, source_index=(1,)))
    (picture,) = done.face.pictures
    (known,) = picture.records
    first, *others = lookers[0].finder.find(picture.pixels)
    assert abs(first.box.x1 - known.box[0]) > first.box.width
    assert others
    stranger = replace(picture, records=(replace(known, analyser="another"),))
    done.path.write_bytes(encode(replace(done.face, pictures=(stranger,))))
    found = open_backend(EMBEDDED).prepare_source(read_pictures(done.path, "@second"))
    ((variant,),) = found.people
    assert np.abs(variant.prepared.camera.offset - camera_of(known.landmarks).offset).max() < 2
    gone = replace(known, analyser="another", box=(0.0, 0.0, 20.0, 20.0))
    done.path.write_bytes(encode(replace(done.face, pictures=(replace(picture, records=(gone,)),))))
    with pytest.raises(NoFaceError, match="@second: no face found"):
        open_backend(EMBEDDED).prepare_source(read_pictures(done.path, "@second"))


def test_the_index_and_gender_of_a_source_hold_for_a_saved_face_too(lookers, assets):
    saved(lookers, "anna", assets / "woman-1.jpg")
    pictures = read_pictures(Library().find("anna"), "@anna")
    with pytest.raises(UsageError, match="@anna: source index 1 is out of range"):
        open_backend(selecting(source_index=(1,))).prepare_source(pictures)
    with pytest.raises(NoFaceError, match="@anna: no male face"):
        open_backend(selecting(source_gender=GenderFilter.MALE)).prepare_source(pictures)
    assert open_backend(selecting(source_gender=GenderFilter.FEMALE)).prepare_source(pictures).people


# --- the neural engine ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> str:
    """Stand-ins for the models of the neural engine: bright squares are faces."""
    store, made = ModelStore(tmp_path_factory.mktemp("models")), tmp_path_factory.mktemp("made")
    for name, write, role in (("swap", graphs.write_inswapper, ModelRole.SWAPPER), ("find", graphs.write_scrfd,
                              ModelRole.DETECTOR), ("know", graphs.write_arcface, ModelRole.RECOGNISER),
                              ("tell", graphs.write_genderage, ModelRole.ATTRIBUTES)):
        import_file(store, write(made / f"{name}.onnx"), role=role)
    return str(store.folder)


def test_the_neural_engine_takes_its_own_record_where_the_models_are_the_same(models, tmp_path):
    rng = np.random.default_rng(3)
    image = rng.integers(20, 60, (400, 480, 3)).astype(np.uint8)
    image[120:220, 150:250] = (245 - rng.integers(0, 12, (100, 100, 1))).astype(np.uint8)
    PILImage.fromarray(image).save(tmp_path / "square.png")
    options = EngineOptions(engine=EngineName.NEURAL, models_folder=models)
    lookers = open_lookers(options)
    assert [looker.finder.name for looker in lookers] == ["neural"]
    done = saved([], "square", tmp_path / "square.png", engine=options)
    (record,) = done.face.pictures[0].records
    assert set(record.models) == {"find", "know", "tell"}
    assert (record.analyser, record.landmarks.shape, record.embedding.shape) == ("insightface", (5, 2), (512,))
    backend = open_backend(options)
    with_picture = backend.prepare_source([SourcePicture("a", image)]).people[0][0].prepared
    pictures = read_pictures(done.path, "@square")
    np.testing.assert_array_equal(backend.prepare_source(pictures).people[0][0].prepared, with_picture)
    # Embeddings of another recogniser mean nothing to this one: it looks again.
    other = replace(pictures[0].known[0], models={"know": "0" * 64},
                    face=replace(pictures[0].known[0].face, embedding=np.ones(512, np.float32)))
    again = backend.prepare_source([replace(pictures[0], known=(other,))]).people[0][0].prepared
    np.testing.assert_allclose(again, with_picture, atol=1e-3)


def test_auto_lets_all_engines_that_are_installed_look(models, assets, monkeypatch):
    options = EngineOptions(models_folder=models)
    assert [looker.finder.name for looker in open_lookers(options)] == ["neural", "embedded"]
    assert [looker.finder.name for looker in open_lookers(EMBEDDED)] == ["embedded"]


# --- saving -----------------------------------------------------------------------------------------------------------


def test_the_file_says_who_agreed_and_not_where_the_pictures_lay(lookers, assets, tmp_path, library):
    shutil.copy(assets / "man-1.jpg", tmp_path / "secret-name.jpg")
    done = saved(lookers, "bob", tmp_path / "secret-name.jpg", note="he agreed")
    assert done.path == library.folder / "bob.safetensors"
    content = done.path.read_bytes()
    assert b"he agreed" in content
    assert b"secret" not in content
    assert str(tmp_path).encode() not in content
    back = read_face(done.path, "bob")
    assert (back.name, back.note, back.engines) == ("bob", "he agreed", ("embedded",))
    assert back.program.startswith("faceswap-cli ")
    assert face_of(back.pictures[0].records[0]).gender is not None


@pytest.mark.skipif(sys.platform == "win32", reason="no such permissions")
def test_nobody_else_can_read_it(lookers, assets, library):
    done = saved(lookers, "bob", assets / "man-1.jpg")
    assert stat.S_IMODE(done.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(library.folder.stat().st_mode) == 0o700


def test_an_old_face_is_replaced_only_on_demand(lookers, assets):
    before = saved(lookers, "bob", assets / "man-1.jpg").path.read_bytes()
    with refused(UsageError, "saved face bob already; choose another name, or add --overwrite"):
        saved(lookers, "bob", assets / "man-2.jpg")
    assert Library().find("bob").read_bytes() == before
    saved(lookers, "bob", assets / "man-2.jpg", overwrite=True)
    assert Library().find("bob").read_bytes() != before
    assert [path.name for path in Library().folder.iterdir()] == ["bob.safetensors"]


def test_pictures_without_a_face_are_left_out_and_told(lookers, assets, tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    shutil.copy(assets / "man-1.jpg", folder / "b.jpg")
    PILImage.new("RGB", (80, 80)).save(folder / "a.png")
    (folder / "c.png").write_bytes(b"no picture")
    done = saved(lookers, "bob", folder)
    assert len(done.face.pictures) == 1
    text = "; ".join(done.warnings)
    assert "a.png: no face found, picture not used" in text
    assert "c.png" in text
    with pytest.raises(NoFaceError, match=r"a\.png: no face found, nothing was saved"):
        saved(lookers, "none", folder / "a.png")
    assert not Library().location("none").exists()


def test_pictures_of_different_people_are_told(lookers, assets, monkeypatch):
    pictures = (assets / "man-1.jpg", assets / "woman-4.jpg")
    monkeypatch.setattr(saved_faces, "ONE_PERSON", dict.fromkeys(saved_faces.ONE_PERSON, 0.99))
    done = saved(lookers, "two", *pictures)
    assert any("woman-4.jpg may show somebody else than" in text for text in done.warnings)
    monkeypatch.setattr(saved_faces, "ONE_PERSON", dict.fromkeys(saved_faces.ONE_PERSON, 0.0))
    assert saved(lookers, "two", *pictures, overwrite=True).warnings == ()


def test_one_face_of_each_picture_and_no_more(lookers, assets):
    with pytest.raises(UsageError, match=r"group\.jpg: \d faces are chosen, and a saved face is one person"):
        saved(lookers, "all", assets / "group.jpg", engine=selecting(source_index="all"))
    with pytest.raises(UsageError, match="source index 40 is out of range"):
        saved(lookers, "all", assets / "group.jpg", engine=selecting(source_index=(40,)))


def test_a_saved_face_can_be_saved_with_another_picture(lookers, assets):
    first = saved(lookers, "one", assets / "woman-1.jpg")
    both = saved(lookers, "both", "@one", assets / "woman-2.jpg")
    np.testing.assert_array_equal(both.face.pictures[0].pixels, first.face.pictures[0].pixels)
    assert len(both.face.pictures) == 2


# --- as a source ------------------------------------------------------------------------------------------------------


def test_a_source_is_a_name_or_a_file(lookers, assets, tmp_path):
    done = saved(lookers, "anna", assets / "woman-1.jpg", assets / "woman-2.jpg")
    copy = tmp_path / "sent.safetensors"
    shutil.copy(done.path, copy)
    with Inputs() as inputs:
        named, file = inputs.resolve_sources(("@anna", str(copy)))
        assert (named.name, named.path, named.saved) == ("@anna", done.path, True)
        assert (file.path, file.saved) == (copy, True)
        with pytest.raises(InputError, match="did you mean @anna"):
            inputs.resolve_sources(("@ana",))
        with pytest.raises(InputError, match="no such file"):
            inputs.resolve("@anna")  # as a target it is a path
        plain = inputs.resolve_picture("@anna")
        with PILImage.open(plain.path) as image:
            np.testing.assert_array_equal(np.array(image), done.face.pictures[0].pixels)
    assert [picture.name for picture in read_pictures(copy, "sent")] == ["sent, picture 1", "sent, picture 2"]


def test_a_pair_names_one_as_its_source(lookers, assets, tmp_path):
    saved(lookers, "anna", assets / "woman-1.jpg")
    results = []
    for source in ("@anna", str(assets / "woman-1.jpg")):
        job = SwapJob(spec=SwapSpec(sources=(), engine=EMBEDDED, pairs=(Pair(str(assets / "man-2.jpg"), source),)),
                      target=str(assets / "man-2.jpg"), output=str(tmp_path / "out.png"), overwrite=True)
        assert swap_file(job, open_backend(EMBEDDED)).faces_swapped == 1
        results.append((tmp_path / "out.png").read_bytes())
    assert results[0] == results[1]


def test_the_api_gets_its_first_picture(lookers, assets):
    saved(lookers, "anna", assets / "woman-1.jpg")
    check_source(SwapJob(spec=SwapSpec(sources=("@anna",), remote=RemoteOptions()), target="a.jpg", output="b.jpg"))
    with pytest.raises(InputError, match="did you mean @anna"):
        check_source(SwapJob(spec=SwapSpec(sources=("@ana",), remote=RemoteOptions()), target="a.jpg", output="b.jpg"))


def test_that_the_others_are_not_sent_is_told(lookers, assets, tmp_path, monkeypatch):
    monkeypatch.setenv("SEGMIND_API_KEY", CANARY)
    saved(lookers, "anna", assets / "woman-1.jpg", assets / "woman-2.jpg")
    job = SwapJob(spec=SwapSpec(sources=("@anna",), remote=RemoteOptions()), target=str(assets / "man-1.jpg"),
                  output=str(tmp_path / "out.jpg"))
    with SegmindApi() as api:
        api.picture, api.content_type = (assets / "man-2.jpg").read_bytes(), "image/jpeg"
        with Remote(RemoteOptions(base_url=api.base), tickets=tmp_path / "tickets", clock=FakeClock()) as remote:
            outcome = swap_remote(job, remote)
    assert "@anna has 2 pictures, and the API takes one: the first is sent" in outcome.warnings


def test_a_change_of_a_saved_face_is_noticed(lookers, assets):
    saved(lookers, "anna", assets / "woman-1.jpg")
    before = stamp_sources(("@anna",), {})
    assert stamp_sources(("@anna",), before) == before
    saved(lookers, "anna", assets / "woman-2.jpg", overwrite=True)
    assert stamp_sources(("@anna",), before)["@anna"].sha256 != before["@anna"].sha256


def test_a_manifest_names_saved_faces(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    (tmp_path / "list.csv").write_text("target,source\n@a.jpg,@anna\nb.jpg,me.jpg\n")
    first, second = read_manifest(str(tmp_path / "list.csv"), SwapSpec(engine=EMBEDDED))
    assert (first.target, first.spec.sources) == (str(tmp_path / "@a.jpg"), ("@anna",))
    assert second.spec.sources == (str(tmp_path / "me.jpg"),)


def test_a_damaged_one_stops_the_swap(lookers, assets, tmp_path):
    done = saved(lookers, "anna", assets / "woman-1.jpg")
    done.path.write_bytes(done.path.read_bytes()[:-100])
    with pytest.raises(InputError, match="@anna is no saved face, or damaged"):
        swapped(("@anna",), assets / "man-1.jpg", tmp_path)


# --- to look at -------------------------------------------------------------------------------------------------------


def test_a_sheet_shows_each_picture_once(lookers, assets, tmp_path):
    done = saved(lookers, "anna", *(assets / f"woman-{number}.jpg" for number in (1, 2, 3, 4, 1)))
    sheet = draw_sheet(done.face)
    assert sheet.shape == (2 * 328 + 8, 4 * 328 + 8, 3)
    assert (sheet[:, 4 * 328:] == 32).all()
    assert (sheet[340:, 340:] == 32).all()  # one in the second row
    write_sheet(done.face, tmp_path / "sheet.png")
    with PILImage.open(tmp_path / "sheet.png") as image:
        np.testing.assert_array_equal(np.array(image), sheet)
        assert not image.info
    with pytest.raises(UsageError, match="exists"):
        write_sheet(done.face, tmp_path / "sheet.png")
