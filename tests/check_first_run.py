"""Look at what the README's first command left: `python tests/check_first_run.py FOLDER`, with the environment it made.

The result must be the whole clip, with another face on it; the package must be installed whole, and nothing else.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import files
from pathlib import Path

import dlib
import numpy as np
from PIL import Image, ImageSequence

import faceswap_cli
from faceswap_cli.engine.analysers.dlib_weights import weights_file

OUT_OF_VIEW = {38, 39, 40, 41}
LOOKED_AT = (0, 6, 14, 23, 32)


def main() -> None:
    """Check everything, or stop with a message."""
    folder = Path(sys.argv[1])
    check_package()
    with Image.open(source_of(folder)) as picture:
        source = np.asarray(picture.convert("RGB"))
    target, result = Clip(folder / "assets" / "turning-head.gif"), Clip(folder / "out.gif")
    check_clip(target, result)
    check_faces(source, target, result)
    print("out.gif: the whole clip, with the other face")


def source_of(folder: Path) -> Path:
    """The source picture that the README's first command names."""
    text = (folder / "README.md").read_text(encoding="utf-8")
    found = re.search(r"faceswap swap (assets/\S+) assets/turning-head\.gif -o out\.gif", text)
    assert found, "README.md does not hold the first command"
    return folder / found[1]


def check_package() -> None:
    """The package is installed, not read from a checkout, has its data, and brings no tests along."""
    assert "site-packages" in faceswap_cli.__file__, f"{faceswap_cli.__file__} is not an installed package"
    installed = {str(path) for path in files("faceswap-cli") or ()}
    for name in ("py.typed", "data/gender.json"):
        assert f"faceswap_cli/{name}" in installed, f"{name} is missing in the wheel"
    foreign = [name for name in installed if name.split("/")[0] in ("tests", "assets", ".ci")]
    assert not foreign, f"the wheel has what it should not: {foreign[:3]}"


class Clip:
    """All of an animation."""

    def __init__(self, path: Path) -> None:
        with Image.open(path) as clip:
            self.size, self.loop = clip.size, clip.info.get("loop")
            self.frames, self.ends, end = [], [], 0
            for frame in ImageSequence.Iterator(clip):
                end += frame.info["duration"]
                self.frames.append(np.asarray(frame.convert("RGBA")))
                self.ends.append(end)

    def at(self, milliseconds: int) -> np.ndarray:
        """The frame that is shown at a time; identical frames may have been merged."""
        return self.frames[int(np.searchsorted(self.ends, milliseconds, side="right"))]


def check_clip(target: Clip, result: Clip) -> None:
    """Size, loop, times and transparency are the target's; where nobody is in view nothing changed."""
    assert (result.size, result.loop) == (target.size, target.loop), "size or loop changed"
    assert result.ends[-1] == target.ends[-1], f"lasts {result.ends[-1]} ms, not {target.ends[-1]}"
    changed = 0
    for number, (before, end) in enumerate(zip(target.frames, target.ends, strict=True)):
        after = result.at(end - 1)
        assert np.array_equal(after[..., 3], before[..., 3]), f"frame {number}: the transparency changed"
        seen = before[..., 3] > 0
        differs = not np.array_equal(after[seen], before[seen])
        assert not (differs and number in OUT_OF_VIEW), f"frame {number}: changed although nobody is in view"
        changed += differs
    wanted = len(target.frames) - len(OUT_OF_VIEW) - 2
    assert changed >= wanted, f"only {changed} frames changed; {wanted} show a face well"


def check_faces(source: np.ndarray, target: Clip, result: Clip) -> None:
    """The faces of the result are those of the source: nearer to it than to the target, and under 0.6."""
    wanted = describe(source)
    for number in LOOKED_AT:
        time = target.ends[number] - 1
        before, after = describe(target.at(time)[..., :3]), describe(result.at(time)[..., :3])
        to_source, to_target = float(np.linalg.norm(after - wanted)), float(np.linalg.norm(after - before))
        print(f"frame {number}: {to_source:.2f} from the source (it was {np.linalg.norm(before - wanted):.2f}), "
              f"{to_target:.2f} from the target")
        assert to_source < min(0.6, to_target), f"frame {number}: the face is not the source's"


def describe(picture: np.ndarray) -> np.ndarray:
    """The descriptor (128,) of the one face."""
    picture = np.ascontiguousarray(picture)
    found = dlib.get_frontal_face_detector()(picture, 0)
    assert len(found) == 1, f"{len(found)} faces instead of one"
    shape = dlib.shape_predictor(str(weights_file("shape_predictor_68_face_landmarks.dat")))(picture, found[0])
    network = dlib.face_recognition_model_v1(str(weights_file("dlib_face_recognition_resnet_model_v1.dat")))
    return np.array(network.compute_face_descriptor(picture, shape))


if __name__ == "__main__":
    main()
