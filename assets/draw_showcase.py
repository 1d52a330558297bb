"""Draw `showcase.png`: a source, some frames of a target, and the same frames as the installed `faceswap` returns them.

    python assets/draw_showcase.py [OUTPUT]

`faceswap` runs as a user runs it, in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageSequence

HERE = Path(__file__).parent
SOURCE = HERE / "woman-1.jpg"
TARGET = HERE / "turning-head.gif"
FRAMES = (0, 6, 14, 23, 32)
SIZE = (192, 204)
GAP = 12
LINE = 22


def main() -> None:
    """Swap and compose."""
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "showcase.png"
    with tempfile.TemporaryDirectory() as folder:
        swapped = Path(folder) / "swapped.gif"
        command = [sys.executable, "-m", "faceswap_cli", "swap", str(SOURCE), str(TARGET), "-o", str(swapped)]
        subprocess.run([*command, "--engine", "embedded"], check=True)
        compose(read_frames(TARGET), read_frames(swapped)).save(output, optimize=True)


def read_frames(path: Path) -> list[Image.Image]:
    """The frames shown, on white."""
    with Image.open(path) as clip:
        frames = [frame.convert("RGBA") for frame in ImageSequence.Iterator(clip)]
    shown = []
    for number in FRAMES:
        ground = Image.new("RGBA", frames[number].size, "white")
        ground.alpha_composite(frames[number])
        shown.append(ground.convert("RGB").resize(SIZE, Image.Resampling.LANCZOS))
    return shown


def compose(targets: list[Image.Image], results: list[Image.Image]) -> Image.Image:
    """The source on the left; beside it one row of targets over one row of results."""
    tall = 2 * (LINE + SIZE[1]) + GAP
    with Image.open(SOURCE) as picture:
        source = picture.convert("RGB")
    wide = round((tall - LINE) * source.width / source.height)
    width = GAP + wide + len(FRAMES) * (GAP + SIZE[0]) + GAP
    sheet = Image.new("RGB", (width, tall + 2 * GAP), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(14)
    draw.text((GAP, GAP), "source", "black", font)
    sheet.paste(source.resize((wide, tall - LINE), Image.Resampling.LANCZOS), (GAP, GAP + LINE))
    for row, (name, pictures) in enumerate((("target", targets), ("result", results))):
        top = GAP + row * (LINE + SIZE[1] + GAP)
        draw.text((2 * GAP + wide, top), name, "black", font)
        for column, picture in enumerate(pictures):
            sheet.paste(picture, (2 * GAP + wide + column * (SIZE[0] + GAP), top + LINE))
    return sheet


if __name__ == "__main__":
    main()
