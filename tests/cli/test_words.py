from __future__ import annotations

import pytest

from faceswap_cli.cli.words import ANIMATION_WORDS, DETECT_WORDS, SWAP_WORDS, translate


@pytest.mark.parametrize(("given", "meant"), [
    (["--input-faces-index", "0,1"], ["--target-index", "0,1"]),
    (["--input_faces_index=0"], ["--target-index=0"]),
    (["--detect-gender-source", "male"], ["--source-gender", "male"]),
    (["--detection_face_order", "left-right"], ["--order", "left-right"]),
    (["--face-restore", "codeformer-v0.1.0.pth"], ["--restore", "codeformer"]),
    (["--restore=GFPGANv1.4.pth"], ["--restore=gfpgan_1.4"]),
    (["--restore", "gfpgan_1.4"], ["--restore", "gfpgan_1.4"]),
    (["--image_format", "jpg"], ["--image-format", "jpeg"]),
    (["a_b.png", "-o", "c_d.png"], ["a_b.png", "-o", "c_d.png"]),
    (["--", "--input_faces_index"], ["--", "--input_faces_index"]),
    (["--restore"], ["--restore"]),
])
def test_the_words_of_the_api_are_ours_in_swap(given, meant):
    assert translate(given, SWAP_WORDS) == meant


def test_in_swap_gif_restoring_is_a_switch():
    assert translate(["--face-restore", "a.png"], ANIMATION_WORDS) == ["--face-restore", "a.png"]
    assert translate(["--no_face_restore"], ANIMATION_WORDS) == ["--no-face-restore"]
    assert translate(["--image-format", "png"], ANIMATION_WORDS) == ["--file-type", "apng"]


def test_detect_knows_the_order():
    assert translate(["--detection-face-order", "left-right"], DETECT_WORDS) == ["--order", "left-right"]
