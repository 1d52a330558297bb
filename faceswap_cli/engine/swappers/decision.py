"""What is decided for one target face before anything is drawn, and how decisions stay calm in a clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from faceswap_cli.engine.swappers.face_crop import SourceFace, look_for_cover
from faceswap_cli.faces.expression import eye_openings, mouth_opening
from faceswap_cli.faces.face import Face, Pose
from faceswap_cli.faces.occlusion import Cover
from faceswap_cli.faces.pose import fit_camera
from faceswap_cli.faces.proportions import LIPS_TOUCH
from faceswap_cli.faces.quality import UNSURE
from faceswap_cli.image import Image

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


MOUTH_REST = 48
"""Frames without need after which the target's mouth gives way to the source's again.

Someone who talks shuts the mouth every few frames: lips that changed with it from one person's to the other's, 15 times
in a clip of 10 seconds, were what one saw of it.
"""

_LOOK_EVERY = 12
"""Frames between two looks for glasses and beard on a followed face."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Decision:
    """The choices for one target face.

    Attributes:
        source: The source picture taken.
        number: Its number among the pictures offered.
        mirrored: Take its mirror image.
        keep_mouth, keep_eyes, keep_glasses, keep_beard: 0..1, how much of each stays the target's; eyes: picture's left
            and right.
        warnings: What may look wrong because of them.
    """

    source: SourceFace
    number: int
    mirrored: bool
    keep_mouth: float
    keep_eyes: tuple[float, float]
    keep_glasses: float
    keep_beard: float
    warnings: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class TrackState:
    """What was decided for one followed face in its last frame.

    Attributes:
        person: First picture of the person put on it; another person is decided afresh.
        number, mirrored: As in `Decision`.
        kept: The switches before fading: mouth, left eye, right eye, glasses.
        levels: The same after fading, and the beard.
        cover: The last look at glasses and beard.
        next_look: Frames until the next one.
        mouth_rest: Frames for which the target's mouth is shown though the source's could be.
    """

    person: SourceFace
    number: int
    mirrored: bool
    kept: tuple[bool, bool, bool, bool]
    levels: tuple[float, float, float, float, float]
    cover: Cover
    next_look: int
    mouth_rest: int


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


def _fade(level: float, goal: float) -> float:
    """One step from the level of the frame before towards what is wanted now."""
    return min(level + _STEP, goal) if goal > level else max(level - _STEP, goal)


def _choose(sources: Sequence[SourceFace], target: Pose, state: TrackState | None) -> int:
    """The picture nearest in pose; in a clip the one shown stays unless another is clearly nearer."""
    distances = [pose_distance(source.camera.pose, target) for source in sources]
    number = min(range(len(sources)), key=distances.__getitem__)
    if state is not None and state.number < len(sources) and distances[state.number] < distances[number] + 8.0:
        return state.number
    return number


def _warnings(target_glasses: bool, source: Cover, beard: float) -> tuple[str, ...]:
    warnings = []
    if target_glasses and source.glasses():
        warnings.append("glasses on both faces: their frames may show double")
    elif target_glasses:
        warnings.append("glasses on the target: their frame is kept where it was found")
    elif source.glasses():
        warnings.append("glasses on the source: they come along without their temples")
    if beard > 0:
        warnings.append("beard on the target: it is kept")
    elif source.beard > 0.5:
        warnings.append("beard on the source: it ends at the edge of the target's face")
    return tuple(warnings)


def decide(image: Image, face: Face, sources: Sequence[SourceFace], memory: DecisionMemory | None = None) -> Decision:
    """Choose the source picture nearest in pose, its side, and what stays the target's.

    With a memory and a track, thresholds have hysteresis and changes fade over three frames.

    Args:
        image: The target, uint8 (H, W, 3) RGB.
        face: The target face, with 68 landmarks.
        sources: Pictures of one person.
        memory: Of the clip; None for a still.
    """
    landmarks, track = face.landmarks, face.track
    state = memory.tracks.get(track) if memory is not None and track is not None else None
    if state is not None and not state.person.is_same(sources[0]):
        state = None
    camera = fit_camera(landmarks)
    number = _choose(sources, camera.pose, state)
    source = sources[number]
    same = state if state is not None and state.number == number else None
    mirrored = _must_mirror(source.camera.pose, camera.pose, same.mirrored if same else None)
    fresh = state is None or state.next_look <= 0
    cover = look_for_cover(image, landmarks) if state is None or fresh else state.cover
    was: tuple[bool | None, bool | None, bool | None] = same.kept[:3] if same else (None, None, None)
    own = source.eyes[::-1] if mirrored else source.eyes
    left, right = eye_openings(landmarks)
    # Where landmarks are unsure (an engraving, a hand before the face) dark lines around the eyes mean little.
    glasses_on = face.spread <= UNSURE and cover.glasses(state.kept[3] if state else None)
    mouth_needed = _keep_mouth(source.mouth, mouth_opening(landmarks, camera.scale), was[0])
    mouth_rest = MOUTH_REST if mouth_needed else max(0, state.mouth_rest - 1) if state else 0
    kept = (mouth_needed or mouth_rest > 0,
            _keep_eye(own[0], left, was[1]), _keep_eye(own[1], right, was[2]), glasses_on)
    brought = source.cover.glasses()
    # Glasses of the source replace the target's as well as they can; two frames would be worse.
    goals = (float(kept[0]), float(kept[1]), float(kept[2]), float(kept[3] and not brought), cover.beard)
    levels = goals
    if state is not None:
        mouth, eye, other_eye, glasses, beard = map(_fade, state.levels, goals)
        levels = (mouth, eye, other_eye, glasses, beard)
    if memory is not None and track is not None:
        next_look = _LOOK_EVERY if state is None or fresh else state.next_look - 1
        memory.tracks[track] = TrackState(person=sources[0], number=number, mirrored=mirrored, kept=kept, levels=levels,
                                          cover=cover, next_look=next_look, mouth_rest=mouth_rest)
    return Decision(source=source, number=number, mirrored=mirrored, keep_mouth=levels[0],
                    keep_eyes=(levels[1], levels[2]), keep_glasses=levels[3], keep_beard=levels[4],
                    warnings=_warnings(kept[3], source.cover, cover.beard))
