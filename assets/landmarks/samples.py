"""What training sees: crops with everything that can happen to them, and crops that are no face.

python samples.py --data DATA --work WORK sheet.png draws a sheet of them to look at.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from covers import KINDS, cover
from faces import SIDE, Faces, carry, lie, matrix

MAP = 32
NO_FACE = 0.13
"""The part of samples that is no face."""
SECOND_LOOK = 0.65
"""The part of faces that is cropped as a second look crops them; others as a detector's box does."""
BORDERS = [cv2.BORDER_REPLICATE, cv2.BORDER_REPLICATE, cv2.BORDER_CONSTANT, cv2.BORDER_REFLECT]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A crop (128, 128, 3) uint8 RGB, and what is to be said of it; points in -1..1, the map's shapes (32, 32)."""

    crop: np.ndarray
    points: np.ndarray
    visible: np.ndarray
    known: np.ndarray  # how much each cell of the map counts
    face: float


class Samples:
    """Draws samples from the pool's rounds; a sample depends on its number and the seed, and on the rounds there."""

    def __init__(self, data: Path, work: Path, seed: int, others: Path | None = None) -> None:
        faces = Faces(data)
        self.mirror, self.seed, self.work = faces.mirror, seed, work
        self.used, self.held = faces.split()
        self.rounds: list[tuple[np.ndarray, np.ndarray]] = []
        files = sorted(others.iterdir()) if others else []
        pictures = [cv2.imread(str(f), cv2.IMREAD_COLOR) for f in files]
        smaller = [cv2.resize(p, None, fx=s, fy=s, interpolation=cv2.INTER_AREA) for p in pictures
                   for s in [min(1, 500 / max(p.shape))]]  # fmt: skip
        self.others = [p[:, :, ::-1] for p in smaller]
        weights = work / "weights.npy"  # (faces,): those that are rare in the data more often
        weight = np.load(weights)[self.used] if weights.exists() else np.ones(len(self.used))
        self.sum = np.cumsum(weight) / weight.sum()
        self.sum[-1] = 1.0
        self.more()

    def more(self) -> int:
        """Take up rounds that were made since; how many there are."""
        while (labels := self.work / f"pool-{len(self.rounds)}.npz").exists():
            views = np.load(self.work / f"pool-{len(self.rounds)}.npy", mmap_mode="r")
            self.rounds.append((views, np.load(labels)["points"]))
        return len(self.rounds)

    def view(self, r: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """A picture with its mask (176, 176, 4) and its points, of those to train on."""
        k = self.used[int(np.searchsorted(self.sum, r.random()))]
        turned = len(self.rounds) > 1 and r.random() < 0.62
        views, points = self.rounds[r.integers(1, len(self.rounds)) if turned else 0]
        return np.asarray(views[k]), points[k].astype(np.float64)

    def batch(self, number: int, size: int) -> tuple[np.ndarray, ...]:
        """Crops (n, 3, 128, 128) uint8, points (n, 468, 3), maps and their weights (n, 32, 32), faces (n,)."""
        r = np.random.default_rng((self.seed, number))
        some = [self.draw(r) for _ in range(size)]
        return (
            np.stack([s.crop for s in some]).transpose(0, 3, 1, 2),
            np.stack([s.points for s in some]).astype(np.float32),
            np.stack([s.visible for s in some]).astype(np.float32),
            np.stack([s.known for s in some]).astype(np.float32),
            np.array([s.face for s in some], np.float32),
        )

    def draw(self, r: np.random.Generator) -> Sample:
        """One sample."""
        if r.random() < NO_FACE:
            return self.no_face(r)
        view, p = self.view(r)
        x, y, size, angle = lie(p)
        if r.random() < SECOND_LOOK:
            turn, zoom, shift = r.normal(0, np.radians(4)), np.exp(r.normal(0, 0.04)), r.normal(0, 2.2, 2)
        else:
            turn, zoom, shift = r.normal(0, np.radians(12)), r.uniform(0.8, 1.22), r.uniform(-10, 10, 2)
        m = matrix(x, y, size / zoom, angle + turn)
        m[:, 2] += shift
        p = carry(p, m)
        border = BORDERS[r.integers(len(BORDERS))]
        crop = cv2.warpAffine(view[..., :3], m, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=border)
        mask = cv2.warpAffine(view[..., 3], m, (SIDE, SIDE), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT)
        if r.random() < 0.5:
            crop, mask, p = np.ascontiguousarray(crop[:, ::-1]), mask[:, ::-1], p[self.mirror]
            p[:, 0] = SIDE - 1 - p[:, 0]
        visible, known = (mask == 255).astype(np.float32), (mask != 128).astype(np.float32)
        out = crop
        if r.random() < 0.45:
            covered, over = cover(crop, p, r, self.texture(r))
            if (visible * over).sum() < 0.7 * visible.sum():
                out, visible, known = covered, visible * (1 - over), np.maximum(known, over > 0.5)
        return Sample(
            crop=degrade(out, r),
            points=(p - [(SIDE - 1) / 2, (SIDE - 1) / 2, 0]) / (SIDE / 2),
            visible=shrink(visible),
            known=shrink(known),
            face=1.0,
        )

    def texture(self, r: np.random.Generator) -> np.ndarray:
        """A piece (128, 128, 3) of another picture, seldom a face as a face is seen."""
        view = self.view(r)[0] if not self.others or r.random() < 0.7 else self.others[r.integers(len(self.others))]
        h, w = view.shape[:2]
        side = int(r.uniform(0.2, 0.6) * min(h, w))
        top, left = r.integers(0, h - side), r.integers(0, w - side)
        piece = cv2.resize(view[top : top + side, left : left + side, :3], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        return np.rot90(piece, r.integers(4))

    def no_face(self, r: np.random.Generator) -> Sample:
        """A crop that is none, or none that lies as a face's crop does."""
        kind, known = r.random(), 1.0
        if kind < 0.3:  # beside a face: at most a half of it comes in
            view, p = self.view(r)
            x, y, size, angle = lie(p)
            away = r.uniform(0, 2 * np.pi)
            zoom = r.uniform(0.5, 2.5)
            distance = r.uniform(0.85, 1.3) * size * (0.5 + 0.5 / zoom)
            m = matrix(x + distance * np.cos(away), y + distance * np.sin(away), size / zoom, angle + r.normal(0, 0.4))
            out = self._piece(view, m, r)
            known = 0.0
        elif kind < 0.5:  # a face far too small, far too large, upside down
            view, p = self.view(r)
            x, y, size, angle = lie(p)
            which = r.integers(3)
            zoom = [r.uniform(0.2, 0.42), r.uniform(2.4, 4.5), r.uniform(0.8, 1.3)][which]
            turn = r.uniform(1.4, 2 * np.pi - 1.4) if which == 2 else r.normal(0, 0.5)
            at = r.normal(0, 0.25 * size, 2)
            out, known = self._piece(view, matrix(x + at[0], y + at[1], size / zoom, angle + turn), r), 0.0
        elif kind < 0.6:  # a face in pieces
            view, p = self.view(r)
            crop, n = self._piece(view, matrix(*lie(p)), r), int(r.choice([2, 4, 8]))
            side = SIDE // n
            tiles = crop.reshape(n, side, n, side, 3).swapaxes(1, 2).reshape(n * n, side, side, 3)
            order = r.permutation(n * n)
            while n == 2 and (order == np.arange(4)).all():
                order = r.permutation(4)
            out = tiles[order].reshape(n, n, side, side, 3).swapaxes(1, 2).reshape(SIDE, SIDE, 3)
            known = 0.0
        elif kind < 0.8:  # a piece of something
            out = self.texture(r) if r.random() < 0.5 or not self.others else self.other(r)
        else:  # made up
            out = _made_up(r)
        out = np.ascontiguousarray(out)
        if r.random() < 0.3:  # covers without a face
            k = self.used[r.integers(len(self.used))]
            p = self.rounds[0][1][k].astype(np.float64)
            p = carry(p, matrix(*lie(p)))
            colour, mask = KINDS[r.integers(len(KINDS))](out.astype(np.uint8), p, r, self.texture(r))
            out = out * (1 - mask[..., None]) + colour * mask[..., None]
        blank = np.zeros((MAP, MAP), np.float32)
        return Sample(crop=degrade(out, r), points=np.zeros((468, 3)), visible=blank, known=blank + known, face=0.0)

    @staticmethod
    def _piece(view: np.ndarray, m: np.ndarray, r: np.random.Generator) -> np.ndarray:
        border = BORDERS[r.integers(len(BORDERS))]
        return cv2.warpAffine(view[..., :3], m, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=border)

    def other(self, r: np.random.Generator) -> np.ndarray:
        """A piece (128, 128, 3) of a picture without a face."""
        picture = self.others[r.integers(len(self.others))]
        h, w = picture.shape[:2]
        side = int(r.uniform(0.1, 1) * min(h, w))
        top, left = r.integers(0, h - side + 1), r.integers(0, w - side + 1)
        piece = cv2.resize(picture[top : top + side, left : left + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        return piece[:, ::-1] if r.random() < 0.5 else piece


def _made_up(r: np.random.Generator) -> np.ndarray:
    """Noise of any grain, gradients, shapes."""
    out = np.zeros((SIDE, SIDE, 3), np.float32) + r.uniform(0, 255, 3).astype(np.float32)
    for _ in range(r.integers(0, 4)):
        n = int(2 ** r.uniform(0.6, 7))
        noise = r.standard_normal((n, n, 3 if r.random() < 0.5 else 1)).astype(np.float32)
        noise = cv2.resize(noise, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).reshape(SIDE, SIDE, -1)
        out = out + noise * r.uniform(5, 70)
    for _ in range(int(r.choice([0, 1, 3, 8, 20]))):
        colour, at = tuple(r.uniform(0, 255, 3)), tuple(map(int, r.uniform(0, SIDE, 2)))
        if r.random() < 0.5:
            axes = tuple(map(float, r.uniform(3, 90, 2)))
            cv2.ellipse(out, (tuple(map(float, at)), axes, float(r.uniform(0, 180))), colour, -1, cv2.LINE_AA)
        else:
            cv2.line(out, at, tuple(map(int, r.uniform(0, SIDE, 2))), colour, int(r.integers(1, 24)), cv2.LINE_AA)
    return np.clip(out, 0, 255)


def shrink(mask: np.ndarray) -> np.ndarray:
    """(128, 128) to (32, 32): the part of each cell."""
    return cv2.resize(np.ascontiguousarray(mask, np.float32), (MAP, MAP), interpolation=cv2.INTER_AREA)


_Y, _X = ((np.mgrid[0:SIDE, 0:SIDE] / SIDE - 0.5).astype(np.float32))
_GRAIN = np.random.default_rng(0).standard_normal((512, 512, 3)).astype(np.float32)
"""Noise to take pieces of: drawing it anew costs as much as all else."""


def _tones(r: np.random.Generator) -> np.ndarray:
    """What becomes of each level of each channel, (256, 1, 3): gamma, contrast, light, tint, darkness."""
    x = np.linspace(0, 1, 256)[:, None].repeat(3, 1)
    if r.random() < 0.25:
        x = x ** np.exp(r.normal(0, 0.45))
    if r.random() < 0.8:
        x = ((x - 0.5) * r.uniform(0.5, 1.35) + 0.5 + r.normal(0, 0.085)) * r.uniform(0.82, 1.18, 3)
    if r.random() < 0.12:
        x = x * r.uniform(0.12, 0.5)
    return np.clip(x * 255, 0, 255).astype(np.uint8)[:, None]


def degrade(x: np.ndarray, r: np.random.Generator) -> np.ndarray:
    """Greys, light from aside, tones, blur, few pixels, noise, compression: a crop of any kind to uint8."""
    if r.random() < 0.2:
        angle, slope = r.uniform(0, 2 * np.pi), r.uniform(0.3, 2.2)
        light = np.exp(np.float32(slope * np.cos(angle)) * _X + np.float32(slope * np.sin(angle)) * _Y)
        x = np.asarray(x, np.float32) * light[..., None]
    if x.dtype != np.uint8:
        x = np.clip(x, 0, 255).astype(np.uint8)
    if r.random() < 0.25:
        x = cv2.cvtColor(cv2.cvtColor(np.ascontiguousarray(x), cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    x = cv2.LUT(np.ascontiguousarray(x), _tones(r))
    if r.random() < 0.3:
        s = r.uniform(0.4, 2.4)
        x = cv2.GaussianBlur(x, (0, 0), s, sigmaY=s * r.uniform(0.4, 1) if r.random() < 0.4 else s)
    if r.random() < 0.25:
        k = int(r.uniform(26, 100))
        how = [cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST][r.integers(3) if k > 40 else 0]
        x = cv2.resize(cv2.resize(x, (k, k), interpolation=cv2.INTER_AREA), (SIDE, SIDE), interpolation=how)
    if r.random() < 0.3:
        top, left = r.integers(0, 512 - SIDE, 2)
        grain = _GRAIN[top : top + SIDE, left : left + SIDE, : 3 if r.random() < 0.5 else 1]
        x = np.clip(x + grain * np.float32(r.uniform(1, 14)), 0, 255).astype(np.uint8)
    if r.random() < 0.3:
        x = cv2.imdecode(cv2.imencode(".jpg", x, [cv2.IMWRITE_JPEG_QUALITY, int(r.uniform(18, 90))])[1], 1)
    return x


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--others", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("sheet", type=Path)
    args = parser.parse_args()
    source, r, tiles = Samples(args.data, args.work, args.seed, args.others), np.random.default_rng(args.seed), []
    for _ in range(96):
        s = source.draw(r)
        shown = s.crop.copy()
        for x, y in s.points[::3, :2] * (SIDE / 2) + (SIDE - 1) / 2:
            cv2.circle(shown, (round(x), round(y)), 0, (255, 255, 0), -1)
        maps = np.stack([s.visible, s.known, np.full_like(s.known, s.face)], 2)
        tiles.append(np.vstack([shown, cv2.resize(maps * 255, (SIDE, SIDE), interpolation=0).astype(np.uint8)]))
    sheet = np.vstack([np.hstack(tiles[k : k + 16]) for k in range(0, 96, 16)])
    cv2.imwrite(str(args.sheet), sheet[:, :, ::-1])


if __name__ == "__main__":
    main()
