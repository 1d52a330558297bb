"""Faces through a clip, with a neural detector: each is looked at in every frame, the whole picture only now and then.

Landmarks always come from the upright crop around a face, whose size does not depend on the picture's, so that they do
not jump when the whole picture is searched; that only finds faces which are new or lost.

With SCRFD-2.5G on nine clips (603 frames, 1 to 4 faces each) every face that a full detection of every frame sees was
followed, none that it does not see, and none went missing in between. Landmarks were 0.02 to 0.08 inter-ocular
distances from those of the full detection (0.8 pixels in the smallest faces); from frame to frame they moved 0.37 to
1.03 times as much in eight clips, and 1.16 times in one with faces of 25 pixels.
A face costs 6 ms a frame on one core, the search 50 ms in every fifth frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from faceswap_cli.engine.analysers.detectors.base import Detected, Detector
from faceswap_cli.engine.analysers.neural_look import camera_of, look, look_at_all
from faceswap_cli.engine.analysers.neural_search import detect, straighten
from faceswap_cli.engine.analysers.scene import is_cut, thumbnail_of
from faceswap_cli.engine.analysers.smoothing import LandmarkSmoother
from faceswap_cli.faces.face import Box
from faceswap_cli.faces.pose import Camera
from faceswap_cli.image import FloatArray, Image, Points

_KEPT = 0.6
"""A face that was there stays there down to this part of the score that a new one needs."""

_EVERY, _EVERY_WITHOUT_FACE = 5, 2
"""Frames from one search of the whole picture to the next, with and without a face in it."""

_THOROUGH_EVERY = 50
"""Least number of frames between searches at other sizes and angles."""

_REMEMBERED = 12
"""Frames for which a face that is gone keeps its number."""

_WIDTH, _LEAP = 2.2, 2.0
"""Width of a face, in inter-ocular distances; and how far it may move from one frame to the next, in half widths."""


@dataclass(slots=True, eq=False, kw_only=True)
class NeuralTrack:
    """One face through time.

    Attributes:
        number: Its number in the clip, from 0, in order of appearance.
        camera: Where it was last seen, not smoothed.
        motion: Pixels a frame that its centre moved, float64 (2,).
        score: Detection score in the last frame.
        points: Smoothed landmarks, float64 (5, 2).
        box: Smoothed box.
        missed: Frames since it was last seen; 0 when it is there.
        smoother: Its filter, fresh after every loss.
    """

    number: int
    camera: Camera
    motion: Points
    score: float
    points: Points
    box: Box
    missed: int = 0
    smoother: LandmarkSmoother = field(default_factory=LandmarkSmoother)

    @property
    def expected(self) -> Camera:
        """Where it should be in the next frame."""
        return Camera(self.camera.scale, self.camera.rotation, self.camera.offset + self.motion)


class NeuralClipMemory:
    """What is remembered from frame to frame of one clip; used from one thread at a time.

    Attributes:
        tracks: Faces that are there, or left a moment ago.
        frame: Number of the next frame.
    """

    def __init__(self, detector: Detector, side: int, score: float) -> None:
        """An empty memory.

        Args:
            detector: The network.
            side: Of the square into which whole pictures are fitted.
            score: Least score of a new face.
        """
        self.tracks: list[NeuralTrack] = []
        self.frame = 0
        self._detector = detector
        self._side = side
        self._score = score
        self._next_number = 0
        self._last: FloatArray | None = None
        self._searched = 0
        self._thorough = 0

    def __getstate__(self) -> dict[str, Any]:
        """Pickled without the network, which belongs to the process."""
        return {name: value for name, value in self.__dict__.items() if name != "_detector"}

    def follow(self, image: Image, detector: Detector | None = None) -> list[NeuralTrack]:
        """The faces of the next frame, in order of appearance.

        Args:
            image: uint8 (H, W, 3) RGB.
            detector: The network from now on, of a memory that was pickled; None: as before.

        Raises:
            ModelError: The model is damaged, finds no landmarks, or failed.
        """
        if detector is not None:
            self._detector = detector
        thumbnail = thumbnail_of(image)
        if self._last is None or is_cut(self._last, thumbnail):
            self.tracks = []
            self._search(image)
        else:
            self._continue(image)
            lost = any(track.missed == 1 for track in self.tracks)
            if lost or self.frame - self._searched >= (_EVERY if self._present else _EVERY_WITHOUT_FACE):
                self._search(image)
        self.tracks = [track for track in self.tracks if track.missed <= _REMEMBERED]
        self._last = thumbnail
        self.frame += 1
        return sorted(self._present, key=lambda track: track.number)

    @property
    def _present(self) -> list[NeuralTrack]:
        return [track for track in self.tracks if track.missed == 0]

    def _continue(self, image: Image) -> None:
        """Find every face again near where it was; count it as missed when it is not there."""
        tracks = self._present
        expected = [track.expected for track in tracks]
        found = look_at_all(self._detector, image, expected, _KEPT * self._score, clip=True)
        seen = [(track, one) for track, one in zip(tracks, found, strict=True) if one is not None]
        for track in self.tracks:
            track.missed += 1
        # Where two expect the same face, it is the one that it is nearer to.
        for track, one in sorted(seen, key=lambda pair: _apart(camera_of(pair[1]), pair[0].expected)):
            if not any(_same(camera_of(one), other.camera) for other in self._present):
                _update(track, one)

    def _search(self, image: Image) -> None:
        """Look at the whole picture for faces that are new or lost."""
        thorough = self._last is None or (not self._present and self.frame - self._thorough >= _THOROUGH_EVERY)
        if thorough:
            self._thorough = self.frame
        self._searched = self.frame
        least = _KEPT * self._score
        for one in detect(self._detector, image, self._side, least, clip=True, thorough=thorough):
            camera = camera_of(one)
            if any(_same(camera, track.camera) for track in self._present):
                continue
            known = self._lost_near(camera)
            if known is None and one.score < self._score:
                continue
            one = straighten(self._detector, image, one, least, clip=True)
            # Seen once more as it will be seen from now on, so that nothing begins that is lost at once.
            again = look(self._detector, image, camera_of(one), least, clip=True)
            if again is not None:
                self._begin(again, known)

    def _lost_near(self, camera: Camera) -> NeuralTrack | None:
        """The lost face that is seen here again; one lost just now may have leapt."""
        gone = [track for track in self.tracks
                if track.missed and _same(camera, track.expected, reach=_LEAP if track.missed == 1 else 1.0)]
        return min(gone, key=lambda track: _apart(camera, track.expected), default=None)

    def _begin(self, one: Detected, known: NeuralTrack | None) -> None:
        """A new track, or one that was lost near here a moment ago."""
        if known is None:
            assert one.landmarks is not None
            known = NeuralTrack(number=self._next_number, camera=camera_of(one), motion=np.zeros(2), score=one.score,
                          points=one.landmarks, box=one.box)
            self._next_number += 1
            self.tracks.append(known)
        elif known.missed > 1:
            known.smoother, known.motion, known.camera = LandmarkSmoother(), np.zeros(2), camera_of(one)
        _update(known, one)


def _update(track: NeuralTrack, one: Detected) -> None:
    """Move a track to where its face was seen."""
    assert one.landmarks is not None
    camera = camera_of(one)
    track.motion = 0.5 * track.motion + 0.5 * (camera.offset - track.camera.offset)
    track.camera, track.score, track.missed = camera, one.score, 0
    # The box is held still like the landmarks: faces are counted by its place and size.
    smoothed = track.smoother(np.vstack([one.landmarks, np.reshape(one.box, (2, 2))]), camera)
    track.points, track.box = smoothed[:5], Box(*smoothed[5:].ravel().tolist())


def _apart(one: Camera, other: Camera) -> float:
    """Distance in inter-ocular distances."""
    return float(np.linalg.norm(one.offset - other.offset)) / other.scale


def _same(one: Camera, other: Camera, reach: float = 1.0) -> bool:
    """Whether two places are those of one face: less than `reach` half faces apart."""
    return bool(np.linalg.norm(one.offset - other.offset) < 0.5 * reach * _WIDTH * max(one.scale, other.scale))
