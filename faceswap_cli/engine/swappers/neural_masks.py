"""What bounds a face that a model drew: the crop's box, the outline of the landmarks, what lies over the face, a mouth.

Masks are weights in the crop and combine by minimum. The box is always among them: a crop must fade before it ends.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from faceswap_cli.engine.analysers.landmarks import refine
from faceswap_cli.errors import ModelError
from faceswap_cli.faces import masks
from faceswap_cli.faces.align import Matrix, crop_bounds, transform, upright_crop, warp_crop
from faceswap_cli.faces.face import Face
from faceswap_cli.faces.landmarks68 import LEFT_EYE, MEAN_SHAPE, OUTER_LIPS, RIGHT_EYE
from faceswap_cli.faces.paste import box_mask
from faceswap_cli.faces.pose import Camera, fit_camera
from faceswap_cli.faces.proportions import with_forehead
from faceswap_cli.faces.templates import enlarged, five_points, similarity
from faceswap_cli.image import FloatArray, Image, Plane, Points
from faceswap_cli.options import MaskKind, SwapOptions
from faceswap_cli.runtime.session import SharedSession

FOREHEAD = 0.75
"""How far up the forehead the outline reaches: 0 brows .. 1 hairline of the mean face."""

FEATHER = 0.14
"""Width of the outline's ramp, in inter-ocular distances; it ends at the outline."""

_MOUTH_GROWTH, _MOUTH_SOFTNESS = 0.12, 0.05
"""By how much the lips are grown and blurred where the target's mouth stays, in inter-ocular distances."""

_FAR = 0.3
"""Mean distance of refined landmarks from the detector's above which they are taken for wrong."""

_XSEG_SIDE, _XSEG_BLUR = 256, 5.0

_MEAN_FIVE = five_points(MEAN_SHAPE[:, :2])


class FaceMasks:
    """Draws the masks that the options ask for."""

    def __init__(self, options: SwapOptions, occluder: SharedSession | None) -> None:
        """Nothing is opened yet.

        Args:
            options: Which masks, and whether the mouth stays.
            occluder: An XSeg model.

        Raises:
            ModelError: The occlusion mask is asked for and there is no model for it.
        """
        self._kinds = frozenset(options.masks)
        self._keep_mouth = options.keep_mouth
        self._occluder = occluder if MaskKind.OCCLUSION in self._kinds else None
        if MaskKind.OCCLUSION in self._kinds and occluder is None:
            raise ModelError("no model for the occlusion mask is installed", command="faceswap models pull xseg")

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of how the occlusion model ran."""
        return self._occluder.notes if self._occluder is not None else ()

    def draw(self, image: Image, face: Face, matrix: Matrix, side: int, *, clip: bool) -> Plane | None:
        """The weights of a crop: uint8 (side, side), 0..255; None: the box alone, which needs no picture.

        Args:
            image: uint8 (H, W, 3) RGB, before the face is pasted; left unmodified.
            face: With 5 or 68 landmarks in it.
            matrix: From the picture to the crop.
            side: Of the crop.
            clip: Whether frames are swapped in parallel.
        """
        hull = MaskKind.HULL in self._kinds
        if not (hull or self._keep_mouth or self._occluder):
            return None
        weight = box_mask(matrix, side, (image.shape[1], image.shape[0]))
        if hull or self._keep_mouth:
            points = transform(matrix, landmarks_68(image, face))
            if hull:
                weight = np.minimum(weight, _as_plane(hull_mask(points, side)))
            if self._keep_mouth:
                weight = np.minimum(weight, _as_plane(1 - mouth_mask(points, side)))
        if self._occluder is not None:
            weight = np.minimum(weight, _as_plane(visible_mask(self._occluder, image, matrix, side, clip=clip)))
        return weight


def landmarks_68(image: Image, face: Face) -> Points:
    """68 landmarks (68, 2): the face's own, else refined from its five, else the mean face put on those.

    Raises:
        ModelError: The weights of the embedded predictor are missing or damaged.
    """
    if len(face.landmarks) == 68:
        return face.landmarks
    five = five_points(face.landmarks)
    camera = _start(five)
    mean: Points = camera.project(MEAN_SHAPE)
    side = 256
    x0, y0, x1, y1 = crop_bounds(upright_crop(camera, side), (side, side), (image.shape[1], image.shape[0]),
                                 margin=round(0.5 * camera.scale))
    if min(x1 - x0, y1 - y0) < 16:
        return mean
    grey = np.asarray(cv2.cvtColor(np.ascontiguousarray(image[y0:y1, x0:x1]), cv2.COLOR_RGB2GRAY), np.uint8)
    corner = np.array([x0, y0], np.float64)
    found = refine(grey, Camera(camera.scale, camera.rotation, camera.offset - corner)).points + corner
    distance = np.linalg.norm(five_points(found) - five, axis=1).mean()
    # The predictor always answers; of a covered face, or one in profile, with something else.
    return found if distance <= _FAR * camera.scale else mean


def _start(five: Points) -> Camera:
    """The camera that sees the mean face from the front where five landmarks are."""
    matrix = similarity(_MEAN_FIVE, five)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    rotation = np.eye(3)
    rotation[:2, :2] = matrix[:, :2] / scale
    return Camera(scale, rotation, matrix[:, 2])


def hull_mask(points: Points, side: int) -> FloatArray:
    """1 within the convex hull of a face and most of its forehead, 0 outside: float32 (side, side).

    Args:
        points: float64 (68, 2), in the crop.
        side: Of the crop.
    """
    camera = fit_camera(points)
    whole = with_forehead(points, camera)
    hull = cv2.convexHull(np.vstack([points, masks.outline(whole, np.full(11, FOREHEAD))]).astype(np.float32))
    # Drawn larger, so that its steps are none of the crop's.
    times = 4
    drawn = np.zeros((side * times, side * times), np.uint8)
    cv2.fillConvexPoly(drawn, np.round((hull + 0.5) * times - 0.5).astype(np.int32), 1)
    ramp = masks.inner_ramp(drawn, FEATHER * camera.scale * times)
    return np.asarray(cv2.resize(ramp, (side, side), interpolation=cv2.INTER_AREA), np.float32)


def mouth_mask(points: Points, side: int) -> FloatArray:
    """1 on the lips and between them, fading around: float32 (side, side).

    Args:
        points: float64 (68, 2), in the crop.
        side: Of the crop.
    """
    unit = float(np.linalg.norm(points[RIGHT_EYE].mean(0) - points[LEFT_EYE].mean(0)))
    return masks.polygon_mask((side, side), [points[OUTER_LIPS]], grow=_MOUTH_GROWTH * unit,
                              soft=max(_MOUTH_SOFTNESS * unit, 0.5))


def visible_mask(occluder: SharedSession, image: Image, matrix: Matrix, side: int, *, clip: bool) -> FloatArray:
    """1 where an XSeg model sees the face, 0 where something lies over it: float32 (side, side).

    Args:
        occluder: Takes one picture 0..1: RGB with its channels first, or BGR with its channels last, as DeepFaceLab
            exports it; gives one plane.
        image: uint8 (H, W, 3) RGB.
        matrix: From the picture to the crop.
        side: Of the crop.
        clip: Whether frames are swapped in parallel.

    Raises:
        ModelError: The model failed, or is of another kind.
    """
    session = occluder.get(clip)
    tensor = session.inputs[0]
    last = len(tensor.shape) == 4 and tensor.shape[3] == 3
    if not last and (len(tensor.shape) != 4 or tensor.shape[1] != 3):
        raise ModelError(f"{session.name} takes no picture but {list(tensor.shape)}", advice="it is no XSeg model")
    given = tensor.shape[1 if last else 2]
    own = given if isinstance(given, int) else _XSEG_SIDE
    seen = warp_crop(image, enlarged(matrix, own / side), own)
    scaled: npt.NDArray[np.float32] = np.multiply(seen, np.float32(1 / 255), dtype=np.float32)
    fed = scaled[None, ..., ::-1] if last else scaled.transpose(2, 0, 1)[None]
    (plane, *_) = session.run(None, {tensor.name: np.ascontiguousarray(fed)})
    if plane.size != own * own:
        raise ModelError(f"{session.name} gives no mask but {list(plane.shape)}", advice="it is no XSeg model")
    soft = masks.blur(np.clip(plane.reshape(own, own), 0, 1).astype(np.float32), _XSEG_BLUR * own / _XSEG_SIDE)
    # Only what is surely the face: the ramp lies within it.
    sure = np.clip(2 * soft - 1, 0, 1)
    how = cv2.INTER_AREA if side < own else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(sure, (side, side), interpolation=how), np.float32)


def _as_plane(weight: FloatArray) -> Plane:
    return np.rint(np.clip(weight, 0, 1) * 255).astype(np.uint8)
