"""The labelled faces: where they lie, who is held out, which point is which, and how a crop lies around points."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial import Delaunay

SIDE = 128
"""Pixels of the network's crop, each way."""
MARGIN = 1.4
"""The crop's side by the face's larger extent."""

OVAL = [10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149,
        150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109]  # fmt: skip
"""Face Mesh's outline, from the middle of the forehead, clockwise as seen."""
BROWS = [[70, 63, 105, 66, 107, 55, 65, 52, 53, 46], [336, 296, 334, 293, 300, 276, 283, 282, 295, 285]]
EYES = [[33, 160, 158, 133, 153, 144], [362, 385, 387, 263, 373, 380]]
LIPS = [61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181]
INNER = sorted({*BROWS[0], *BROWS[1], *EYES[0], *EYES[1], *LIPS, 168, 197, 5, 4, 75, 97, 2, 326, 305,
                78, 82, 13, 312, 308, 317, 14, 87})  # fmt: skip
"""Points on brows, eyes, nose and lips."""


class Faces:
    """faces.zip of a data folder: pictures 176x176 RGB, points (n, 468, 3) in their pixels, z smaller is nearer."""

    def __init__(self, data: Path) -> None:
        self.mirror = np.load(data / "mirror.npy")
        with zipfile.ZipFile(data / "faces.zip") as z:
            self.points = np.load(io.BytesIO(z.read("landmarks.npy"))).astype(np.float32)
            self.origins = z.read("origins.txt").decode().split()
            self._files = [z.read(f"{k:04d}.jpg") for k in range(len(self.points))]

    def picture(self, k: int) -> np.ndarray:
        """Picture `k`, RGB."""
        return np.ascontiguousarray(cv2.imdecode(np.frombuffer(self._files[k], np.uint8), 1)[:, :, ::-1])

    def split(self) -> tuple[list[int], list[int]]:
        """Those to train on, those held out: every twentieth picture, as the first try did.

        It is a split by person as long as each person (the number in the picture's name) has one picture.
        """
        people = [Path(o).stem for o in self.origins]
        assert len(set(people)) == len(people)
        return [k for k in range(len(people)) if k % 20], list(range(0, len(people), 20))


def eyes(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The middles of both eyes, the picture's left one first: (2,) each, or (n, 2) for (n, 468, 3)."""
    return p[..., [33, 133], :2].mean(-2), p[..., [362, 263], :2].mean(-2)


def unit(p: np.ndarray) -> np.ndarray:
    """What errors are measured in: the distance between the eyes, at least 0.3 of the face's height."""
    left, right = eyes(p)
    height = np.linalg.norm(p[..., 10, :2] - p[..., 152, :2], axis=-1)
    return np.maximum(np.linalg.norm(right - left, axis=-1), 0.3 * height)


def lie(p: np.ndarray) -> tuple[float, float, float, float]:
    """How the face lies in the picture: its box's middle x and y, larger extent, and angle (radians, clockwise).

    The angle is that of the line between the eyes and of the one from them to the mouth, together: it holds in
    profile. The box is upright at that angle and holds all points. A second look is cropped by exactly this.
    """
    left, right = eyes(p)
    down = p[[61, 291], :2].mean(0) - (left + right) / 2
    across = (right - left) + np.array([down[1], -down[0]])
    angle = float(np.arctan2(across[1], across[0]))
    c, s = np.cos(angle), np.sin(angle)
    turned = p[:, :2] @ np.array([[c, -s], [s, c]])
    low, high = turned.min(0), turned.max(0)
    middle = np.array([[c, -s], [s, c]]) @ ((low + high) / 2)
    return float(middle[0]), float(middle[1]), float(max(high - low)), angle


def matrix(x: float, y: float, size: float, angle: float, side: int = SIDE) -> np.ndarray:
    """(2, 3): picture to crop, for a face of `size` at (x, y), turned by `angle`."""
    s = side / (MARGIN * size)
    c, n = np.cos(angle) * s, np.sin(angle) * s
    return np.array([[c, n, (side - 1) / 2 - c * x - n * y], [-n, c, (side - 1) / 2 + n * x - c * y]])


def carry(p: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Points through a (2, 3) similarity; z is scaled with them and put around its mean."""
    z = p[:, 2:] * np.sqrt(abs(np.linalg.det(m[:, :2])))
    return np.hstack([p[:, :2] @ m[:, :2].T + m[:, 2], z - z.mean()])


def triangles(p: np.ndarray) -> np.ndarray:
    """(m, 3) triangles over the 468 points, from many faces (n, 468, 3), clockwise when seen from the front."""
    mean = np.mean([carry(f, matrix(*lie(f))) for f in p], 0)[:, :2]
    t = Delaunay(mean).simplices
    return np.where((area(mean, t) < 0)[:, None], t[:, ::-1], t)


def area(p: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Twice the signed area of each triangle: above 0 where it looks at us."""
    a, b, c = (p[t[:, k], :2] for k in range(3))
    return (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])


def seen(p: np.ndarray, t: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The mask of the face's front: 255 where a triangle that looks at us covers a pixel."""
    mask = np.zeros(shape, np.uint8)
    front = np.round(p[t[area(p, t) > 0]][:, :, :2] * 16).astype(np.int32)
    for corners in front:
        cv2.fillConvexPoly(mask, corners, 255, shift=4)
    return mask
