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

from dataclasses import dataclass
from typing import Any

import numpy as np

from faceswap_cli.engine.analysers.detectors.base import Detected, Detector
from faceswap_cli.engine.analysers.neural_look import camera_of, look, look_at_all
from faceswap_cli.engine.analysers.neural_search import detect, straighten
from faceswap_cli.engine.analysers.tracks import Track, Tracker, apart, same_place
from faceswap_cli.faces.face import Box
from faceswap_cli.image import Image

_KEPT = 0.6
"""A face that was there stays there down to this part of the score that a new one needs."""

_WIDTH, _LEAP = 2.2, 2.0
"""Width of a face, in inter-ocular distances; and how far it may move from one frame to the next, in half widths."""


@dataclass(slots=True, eq=False, kw_only=True)
class BoxTrack(Track):
    """One face through time, by five landmarks.

    Attributes:
        box: Smoothed box.
    """

    box: Box


class NeuralClipMemory(Tracker[BoxTrack]):
    """As `Tracker`."""

    def __init__(self, detector: Detector, side: int, score: float) -> None:
        """An empty memory.

        Args:
            detector: The network.
            side: Of the square into which whole pictures are fitted.
            score: Least score of a new face.
        """
        super().__init__()
        self._detector = detector
        self._side = side
        self._score = score

    def __getstate__(self) -> dict[str, Any]:
        """Pickled without the network, which belongs to the process."""
        return {name: value for name, value in self.__dict__.items() if name != "_detector"}

    def follow(self, image: Image, detector: Detector | None = None) -> list[BoxTrack]:
        """The faces of the next frame, in order of appearance.

        Args:
            image: uint8 (H, W, 3) RGB.
            detector: The network from now on, of a memory that was pickled; None: as before.

        Raises:
            ModelError: The model is damaged, finds no landmarks, or failed.
        """
        if detector is not None:
            self._detector = detector
        return self._follow(image, lambda _: self._search(image), lambda _: self._go_on(image))

    def _go_on(self, image: Image) -> None:
        self._continue(image)
        if self._search_due:
            self._search(image)

    def _continue(self, image: Image) -> None:
        """Find every face again near where it was; count it as missed when it is not there."""
        tracks = self._present
        expected = [track.expected for track in tracks]
        found = look_at_all(self._detector, image, expected, _KEPT * self._score, clip=True)
        seen = [(track, one) for track, one in zip(tracks, found, strict=True) if one is not None]
        for track in self.tracks:
            track.missed += 1
        # Where two expect the same face, it is the one that it is nearer to.
        for track, one in sorted(seen, key=lambda pair: apart(camera_of(pair[1]), pair[0].expected)):
            if not any(same_place(camera_of(one), other.camera, _WIDTH) for other in self._present):
                _update(track, one)

    def _search(self, image: Image) -> None:
        """Look at the whole picture for faces that are new or lost."""
        thorough = not self._present and self._may_be_thorough()
        self._searched_frame = self.frame
        least = _KEPT * self._score
        for one in detect(self._detector, image, self._side, least, clip=True, thorough=thorough):
            camera = camera_of(one)
            if any(same_place(camera, track.camera, _WIDTH) for track in self._present):
                continue
            # The lost face that is seen here again; one lost just now may have leapt.
            gone = [track for track in self.tracks if track.missed and same_place(
                camera, track.expected, _WIDTH, _LEAP if track.missed == 1 else 1.0)]
            known = min(gone, key=lambda track: apart(camera, track.expected), default=None)
            if known is None and one.score < self._score:
                continue
            one = straighten(self._detector, image, one, least, clip=True)
            # Seen once more as it will be seen from now on, so that nothing begins that is lost at once.
            again = look(self._detector, image, camera_of(one), least, clip=True)
            if again is not None:
                self._begin(again, known)

    def _begin(self, one: Detected, known: BoxTrack | None) -> None:
        """A new track, or one that was lost near here a moment ago."""
        if known is None:
            assert one.landmarks is not None
            known = BoxTrack(number=self._number(), camera=camera_of(one), score=one.score, points=one.landmarks,
                             box=one.box)
            self.tracks.append(known)
        elif known.missed > 1:
            known.rest()
            known.camera = camera_of(one)
        _update(known, one)


def _update(track: BoxTrack, one: Detected) -> None:
    """Move a track to where its face was seen."""
    assert one.landmarks is not None
    camera = camera_of(one)
    track.move(camera, one.score)
    # The box is held still like the landmarks: faces are counted by its place and size.
    smoothed = track.smoother(np.vstack([one.landmarks, np.reshape(one.box, (2, 2))]), camera)
    track.points, track.box = smoothed[:5], Box(*smoothed[5:].ravel().tolist())
