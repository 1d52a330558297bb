"""Restorers: networks that sharpen a swapped face. One class runs them all; a model is a row of the catalogue.

What a restorer changed is added to the picture as a difference, not put over it: where it changed nothing no pixel
changes, and of a face larger than its crop the detail that is finer than the crop stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from faceswap_cli.engine.parts import Restorer
from faceswap_cli.errors import ModelError
from faceswap_cli.faces.align import Matrix, invert, transform, warp_crop
from faceswap_cli.faces.blend import paste_difference
from faceswap_cli.faces.face import Face
from faceswap_cli.faces.templates import estimate
from faceswap_cli.image import FloatArray, Image
from faceswap_cli.models.spec import Crop, ModelSpec, Template
from faceswap_cli.options import Interpolation, RestoreOptions
from faceswap_cli.runtime.session import Session, SharedSession
from faceswap_cli.text import opt

INTERPOLATIONS = {
    Interpolation.NEAREST: cv2.INTER_NEAREST,
    Interpolation.BILINEAR: cv2.INTER_LINEAR,
    Interpolation.BICUBIC: cv2.INTER_CUBIC,
    Interpolation.LANCZOS: cv2.INTER_LANCZOS4,
}
"""OpenCV's names."""

LEAST_VISIBLE = 0.5
"""A face of which less than this lies in the picture is left: networks draw a face into what they do not see."""

_WEIGHT_NAMES = ("weight", "w")
"""What exports of CodeFormer call their second input, where the row does not say."""

_USUAL_CROP = Crop(512, Template.FFHQ, mean=0.5, std=0.5)
"""Of models that came without a row."""

# The area of a crop that is pasted, in sides of the FFHQ crop: a box with round corners, from the hairline to below the
# chin and past the ears, about what swappers draw; and the width of its ramp as a fraction of the half axes.
_MIDDLE = (0.5, 0.527)
_HALF_AXES = (0.44, 0.45)
_ROUNDNESS = 4
_RAMP = 0.18


@dataclass(frozen=True, slots=True)
class _Graph:
    """How a restorer's graph is fed.

    Attributes:
        image: Name of the input for the picture.
        side: Of its crop.
        weight: Name and shape of the input for the fidelity weight, or None.
        output: Name of the output.
    """

    image: str
    side: int
    weight: tuple[str, tuple[int, ...]] | None
    output: str


class OnnxRestorer(Restorer):
    """Runs any of them.

    A graph with an input for a weight (CodeFormer) is given `options.weight` there: 0 quality, 1 fidelity. For all
    others it is how much of the restored face is taken. `options.visibility` is how much of that is seen.

    Attributes:
        name: Of the model.
    """

    def __init__(self, session: SharedSession, spec: ModelSpec, options: RestoreOptions) -> None:
        """Nothing is opened before the first face.

        Args:
            session: Of the model's graph.
            spec: Its row: crop, normalisation, names of inputs.
            options: Weight, visibility, interpolation.
        """
        self.name = spec.id
        self._session = session
        self._crop = spec.crop if spec.crop is not None else _USUAL_CROP
        self._inputs = spec.inputs
        self._options = options

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of how it ran."""
        return self._session.notes

    def restore(self, image: Image, face: Face, clip: bool) -> None:
        """Restore one swapped face in place, by the landmarks it had before the swap. Thread-safe.

        A face of which less than half lies in the picture is left as it is.

        Args:
            image: uint8 (H, W, 3) RGB. Changes within the face and a margin around it, and nowhere else.
            face: As the analyser saw it, with 5 or 68 landmarks.
            clip: Whether the image is a frame of a clip: each run then has one thread.

        Raises:
            ModelError: The graph is no restorer, or failed.
        """
        if self._options.visibility == 0:
            return
        session = self._session.get(clip)
        graph = self._read(session)
        strength = self._options.visibility * (1.0 if graph.weight is not None else self._options.weight)
        template = self._crop.template if self._crop.template is not None else Template.FFHQ
        matrix = estimate(face.landmarks, template.value, graph.side)
        if strength == 0 or not np.isfinite(matrix).all() or visible(matrix, graph.side, image) < LEAST_VISIBLE:
            return
        interpolation = INTERPOLATIONS[self._options.interpolation]
        crop = warp_crop(image, matrix, graph.side, interpolation)
        difference = self._run(session, graph, crop).astype(np.float32)
        difference -= crop
        difference *= (face_mask(graph.side) * np.float32(strength))[..., None]
        paste_difference(image, difference, matrix, interpolation)

    def _run(self, session: Session, graph: _Graph, crop: Image) -> Image:
        """The restored crop: uint8 (side, side, 3)."""
        side, mean, std = graph.side, self._crop.mean, self._crop.std
        pixels = crop.astype(np.float32)
        pixels *= np.float32(1 / (255 * std))
        pixels -= np.float32(mean / std)
        feeds: dict[str, Any] = {graph.image: np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])}
        if graph.weight is not None:
            name, shape = graph.weight
            feeds[name] = np.full(shape, self._options.weight, np.float64)
        restored = session.run([graph.output], feeds)[0]
        if restored.shape != (1, 3, side, side):
            raise ModelError(f"{self.name} is no restorer: its output has the shape {restored.shape}, not "
                             f"(1, 3, {side}, {side})")
        grey = restored[0].transpose(1, 2, 0) * np.float32(255 * std) + np.float32(255 * mean)
        if not np.isfinite(grey).all():
            raise ModelError(f"{self.name} gave numbers that are no picture",
                             advice=f"try another restorer, or {opt('provider', 'cpu')}")
        picture: Image = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
        return picture

    def _read(self, session: Session) -> _Graph:
        """Find the inputs by name, the picture's else as the first of four dimensions."""
        inputs = {tensor.name: tensor for tensor in session.inputs}
        pictures = [tensor for tensor in session.inputs if len(tensor.shape) == 4]
        named = inputs.get(self._inputs.get("image", "input"))
        image = named if named in pictures else next(iter(pictures), None)
        outputs = [tensor for tensor in session.outputs if len(tensor.shape) in (0, 4)]
        if image is None or not outputs:
            raise ModelError(f"{self.name} is no restorer: its graph takes or gives no picture")
        weights = (self._inputs.get("weight", "weight"), *_WEIGHT_NAMES)
        weight = next((inputs[name] for name in weights if name in inputs), None)
        unknown = [name for name in inputs if name != image.name and (weight is None or name != weight.name)]
        if unknown:
            raise ModelError(f"{self.name} has an input {unknown[0]!r} that no restorer known here has")
        side = image.shape[2]
        return _Graph(image=image.name, side=side if isinstance(side, int) else self._crop.side,
                      weight=None if weight is None else (weight.name, tuple(1 for _ in weight.shape)),
                      output=outputs[0].name)


def visible(matrix: Matrix, side: int, image: Image) -> float:
    """How much of the face in a crop lies in the picture, 0..1.

    Args:
        matrix: From picture to crop.
        side: Of the crop.
        image: (H, W, 3).
    """
    steps = np.linspace(-0.95, 0.95, 20)
    grid = np.stack(np.meshgrid(steps * _HALF_AXES[0] + _MIDDLE[0], steps * _HALF_AXES[1] + _MIDDLE[1]), -1)
    points = transform(invert(matrix), grid.reshape(-1, 2) * side)
    height, width = image.shape[:2]
    return float(((points >= 0) & (points < [width, height])).all(1).mean())


@lru_cache(maxsize=4)
def face_mask(side: int) -> FloatArray:
    """The weight of each pixel of an FFHQ crop: 1 in the face, 0 from its border outwards; float32 (side, side)."""
    place = (np.arange(side, dtype=np.float64) + 0.5) / side
    across = np.abs((place - _MIDDLE[0]) / _HALF_AXES[0]) ** _ROUNDNESS
    down = np.abs((place - _MIDDLE[1]) / _HALF_AXES[1]) ** _ROUNDNESS
    ramp = np.clip((1 - (across[None] + down[:, None]) ** (1 / _ROUNDNESS)) / _RAMP, 0, 1)
    mask: FloatArray = (ramp * ramp * (3 - 2 * ramp)).astype(np.float32)
    mask.setflags(write=False)  # it is shared by threads
    return mask
