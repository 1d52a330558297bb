"""The real engine on the project's own portraits, from the command line to the pixels."""

from __future__ import annotations

import json
import subprocess
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image as PILImage

from faceswap_cli import EngineOptions, MediaOptions, SwapJob, SwapSpec, open_backend, swap_file
from faceswap_cli.media.open import open_media

MARGIN = 0.6
"""How far around its box a swapped face may reach, in sizes of the box: the forehead lies above it."""


@pytest.fixture(scope="module")
def engine():
    return open_backend(EngineOptions(describe=True))


def read(path) -> np.ndarray:
    with PILImage.open(path) as image:
        return np.array(image.convert("RGB"))


def frames(path):
    with open_media(path, MediaOptions()) as reader:
        return reader.info, list(reader.frames())


def around(box, shape) -> tuple[slice, slice]:
    x1, y1, x2, y2 = box
    dx, dy = MARGIN * (x2 - x1), MARGIN * (y2 - y1)
    return (slice(max(round(y1 - dy), 0), min(round(y2 + dy), shape[0])),
            slice(max(round(x1 - dx), 0), min(round(x2 + dx), shape[1])))


def embedding(engine, image):
    (face, *_) = engine.find(image, describe=True)
    return face.embedding


def run(place, *arguments):
    done = place.run(*arguments, "--json", backend=None)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("source", "target"), [("man-1.jpg", "woman-2.jpg"), ("woman-3.jpg", "man-2.jpg")])
def test_a_swap_takes_the_identity_of_the_source_and_changes_nothing_but_the_face(place, assets, engine, source,
                                                                                  target):
    report = run(place, "swap", str(assets / source), str(assets / target), "-o", "out.png")
    before, after = read(assets / target), read(place / "out.png")
    (face,) = report["faces"]
    outside = np.ones(before.shape[:2], bool)
    outside[around(face["box"], before.shape)] = False
    assert outside.any()
    np.testing.assert_array_equal(after[outside], before[outside])

    ours, wanted, was = (embedding(engine, image) for image in (after, read(assets / source), before))
    to_source, to_target = np.linalg.norm(ours - wanted), np.linalg.norm(ours - was)
    assert to_source < to_target
    assert to_source < 0.6 < np.linalg.norm(wanted - was)


def test_the_numbers_that_detect_prints_are_those_that_swap_takes(place, assets):
    group = str(assets / "group.jpg")
    (file,) = run(place, "detect", group, "--order", "left-right")["files"]
    assert [face["index"] for face in file["faces"]] == list(range(6))
    assert [face["box"][0] for face in file["faces"]] == sorted(face["box"][0] for face in file["faces"])
    assert all(len(face["landmarks"]) == 68 for face in file["faces"])

    run(place, "swap", str(assets / "man-1.jpg"), group, "-o", "out.png", "--order", "left-right",
        "--target-index", "4,1")
    changed = (read(group) != read(place / "out.png")).any(axis=2)
    for face in file["faces"]:
        x1, y1, x2, y2 = (round(side) for side in face["box"])
        middle = changed[(2 * y1 + y2) // 3:(y1 + 2 * y2) // 3, (2 * x1 + x2) // 3:(x1 + 2 * x2) // 3]
        assert middle.any() == (face["index"] in (1, 4))
        changed[around(face["box"], changed.shape)] = False
    assert not changed.any()


def test_an_animation_keeps_its_time_loop_size_and_transparency(place, assets):
    report = run(place, "swap-gif", str(assets / "woman-1.jpg"), str(assets / "turning-head.gif"), "-o", "out.gif")
    before_info, before = frames(assets / "turning-head.gif")
    after_info, after = frames(place / "out.gif")
    assert (after_info.width, after_info.height, after_info.loop) == (before_info.width, before_info.height,
                                                                      before_info.loop)
    assert [frame.duration for frame in after] == [frame.duration for frame in before]
    assert report["output"]["frames"] == len(after)
    assert Fraction(report["output"]["duration"]).limit_denominator(1000) == sum(frame.duration for frame in before)
    swapped = {face["frame"]: face["box"] for face in report["faces"] if face["swapped"]}
    assert len(swapped) == report["frames"]["swapped"] > 0.8 * len(before)
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        assert (old.alpha is None) == (new.alpha is None)
        seen = np.ones(old.pixels.shape[:2], bool) if old.alpha is None else old.alpha > 0
        if old.alpha is not None:
            np.testing.assert_array_equal(old.alpha, new.alpha)
        assert (old.pixels != new.pixels)[seen].any() == (number in swapped), number


@pytest.fixture(scope="module")
def short(assets, tmp_path_factory):
    """The first frames of the animation."""
    with PILImage.open(assets / "turning-head.gif") as clip:
        pictures = []
        for number in range(6):
            clip.seek(number)
            pictures.append(clip.convert("RGB").crop((20, 60, 300, 340)))
    path = tmp_path_factory.mktemp("short") / "short.gif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=50, loop=0)
    return path


def test_a_lossless_animation_changes_in_the_face_alone(place, assets, short):
    report = run(place, "swap", str(assets / "woman-1.jpg"), str(short), "-o", "out.png")
    _, before = frames(short)
    _, after = frames(place / "out.png")
    boxes = {face["frame"]: face["box"] for face in report["faces"]}
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        changed = (old.pixels != new.pixels).any(axis=2)
        assert changed.any()
        changed[around(boxes[number], changed.shape)] = False
        assert not changed.any(), number


def test_equal_runs_give_equal_bytes(tmp_path, assets, short):
    written = set()
    for workers in (1, 3):
        out = tmp_path / f"{workers}.gif"
        # A fresh engine each time: nothing of the first run may show in the second.
        swap_file(SwapJob(spec=SwapSpec(sources=(str(assets / "man-2.jpg"),)), target=str(short), output=str(out)),
                  open_backend(EngineOptions()), workers=workers)
        written.add(out.read_bytes())
    assert len(written) == 1


def test_the_real_engine_is_quiet_on_standard_output(place, assets):
    done = place.run("swap", str(assets / "man-1.jpg"), "-", "-o", "-", "--image-format", "png", backend=None,
                     input=(assets / "man-3.jpg").read_bytes(), stderr=subprocess.PIPE)
    assert done.returncode == 0
    assert done.stdout[:8] == b"\x89PNG\r\n\x1a\n"
    assert done.stdout[-8:-4] == b"IEND"


def test_restoration_that_is_not_there_is_skipped_and_said_once(place, assets):
    arguments = ["swap-gif", str(assets / "man-1.jpg"), str(assets / "turning-head.gif"), "-o", "out.gif", "--dry-run"]
    told = place.run(*arguments, backend=None).stderr.decode()
    assert told.count("restore") == 1 or told.count("restorer") == 1
    assert "restore" not in place.run(*arguments, "--no-face-restore", backend=None).stderr.decode()
