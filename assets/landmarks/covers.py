"""Things that lie over a face, painted: for the map of what shows of it.

Each takes a crop (h, w, 3) uint8 RGB, its 468 points in pixels, a generator and a texture of the same size, and returns
colour (h, w, 3) and cover (h, w) in 0..1.
"""

from __future__ import annotations

import cv2
import numpy as np
from faces import EYES, OVAL, SIDE, unit

_Y, _X = (np.mgrid[0:SIDE, 0:SIDE] / SIDE - 0.5).astype(np.float32)
Painted = tuple[np.ndarray, np.ndarray]
R = np.random.Generator

HAIR = [(20, 16, 14), (58, 40, 28), (110, 80, 50), (190, 160, 110), (150, 150, 150), (225, 222, 215), (120, 50, 25)]
SKIN = [(240, 200, 175), (225, 172, 140), (198, 140, 105), (150, 98, 68), (96, 62, 44), (62, 42, 34)]


def _colour(r: R) -> np.ndarray:
    if r.random() < 0.4:
        return np.full(3, r.uniform(0, 255)) + r.uniform(-12, 12, 3)
    return r.uniform(0, 255, 3)


def _tone(colour: np.ndarray) -> tuple[float, ...]:
    return tuple(float(c) for c in np.clip(colour, 0, 255))


def _fill(shape: tuple[int, int], polygon: np.ndarray) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(polygon * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return mask


def _flat(x: np.ndarray, colour: np.ndarray, r: R, texture: np.ndarray | None = None) -> np.ndarray:
    """A surface: a colour with a gradient of light, weave, perhaps texture of another picture."""
    if texture is not None and r.random() < 0.6:
        return np.ascontiguousarray(texture, np.float32)
    angle, slope = r.uniform(0, 6.3), r.uniform(0, 0.35)
    light = 1 + np.float32(slope * np.cos(angle)) * _X + np.float32(slope * np.sin(angle)) * _Y
    out = np.clip(colour, 0, 255).astype(np.float32) * light[..., None]
    if texture is not None:
        out = 0.5 * out + 0.5 * texture.astype(np.float32)
    elif r.random() < 0.4:
        out = out + r.standard_normal((*_X.shape, 1), np.float32) * np.float32(r.uniform(2, 14))
    elif r.random() < 0.3:
        stripes = np.sin((light - 1) * np.float32(r.uniform(40, 220) / max(slope, 0.01)))
        out = out + np.float32(r.uniform(4, 40)) * stripes[..., None]
    return np.ascontiguousarray(np.clip(out, 0, 255), np.float32)


def _spot(p: np.ndarray, r: R) -> np.ndarray:
    """Somewhere on the face, or a little beside it."""
    low, high = p[:, :2].min(0), p[:, :2].max(0)
    return r.uniform(low - 0.05 * (high - low), high + 0.05 * (high - low))


def _capsule(mask: np.ndarray, a: np.ndarray, b: np.ndarray, width: float) -> None:
    cv2.line(mask, tuple(map(int, a * 16)), tuple(map(int, b * 16)), 255, max(1, round(width)), cv2.LINE_AA, 4)


def medical_mask(x: np.ndarray, p: np.ndarray, r: R, t: np.ndarray) -> Painted:
    """Over nose and mouth; now and then pulled below the nose."""
    top = [234, 117, 6 if r.random() < 0.4 else 195, 346, 454] if r.random() < 0.8 else [132, 205, 0, 425, 361]
    jaw = OVAL[9:28]
    outline = np.vstack([p[top, :2], p[jaw, :2][:, :]])
    middle = outline.mean(0)
    outline = middle + (outline - middle) * r.uniform(0.95, 1.12) + r.normal(0, 0.8, outline.shape)
    white, blue = np.array([238, 240, 242]), np.array([150, 190, 220])
    colour = [white, blue, np.array([25, 25, 28]), _colour(r)][r.integers(4)] + r.uniform(-15, 15, 3)
    surface = _flat(x, colour, r, t if r.random() < 0.15 else None)
    for k in np.linspace(0.25, 0.75, r.integers(2, 5)):  # folds
        a, b = p[234, :2] * (1 - k) + p[172, :2] * k, p[454, :2] * (1 - k) + p[397, :2] * k
        if r.random() < 0.6:
            cv2.line(surface, tuple(map(int, a)), tuple(map(int, b)), _tone(colour * 0.8), 1, cv2.LINE_AA)
    mask = _fill(x.shape[:2], outline)
    if r.random() < 0.5:  # its bands
        for ear, cheek in ((127, 93), (356, 323)):
            _capsule(mask, p[cheek, :2], p[ear, :2], 1.5)
    return surface, mask / 255


def microphone(x: np.ndarray, p: np.ndarray, r: R, t: np.ndarray) -> Painted:
    """A head on a stick, from below or aside, near the mouth."""
    u = unit(p)
    at = p[[13, 14, 17, 152, 61, 291][r.integers(6)], :2] + r.normal(0, 0.25 * u, 2)
    angle = r.normal(np.pi / 2, 0.6)
    away = np.array([np.cos(angle), np.sin(angle)])
    size = r.uniform(0.16, 0.5) * u
    mask = np.zeros(x.shape[:2], np.uint8)
    _capsule(mask, at, at + away * 150, size * r.uniform(0.7, 1.4))
    cv2.ellipse(mask, (tuple(map(float, at)), (float(2 * size), float(2 * size * r.uniform(1, 1.5))),
                float(np.degrees(angle) + 90)), 255, -1, cv2.LINE_AA)  # fmt: skip
    colour = np.array([30, 30, 32]) if r.random() < 0.6 else _colour(r)
    surface = _flat(x, colour, r)
    surface[::2, ::2] *= r.uniform(0.6, 1.4)
    cv2.circle(surface, tuple(map(int, at - size * 0.3)), max(1, int(size * 0.3)), _tone(colour + 60), -1)
    return np.clip(surface, 0, 255), mask / 255


def _rectangle(at: np.ndarray, w: float, h: float, angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    corners = np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) / 2
    return corners @ np.array([[c, s], [-s, c]]) + at


def phone(x: np.ndarray, p: np.ndarray, r: R, t: np.ndarray) -> Painted:
    """A dark slab with an edge, a camera or a screen; fingers around it at times."""
    u, at, angle = unit(p), _spot(p, r), r.normal(0, 0.5)
    w, h = r.uniform(0.7, 1.3) * u, r.uniform(1.3, 2.4) * u
    if r.random() < 0.3:
        w, h = h, w
    mask = _fill(x.shape[:2], _rectangle(at, w, h, angle))
    colour = np.full(3, r.uniform(8, 60)) if r.random() < 0.7 else _colour(r)
    surface = _flat(x, colour, r)
    inner = _fill(x.shape[:2], _rectangle(at, w * 0.9, h * 0.93, angle)) > 127
    surface[inner] = (t if r.random() < 0.3 else _flat(x, colour + r.uniform(-15, 40), r))[inner]
    corner = _rectangle(at, w * 0.6, h * 0.75, angle)[0]
    cv2.circle(surface, tuple(map(int, corner)), max(1, int(0.1 * w)), (10, 10, 12), -1, cv2.LINE_AA)
    if r.random() < 0.4:
        colours, hand_mask = hand(x, p, r, t, at)
        surface = surface * (1 - hand_mask[..., None]) + colours * hand_mask[..., None]
        return surface, np.maximum(mask / 255, hand_mask)
    return surface, mask / 255


def hand(x: np.ndarray, p: np.ndarray, r: R, t: np.ndarray, at: np.ndarray | None = None) -> Painted:
    """Fingers, with a palm or without, of the face's own skin or another."""
    u = unit(p)
    at = _spot(p, r) if at is None else at
    own = x[tuple(np.clip(p[[205, 425][r.integers(2)], :2][::-1].astype(int), 0, x.shape[0] - 1))]
    another = np.array(SKIN[r.integers(len(SKIN))]) * r.uniform(0.7, 1.1)
    colour = own + r.uniform(-25, 25) if r.random() < 0.65 else another
    colour = np.clip(np.asarray(colour, float), 0, 255)
    angle, width = r.uniform(0, 2 * np.pi), r.uniform(0.2, 0.34) * u
    along, aside = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    surface, mask = _flat(x, colour, r), np.zeros(x.shape[:2], np.uint8)
    fingers = r.integers(1, 6)
    spread = r.uniform(0.9, 1.2)
    for k in range(fingers):
        root = at + aside * (k - (fingers - 1) / 2) * width * spread
        tip = root + along * r.uniform(0.9, 1.5) * u + aside * (k - (fingers - 1) / 2) * r.uniform(0, 0.12) * u
        one = np.zeros_like(mask)
        _capsule(one, root, tip, width)
        edge = cv2.subtract(one, cv2.erode(one, np.ones((3, 3), np.uint8))) > 60
        lit = cv2.GaussianBlur(one, (0, 0), width / 3).astype(np.float32)[..., None] / 255
        surface = np.ascontiguousarray(np.where(one[..., None] > 0, colour * (0.72 + 0.33 * lit), surface), np.float32)
        surface[edge] *= r.uniform(0.55, 0.9)
        if r.random() < 0.4:  # a nail
            cv2.circle(surface, tuple(map(int, tip)), max(1, int(width * 0.28)), _tone(colour * 1.12 + 8), -1)
        mask = np.maximum(mask, one)
    if r.random() < 0.65:
        palm = np.zeros_like(mask)
        middle = at - along * 0.35 * u
        cv2.ellipse(palm, (tuple(map(float, middle)), (1.1 * u, 0.5 * u + fingers * width * spread * 0.7),
                           float(np.degrees(angle))), 255, -1, cv2.LINE_AA)  # fmt: skip
        _capsule(palm, middle, middle - along * 200, 0.9 * u)
        surface = np.where((palm > mask)[..., None], _flat(x, colour * 0.95, r), surface)
        mask = np.maximum(mask, palm)
    return np.clip(surface, 0, 255), mask / 255


def glasses(x: np.ndarray, p: np.ndarray, r: R, t: np.ndarray) -> Painted:
    """Sunglasses, or rims alone."""
    u, mask = unit(p), np.zeros(x.shape[:2], np.uint8)
    dark = r.random() < 0.7
    shape, grow = r.integers(3), r.uniform(1.6, 2.7)
    rim = max(1, round(r.uniform(0.02, 0.09) * u))
    for eye in EYES:
        e = p[eye, :2]
        middle, width = e.mean(0) + np.array([0, 0.04 * u]), np.ptp(e[:, 0]) + 0.1 * u
        w, h = width * grow * 0.75, width * grow * r.uniform(0.5, 0.7)
        roll = float(np.degrees(np.arctan2(*(p[263, :2] - p[33, :2])[::-1])))
        if shape == 0:
            cv2.ellipse(mask, (tuple(map(float, middle)), (w, h), roll), 255, -1 if dark else rim, cv2.LINE_AA)
        else:
            polygon = _rectangle(middle, w, h, np.radians(roll))
            if shape == 2:
                polygon[2:] = polygon[2:] * 0.82 + polygon[2:].mean(0) * 0.18
            if dark:
                mask = np.maximum(mask, _fill(x.shape[:2], polygon))
            else:
                cv2.polylines(mask, [np.round(polygon).astype(np.int32)], True, 255, rim, cv2.LINE_AA)
    _capsule(mask, p[133, :2], p[362, :2], rim)
    _capsule(mask, p[33, :2] + [0, 0], p[127, :2], rim)
    _capsule(mask, p[263, :2], p[356, :2], rim)
    colour = np.full(3, r.uniform(0, 50)) if r.random() < 0.6 else _colour(r)
    surface = _flat(x, colour, r)
    if dark and r.random() < 0.5:  # a reflection
        k, shift = r.uniform(0.1, 0.5), r.integers(5, 40)
        surface = surface * (1 - k) + k * np.roll(t, shift, 0)
    opaque = r.uniform(0.75, 1) if dark else 1.0
    return np.clip(surface, 0, 255), mask / 255 * opaque


def strands(x: np.ndarray, p: np.ndarray, r: R, t: np.ndarray) -> Painted:
    """Hair that hangs into the face: a lock, a fringe, single strands."""
    u, mask = unit(p), np.zeros(x.shape[:2], np.uint8)
    colour = np.array(HAIR[r.integers(len(HAIR))], float) * r.uniform(0.6, 1.2)
    if r.random() < 0.4:
        above = np.clip(p[10, :2] - [0, 0.5 * u], 0, x.shape[0] - 1).astype(int)
        colour = x[above[1], above[0]].astype(float)
    surface = np.broadcast_to(np.clip(colour, 0, 255), x.shape).astype(np.float32).copy()
    start = p[[10, 338, 297, 284, 109, 67, 54, 103, 332][r.integers(9)], :2] + r.normal(0, 0.3 * u, 2) - [0, 0.25 * u]
    end = _spot(p, r)
    bend = (start + end) / 2 + r.normal(0, 0.5 * u, 2)
    count, loose = int(r.choice([1, 3, 12, 40])), r.uniform(0.03, 0.35) * u
    k = np.linspace(0, 1, 12)[:, None]
    for _ in range(count):
        a, b, c = (q + r.normal(0, loose * f, 2) for q, f in ((start, 0.8), (bend, 1), (end, 1.3)))
        curve = np.round(((1 - k) ** 2 * a + 2 * k * (1 - k) * b + k**2 * c) * 16).astype(np.int32)
        width = int(r.integers(1, 3 if count > 3 else 6))
        cv2.polylines(mask, [curve], False, 255, width, cv2.LINE_AA, 4)
        cv2.polylines(surface, [curve], False, _tone(colour * r.uniform(0.6, 1.5)), width, cv2.LINE_AA, 4)
    return surface, mask / 255


def fringe(x: np.ndarray, p: np.ndarray, r: R, t: np.ndarray) -> Painted:
    """Hair, a hat or a scarf over forehead or chin, or a beard; its edge is ragged."""
    upper = r.random() < 0.6
    reach = r.uniform(0.1, 1.0)
    if upper:
        rim, depth = p[OVAL[-9:] + OVAL[:10], :2], p[[168], :2] - p[[10], :2]
    else:
        rim, depth = p[OVAL[9:28], :2], p[[2], :2] - p[[152], :2]
    inner = rim + depth * reach * (0.5 + 0.5 * np.sin(np.linspace(0, np.pi, len(rim)))[:, None])
    inner = inner + r.normal(0, r.uniform(0.3, 3), inner.shape)
    outer = rim - depth * r.uniform(0.3, 1.5)
    mask = _fill(x.shape[:2], np.vstack([outer, inner[::-1]]))
    if r.random() < 0.6:
        colour = np.array(HAIR[r.integers(len(HAIR))], float) * r.uniform(0.6, 1.2)
        noise = r.standard_normal(x.shape[:2], np.float32)
        noise = cv2.GaussianBlur(noise, (0, 0), 0.7, sigmaY=r.uniform(0.7, 4))
        surface = np.clip(colour + noise[..., None] * r.uniform(10, 60), 0, 255)
        mask = cv2.GaussianBlur(mask, (0, 0), r.uniform(0.5, 2))
    else:
        surface = _flat(x, _colour(r), r, t if r.random() < 0.5 else None)
    return surface, mask / 255


def text(x: np.ndarray, p: np.ndarray, r: R, t: np.ndarray) -> Painted:
    """Letters, perhaps on a bar."""
    at, scale = _spot(p, r), r.uniform(0.3, 1.6)
    word = "".join(chr(c) for c in r.integers(48, 122, r.integers(2, 12)))
    mask, thick = np.zeros(x.shape[:2], np.uint8), int(r.integers(1, 4))
    left = int(at[0] - 10 * scale * len(word))
    surface, font = _flat(x, _colour(r), r).astype(np.uint8), int(r.integers(0, 5))
    if r.random() < 0.35:
        below = (left + int(20 * scale * len(word)), int(at[1] + 8 * scale))
        cv2.rectangle(mask, (left - 3, int(at[1] - 24 * scale)), below, 255, -1)
        cv2.putText(surface, word, (left, int(at[1])), font, scale, _tone(_colour(r)), thick, cv2.LINE_AA)
    else:
        cv2.putText(mask, word, (left, int(at[1])), font, scale, 255, thick, cv2.LINE_AA)
    return surface, mask / 255


def block(x: np.ndarray, p: np.ndarray, r: R, t: np.ndarray) -> Painted:
    """A rectangle, an ellipse or a ragged patch, plain or of another picture."""
    at, u = _spot(p, r), unit(p)
    w, h = r.uniform(0.3, 2.0, 2) * u
    kind = r.integers(3)
    if kind == 0:
        mask = _fill(x.shape[:2], _rectangle(at, w, h, r.uniform(0, 3.2) if r.random() < 0.5 else 0.0))
    elif kind == 1:
        mask = np.zeros(x.shape[:2], np.uint8)
        cv2.ellipse(mask, (tuple(map(float, at)), (float(w), float(h)), float(r.uniform(0, 180))), 255, -1, cv2.LINE_AA)
    else:
        a = np.sort(r.uniform(0, 6.283, r.integers(4, 11)))
        ring = np.stack([np.cos(a) * w, np.sin(a) * h], 1) * r.uniform(0.25, 0.65, (len(a), 1))
        mask = _fill(x.shape[:2], at + ring)
    return _flat(x, _colour(r), r, t if r.random() < 0.6 else None), mask / 255


def bar(x: np.ndarray, p: np.ndarray, r: R, t: np.ndarray) -> Painted:
    """A rod, cable, arm or rail across the face."""
    at, u, angle = _spot(p, r), unit(p), r.uniform(0, np.pi)
    along = np.array([np.cos(angle), np.sin(angle)]) * 200
    mask = np.zeros(x.shape[:2], np.uint8)
    _capsule(mask, at - along, at + along * (r.random() < 0.6), r.uniform(0.05, 0.8) * u)
    colour = np.array(SKIN[r.integers(len(SKIN))], float) if r.random() < 0.25 else _colour(r)
    return _flat(x, colour, r, t if r.random() < 0.4 else None), mask / 255


def edge(x: np.ndarray, p: np.ndarray, r: R, t: np.ndarray) -> Painted:
    """The picture ends in the face: beyond is black, one colour, or another picture."""
    angle = r.choice([0, 0.5, 1, 1.5]) * np.pi + (r.normal(0, 0.15) if r.random() < 0.4 else 0)
    out = np.array([np.cos(angle), np.sin(angle)])
    low, high = (p[:, :2] @ out).min(), (p[:, :2] @ out).max()
    cut = high - r.uniform(0, 0.5) * (high - low)
    yy, xx = np.mgrid[0 : x.shape[0], 0 : x.shape[1]]
    mask = (xx * out[0] + yy * out[1] > cut).astype(np.float32)
    kind = r.integers(3)
    return [np.zeros(x.shape, np.float32), _flat(x, _colour(r), r), t.astype(np.float32)][kind], mask


KINDS = [medical_mask, microphone, phone, hand, glasses, strands, fringe, text, block, bar, edge]
WEIGHTS = np.array([1.2, 1, 0.9, 1.6, 1.3, 1.3, 1.4, 0.7, 1.3, 0.7, 0.6])


def cover(x: np.ndarray, p: np.ndarray, r: R, texture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One or two things over a face: the crop with them, float32, and how much each pixel is covered."""
    total, out = np.zeros(x.shape[:2], np.float32), x.astype(np.float32)
    for _ in range(1 + (r.random() < 0.25)):
        paint = KINDS[r.choice(len(KINDS), p=WEIGHTS / WEIGHTS.sum())]
        colour, mask = paint(x, p, r, texture)
        mask = np.asarray(mask, np.float32)
        if r.random() < 0.5:
            mask = cv2.GaussianBlur(mask, (0, 0), r.uniform(0.4, 1.3))
        if r.random() < 0.25:  # its shadow
            moved = np.roll(mask, tuple(r.integers(-4, 5, 2)), (0, 1))
            out *= 1 - 0.45 * cv2.GaussianBlur(moved, (0, 0), 2.5)[..., None]
        out = out * (1 - mask[..., None]) + np.asarray(colour, np.float32) * mask[..., None]
        total = np.maximum(total, mask)
    return out, total


