"""The mesh swapper: a landmark mesh warp, the target's light and tint, and a multiband blend. Needs no weights.

Each step is a function of `faces/`; here they are put in order. What varies slowly (masks, colour, tone) is computed
on a crop shrunk to half (`stage.study_side`); the detail above that is warped at full size and added, scaled to the
target's sharpness, so that cost grows little with the face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceswap_cli.engine.parts import Swapper
from faceswap_cli.engine.swappers.decision import Decision, DecisionMemory, decide
from faceswap_cli.engine.swappers.face_crop import SourceFace, measure_source
from faceswap_cli.engine.swappers.stage import Stage, set_stage
from faceswap_cli.faces import blend, colour, masks, occlusion, skin
from faceswap_cli.faces.face import Face
from faceswap_cli.faces.landmarks68 import INNER_LIPS, LEFT_EYE, OUTER_LIPS, RIGHT_EYE
from faceswap_cli.faces.statistics import percentiles
from faceswap_cli.image import FloatArray, Image

FEATHER = 0.12
"""Width of the mask's ramp, in inter-ocular distances."""

FOREHEAD = 0.75
"""How far up the forehead the mask may reach: 0 brows .. 1 hairline of the mean face."""

_BLEND_LEVELS = 3


@dataclass(frozen=True, slots=True, eq=False)
class _Masks:
    """float32 (h, w), 0..1.

    Attributes:
        alpha: Weight of the new face.
        limit: 0 where no pixel may change.
        skin: Weight in the statistics: bare skin in both faces.
        features: Eyes, brows, nostrils, mouth.
    """

    alpha: FloatArray
    limit: FloatArray
    skin: FloatArray
    features: FloatArray


class MeshSwapper(Swapper[SourceFace, Decision, DecisionMemory]):
    """See the module."""

    name = "mesh"

    def prepare(self, image: Image, face: Face) -> SourceFace:
        """Measure a source face; reusable across frames, files and threads."""
        return measure_source(image, face.landmarks)

    def open_clip(self, frames: int | None = None) -> DecisionMemory:
        """A fresh memory for one clip."""
        return DecisionMemory()

    def decide(self, image: Image, sources: Sequence[SourceFace], face: Face,
               memory: DecisionMemory | None = None) -> Decision:
        """Choose picture, side, and what stays the target's; in frame order when there is a memory."""
        return decide(image, face, sources, memory)

    def swap(self, image: Image, face: Face, decision: Decision) -> tuple[str, ...]:
        """Put the decided source on `face`, in place; pixels outside the face stay as they are."""
        stage = set_stage(image, face.landmarks, decision.source, decision.mirrored)
        blend.paste_difference(image, _draw(stage, decision), stage.matrix)
        return decision.warnings


def _remap(pixels: npt.NDArray[Any], where: FloatArray) -> npt.NDArray[Any]:
    looked_up: npt.NDArray[Any] = cv2.remap(pixels, where, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return looked_up


def _as_float(pixels: npt.NDArray[Any]) -> FloatArray:
    return pixels.astype(np.float32) * np.float32(1 / 255)


def _enlarge(x: FloatArray, stage: Stage) -> FloatArray:
    enlarged: FloatArray = cv2.resize(x, stage.full_size, interpolation=cv2.INTER_LINEAR)
    return enlarged


def _draw(stage: Stage, decision: Decision) -> FloatArray:
    """What is to be added to `stage.full`: float32 (H, W, 3), grey levels."""
    height, width = stage.study.shape[:2]
    where = stage.source_map()
    if stage.enlarged > 1:
        where = _enlarge(where, stage)
    drawn = _remap(stage.source.texture, where)
    small = drawn if stage.enlarged == 1 else cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA)
    target_where = stage.target_map()
    target_drawn = _as_float(_remap(stage.study, target_where))
    target_lab = colour.to_lab(target_drawn)
    source_lab = colour.to_lab(_as_float(small))

    found = _find_masks(stage, source_lab, target_lab)
    _leave_covered(stage, decision, target_lab, found.alpha)
    keep = _keep_mask(stage, decision)
    recoloured = _recolour(stage, source_lab, target_lab, found)
    if keep is not None:
        recoloured += (target_drawn - recoloured) * keep[..., None]
    target = _as_float(stage.study)
    difference = blend.multiband(recoloured, target, found.alpha, _BLEND_LEVELS)
    difference -= target
    difference *= (found.limit * np.float32(255))[..., None]
    if stage.enlarged == 1:
        return difference
    difference = _enlarge(difference, stage)
    colourful = colour.colourfulness(target_lab, found.skin)
    difference += _fine_detail(stage, drawn, small, found, keep, target_where, colourful)
    return difference


def _find_masks(stage: Stage, source: FloatArray, target: FloatArray) -> _Masks:
    """The mask of the new face, ending where skin ends in either face, and the weights of the statistics."""
    shape = source.shape[:2]
    points, eye_distance = stage.wanted, stage.eye_distance
    features = masks.features(points, shape, eye_distance)
    core = masks.polygon_mask(shape, [masks.below_brows(points)[1:-1]], grow=-0.12 * eye_distance)
    cheeks = np.clip(core - features, 0, 1)
    source_skin, target_skin = skin.skin_distance(source, cheeks), skin.skin_distance(target, cheeks)

    # Hair, hats and hands above the brows win: the mask ends below them, column by column.
    both = np.minimum(skin.likelihood(source_skin), skin.likelihood(target_skin))
    top = masks.skin_height(points, masks.blur(both, 0.03 * eye_distance), FOREHEAD)
    hard = np.zeros(shape, np.uint8)
    cv2.fillPoly(hard, [np.round(masks.outline(points, top) * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
    distance = cv2.distanceTransform(hard, cv2.DIST_L2, 3)
    alpha = masks.smoothstep(distance * np.float32(1 / (FEATHER * eye_distance)))

    # Near the rim, what is not skin in the source (its hair, collar, background) stays out.
    rim = 1 - masks.smoothstep((distance - 0.22 * eye_distance) / np.float32(0.2 * eye_distance))
    foreign = masks.blur(1 - skin.likelihood(source_skin, 1.7), 0.03 * eye_distance)
    foreign = masks.grow(foreign, 0.04 * eye_distance)
    lips = masks.polygon_mask(shape, [points[OUTER_LIPS]], grow=0.1 * eye_distance)
    alpha *= 1 - masks.smoothstep((foreign - 0.45) / np.float32(0.4)) * rim * (1 - lips) * (1 - features)
    alpha *= masks.forehead_fade(points, top, shape, 0.03 * eye_distance)
    alpha = masks.blur(alpha, 0.02 * eye_distance)

    inner = (distance > 0.05 * eye_distance).astype(np.float32)
    bare = np.clip(inner - features, 0, 1)
    # A looser test than for the mask: shadows and highlights count as skin, beards and hands do not.
    weight = bare * np.maximum(skin.likelihood(source_skin, 2.0) * skin.likelihood(target_skin, 2.0), 0.01)
    limit = masks.inner_ramp(masks.dilate_binary(hard, 0.05 * eye_distance), 0.08 * eye_distance)
    return _Masks(alpha, limit, weight, features)


def _leave_covered(stage: Stage, decision: Decision, target: FloatArray, alpha: FloatArray) -> None:
    """Take what lies over the target's face, and is to stay, out of `alpha`, in place."""
    points, eye_distance = stage.wanted, stage.eye_distance
    if decision.keep_glasses > 0:
        alpha *= 1 - np.float32(decision.keep_glasses) * occlusion.frame_mask(target, points, eye_distance)
    if decision.keep_beard > 0:
        alpha *= 1 - np.float32(decision.keep_beard) * occlusion.beard_mask(target, points, eye_distance)


def _keep_mask(stage: Stage, decision: Decision) -> FloatArray | None:
    """Where the target's own mouth and eyes are shown; None when nowhere."""
    shape = stage.study.shape[:2]
    points, eye_distance = stage.wanted, stage.eye_distance
    keep: FloatArray | None = None
    parts = ((OUTER_LIPS, decision.keep_mouth, 0.10), (LEFT_EYE, decision.keep_eyes[0], 0.09),
             (RIGHT_EYE, decision.keep_eyes[1], 0.09))
    for part, strength, grow in parts:
        if strength > 0:
            mask = masks.polygon_mask(shape, [points[part]], grow=grow * eye_distance, soft=0.05 * eye_distance)
            mask *= np.float32(strength)
            keep = mask if keep is None else np.maximum(keep, mask)
    return keep


def _recolour(stage: Stage, source: FloatArray, target: FloatArray, found: _Masks) -> FloatArray:
    """The drawn source with the target's light, tint and sharpness: RGB 0..1."""
    shape = source.shape[:2]
    points, eye_distance = stage.wanted, stage.eye_distance
    inside = masks.polygon_mask(shape, [masks.below_brows(points)]) > 0.5
    low, high = percentiles(target[..., 0][inside][::5], (0.3, 99.7))
    grey = masks.polygon_mask(shape, [points[LEFT_EYE], points[RIGHT_EYE], points[INNER_LIPS]],
                              soft=0.02 * eye_distance, grow=0.02 * eye_distance)
    canvas = colour.Canvas(target=target, features=masks.blur(found.features, 0.04 * eye_distance), grey=grey,
                           limits=(low, high), eye_distance=eye_distance)
    relit = colour.relight(source, found.skin, canvas)
    return colour.to_rgb(colour.match_sharpness(relit, found.skin, canvas))


def _fine_detail(stage: Stage, drawn: Image, small: npt.NDArray[Any], found: _Masks, keep: FloatArray | None,
                 target_where: FloatArray, colourful: np.float32) -> FloatArray:
    """The change of what is finer than a study pixel, in grey levels: the source's detail for the target's.

    The source's is scaled so that skin is as sharp as the target's, and loses its colour where the target has none.
    """
    shown = found.alpha * found.limit
    fine_source = drawn - _enlarge(small.astype(np.float32), stage)
    fine_target = stage.full - _enlarge(stage.study.astype(np.float32), stage)
    weight = cv2.resize(found.skin * shown, stage.full_size, interpolation=cv2.INTER_NEAREST)[::2, ::2]
    own = float((np.abs(fine_source[::2, ::2, 1]) * weight).sum())
    wanted = float((np.abs(fine_target[::2, ::2, 1]) * weight).sum())
    floor = 0.05 * float(weight.sum()) + 1e-6
    fine_source *= np.float32(min(max((wanted + floor) / (own + floor), 0.45), 1.7))
    if colourful < 1:
        grey = cv2.cvtColor(fine_source, cv2.COLOR_RGB2GRAY)[..., None]
        fine_source = grey + (fine_source - grey) * colourful
    if keep is not None:
        where = _enlarge((target_where + 0.5) * np.float32(stage.enlarged) - 0.5, stage)
        kept = _remap(stage.full, where)
        fine_kept = kept - _enlarge(cv2.resize(kept, stage.study.shape[1::-1],
                                               interpolation=cv2.INTER_AREA).astype(np.float32), stage)
        fine_source += (fine_kept - fine_source) * _enlarge(keep, stage)[..., None]
    fine_source -= fine_target
    fine_source *= _enlarge(shown, stage)[..., None]
    return fine_source
