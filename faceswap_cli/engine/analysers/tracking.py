"""Faces through a clip: followed from frame to frame, checked in each, searched for only now and then."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from faceswap_cli.engine.analysers.appearance import find_look, take_look
from faceswap_cli.engine.analysers.hog import HogDetection, detect_turned, detect_upright
from faceswap_cli.engine.analysers.landmarks import APPROACH, BOX_WIDTH, Located, Round, both_ways, refine
from faceswap_cli.engine.analysers.scene import THUMBNAIL, is_cut, thumbnail_of
from faceswap_cli.engine.analysers.search import search
from faceswap_cli.engine.analysers.smoothing import LandmarkSmoother
from faceswap_cli.engine.analysers.verification import ACCEPTED, LOST, FaceCandidate, examine, look_again, margin
from faceswap_cli.faces.pose import Camera
from faceswap_cli.image import FloatArray, Image, Plane, Points

FOLLOW = Round(384, both_ways((0.0, 0.0, 1.0)))
"""Two fits a frame (about 2 ms each, memory-bound): the smoother does over time what a still's eight do at once."""

KEPT = ACCEPTED - 0.4
"""Margin above which a face that was there in the last frame still is."""

NEW = ACCEPTED + 0.1
"""Margin above which a face is new: more than in a still, since a later frame offers another chance."""

ALIKE, UNLIKE = 0.8, 0.5
"""Correlations with its last sure look: above the first a face is still there, though the detector may not see it;
below the second a face that the detector sees there is another one. Faces from frame to frame have 0.54 to 1, mostly
above 0.9; backgrounds at most 0.67; other people's faces 0.68 in the middle, up to 0.94."""

_CHECKED_EVERY = 4
_ROLLS = (0.0, 40.0, 0.0, -40.0)
_AREA, _TURNED_AREA = 0.5e6, 0.3e6
_CHANGED = 6.0
_EVERY, _EVERY_WITHOUT_FACE = 5, 2
_THOROUGH_EVERY = 50
_REMEMBERED = 12


@dataclass(slots=True, eq=False, kw_only=True)
class Track:
    """One face through time.

    Attributes:
        number: Its number in the clip, from 0, in order of appearance.
        camera: Where it was last seen, not smoothed.
        motion: Pixels a frame that its centre moved, float64 (2,).
        score: Detection score in the last frame.
        spread: Spread of its landmarks in the last frame.
        points: Smoothed landmarks, float64 (68, 2).
        missed: Frames since it was last seen; 0 when it is there.
        look: What it looked like when the detector last saw it.
        unchecked: Frames since then.
        smoother: Its filter, fresh after every loss.
    """

    number: int
    camera: Camera
    motion: Points
    score: float
    spread: float
    points: Points
    look: Plane
    unchecked: int = 0
    missed: int = 0
    smoother: LandmarkSmoother = field(default_factory=LandmarkSmoother)


@dataclass(slots=True, kw_only=True)
class ClipMemory:
    """What is remembered from frame to frame of one clip; used from one thread at a time.

    Attributes:
        tracks: Faces that are there, or left a moment ago.
        frame: Number of the next frame.
    """

    tracks: list[Track] = field(default_factory=list)
    frame: int = 0
    _next_number: int = 0
    _last: FloatArray | None = None
    _searched: FloatArray | None = None
    _searched_frame: int = 0
    _thorough_frame: int = 0
    _turn: int = 0

    def follow(self, image: Image, grey: Plane) -> list[Track]:
        """The faces of the next frame, in order of appearance.

        Args:
            image: uint8 (H, W, 3) RGB.
            grey: uint8 (H, W), the same.
        """
        thumbnail = thumbnail_of(grey)
        if self._last is None or is_cut(self._last, thumbnail):
            self.tracks = []
            self._search_all(image, grey, thumbnail)
        else:
            for track in self.tracks:
                self._continue(grey, track)
            self._search_new(grey, thumbnail)
        self.tracks = [track for track in self.tracks if track.missed <= _REMEMBERED]
        self._last = thumbnail
        self.frame += 1
        return sorted(self._present, key=lambda track: track.number)

    @property
    def _present(self) -> list[Track]:
        return [track for track in self.tracks if track.missed == 0]

    def _search_all(self, image: Image, grey: Plane, thumbnail: FloatArray) -> None:
        thorough = self._last is None or self.frame - self._thorough_frame >= _THOROUGH_EVERY
        if thorough:
            self._thorough_frame = self.frame
        for candidate in search(image, grey, thorough=thorough):
            self._begin(grey, candidate)
        self._searched, self._searched_frame = thumbnail, self.frame

    def _changed(self, grey: Plane, thumbnail: FloatArray) -> tuple[int, int, int, int] | None:
        """The part x0, y0, x1, y1 of the picture that changed since the last search, known faces aside."""
        assert self._searched is not None
        changed = np.abs(thumbnail - self._searched) > _CHANGED
        height, width = grey.shape
        across, down = width / THUMBNAIL, height / THUMBNAIL
        for track in self._present:
            x, y = track.camera.offset
            reach = 0.7 * BOX_WIDTH * track.camera.scale
            changed[max(0, int((y - reach) / down)):max(0, int((y + reach) / down) + 1),
                    max(0, int((x - reach) / across)):max(0, int((x + reach) / across) + 1)] = False
        rows, columns = np.nonzero(changed)
        if not rows.size:
            return None
        # A face moves its surroundings too: two cells around it belong to it.
        return (max(0, int((columns.min() - 2) * across)), max(0, int((rows.min() - 2) * down)),
                min(width, int((columns.max() + 3) * across)), min(height, int((rows.max() + 3) * down)))

    def _search_new(self, grey: Plane, thumbnail: FloatArray) -> None:
        """Look for new faces every few frames, where the picture changed."""
        lost = any(track.missed == 1 for track in self.tracks)
        if not lost and self.frame - self._searched_frame < (_EVERY if self._present else _EVERY_WITHOUT_FACE):
            return
        part = (0, 0, grey.shape[1], grey.shape[0]) if lost else self._changed(grey, thumbnail)
        if part is None:
            return
        x0, y0, x1, y1 = part
        region = np.ascontiguousarray(grey[y0:y1, x0:x1])
        roll = _ROLLS[self._turn % len(_ROLLS)]
        scale = float(min(np.sqrt((_TURNED_AREA if roll else _AREA) / region.size), 3.0))
        hits = detect_turned(region, roll, scale, 0.0) if roll else detect_upright(region, scale, -0.2)
        for hit in sorted((replace(hit, x=hit.x + x0, y=hit.y + y0) for hit in hits), key=lambda one: -one.score):
            if not any(_near(hit, track) for track in self._present):
                candidate = examine(grey, hit)
                if candidate.margin > NEW:
                    self._begin(grey, candidate)
        self._turn += 1
        # What changed but was searched at one angle only is searched again at the next, until all have had their turn.
        if self._turn % len(_ROLLS) == 0 or not roll:
            self._searched = thumbnail
        self._searched_frame = self.frame

    def _begin(self, grey: Plane, candidate: FaceCandidate) -> None:
        """A new track, or one that was lost near here a moment ago."""
        located = candidate.located
        if any(_same(located.camera, track.camera) for track in self._present):
            return
        look = take_look(grey, located.camera)
        known = next((track for track in self.tracks if track.missed and _same(located.camera, track.camera)), None)
        if known is None:
            known = Track(number=self._next_number, camera=located.camera, motion=np.zeros(2), score=0.0,
                          spread=located.spread, points=located.points, look=look)
            self._next_number += 1
            self.tracks.append(known)
        known.smoother, known.motion, known.spread = LandmarkSmoother(), np.zeros(2), located.spread
        _update(known, located, candidate.score, look)

    def _continue(self, grey: Plane, track: Track) -> None:
        """Find a face again near where it was; count it as missed when it is not there."""
        if track.missed:
            track.missed += 1
            return
        start, alike = find_look(grey, track.look, _moved(track.camera, track.motion))
        score = track.score
        rounds: tuple[Round, ...] = (FOLLOW,)
        check = alike < ALIKE or track.unchecked + 1 >= _CHECKED_EVERY
        seen = None
        if check:
            seen, score = look_again(grey, start)
            if seen is not None and _apart(seen, start) > 0.25:
                start, rounds = seen, (APPROACH, FOLLOW)
        located = refine(grey, start, rounds)
        if _apart(located.camera, start) < 0.6 and 0.7 < located.camera.scale / start.scale < 1.4:
            if seen is not None and margin(score, located.spread) > KEPT:
                if alike < UNLIKE:
                    self._renumber(track)
                _update(track, located, score, take_look(grey, located.camera))
                return
            if alike > ALIKE and located.spread < LOST:
                _update(track, located, track.score, None)
                return
        track.missed = 1

    def _renumber(self, track: Track) -> None:
        """Another face at the same place."""
        track.number, track.smoother, track.motion = self._next_number, LandmarkSmoother(), np.zeros(2)
        self._next_number += 1


def _update(track: Track, located: Located, score: float, look: Plane | None) -> None:
    """Move a track to where its face was located; `look` is given when the detector saw it there."""
    track.motion = 0.5 * track.motion + 0.5 * (located.camera.offset - track.camera.offset)
    track.camera, track.score, track.missed = located.camera, score, 0
    track.spread += 0.3 * (located.spread - track.spread)
    track.points = track.smoother(located.points, located.camera)
    track.unchecked += 1
    if look is not None:
        track.look, track.unchecked = look, 0


def _moved(camera: Camera, by: Points) -> Camera:
    return Camera(camera.scale, camera.rotation, camera.offset + by)


def _apart(one: Camera, other: Camera) -> float:
    """Distance in inter-ocular distances."""
    return float(np.linalg.norm(one.offset - other.offset)) / other.scale


def _near(hit: HogDetection, track: Track) -> bool:
    width = max(hit.width, BOX_WIDTH * track.camera.scale)
    return bool(np.hypot(hit.x - track.camera.offset[0], hit.y - track.camera.offset[1]) < 0.5 * width)


def _same(one: Camera, other: Camera) -> bool:
    return bool(np.linalg.norm(one.offset - other.offset) < 0.5 * BOX_WIDTH * max(one.scale, other.scale))
