"""Head pose: the weak-perspective camera that projects the mean face onto 68 landmarks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceswap_cli.faces.face import Pose
from faceswap_cli.faces.landmarks68 import BROWS, JAW, MEAN_SHAPE, MOUTH
from faceswap_cli.image import Points


def _rigid_weights() -> npt.NDArray[np.float64]:
    """How little each point moves with expression, summing to 1; the jaw's points slide along the contour: 0."""
    weights = np.ones(68)
    weights[JAW] = 0.0
    weights[BROWS] = 0.5
    weights[MOUTH] = 0.35
    weights /= weights.sum()
    return weights


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """`points ~ scale * shape @ rotation[:2].T + offset`.

    Attributes:
        scale: Pixels per inter-ocular distance.
        rotation: float64 (3, 3), from the model's frame (x right, y down, z away) to the picture's.
        offset: float64 (2,), where the model's origin, between the eyes and the mouth, is seen.
    """

    scale: float
    rotation: npt.NDArray[np.float64]
    offset: npt.NDArray[np.float64]

    def project(self, shape: npt.NDArray[np.float64]) -> Points:
        """Project model points (N, 3) to the picture (N, 2)."""
        return self.scale * shape @ self.rotation[:2].T + self.offset

    def depth(self, shape: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Depth (N,) of model points (N, 3), in inter-ocular distances; larger is farther away."""
        depth: npt.NDArray[np.float64] = shape @ self.rotation[2]
        return depth

    def seen_through(self, matrix: npt.NDArray[np.float64]) -> Camera:
        """The camera of the same face after a similarity (2, 3) of the picture: no new fit is needed."""
        linear = matrix[:, :2]
        zoom = float(np.sqrt(abs(np.linalg.det(linear))))
        turned = self.rotation.copy()
        turned[:2] = linear / zoom @ self.rotation[:2]
        return Camera(self.scale * zoom, turned, linear @ self.offset + matrix[:, 2])

    @property
    def roll(self) -> float:
        """In-plane rotation in radians, clockwise in the picture."""
        return float(np.arctan2(-self.rotation[0, 1], self.rotation[1, 1]))

    @property
    def pose(self) -> Pose:
        """Yaw, pitch and roll in degrees."""
        roll = self.roll
        cos, sin = np.cos(roll), np.sin(roll)
        upright = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]]) @ self.rotation
        yaw = -np.arctan2(upright[0, 2], upright[0, 0])
        pitch = np.arcsin(np.clip(upright[1, 2], -1.0, 1.0))
        return Pose(*(float(np.degrees(angle)) for angle in (yaw, pitch, roll)))


class RigidShape:
    """Points of the mean face, to which cameras are fitted."""

    def __init__(self, shape: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> None:
        """Prepare the fit.

        Args:
            shape: float64 (N, 3), at least four points that do not lie in a line.
            weights: float64 (N,), how little each moves with expression, summing to 1.
        """
        self._weights = weights
        self._centre = weights @ shape
        self._model = shape - self._centre
        # The weighted least-squares solution of the affine camera is linear in the points.
        self._affine = np.linalg.pinv(self._model * np.sqrt(weights)[:, None]) * np.sqrt(weights)
        self._weighted = self._model * weights[:, None]

    def fit(self, points: Points) -> Camera:
        """The camera that sees the shape at these points, float64 (N, 2).

        An affine camera by weighted least squares, made orthonormal, then refined by alternating the missing depth and
        a 3-D Procrustes fit (Kabsch 1976), which is scaled-orthographic POSIT (DeMenthon & Davis 1995) without
        perspective.
        """
        model, weights = self._model, self._weights
        mean = weights @ points
        centred = points - mean
        affine = (self._affine @ centred).T
        left, singular, right = np.linalg.svd(affine, full_matrices=False)
        scale = float(singular.mean())
        rows = left @ right
        rotation = np.vstack([rows, np.cross(rows[0], rows[1])])
        lifted = np.empty_like(model)
        for _ in range(5):
            lifted[:, :2] = centred / scale
            lifted[:, 2] = model @ rotation[2]
            left, _, right = np.linalg.svd(lifted.T @ self._weighted)
            left[:, 2] *= np.sign(np.linalg.det(left @ right))
            rotation = left @ right
            projected = model @ rotation[:2].T
            scale = float((weights @ (projected * centred).sum(1)) / (weights @ (projected * projected).sum(1)))
        return Camera(scale, rotation, mean - scale * rotation[:2] @ self._centre)


_LANDMARKS = RigidShape(MEAN_SHAPE, _rigid_weights())


def fit_camera(points: Points) -> Camera:
    """The camera that sees the mean face at 68 landmarks, float64 (68, 2)."""
    return _LANDMARKS.fit(points)
