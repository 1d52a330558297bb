"""Draw `turning-head.gif`: a head that turns, nods, comes nearer, leaves and comes back, from one portrait.

    python assets/draw_turning_head.py [OUTPUT]

The portrait is cut out in two layers. The head gets a depth: the mean face of `faceswap_cli.faces.landmarks68` on the
fitted landmarks, an ellipsoid for hair and skull, all joined by a thin-plate spline; it is turned about the neck and
seen in perspective. The shoulders stay, with the part of the neck that the jaw hides painted in. Every frame is drawn
at twice its size. The background is transparent, the durations are uneven, and in some frames nobody is in view.
"""

from __future__ import annotations

import io
import struct
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import dlib
import numpy as np
import numpy.typing as npt
from PIL import Image

from faceswap_cli.engine.analysers.dlib_weights import weights_file
from faceswap_cli.faces.landmarks68 import EXTENDED_SHAPE, JAW
from faceswap_cli.faces.pose import Camera, fit_camera

Floats = npt.NDArray[np.float32]

HERE = Path(__file__).parent
PORTRAIT = HERE / "man-4.jpg"
WIDTH, HEIGHT = 320, 340
SAMPLING = 2
COLOUR_BITS = 7
COLOURS = 2**COLOUR_BITS
PAD = 100
"""Pixels added around the portrait, so that the shoulders can end outside it."""

# Outlines in pixels of the portrait, found by eye: its background is too mottled for an automatic cut.
HAIR = [
    (200, 482), (196, 444), (192, 400), (189, 345), (190, 296), (196, 253), (208, 222), (226, 194), (252, 173),
    (284, 161), (320, 159), (356, 167), (387, 186), (411, 212), (430, 244), (442, 282), (446, 325), (444, 362),
    (441, 400), (437, 441), (431, 478),
]  # fmt: skip
SHOULDERS = [
    (-70, 860), (-62, 800), (-45, 742), (-5, 703), (37, 675), (79, 650), (122, 620), (160, 586), (182, 558),
    (214, 520), (300, 470), (376, 520), (388, 552), (402, 586), (424, 606), (463, 619), (518, 641), (566, 664),
    (588, 690), (604, 742), (616, 800), (622, 860),
]  # fmt: skip


@dataclass(frozen=True)
class Key:
    """Where the head is at one frame: degrees, pixels of the clip per pixel of the portrait, and the eyes' place."""

    frame: int
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    scale: float = 0.5
    x: float = 160.0
    y: float = 152.0


# The portrait itself looks 8 degrees to the right.
KEYS = [
    Key(0), Key(1), Key(5, yaw=13, roll=2, x=164), Key(6, yaw=13, roll=2, x=164),
    Key(13, yaw=-23, pitch=2, roll=-3, x=156), Key(14, yaw=-23, pitch=2, roll=-3, x=156), Key(18),
    Key(20, pitch=-11, y=156), Key(23, pitch=10, y=150), Key(25, pitch=-7), Key(27),
    Key(31, yaw=2, pitch=2, roll=5, scale=0.74, y=186), Key(32, yaw=-1, pitch=2, roll=5, scale=0.74, y=186),
    Key(35, scale=0.5), Key(36, yaw=8, x=172), Key(37, yaw=11, x=256), Key(38, yaw=11, x=392),
    Key(39, yaw=11, x=520), Key(40, yaw=11, x=-170), Key(41, yaw=11, x=-40), Key(42, yaw=8, x=96),
    Key(43, yaw=6, x=152), Key(44, x=160),
]  # fmt: skip
SLOW = {0: 200, 6: 160, 14: 180, 20: 120, 23: 110, 32: 200, 39: 150, 44: 170}
BEAT = (60, 70, 50, 80, 40, 90)


def main() -> None:
    """Draw the clip."""
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "turning-head.gif"
    with Image.open(PORTRAIT) as picture:
        portrait = np.asarray(picture.convert("RGB"))
    puppet = Puppet(portrait)
    frames = [puppet.draw(pose) for pose in motion(KEYS)]
    durations = [SLOW.get(number, BEAT[number % len(BEAT)]) for number in range(len(frames))]
    save(frames, durations, output)


def motion(keys: list[Key]) -> list[Key]:
    """One key for each frame; between two keys the head starts and stops softly."""
    poses = [keys[0]]
    for first, last in pairwise(keys):
        steps = last.frame - first.frame
        for step in range(1, steps + 1):
            k = (1 - np.cos(np.pi * step / steps)) / 2
            start, end = vars(first), vars(last)
            poses.append(Key(**{name: start[name] + k * (end[name] - start[name]) for name in start}))
    return poses


class Puppet:
    """The portrait in two layers, the front one with its depth."""

    def __init__(self, portrait: npt.NDArray[np.uint8]) -> None:
        landmarks = find_landmarks(portrait)
        self.camera = fit_camera(landmarks)
        self.eyes = landmarks[36:48].mean(0) + PAD
        hair = np.array(HAIR, float) + PAD
        jaw = landmarks[JAW][4:13][::-1] + PAD
        padded = cv2.copyMakeBorder(portrait, PAD, PAD, PAD, PAD, cv2.BORDER_REFLECT_101)
        # The jaw fades into the neck; hair and cheeks end within two pixels.
        outline = smooth_outline(np.vstack([hair, jaw]))
        sharp = cover(padded.shape, outline, 1.2)
        soft = cover(padded.shape, outline, 4.0)
        below = np.clip((np.arange(padded.shape[0]) - PAD - 440) / 90, 0, 1).astype(np.float32)[:, None]
        self.head = np.dstack([extend_inside(padded, outline, self.eyes), 255 * (sharp + (soft - sharp) * below)])
        body = cover(padded.shape, smooth_outline(np.array(SHOULDERS, float) + PAD), 1.2)
        self.body = np.dstack([paint_neck(padded, outline), 255 * body])
        self.depth = head_depth(self.camera, hair, padded.shape)

    def draw(self, pose: Key) -> Floats:
        """float32 (H, W, 4): red, green, blue, alpha, 0..255."""
        scale = pose.scale * SAMPLING
        width, height = WIDTH * SAMPLING, HEIGHT * SAMPLING
        xs, ys = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        x = ((xs - pose.x * SAMPLING) / scale + self.eyes[0]).astype(np.float32)
        y = ((ys - pose.y * SAMPLING) / scale + self.eyes[1]).astype(np.float32)
        canvas = premultiplied(self.body, x, y)
        head = premultiplied(self.head, *self.unturn(x, y, pose))
        canvas = head + canvas * (1 - head[..., 3:] / 255)
        small = cv2.resize(canvas, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        small[..., :3] /= np.maximum(small[..., 3:] / 255, 1e-3)
        return np.asarray(np.clip(small, 0, 255), dtype=np.float32)

    def unturn(self, x: Floats, y: Floats, pose: Key) -> tuple[Floats, Floats]:
        """Which point of the frontal portrait is seen at (x, y) when the head is turned: by fixed-point iteration.

        The depth is gentle enough that no part of the head hides another one at the angles used, so that the
        projection is one-to-one and the iteration converges.
        """
        unit, rotation = self.camera.scale, turn(pose)
        # The head turns about a point in the neck, and is seen from eleven inter-ocular distances before it.
        px, py, pz = self.eyes[0], self.eyes[1] + 1.35 * unit, 1.05
        distance = 11.0
        u, v = x.copy(), y.copy()
        for _ in range(30):
            z = cv2.remap(self.depth, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            a, b, c = (u - px) / unit, (v - py) / unit, z - pz
            turned = [row[0] * a + row[1] * b + row[2] * c for row in rotation]
            # At rest the portrait is seen as it was taken: perspective only changes what the turn changes.
            near = (distance + c) / (distance + turned[2])
            u += x - (turned[0] * near * unit + px)
            v += y - (turned[1] * near * unit + py)
        return u.astype(np.float32), v.astype(np.float32)


def find_landmarks(portrait: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """float64 (68, 2): dlib's landmarks on the one face."""
    predictor = dlib.shape_predictor(str(weights_file("shape_predictor_68_face_landmarks.dat")))
    shape = predictor(portrait, dlib.get_frontal_face_detector()(portrait, 0)[0])
    return np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float64)


def turn(pose: Key) -> npt.NDArray[np.float64]:
    """The rotation, x right, y down, z away: first pitch, then yaw, then roll."""
    yaw, pitch, roll = np.radians([pose.yaw, pose.pitch, pose.roll])
    nod = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    shake = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    lean = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return lean @ shake @ nod


def smooth_outline(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A closed Catmull-Rom curve through `points` (N, 2)."""
    t = np.linspace(0, 1, 12, endpoint=False)[:, None]
    before, start, end, after = (np.roll(points, shift, axis=0)[:, None] for shift in (1, 0, -1, -2))
    curve = 0.5 * (
        2 * start + (end - before) * t + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )  # fmt: skip
    return np.asarray(curve.reshape(-1, 2), dtype=np.float64)


def cover(shape: tuple[int, ...], outline: npt.NDArray[np.float64], sigma: float) -> Floats:
    """0..1 inside an outline, with a soft edge."""
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), sigma)


def extend_inside(padded: npt.NDArray[np.uint8], outline: npt.NDArray[np.float64],
                  middle: npt.NDArray[np.float64]) -> Floats:
    """The picture with the rim of hair and cheeks, where the background shines through, drawn from further inside."""
    rim = 10
    inside = (cover(padded.shape, outline, 0.1) > 0.5).astype(np.uint8)
    within = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    without = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    ys, xs = np.mgrid[0 : padded.shape[0], 0 : padded.shape[1]].astype(np.float32)
    dx, dy = middle[0] - xs, middle[1] - ys
    # A ramp without folds: the rim and as much again inside it are stretched to twice their width.
    move = np.clip(rim - within / 2, 0, None) + without
    move *= np.clip((middle[1] + 150 - ys) / 40, 0, 1) / np.maximum(np.hypot(dx, dy), 1)
    source = padded.astype(np.float32)
    x, y = ((start + step * move).astype(np.float32) for start, step in ((xs, dx), (ys, dy)))
    return np.asarray(cv2.remap(source, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), dtype=np.float32)


def paint_neck(padded: npt.NDArray[np.uint8], outline: npt.NDArray[np.float64]) -> Floats:
    """The picture with the jaw replaced by neck: in each column the colours under the jaw go on upwards."""
    painted = padded.astype(np.float32)
    jaw = cover(padded.shape, outline, 0.1) > 0.02
    jaw = cv2.dilate(jaw.astype(np.uint8), np.ones((13, 1), np.uint8)) > 0
    for column in np.flatnonzero(jaw.any(0)):
        last = int(np.flatnonzero(jaw[:, column])[-1])
        painted[: last + 1, column] = painted[last + 1 : last + 9, column].mean(0)
    smooth = cv2.GaussianBlur(painted, (0, 0), 7)
    return np.asarray(np.where(jaw[..., None], smooth, painted), dtype=np.float32)


def head_depth(camera: Camera, hair: npt.NDArray[np.float64], shape: tuple[int, ...]) -> Floats:
    """float32 (H, W): depth of the head in inter-ocular distances, larger is farther away; flat around it."""
    # The ends of the jaw and of the forehead's arc are guesses on a frontal picture: the outline knows better.
    seen = np.setdiff1d(np.arange(len(EXTENDED_SHAPE)), [0, 1, 2, 3, 13, 14, 15, 16, 68, 69, 77, 78])
    places = [camera.project(EXTENDED_SHAPE[seen]) + PAD]
    depths = [camera.depth(EXTENDED_SHAPE[seen])]
    # Along the outline the head turns away from the viewer: beside the eyes at 0.7, farther back at the crown. (It is
    # farther in truth; but then the temples would fold over at the angles used.)
    middle = camera.project(np.array([[0.0, -0.4, 0.0]]))[0] + PAD
    crown = np.clip((middle[1] - hair[:, 1]) / camera.scale / 2.0, 0, 1)
    places.append(hair)
    depths.append(0.7 + 0.3 * crown**2)
    inner = crown > 0.4
    places.append(middle + (hair[inner] - middle) * 0.88)
    depths.append(0.35 + 0.3 * crown[inner] ** 2)
    control, values = np.vstack(places), np.concatenate(depths)
    step = 4
    ys, xs = np.mgrid[0 : shape[0] : step, 0 : shape[1] : step]
    grid = np.column_stack([xs.ravel(), ys.ravel()]).astype(float)
    spline = thin_plate(control / camera.scale, values, grid / camera.scale).reshape(xs.shape)
    field = cv2.resize(np.clip(spline, -0.6, 1.0).astype(np.float32), (shape[1], shape[0]))
    return cv2.GaussianBlur(field, (0, 0), 5)


def thin_plate(control: npt.NDArray[np.float64], values: npt.NDArray[np.float64],
               grid: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Smoothing thin-plate spline (Duchon 1977) through `values` at `control` (N, 2), read at `grid` (M, 2)."""

    def kernel(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        squared = ((first[:, None] - second[None]) ** 2).sum(2)
        return np.asarray(squared * np.log(squared + 1e-12), dtype=np.float64)

    count = len(control)
    affine = np.column_stack([np.ones(count), control])
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = kernel(control, control) + 0.02 * np.eye(count)
    system[:count, count:] = affine
    system[count:, :count] = affine.T
    weights = np.linalg.solve(system, np.concatenate([values, np.zeros(3)]))
    return kernel(grid, control) @ weights[:count] + np.column_stack([np.ones(len(grid)), grid]) @ weights[count:]


def premultiplied(layer: Floats, x: Floats, y: Floats) -> Floats:
    """`layer` (H, W, 4) read at x, y; colours multiplied by alpha, transparent outside the layer."""
    seen = cv2.remap(layer, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(0, 0, 0, 0))
    seen[..., :3] *= seen[..., 3:] / 255
    return np.asarray(seen, dtype=np.float32)


def save(frames: list[Floats], durations: list[int], output: Path) -> None:
    """One palette for all frames, without dither, and one more colour that is transparent."""
    solid = [frame[..., 3] >= 128 for frame in frames]
    pixels = np.concatenate([frame[mask, :3] for frame, mask in zip(frames, solid, strict=True)]).round()
    strip = Image.fromarray(pixels[: len(pixels) // 256 * 256].astype(np.uint8).reshape(-1, 256, 3))
    palette = strip.quantize(COLOURS - 1, Image.Quantize.MEDIANCUT, kmeans=2)
    colours = [*(palette.getpalette() or [])[: 3 * (COLOURS - 1)], 0, 0, 0]
    parts = [
        b"GIF89a" + struct.pack("<HHBBB", WIDTH, HEIGHT, 0xF0 | COLOUR_BITS - 1, COLOURS - 1, 0) + bytes(colours),
        b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00",
    ]
    for frame, mask, duration in zip(frames, solid, durations, strict=True):
        picture = Image.fromarray(frame[..., :3].round().astype(np.uint8))
        indices = np.asarray(picture.quantize(palette=palette, dither=Image.Dither.NONE)).copy()
        indices[~mask] = COLOURS - 1
        image = Image.fromarray(indices)
        image.putpalette(colours)
        # Shown for `duration`, then cleared to transparent.
        parts.append(b"!\xf9\x04" + struct.pack("<BHBB", 2 << 2 | 1, duration // 10, COLOURS - 1, 0))
        parts.append(b"," + struct.pack("<HHHHB", 0, 0, WIDTH, HEIGHT, 0) + compressed(image))
    output.write_bytes(b"".join(parts) + b";")


def compressed(image: Image.Image) -> bytes:
    """The compressed indices of one frame.

    Pillow compresses; the file around the frames is written here, because Pillow 13 begins a second file inside the
    first at a frame that is wholly transparent.
    """
    file = io.BytesIO()
    image.save(file, "GIF", optimize=False, interlace=False)
    data = file.getvalue()
    table = 3 * 2 ** ((data[10] & 7) + 1)
    descriptor = data.index(b",", 13 + table)
    return data[descriptor + 10 : -1]


if __name__ == "__main__":
    main()
