from __future__ import annotations

import io
import json
import os
import sys
from fractions import Fraction
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from faceswap_cli.batch.plan.manifest import COLUMNS, read_manifest
from faceswap_cli.errors import InputError, UsageError
from faceswap_cli.jobs.job import Pair, SwapSpec
from faceswap_cli.options import (
    EngineName,
    EngineOptions,
    GenderFilter,
    Interpolation,
    MaskKind,
    MediaFormat,
    MediaOptions,
    OnNoFace,
    Order,
    RestoreOptions,
    VideoCodec,
    VideoOptions,
)
from faceswap_cli.trim import Trim


def read(folder, data: str | bytes, name="list.csv", engine=None, media=None):
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_manifest(str(path), SwapSpec(engine=engine or EngineOptions(), media=media or MediaOptions()))


def test_a_row_says_what_differs_and_the_rest_is_as_for_all(tmp_path):
    engine = EngineOptions(engine=EngineName.NEURAL,
                           restore=RestoreOptions(model="gfpgan_1.4", if_available=False, weight=0.5))
    rows = read(tmp_path, "target,source,output,order,target_index,restore_weight,on_no_face\n"
                          "a.jpg,me.jpg,x/a.png,left-right,\"0,2\",,copy\n"
                          "b.jpg,,,,,0.25,\n", engine=engine)
    first, second = rows
    assert (first.target, first.spec.sources, first.output) == (f"{tmp_path}/a.jpg", (f"{tmp_path}/me.jpg",), "x/a.png")
    assert (first.spec.engine.select.order, first.spec.engine.select.target_index) == (Order.LEFT_RIGHT, (0, 2))
    assert first.spec.engine.restore == engine.restore
    assert first.spec.on_no_face is OnNoFace.COPY
    assert (second.spec.sources, second.output, second.spec.on_no_face) == ((), None, OnNoFace.FAIL)
    assert second.spec.engine.restore == RestoreOptions(model="gfpgan_1.4", if_available=False, weight=0.25)
    assert second.spec.engine.engine is EngineName.NEURAL


def test_every_column_does_something(tmp_path):
    values = {"order": "top-bottom", "target_index": "all", "source_index": "0,0,1", "target_gender": "female",
              "source_gender": "Male", "engine": "neural", "swapper": "inswapper_128", "swap_size": "256",
              "mask": "box,hull", "keep_mouth": "yes", "detector": "scrfd_10g", "detector_size": "320",
              "detector_score": "0.3", "restore": "codeformer", "restore_weight": "0.1", "restore_visibility": "0.9",
              "interpolation": "lanczos", "image_format": "jpg", "image_quality": "80", "max_pixels": "1000",
              "provenance": "false", "on_no_face": "skip", "reference_threshold": "0.3", "min_similarity": "0.25",
              "trim": "0:01-0:02.5", "video_codec": "vp9", "crf": "30", "preset": "fast", "keep_fps": "no",
              "label": "made by AI", "keep_metadata": "true"}
    assert set(values) | {"target", "source", "reference", "pair", "output"} == set(COLUMNS)
    row, = read(tmp_path, json.dumps({"target": "a.jpg", **values}))
    select, swap, restore = row.spec.engine.select, row.spec.engine.swap, row.spec.engine.restore
    assert (select.order, select.target_index, select.source_index) == (Order.TOP_BOTTOM, "all", (0, 0, 1))
    assert (select.target_gender, select.source_gender) == (GenderFilter.FEMALE, GenderFilter.MALE)
    assert (swap.model, swap.size, swap.masks, swap.keep_mouth) == ("inswapper_128", 256,
                                                                    (MaskKind.BOX, MaskKind.HULL), True)
    detector = row.spec.engine.detector
    assert (detector.model, detector.size, detector.score) == ("scrfd_10g", 320, 0.3)
    assert restore == RestoreOptions(model="codeformer", if_available=False, weight=0.1, visibility=0.9,
                                     interpolation=Interpolation.LANCZOS)
    assert row.spec.media == MediaOptions(image_format=MediaFormat.JPEG, image_quality=80, max_pixels=1000,
                                          provenance=False, trim=Trim(Fraction(1), Fraction(5, 2)),
                                          video=VideoOptions(VideoCodec.VP9, 30, "fast", keep_fps=False),
                                          label="made by AI", keep_metadata=True)
    assert (row.spec.engine.engine, row.spec.on_no_face) == (EngineName.NEURAL, OnNoFace.SKIP)
    assert (select.reference_threshold, row.spec.min_similarity, row.spec.engine.measure) == (0.3, 0.25, True)
    for column in values:
        alone, = read(tmp_path, json.dumps({"target": "a.jpg", column: values[column]}))
        assert alone.spec != SwapSpec()


def test_a_row_says_who_gets_whose_face(tmp_path):
    one, two = read(tmp_path, json.dumps({"target": "a.jpg", "source": "me.jpg", "reference": ["her.jpg", "her2.jpg"]})
                    + "\n" + json.dumps({"target": "b.jpg", "pair": ["her.jpg=me.jpg", "him.jpg=you.jpg"]}))
    assert one.spec.references == (f"{tmp_path}/her.jpg", f"{tmp_path}/her2.jpg")
    assert two.spec.pairs == (Pair(f"{tmp_path}/her.jpg", f"{tmp_path}/me.jpg"),
                         Pair(f"{tmp_path}/him.jpg", f"{tmp_path}/you.jpg"))
    assert two.spec.pictures == tuple(f"{tmp_path}/{name}.jpg" for name in ("her", "me", "him", "you"))
    with pytest.raises(UsageError, match=r"line 1: pair me\.jpg is not of the form REFERENCE=SOURCE"):
        read(tmp_path, json.dumps({"target": "a.jpg", "pair": "me.jpg"}))


def test_json_values_may_have_their_own_types(tmp_path):
    row, = read(tmp_path, json.dumps({"target": "a.jpg", "source": ["me.jpg", "me2.jpg"], "target_index": [0, 2],
                                      "keep_mouth": True, "image_quality": 80, "restore_weight": 0.5, "order": None}))
    assert row.spec.sources == (f"{tmp_path}/me.jpg", f"{tmp_path}/me2.jpg")
    assert (row.spec.engine.select.target_index, row.spec.engine.swap.keep_mouth) == ((0, 2), True)
    engine = row.spec.engine
    assert (row.spec.media.image_quality, engine.restore.weight, engine.select.order) == (80, 0.5, Order.LARGE_SMALL)


def test_a_row_can_switch_the_restorer_off(tmp_path):
    rows = read(tmp_path, "target,restore\na.jpg,off\nb.jpg,\n",
                engine=EngineOptions(restore=RestoreOptions(model="codeformer", if_available=True)))
    assert rows[0].spec.engine.restore == RestoreOptions(model=None, if_available=False)
    assert rows[1].spec.engine.restore == RestoreOptions(model="codeformer", if_available=True)


def test_rows_that_say_the_same_share_their_options(tmp_path):
    rows = read(tmp_path, "target,order\n" + "a.jpg,left-right\n" * 3)
    assert rows[0].spec.engine is rows[1].spec.engine is rows[2].spec.engine


@pytest.mark.parametrize("text", [
    "target;order\na.jpg;left-right\n", "target\torder\na.jpg\tleft-right\n", "Target , ORDER\r\na.jpg,left-right\r\n",
    "\ufefftarget,order\n\n\na.jpg,left-right\n,\n", '{"target": "a.jpg", "order": "left-right"}\n\n',
    '\n {"order": "left-right", "target": "a.jpg"}',
])
def test_manifests_as_programs_write_them(tmp_path, text):
    row, = read(tmp_path, text)
    assert (row.target, row.spec.engine.select.order) == (f"{tmp_path}/a.jpg", Order.LEFT_RIGHT)


@pytest.mark.parametrize(("text", "words"), [
    ("target,ordre\na.jpg,x\n", r"line 1: there is no column 'ordre' \(did you mean order\?\); known are target, sou"),
    ("target,zzz\na.jpg,x\n", "no column 'zzz'; known are"),
    ("source,output\na.jpg,x\n", "no column target"),
    ("target,order,order\n", "order is there twice"),
    ("target,order\n\na.jpg,sideways\n", "line 3: order sideways is none of large-small"),
    ("target,target_index\na.jpg,0;1\n", "line 2: target_index has the bad entry '0;1'"),
    ("target,target_index\na.jpg,\"1,1\"\n", "1 twice"),
    ("target,swap_size\na.jpg,big\n", "swap_size big is no whole number"),
    ("target,swap_size\na.jpg,100\n", "line 2: --swap-size 100 must be"),
    ("target,restore_weight\na.jpg,nan\n", "outside 0..1"),
    ("target,detector_score\na.jpg,x\n", "detector_score x is no number"),
    ("target,keep_mouth\na.jpg,maybe\n", "neither true nor false"),
    ("target,mask\na.jpg,hood\n", "hood"),
    ("target,image_quality\na.jpg,5\n", "10..100"),
    ("target,output\n,x.jpg\n", "line 2: there is no target"),
    ("target\nparty, one.jpg\n", "2 cells for 1 columns"),
    ("target\n\"a.jpg\n", "line 2"),
    ('{"target": "a.jpg"}\n{"target": "a.jpg", "ordre": 1}', "line 2: there is no column 'ordre'"),
    ('{"target": "a.jpg", "target": "b.jpg"}', "twice"),
    ('{"order": "left-right"}', "there is no target"),
    ('{"target": ["a.jpg"]}', "no single name"),
    ('{"target": "a.jpg", "output": 7}', "no single name"),
    ('{"target": "a.jpg", "source": [7]}', "neither a name nor a list"),
    ('{"target": "a.jpg"', "not JSON"),
    ('[{"target": "a.jpg"}]', "one object a line"),
    ("[" * 100_000, "not JSON"),
    ('{"target": "a.jpg", "order": {"a": 1}}', "none of"),
])
def test_what_is_wrong_is_told_with_its_line(tmp_path, text, words):
    with refused(UsageError, words) as caught:
        read(tmp_path, text)
    assert "list.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_line_told_is_the_one_where_the_row_begins(tmp_path):
    with pytest.raises(UsageError, match="line 4: order"):
        read(tmp_path, 'target,order\n"a\nb.jpg",left-right\nc.jpg,x\n')


def test_paths_are_relative_to_the_manifest(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub/list.csv").write_text(
        "target,source\na.jpg,/me.jpg\n../b.jpg,https://example.org/me.jpg\n-,me.jpg\n")
    rows = read_manifest("sub/list.csv", SwapSpec())
    assert [row.target for row in rows] == ["sub/a.jpg", "sub/../b.jpg", "sub/-"]
    assert [row.spec.sources for row in rows] == [("/me.jpg",), ("https://example.org/me.jpg",), ("sub/me.jpg",)]


def test_a_manifest_may_come_through_a_pipe(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"target\na.jpg\n-\n")))
    rows = read_manifest("-", SwapSpec())
    assert [row.target for row in rows] == ["a.jpg", "./-"]


def test_what_is_no_manifest_is_told(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_manifest(str(tmp_path / "none.csv"), SwapSpec())
    with pytest.raises(InputError, match="cannot be read"):
        read_manifest(str(tmp_path), SwapSpec())
    with pytest.raises(InputError, match="UTF-8"):
        read(tmp_path, "target\na.jpg\n".encode("utf-16"))
    assert read(tmp_path, "") == []
    assert read(tmp_path, "target\n") == []


@given(st.binary(min_size=1, max_size=30).filter(lambda name: not set(b"\0\r/") & set(name)))
def test_any_name_survives_in_csv(tmp_path_factory, name):
    folder = tmp_path_factory.getbasetemp()
    row, = read(folder, b'target,order\n"' + name.replace(b'"', b'""') + b'",left-right\n')
    assert os.fsencode(row.target) == os.fsencode(str(folder)) + b"/" + name
