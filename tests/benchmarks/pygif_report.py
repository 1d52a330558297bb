"""The pygif suite, three ways: what the suite expects, what Pillow reads, what we read.

Run: python tests/benchmarks/pygif_report.py [FOLDER]

Of each file: frames, total time in centiseconds, times it plays (0 = for ever, - = once). A row is printed where the
three differ; exit code 1 when Pillow is nearer to the suite than we are.
"""

from __future__ import annotations

import configparser
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from PIL import Image

from faceswap_cli.errors import InputError
from faceswap_cli.media.open import open_media
from faceswap_cli.options import MediaOptions

SUITE = Path(__file__).parents[2] / ".." / "shared" / "media" / "corpus" / "robert-ancell+pygif"


@dataclass(frozen=True)
class Facts:
    """Of one GIF; `plays` is None where the file does not say."""

    frames: int
    time: Fraction
    plays: int | None

    def __str__(self) -> str:
        return f"{self.frames} frames {float(self.time):g} cs plays {'-' if self.plays is None else self.plays}"


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SUITE
    right = {"Pillow": 0, "ours": 0}
    behind = []
    cases = sorted(folder.glob("*.conf"))
    for case in cases:
        expected = expectation(case)
        path = case.with_suffix(".gif")
        found = {"Pillow": by_pillow(path), "ours": by_us(path)}
        distance = {name: differences(facts, expected) for name, facts in found.items()}
        for name, wrong in distance.items():
            right[name] += not wrong
        if any(distance.values()):
            print(f"{case.stem:32} suite: {expected} | Pillow: {found['Pillow']} | ours: {found['ours']}")
        if distance["ours"] > distance["Pillow"]:
            behind.append(case.stem)
    print(f"{len(cases)} files; exactly as the suite: Pillow {right['Pillow']}, ours {right['ours']}")
    print(f"Pillow nearer than we: {', '.join(behind) or 'none'}")
    return int(bool(behind))


def expectation(case: Path) -> Facts | None:
    config = configparser.ConfigParser(interpolation=None)
    config.read(case, encoding="latin1")
    names = [name for name in config["config"]["frames"].split(",") if name]
    if not names:
        return None
    time = sum((Fraction(config[name].get("delay", "0")) for name in names), Fraction(0))
    loop = config["config"]["loop-count"]
    # The number in the file, 0 where there is none: repeats after the first showing.
    return Facts(len(names), time, 0 if loop == "infinite" else None if loop == "0" else int(loop) + 1)


def by_pillow(path: Path) -> Facts | None:
    try:
        with Image.open(path) as picture:
            time = Fraction(0)
            count = picture.n_frames
            for number in range(count):
                picture.seek(number)
                picture.load()
                time += Fraction(picture.info.get("duration", 0)) / 10
            repeats = picture.info.get("loop")
            return Facts(count, time, None if repeats is None else repeats and repeats + 1)
    except (OSError, ValueError, SyntaxError):
        return None


def by_us(path: Path) -> Facts | None:
    try:
        with open_media(path, MediaOptions()) as reader:
            frames = list(reader.frames())
            return Facts(len(frames), sum((frame.duration for frame in frames), Fraction(0)) * 100, reader.info.loop)
    except InputError:
        return None


def differences(found: Facts | None, expected: Facts | None) -> int:
    """In how many of the three facts they differ; 3 when only one of them is a picture."""
    if found is None or expected is None:
        return 0 if found is expected else 3
    return sum(one != other for one, other in ((found.frames, expected.frames), (found.time, expected.time),
                                               (found.plays, expected.plays)))


if __name__ == "__main__":
    sys.exit(main())
