from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save
from saved import face, picture, record

from faceswap_cli.errors import InputError
from faceswap_cli.library import files
from faceswap_cli.library.files import encode, read_face, read_summary
from faceswap_cli.library.saved_face import KEY, digest, pack


def written(tmp_path, content: bytes) -> Path:
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    return path


def test_a_face_is_read_as_it_was_written(tmp_path):
    points = np.random.default_rng(1).random((68, 2)) * 40
    other = record(engine="embedded", analyser="embedded", landmarks=points, embedding=None, pose=None, gender=None,
                   gender_probability=None, age=None, models={})
    made = face(picture(record(), other), picture(record(gender="unknown"), size=(50, 61)))
    back = read_face(written(tmp_path, encode(made)), "a")
    assert (back.name, back.created, back.program, back.note) == (made.name, made.created, made.program, made.note)
    for one, two in zip(made.pictures, back.pictures, strict=True):
        np.testing.assert_array_equal(one.pixels, two.pixels)
        for left, right in zip(one.records, two.records, strict=True):
            for name in left.__dataclass_fields__:
                np.testing.assert_equal(getattr(right, name), getattr(left, name))
    assert back.engines == ("neural",)  # the other engine does not know the second picture


def test_the_same_face_gives_the_same_bytes_in_another_process():
    code = ("import sys, hashlib; sys.path.insert(0, sys.argv[1]); import saved; "
            "from faceswap_cli.library.files import encode; print(hashlib.sha256(encode(saved.face())).hexdigest())")
    seen = {subprocess.run([sys.executable, "-c", code, str(Path(__file__).parents[1])], capture_output=True, text=True,
                           check=True).stdout for _ in range(2)}
    assert len(seen) == 1


def test_the_header_alone_tells_what_a_list_needs(tmp_path):
    made = face(picture(record(box=(0.0, 0.0, 10.0, 20.0))), picture(record(box=(5.0, 5.0, 45.0, 51.0))))
    summary = read_summary(written(tmp_path, encode(made)), "a")
    assert (summary.name, summary.created, summary.note) == ("anna", "2026-01-31", "she agreed")
    assert (summary.pictures, summary.face, summary.engines) == (2, (40, 46), ("neural",))


def test_any_reader_of_safetensors_can_read_it(tmp_path):
    with safe_open(written(tmp_path, encode(face())), framework="numpy") as file:
        assert set(file.keys()) == {"picture.0.pixels", "picture.0.face.0.landmarks", "picture.0.face.0.embedding"}
        assert json.loads(file.metadata()[KEY])["note"] == "she agreed"


# --- damage -----------------------------------------------------------------------------------------------------------


def test_a_changed_byte_anywhere_is_found(tmp_path):
    whole = encode(face(picture(size=(8, 8))))
    begin = 8 + struct.unpack("<Q", whole[:8])[0]
    places = [*range(0, begin, 7), begin, len(whole) // 2, len(whole) - 1]
    for place in places:
        broken = bytearray(whole)
        broken[place] ^= 0x04
        with pytest.raises(InputError, match="a is no saved face, or damaged"):
            read_face(written(tmp_path, bytes(broken)), "a")


@pytest.mark.parametrize("content", [
    b"", b"abc", b"\x89PNG\r\n\x1a\n" * 9, struct.pack("<Q", 2**62) + b"{}", struct.pack("<Q", 2) + b"{}",
    encode(face())[:-1], encode(face()) + b"x", save({"weight": np.zeros(3)}), save({"w": np.zeros(3)}, {KEY: "["}),
    save({"w": np.zeros(3)}, {KEY: "[" * 100_000}), save({"w": np.zeros(3)}, {KEY: "{}"}),
])
@pytest.mark.parametrize("read", [read_face, read_summary])
def test_what_is_none_is_told_in_one_line(tmp_path, content, read):
    with pytest.raises(InputError, match=r"a is no saved face, or damaged: .*faceswap faces save") as caught:
        read(written(tmp_path, content), "a")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_BYTES", 1000)
    with pytest.raises(InputError, match="more than any saved face"):
        read_face(written(tmp_path, encode(face())), "a")


def test_a_later_version_is_told(tmp_path):
    tensors, text = pack(face())
    content = json.loads(text) | {"version": 2}
    with pytest.raises(InputError, match=r"version 2 .* update faceswap"):
        read_face(written(tmp_path, save(tensors, {KEY: json.dumps(content)})), "a")


def hostile(change) -> bytes:
    """A file that someone made on purpose: its hash is right."""
    tensors, text = pack(face())
    content = {key: value for key, value in json.loads(text).items() if key != "sha256"}
    change(content, tensors)
    content["sha256"] = digest(content, tensors)
    return save(tensors, {KEY: json.dumps(content)})


def _set(name, value):
    return lambda content, tensors: tensors.__setitem__(f"picture.0.{name}", value)


def _say(key, value):
    return lambda content, tensors: content["pictures"][0]["faces"][0].__setitem__(key, value)


@pytest.mark.parametrize("change", [
    _set("pixels", np.zeros((64, 56), np.uint8)), _set("pixels", np.zeros((64, 56, 3), np.float32)),
    _set("pixels", np.zeros((0, 56, 3), np.uint8)), _set("pixels", np.zeros((1, 5000, 3), np.uint8)),
    _set("face.0.landmarks", np.full((5, 2), np.nan)), _set("face.0.landmarks", np.full((5, 2), 1e9)),
    _set("face.0.landmarks", np.full((5, 2), 20.0)), _set("face.0.landmarks", np.zeros((5, 2), np.float32)),
    _set("face.0.landmarks", np.zeros((2, 2))), _set("face.0.embedding", np.full(512, np.inf, np.float32)),
    _set("face.0.embedding", np.zeros((2, 2), np.float32)),
    _say("box", [0, 0, 1]), _say("box", [9, 9, 1, 1]), _say("box", [1e9, 0, 2e9, 1]), _say("box", "abcd"),
    _say("score", float("nan")), _say("score", None), _say("gender", "cat"), _say("models", []), _say("pose", [1]),
    lambda content, tensors: tensors.pop("picture.0.pixels"),
    lambda content, tensors: content.pop("note"),
    lambda content, tensors: content.update(pictures=[]),
    lambda content, tensors: content.update(pictures={}),
    lambda content, tensors: content.update(pictures=[{"faces": []}]),
    lambda content, tensors: content.update(pictures=[{}]),
])
def test_a_hostile_file_is_refused(tmp_path, change):
    with pytest.raises(InputError, match="no saved face, or damaged"):
        read_face(written(tmp_path, hostile(change)), "a")
