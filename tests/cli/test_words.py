from __future__ import annotations

import pytest
import typer

from faceswap_cli.cli.app import build_app
from faceswap_cli.cli.command import options_of
from faceswap_cli.cli.words import translate

COMMANDS = typer.main.get_command(build_app()).commands


def options(command):
    return {flag for option in options_of(COMMANDS[command]) for flag in (*option.opts, *option.secondary_opts)}


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
    assert translate(given, options("swap")) == meant


def test_in_swap_gif_restoring_is_a_switch():
    known = options("swap-gif")
    assert translate(["--face-restore", "a.png"], known) == ["--face-restore", "a.png"]
    assert translate(["--no_face_restore"], known) == ["--no-face-restore"]
    assert translate(["--image-format", "png"], known) == ["--file-type", "apng"]


def test_detect_knows_the_order():
    assert translate(["--detection-face-order", "left-right"], options("detect")) == ["--order", "left-right"]
    given = ["--input-faces-index", "0"]  # what a command has no option for stays, and is told as it was written
    assert translate(given, options("detect")) == given
