"""What a source face hides, a turned-away cheek or one covered by hair or a hand, is taken from its mirror image.

Done once for a source, on a frontal drawing of it, so that a target pays nothing for it.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from faceswap_cli.faces import colour, masks, skin
from faceswap_cli.faces import landmarks68 as at
from faceswap_cli.faces.align import EYE_FRACTION
from faceswap_cli.faces.mesh import FaceMesh
from faceswap_cli.faces.pose import Camera
from faceswap_cli.image import FloatArray, Image, Points

_WORTH_IT = 0.3
"""Weight that the mirror image must reach somewhere before the source is redrawn for it."""


def _outward() -> npt.NDArray[np.float64]:
    """Outward normals (84, 3) of an ellipsoid through the mean face: which points a turned head shows openly."""
    normals = (at.EXTENDED_SHAPE - [0.0, 0.1, 1.05]) / np.array([1.15, 1.6, 1.2]) ** 2
    unit: npt.NDArray[np.float64] = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    return unit


_NORMALS = _outward()
_FOREHEAD_MIRRORED = np.concatenate([np.arange(78, 67, -1), np.arange(83, 78, -1)])
_ALL_MIRRORED = np.concatenate([at.MIRRORED, _FOREHEAD_MIRRORED])


def _frontal(vertices: Points, camera: Camera, side: int) -> Points:
    """The 84 points as they would be seen from the front, in a square of `side` pixels."""
    residual = ((vertices - camera.project(at.EXTENDED_SHAPE)) / camera.scale) @ camera.rotation[:2]
    return side / 2 + EYE_FRACTION * side * (at.EXTENDED_SHAPE + residual)[:, :2]


def _grazing(camera: Camera) -> npt.NDArray[np.float64]:
    """0..1 for each of the 84 points: seen at a grazing angle, while the mirror image shows it openly."""
    towards_viewer = camera.rotation[2]
    own = -(_NORMALS @ towards_viewer)
    mirrored = -((_NORMALS * [-1, 1, 1]) @ towards_viewer)
    weight = masks.ramp((0.42 - own) / 0.25) * masks.ramp((mirrored - own - 0.1) / 0.2)
    for feature in (np.r_[at.LEFT_EYE, at.LEFT_BROW], np.r_[at.RIGHT_EYE, at.RIGHT_BROW]):
        weight[feature] = float(weight[feature].mean() > 0.35)       # an eye is taken whole or not at all
    return weight


def _covered(own: FloatArray, mirrored: FloatArray, points: Points, eye_distance: float) -> FloatArray:
    """Where the mirror image shows skin on a cheek or the forehead and the face itself does not."""
    shape = own.shape[:2]
    cheek = masks.polygon_mask(shape, [points[at.JAW]])
    middle = masks.polygon_mask(shape, [points[at.OUTER_LIPS], points[at.NOSTRILS]], grow=0.1 * eye_distance)
    cheek = masks.blur(np.clip(cheek - middle, 0, 1), 0.05 * eye_distance)
    soft = 0.08 * eye_distance
    gain = masks.blur(skin.likelihood(mirrored, 1.5), soft) - masks.blur(skin.likelihood(own, 1.5), soft)
    weight = masks.grow(masks.smoothstep((gain - 0.35) / 0.3) * cheek, 0.08 * eye_distance)
    covered: FloatArray = np.clip(masks.blur(weight, soft) * np.float32(1.3), 0, 1)
    return covered


def complete(crop: Image, vertices: Points, camera: Camera) -> tuple[Image, Points]:
    """A texture in which no part of the face is hidden, as far as its mirror image shows it.

    Args:
        crop: uint8 (S, S, 3), upright.
        vertices: float64 (84, 2) in the crop.
        camera: Of the vertices.

    Returns:
        The texture, uint8 (S, S, 3), and the 84 points in it; `crop` and `vertices` themselves when nothing is hidden.
    """
    side = crop.shape[0]
    eye_distance = EYE_FRACTION * side
    frontal = _frontal(vertices, camera, side)
    mesh = FaceMesh(frontal, at.EXTENDED_SHAPE[:, 2], (side, side), smooth=0.035 * eye_distance)
    reflected = vertices[_ALL_MIRRORED] * [-1, 1] + [side - 1, 0]
    own = _draw(crop, mesh, vertices)
    mirrored = _draw(np.ascontiguousarray(crop[:, ::-1]), mesh, reflected)

    own_lab, mirrored_lab = colour.to_lab(own), colour.to_lab(mirrored)
    holes = masks.features(frontal, (side, side), eye_distance)
    inside = masks.polygon_mask((side, side), [masks.below_brows(frontal)], grow=-0.12 * eye_distance)
    cheeks = np.clip(inside - holes, 0, 1)
    grazing = mesh.spread_values(_grazing(camera))
    own_skin = skin.skin_distance(own_lab, cheeks * (grazing < 0.5))
    mirrored_skin = skin.skin_distance(mirrored_lab, cheeks)
    weight = masks.blur(grazing, 0.06 * eye_distance)
    weight = np.maximum(weight, _covered(own_skin, mirrored_skin, frontal, eye_distance))
    if weight.max() < _WORTH_IT:
        return crop, vertices

    # The mirror image is lit from the other side: it gets the light of the face where both are seen well.
    both = cheeks * skin.likelihood(own_skin, 2.0) * skin.likelihood(mirrored_skin, 2.0)
    statistics = np.maximum(both * (1 - 0.95 * weight), 1e-4)
    grey = masks.polygon_mask((side, side), [frontal[at.LEFT_EYE], frontal[at.RIGHT_EYE], frontal[at.INNER_LIPS]],
                              soft=0.02 * eye_distance, grow=0.02 * eye_distance)
    canvas = colour.Canvas(target=own_lab, features=masks.blur(holes, 0.04 * eye_distance), grey=grey,
                           limits=(0.0, 100.0), eye_distance=eye_distance)
    relit = colour.to_rgb(colour.relight(mirrored_lab, statistics, canvas))
    texture = own + (relit - own) * weight[..., None]
    return (texture * 255 + 0.5).astype(np.uint8), frontal


def _draw(crop: Image, mesh: FaceMesh, vertices: Points) -> FloatArray:
    """The crop warped into the mesh, RGB 0..1."""
    drawn: Image = cv2.remap(crop, mesh.map_from(vertices), None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return drawn.astype(np.float32) * np.float32(1 / 255)
