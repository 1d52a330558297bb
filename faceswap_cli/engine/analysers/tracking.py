"""Faces through a clip: followed from frame to frame, checked in each, searched for only now and then."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from faceswap_cli.engine.analysers.appearance import find_look, take_look
from faceswap_cli.engine.analysers.hog import HogDetection, detect_turned, detect_upright
from faceswap_cli.engine.analysers.landmarks import APPROACH, BOX_WIDTH, Located, Round, both_ways, refine
from faceswap_cli.engine.analysers.scene import THUMBNAIL
from faceswap_cli.engine.analysers.search import search
from faceswap_cli.engine.analysers.tracks import Track, Tracker, apart, same_place
from faceswap_cli.engine.analysers.verification import ACCEPTED, LOST, FaceCandidate, examine, look_again, margin
from faceswap_cli.faces.pose import Camera
from faceswap_cli.image import FloatArray, Image, Plane

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


@dataclass(slots=True, eq=False, kw_only=True)
class LandmarkTrack(Track):
    """One face through time, by 68 landmarks.

    Attributes:
        spread: Spread of its landmarks in the last frame.
        look: What it looked like when the detector last saw it.
        unchecked: Frames since then.
    """

    spread: float
    look: Plane
    unchecked: int = 0


class ClipMemory(Tracker[LandmarkTrack]):
    """As `Tracker`."""

    def __init__(self) -> None:
        super().__init__()
        self._searched: FloatArray | None = None
        self._turn = 0

    def follow(self, image: Image, grey: Plane) -> list[LandmarkTrack]:
        """The faces of the next frame, in order of appearance.

        Args:
            image: uint8 (H, W, 3) RGB.
            grey: uint8 (H, W), the same.
        """
        return self._follow(grey, lambda thumbnail: self._search_all(image, grey, thumbnail),
                            lambda thumbnail: self._go_on(grey, thumbnail))

    def _go_on(self, grey: Plane, thumbnail: FloatArray) -> None:
        for track in self.tracks:
            self._continue(grey, track)
        self._search_new(grey, thumbnail)

    def _search_all(self, image: Image, grey: Plane, thumbnail: FloatArray) -> None:
        for candidate in search(image, grey, thorough=self._may_be_thorough()):
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
        if not self._search_due:
            return
        part = (0, 0, grey.shape[1], grey.shape[0]) if self._lost else self._changed(grey, thumbnail)
        if part is None:
            return
        x0, y0, x1, y1 = part
        region = np.ascontiguousarray(grey[y0:y1, x0:x1])
        roll = _ROLLS[self._turn % len(_ROLLS)]
        scale = float(min(np.sqrt((_TURNED_AREA if roll else _AREA) / region.size), 3.0))
        hits = detect_turned(region, roll, scale, 0.0) if roll else detect_upright(region, scale, -0.2)
        for hit in sorted((replace(hit, x=hit.x + x0, y=hit.y + y0) for hit in hits), key=lambda one: -one.score):
            if not any(_near(hit, track.camera) for track in self._present):
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
        camera = located.camera
        if any(same_place(camera, track.camera, BOX_WIDTH) for track in self._present):
            return
        look = take_look(grey, camera)
        known = next((track for track in self.tracks
                      if track.missed and same_place(camera, track.camera, BOX_WIDTH)), None)
        if known is None:
            known = LandmarkTrack(number=self._number(), camera=camera, score=0.0, spread=located.spread,
                                  points=located.points, look=look)
            self.tracks.append(known)
        known.rest()
        known.spread = located.spread
        _update(known, located, candidate.score, look)

    def _continue(self, grey: Plane, track: LandmarkTrack) -> None:
        """Find a face again near where it was; count it as missed when it is not there."""
        if track.missed:
            track.missed += 1
            return
        start, alike = find_look(grey, track.look, track.expected)
        score = track.score
        rounds: tuple[Round, ...] = (FOLLOW,)
        check = alike < ALIKE or track.unchecked + 1 >= _CHECKED_EVERY
        seen = None
        if check:
            seen, score = look_again(grey, start)
            if seen is not None and apart(seen, start) > 0.25:
                start, rounds = seen, (APPROACH, FOLLOW)
        located = refine(grey, start, rounds)
        if apart(located.camera, start) < 0.6 and 0.7 < located.camera.scale / start.scale < 1.4:
            if seen is not None and margin(score, located.spread) > KEPT:
                if alike < UNLIKE:
                    track.number = self._number()  # another face at the same place
                    track.rest()
                _update(track, located, score, take_look(grey, located.camera))
                return
            if alike > ALIKE and located.spread < LOST:
                _update(track, located, track.score, None)
                return
        track.missed = 1


def _update(track: LandmarkTrack, located: Located, score: float, look: Plane | None) -> None:
    """Move a track to where its face was located; `look` is given when the detector saw it there."""
    track.move(located.camera, score)
    track.spread += 0.3 * (located.spread - track.spread)
    track.points = track.smoother(located.points, located.camera)
    track.unchecked += 1
    if look is not None:
        track.look, track.unchecked = look, 0


def _near(hit: HogDetection, camera: Camera) -> bool:
    width = max(hit.width, BOX_WIDTH * camera.scale)
    return bool(np.hypot(hit.x - camera.offset[0], hit.y - camera.offset[1]) < 0.5 * width)
