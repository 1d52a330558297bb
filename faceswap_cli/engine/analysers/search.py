"""The search of a still: cheap passes first, dearer ones only for what the cheap ones leave open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from faceswap_cli.engine.analysers import hog
from faceswap_cli.engine.analysers import verification as judge
from faceswap_cli.engine.analysers.landmarks import BOX_WIDTH
from faceswap_cli.image import Image, Plane

# Pixels of the picture as the detector sees it. HOG costs about 43 ms a megapixel on one core, the CNN 3 s.
_UPRIGHT_AREA = 1.0e6, 4.0e6
_TURNED_SHARE = 0.6
_SMALL_AREA = 32.0e6
_NETWORK_AREA = 0.15e6
_ENLARGED, _SMALL_ENLARGED = 3.0, 7.0

# Scores from which a hit is worth a closer look (about 10 ms).
_UPRIGHT_THRESHOLD, _TURNED_THRESHOLD, _SMALL_THRESHOLD, _NETWORK_THRESHOLD = -0.5, -0.2, -0.8, 0.5

# A rejected candidate this near to a face may be one that leans.
_UNRESOLVED = -1.0
_LEANING = 20.0

# Doubtful candidates shown to the CNN: how many at most (90 ms each), down to which margin.
_OPINIONS, _OPINIONS_BESIDE_SURE = 6, 2
_DOUBTFUL = -2.0


class Search:
    """Candidates of one picture, at most one per place."""

    def __init__(self, grey: Plane) -> None:
        self._grey = grey
        self._candidates: list[judge.FaceCandidate] = []

    def look(self, hits: Iterable[hog.HogDetection]) -> None:
        """Examine hits, best first; those where a sure face is already known are passed over."""
        for hit in sorted(hits, key=lambda one: -one.score):
            if not any(other.margin > judge.SURE and _same_place(hit, other) for other in self._candidates):
                self.add(judge.examine(self._grey, hit))

    def add(self, candidate: judge.FaceCandidate) -> None:
        """Keep a candidate unless a better one is at its place; drop worse ones there."""
        rivals = [other for other in self._candidates if _overlap(candidate, other)]
        if all(candidate.margin > other.margin for other in rivals):
            self._candidates = [other for other in self._candidates if other not in rivals] + [candidate]

    @property
    def faces(self) -> list[judge.FaceCandidate]:
        """The accepted candidates, best score first."""
        return sorted((one for one in self._candidates if one.margin > judge.ACCEPTED), key=lambda one: -one.score)

    def ask_network(self, image: Image, most: int, margin: float) -> None:
        """Let the CNN decide on the best `most` rejected candidates above `margin`."""
        doubtful = [one for one in self._candidates
                    if margin < one.margin <= judge.ACCEPTED and one.located.spread < judge.LOST]
        for one in sorted(doubtful, key=lambda one: -one.margin)[:most]:
            if judge.network_opinion(image, one.located.camera) > judge.CONFIRMED:
                self._candidates.remove(one)
                self._candidates.append(replace(one, margin=float(np.nextafter(judge.ACCEPTED, 1.0))))

    @property
    def sure(self) -> list[judge.FaceCandidate]:
        """Those beyond doubt."""
        return [one for one in self._candidates if one.margin > judge.SURE]

    @property
    def unresolved(self) -> list[judge.FaceCandidate]:
        """Those that are neither sure faces nor surely none."""
        return [one for one in self._candidates if _UNRESOLVED < one.margin <= judge.SURE]


def search(image: Image, grey: Plane, thorough: bool = True) -> list[judge.FaceCandidate]:
    """All faces of a still, best score first.

    Upright; then turned, if nothing sure was found or heads lean; then enlarged, if nothing sure was found or faces
    are near the smallest that the detector sees. The CNN decides on doubtful places, and searches if all else failed.

    Args:
        image: uint8 (H, W, 3) RGB.
        grey: uint8 (H, W), the same.
        thorough: False stops after the upright and turned passes.

    Raises:
        ModelError: The weights are missing or damaged.
    """
    known = Search(grey)
    area = float(np.clip(grey.size / 4, *_UPRIGHT_AREA))
    scale = _scale(grey, area, _ENLARGED)
    known.look(hog.detect_upright(grey, scale, _UPRIGHT_THRESHOLD))

    for roll in _rolls_left(known):
        known.look(hog.detect_turned(grey, roll, _scale(grey, _TURNED_SHARE * area, _ENLARGED), _TURNED_THRESHOLD))

    if not thorough:
        return known.faces
    largest = _scale(grey, _SMALL_AREA, _SMALL_ENLARGED)
    if not known.sure:
        known.look(hog.detect_small(grey, largest, _SMALL_THRESHOLD))
    elif min(_width(one) for one in known.sure) * scale < 1.5 * hog.WINDOW:
        known.look(hog.detect_small(grey, min(2 * scale, largest), _TURNED_THRESHOLD))

    if known.sure:
        known.ask_network(image, _OPINIONS_BESIDE_SURE, _UNRESOLVED)
    else:
        known.ask_network(image, _OPINIONS, _DOUBTFUL)
    if not known.faces:
        scale = _scale(grey, _NETWORK_AREA, _ENLARGED)
        known.look(hit for hit in hog.detect_by_network(grey, scale) if hit.score > _NETWORK_THRESHOLD)
        known.ask_network(image, _OPINIONS, -np.inf)
    return known.faces


def _rolls_left(known: Search) -> tuple[float, ...]:
    if not known.sure:
        return (40.0, -40.0, 90.0, -90.0, 180.0)
    if known.unresolved or any(abs(one.located.camera.pose.roll) > _LEANING for one in known.sure):
        return (40.0, -40.0)
    return ()


def _scale(grey: Plane, area: float, enlarged: float) -> float:
    return float(min(np.sqrt(area / grey.size), enlarged))


def _width(candidate: judge.FaceCandidate) -> float:
    return BOX_WIDTH * candidate.located.camera.scale


def _same_place(hit: hog.HogDetection, known: judge.FaceCandidate) -> bool:
    x, y = known.located.camera.offset
    return bool(np.hypot(hit.x - x, hit.y - y) < 0.4 * max(hit.width, _width(known)))


def _overlap(one: judge.FaceCandidate, other: judge.FaceCandidate) -> bool:
    apart = np.linalg.norm(one.located.camera.offset - other.located.camera.offset)
    return bool(apart < 0.5 * max(_width(one), _width(other)))
