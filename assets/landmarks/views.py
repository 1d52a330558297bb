"""The pool of views that training draws from: each face as it is, and turned in depth with its pixels (after 300W-LP).

    python views.py --data DATA --work WORK [--rounds 4] [--workers 2]

Writes WORK/pool-R.npy, (faces, 176, 176, 4) uint8, RGB and the mask of what shows of the face, and WORK/pool-R.npz with
points and the faces' numbers, for round R: 0 as they are, 1 and up turned. 20 ms a view. Training takes up rounds that
appear later.

The mask: 255 face, 0 not the face or hair over it, 128 perhaps a shadow, a beard, or hair: not learned from.
"""

from __future__ import annotations

import argparse
import multiprocessing
from pathlib import Path

import cv2
import numpy as np
from faces import BROWS, EYES, LIPS, OVAL, Faces, carry, lie, matrix, seen, triangles
from scipy.spatial import Delaunay

CHEEKS = [50, 205, 280, 425, 4, 5, 195, 117, 346, 101, 330, 36, 266]
RINGS = ((1.3, 0.10), (1.75, 0.28))  # rings behind the outline: enlarged by, moved back by (of the face's height)


class Views:
    """Turns faces. The triangles, over the points and two rings of surroundings, come from some of the faces."""

    def __init__(self, some: np.ndarray) -> None:
        mean = np.mean([carry(f, matrix(*lie(f))) for f in some], 0)
        self.front = triangles(some)
        self.all = Delaunay(self._ringed(mean)[:, :2]).simplices

    @staticmethod
    def _ringed(p: np.ndarray) -> np.ndarray:
        outline = p[OVAL]
        middle, height = outline.mean(0), np.ptp(outline[:, 1])
        rings = [middle + (outline - middle) * k for k, _ in RINGS]
        for ring, (_, back) in zip(rings, RINGS, strict=True):
            ring[:, 2] = outline[:, 2] + back * height
        return np.vstack([p, *rings])

    def mask(self, image: np.ndarray, p: np.ndarray) -> np.ndarray:
        """What shows of the face in a picture as it is: (h, w), see above."""
        h, w = image.shape[:2]
        mask = seen(p, self.front, (h, w))
        light = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (0, 0), 1.2).astype(np.float32)
        at = np.clip(np.round(p[CHEEKS, :2]).astype(int), 0, [w - 1, h - 1])
        skin = light[at[:, 1], at[:, 0]]
        middle, spread = np.median(skin), np.median(np.abs(skin - np.median(skin)))
        drop = middle - light
        parts = np.zeros((h, w), np.uint8)  # what is dark and yet the face
        for part in [*BROWS, *EYES, LIPS, [98, 97, 2, 326, 327, 4]]:
            cv2.fillConvexPoly(parts, cv2.convexHull(np.round(p[part, :2]).astype(np.int32)), 255)
        parts = cv2.dilate(parts, np.ones((7, 7), np.uint8))
        forehead = np.zeros((h, w), np.uint8)
        top = OVAL[-8:] + OVAL[:9]
        around = [*top, 300, 293, 334, 296, 336, 107, 66, 105, 63, 70]
        cv2.fillPoly(forehead, [np.round(p[around, :2]).astype(np.int32)], 255)
        inside = (mask > 0) & (parts == 0)
        mask[inside & (drop > max(0.22 * middle, 3 * spread, 18))] = 128
        hair = (inside & (forehead > 0) & (drop > max(0.33 * middle, 4 * spread, 30))).astype(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(hair)
        edge = np.zeros((h, w), np.uint8)
        cv2.polylines(edge, [np.round(p[top, :2]).astype(np.int32)], False, 255, 5)
        for k in range(1, count):
            if stats[k, cv2.CC_STAT_AREA] > 12 and (edge[labels == k] > 0).any():
                mask[labels == k] = 0
        return mask

    def turn(self, image: np.ndarray, points: np.ndarray, yaw: float, pitch: float) -> tuple[np.ndarray, np.ndarray]:
        """A picture (h, w, any) as seen from aside, and its points there. Radians; yaw above 0 turns to its right."""
        p = self._ringed(points.astype(np.float64))
        axis = p[:468].mean(0)
        axis[2] = 0.6 * p[:468, 2].max() + 0.4 * p[:468, 2].min()
        cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
        rotation = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]]) @ np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
        q = (p - axis) @ rotation.T + axis
        h, w = image.shape[:2]
        which = np.full((h, w), -1, np.int32)
        corners = np.round(q[self.all][:, :, :2] * 16).astype(np.int32)
        for t in np.argsort(-q[self.all, 2].mean(1)):  # far ones first
            cv2.fillConvexPoly(which, corners[t], int(t), shift=4)
        now = np.concatenate([q[self.all][:, :, :2], np.ones((len(self.all), 3, 1))], 2)
        whole = np.abs(np.linalg.det(now)) > 0.05
        back = np.zeros((len(now), 3, 2))
        back[whole] = np.linalg.solve(now[whole], p[self.all][whole][:, :, :2])
        y, x = np.nonzero((which >= 0) & whole[which])
        source = np.einsum("ni,nij->nj", np.stack([x, y, np.ones_like(x)], 1).astype(float), back[which[y, x]])
        where = np.full((h, w, 2), -1, np.float32)
        where[y, x] = source
        hole = np.ones((h, w), bool)
        hole[y, x] = False
        view = cv2.remap(image, where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        view[hole] = cv2.GaussianBlur(image, (0, 0), 6)[hole]
        return view, q[:468]


def angles(p: np.ndarray, r: np.random.Generator) -> tuple[float, float]:
    """How a face is turned for the pool: further to the side it looks to (the other cheek was not seen)."""
    lean = float((p[1, 0] - (p[234, 0] + p[454, 0]) / 2) / max(p[454, 0] - p[234, 0], 1))
    if r.random() < 0.15:
        return float(r.uniform(-0.15, 0.15)), float(r.uniform(-0.55, 0.55))
    side = np.sign(lean) if abs(lean) > 0.06 else r.choice((-1, 1))
    return float(side * r.uniform(0.15, max(0.3, 1.05 - 1.5 * abs(lean)))), float(r.uniform(-0.4, 0.4))


def _view(job: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    k, round_ = job
    image, p = FACES.picture(k), FACES.points[k].astype(np.float64)
    image = np.dstack([image, VIEWS.mask(image, p)])
    if round_:
        image, p = VIEWS.turn(image, p, *angles(p, np.random.default_rng((5, round_, k))))
        image[..., 3] = np.minimum(image[..., 3], seen(p, VIEWS.front, image.shape[:2]))
    return image, p.astype(np.float32)


def main() -> None:
    """See above."""
    global FACES, VIEWS
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    FACES = Faces(args.data)
    VIEWS = Views(FACES.points[::20])
    count = len(FACES.points)
    args.work.mkdir(exist_ok=True)
    with multiprocessing.get_context("fork").Pool(args.workers) as pool:
        for round_ in range(args.rounds):
            target = args.work / f"pool-{round_}.npy"
            if target.with_suffix(".npz").exists():
                continue
            views = np.lib.format.open_memmap(target, "w+", np.uint8, (count, 176, 176, 4))
            points = np.zeros((count, 468, 3), np.float32)
            jobs = [(k, round_) for k in range(count)]
            for k, (view, p) in enumerate(pool.imap(_view, jobs, chunksize=32)):
                views[k], points[k] = view, p
            views.flush()
            np.savez(target.with_suffix(".npz"), points=points)
            print("round", round_, "done", flush=True)


if __name__ == "__main__":
    main()
