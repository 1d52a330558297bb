"""What both trackers do alike: tracks of faces, scenes, and when the whole picture is searched again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

from faceswap_cli.engine.analysers.scene import is_cut, thumbnail_of
from faceswap_cli.engine.analysers.smoothing import LandmarkSmoother
from faceswap_cli.faces.pose import Camera
from faceswap_cli.image import FloatArray, Image, Plane, Points

_EVERY, _EVERY_WITHOUT_FACE = 5, 2
"""Frames from one search of the whole picture to the next, with and without a face in it."""

_THOROUGH_EVERY = 50
"""Least number of frames between searches at other sizes and angles."""

_REMEMBERED = 12
"""Frames for which a face that is gone keeps its number."""


@dataclass(slots=True, eq=False, kw_only=True)
class Track:
    """One face through time.

    Attributes:
        number: Its number in the clip, from 0, in order of appearance.
        camera: Where it was last seen, not smoothed.
        score: Detection score in the last frame.
        points: Smoothed landmarks, float64 (68, 2) or (5, 2).
        motion: Pixels a frame that its centre moved, float64 (2,).
        missed: Frames since it was last seen; 0 when it is there.
        smoother: Its filter, fresh after every loss.
    """

    number: int
    camera: Camera
    score: float
    points: Points
    motion: Points = field(default_factory=lambda: np.zeros(2))
    missed: int = 0
    smoother: LandmarkSmoother = field(default_factory=LandmarkSmoother)

    @property
    def expected(self) -> Camera:
        """Where it should be in the next frame."""
        return Camera(self.camera.scale, self.camera.rotation, self.camera.offset + self.motion)

    def rest(self) -> None:
        """Forget how it moved."""
        self.smoother, self.motion = LandmarkSmoother(), np.zeros(2)

    def move(self, camera: Camera, score: float) -> None:
        """Take it to where its face was seen."""
        self.motion = 0.5 * self.motion + 0.5 * (camera.offset - self.camera.offset)
        self.camera, self.score, self.missed = camera, score, 0


TrackT = TypeVar("TrackT", bound=Track)


class Tracker(Generic[TrackT]):
    """What is remembered from frame to frame of one clip; used from one thread at a time.

    Attributes:
        tracks: Faces that are there, or left a moment ago.
        frame: Number of the next frame.
    """

    def __init__(self) -> None:
        self.tracks: list[TrackT] = []
        self.frame = 0
        self._last: FloatArray | None = None
        self._searched_frame = 0
        self._next_number = 0
        self._thorough_frame = 0

    def _follow(self, picture: Plane | Image, begin: Callable[[FloatArray], None],
                go_on: Callable[[FloatArray], None]) -> list[TrackT]:
        """The faces of the next frame, in order of appearance; `begin` and `go_on` take its thumbnail."""
        thumbnail = thumbnail_of(picture)
        if self._last is None or is_cut(self._last, thumbnail):
            self.tracks = []
            begin(thumbnail)
        else:
            go_on(thumbnail)
        self.tracks = [track for track in self.tracks if track.missed <= _REMEMBERED]
        self._last = thumbnail
        self.frame += 1
        return sorted(self._present, key=lambda track: track.number)

    @property
    def _present(self) -> list[TrackT]:
        return [track for track in self.tracks if track.missed == 0]

    @property
    def _lost(self) -> bool:
        """Whether a face went missing in this frame."""
        return any(track.missed == 1 for track in self.tracks)

    @property
    def _search_due(self) -> bool:
        every = _EVERY if self._present else _EVERY_WITHOUT_FACE
        return self._lost or self.frame - self._searched_frame >= every

    def _may_be_thorough(self) -> bool:
        """Whether a search in this frame may be; that is noted."""
        may = self._last is None or self.frame - self._thorough_frame >= _THOROUGH_EVERY
        if may:
            self._thorough_frame = self.frame
        return may

    def _number(self) -> int:
        self._next_number += 1
        return self._next_number - 1


def apart(one: Camera, other: Camera) -> float:
    """Distance in inter-ocular distances."""
    return float(np.linalg.norm(one.offset - other.offset)) / other.scale


def same_place(one: Camera, other: Camera, width: float, reach: float = 1.0) -> bool:
    """Whether two places are those of one face: less than `reach` half faces apart, `width` eye distances wide."""
    return bool(np.linalg.norm(one.offset - other.offset) < 0.5 * reach * width * max(one.scale, other.scale))
