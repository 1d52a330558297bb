"""Draws faceswap_cli/data/woman.jpg and man.jpg: portraits of nobody, small enough to come with the package.

Run from the project: python assets/draw_portraits.py
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
DATA = HERE.parent / "faceswap_cli" / "data"
SIZE = (480, 600)
PORTRAITS = {"woman": "woman-3.jpg", "man": "man-2.jpg"}
"""A pair that is far apart, so that a swap shows; see README.md."""

if __name__ == "__main__":
    for name, original in PORTRAITS.items():
        with Image.open(HERE / original) as picture:
            picture.convert("RGB").resize(SIZE, Image.Resampling.LANCZOS).save(DATA / f"{name}.jpg", quality=85)
        print(DATA / f"{name}.jpg", (DATA / f"{name}.jpg").stat().st_size, "bytes")
