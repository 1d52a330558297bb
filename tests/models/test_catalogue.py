"""What must hold for every row, so that adding one is safe."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from faceswap_cli.errors import UsageError
from faceswap_cli.models.catalogue import CATALOGUE, find_spec, of_role
from faceswap_cli.models.spec import ModelRole, ModelSpec, Template
from faceswap_cli.models.store import how_to_get

every_row = pytest.mark.parametrize("spec", CATALOGUE, ids=lambda spec: spec.id)


def test_names_and_files_are_unique_whatever_their_case() -> None:
    names = [name.lower() for spec in CATALOGUE for name in {spec.id.lower(), *map(str.lower, spec.aliases)}]
    assert sorted(set(names)) == sorted(names)
    files = [spec.file.lower() for spec in CATALOGUE]
    assert sorted(set(files)) == sorted(files)


@every_row
def test_what_is_downloaded_is_pinned_and_comes_over_https(spec: ModelSpec) -> None:
    assert Path(spec.file).name == spec.file
    if spec.urls or spec.pack:
        assert spec.sha256 is not None and re.fullmatch(r"[0-9a-f]{64}", spec.sha256)
    for url in spec.urls:
        parts = urlsplit(url)
        assert (parts.scheme, parts.query) == ("https", "") and parts.path.endswith(Path(spec.file).suffix)


@every_row
def test_every_model_can_be_had_somehow(spec: ModelSpec) -> None:
    assert re.match(r"faceswap models (pull|import) ", how_to_get(spec))
    for checkpoint in spec.checkpoints:
        assert re.fullmatch(r"[0-9a-f]{64}", checkpoint.sha256)


@every_row
def test_terms_fit_on_a_line(spec: ModelSpec) -> None:
    assert spec.licence.terms and len(spec.licence.terms) <= 100 and "\n" not in spec.licence.terms
    assert spec.licence.url.startswith("https://")
    assert spec.summary and len(spec.summary) <= 48


@every_row
def test_crops_say_where_the_face_lies(spec: ModelSpec) -> None:
    if spec.role is ModelRole.PACK:
        assert spec.crop is None
        return
    assert spec.crop is not None
    expected = {ModelRole.SWAPPER: Template.ARCFACE, ModelRole.RESTORER: Template.FFHQ, ModelRole.DETECTOR: None}
    assert spec.role not in expected or spec.crop.template is expected[spec.role]


def test_packs_and_their_members_name_each_other() -> None:
    packs = {spec.id: spec.members for spec in CATALOGUE if spec.role is ModelRole.PACK}
    assert set(packs) == {"buffalo_l"}
    for pack, members in packs.items():
        assert set(members) == {spec.id for spec in CATALOGUE if spec.pack == pack}


@pytest.mark.parametrize(("word", "found"), [
    ("GFPGANv1.4.pth", "gfpgan_1.4"), ("GFPGANv1.3.pth", "gfpgan_1.3"), ("codeformer-v0.1.0.pth", "codeformer"),
    ("retinaface_resnet50", "retinaface_resnet50"), ("retinaface_mobile0.25", "retinaface_mobile0.25"),
    ("YOLOv5l", "yolov5l_face"), ("YOLOv5n", "yolov5n_face"), ("Inswapper_128", "inswapper_128"),
    (" buffalo_l ", "buffalo_l")])
def test_the_words_of_the_api_are_known(word: str, found: str) -> None:
    assert find_spec(word).id == found


@pytest.mark.parametrize(("word", "hint"), [
    ("inswaper_128", "did you mean inswapper_128"), ("gfpgan1.4", "gfpgan_1.4"), ("zzz", "faceswap models list")])
def test_an_unknown_name_is_answered_with_the_nearest(word: str, hint: str) -> None:
    with pytest.raises(UsageError, match=re.escape(repr(word))) as caught:
        find_spec(word)
    assert hint in str(caught.value)


def test_the_usual_model_of_a_role_comes_first() -> None:
    first = {role: of_role(role)[0].id for role in ModelRole}
    assert first == {
        ModelRole.SWAPPER: "inswapper_128", ModelRole.DETECTOR: "scrfd_10g", ModelRole.RECOGNISER: "w600k_r50",
        ModelRole.ATTRIBUTES: "genderage", ModelRole.LANDMARKS: "2d106det", ModelRole.RESTORER: "gfpgan_1.4",
        ModelRole.MASK: "xseg", ModelRole.PACK: "buffalo_l"}
