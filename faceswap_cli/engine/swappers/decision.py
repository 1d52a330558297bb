"""What is decided for one target face before anything is drawn, and how decisions stay calm in a clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from faceswap_cli.engine.swappers.face_crop import SourceFace
from faceswap_cli.faces.expression import eye_openings, mouth_opening
from faceswap_cli.faces.face import Pose
from faceswap_cli.faces.pose import Camera
from faceswap_cli.faces.proportions import LIPS_TOUCH
from faceswap_cli.image import Points

MOUTH_RATIO = (0.45, 2.5)
"""Source opening over target opening within which the source's mouth can play the target's."""

TEETH_SHOW = 0.12
"""Opening of a source's mouth above which it cannot play a shut mouth."""

EYE_SHUT = 0.16
"""Aspect ratio below which an eye may be shut, when it is also well below the other face's."""

_HYSTERESIS = 0.15
"""How far beyond a threshold a measure must go to change a decision of the frame before, as a fraction."""

_STEP = 1 / 3
"""How much a fade between the source's and the target's feature moves in one frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """The choices for one target face.

    Attributes:
        source: The source picture taken.
        number: Its number among the pictures offered.
        mirrored: Take its mirror image.
        keep_mouth: 0..1, how much of the mouth comes from the target.
        keep_eyes: The same for the eyes, picture's left and right.
    """

    source: SourceFace
    number: int
    mirrored: bool
    keep_mouth: float
    keep_eyes: tuple[float, float]


@dataclass(slots=True)
class TrackState:
    """The decisions of the last frame for one tracked face."""

    number: int
    mirrored: bool
    mouth_kept: bool
    eyes_kept: tuple[bool, bool]
    mouth: float
    eyes: tuple[float, float]


@dataclass(slots=True)
class DecisionMemory:
    """The states of the faces of a clip, by track. A scene cut starts new tracks, so it starts afresh."""

    tracks: dict[int, TrackState] = field(default_factory=dict)


def _must_mirror(source: Pose, target: Pose, was: bool | None) -> bool:
    """Heads that look to clearly opposite sides match better when the source is mirrored."""
    slack = 0.0 if was is None else (-5.0 if was else 5.0)
    opposed = source.yaw * target.yaw < 0 and abs(source.yaw) > 10 + slack and abs(target.yaw) > 8 + slack
    return opposed and abs(source.yaw - target.yaw) > 25 + slack


def pose_distance(source: Pose, target: Pose) -> float:
    """Degrees between two poses as far as a mesh cannot make it good: yaw counts most; roll does not count.

    A mirror image stands in for the other side, at a small cost: no face is symmetric.
    """
    pitch = abs(source.pitch - target.pitch)
    straight = abs(source.yaw - target.yaw) + 0.7 * pitch
    mirrored = abs(-source.yaw - target.yaw) + 0.7 * pitch + 6.0
    return min(straight, mirrored) if _must_mirror(source, target, None) else straight


def _keep_mouth(source: float, target: float, was: bool | None) -> bool:
    """Whether the source's mouth cannot play the target's expression."""
    slack = 1.0 if was is None else (1 - _HYSTERESIS if was else 1 + _HYSTERESIS)
    if target <= LIPS_TOUCH * (2 - slack if was else slack):
        return source > TEETH_SHOW * slack
    ratio = source / target
    return not MOUTH_RATIO[0] / slack < ratio < MOUTH_RATIO[1] * slack


def _keep_eye(source: float, target: float, was: bool | None) -> bool:
    """Whether one of the two eyes is shut and the other open."""
    slack = 1.0 if was is None else (1 + _HYSTERESIS if was else 1 - _HYSTERESIS)
    low, high = min(source, target), max(source, target)
    return low < 0.6 * high * slack and low < EYE_SHUT * slack


def _fade(value: float, kept: bool) -> float:
    return min(value + _STEP, 1.0) if kept else max(value - _STEP, 0.0)


def decide(sources: Sequence[SourceFace], landmarks: Points, camera: Camera, track: int | None,
           memory: DecisionMemory | None) -> Decision:
    """Choose the source picture nearest in pose, its side, and whose mouth and eyes are shown.

    With a memory and a track, thresholds have hysteresis and changes fade over three frames.
    """
    state = memory.tracks.get(track) if memory is not None and track is not None else None
    target = camera.pose
    distances = [pose_distance(source.camera.pose, target) for source in sources]
    number = min(range(len(sources)), key=distances.__getitem__)
    if state is not None and state.number < len(sources) and distances[state.number] < distances[number] + 8.0:
        number = state.number
    source = sources[number]
    same = state if state is not None and state.number == number else None
    mirrored = _must_mirror(source.camera.pose, target, same.mirrored if same else None)
    mouth_kept = _keep_mouth(source.mouth, mouth_opening(landmarks, camera.scale), same.mouth_kept if same else None)
    own = source.eyes[::-1] if mirrored else source.eyes
    left, right = eye_openings(landmarks)
    was = same.eyes_kept if same else (None, None)
    eyes_kept = (_keep_eye(own[0], left, was[0]), _keep_eye(own[1], right, was[1]))
    if state is None:
        mouth, eyes = float(mouth_kept), (float(eyes_kept[0]), float(eyes_kept[1]))
    else:
        mouth = _fade(state.mouth, mouth_kept)
        eyes = (_fade(state.eyes[0], eyes_kept[0]), _fade(state.eyes[1], eyes_kept[1]))
    if memory is not None and track is not None:
        memory.tracks[track] = TrackState(number, mirrored, mouth_kept, eyes_kept, mouth, eyes)
    return Decision(source, number, mirrored, mouth, eyes)
