"""Swappers that draw a face from an aligned crop and an identity: inswapper, reswapper, hyperswap.

One class; each model is a row of the catalogue. The crop and the drawn face are those of insightface's `INSwapper`, to
a grey level; what happens around the network touches only the region of the crop (`faces.paste`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceswap_cli.engine.parts import Swapper
from faceswap_cli.engine.swappers.emap import read_emap
from faceswap_cli.engine.swappers.neural_masks import FaceMasks
from faceswap_cli.errors import ModelError, UsageError
from faceswap_cli.faces.face import Face
from faceswap_cli.faces.paste import covered, cut, paste
from faceswap_cli.faces.templates import enlarged, estimate
from faceswap_cli.image import FloatArray, Image
from faceswap_cli.models.spec import Crop, Family, ModelSpec, Template
from faceswap_cli.options import SwapOptions
from faceswap_cli.runtime.providers import short_name
from faceswap_cli.runtime.session import Session, SharedSession
from faceswap_cli.text import opt

if TYPE_CHECKING:
    from faceswap_cli.runtime.accelerate import AcceleratedSession

_CROPS = {Family.INSWAPPER: Crop(128, Template.ARCFACE), Family.HYPERSWAP: Crop(256, Template.ARCFACE, 0.5, 0.5)}
"""The crops of the families, for models that do not tell theirs."""

_BATCH = 16
"""Small crops in one run: more would take gigabytes and be no faster."""


@dataclass(frozen=True, slots=True)
class ClipLength:
    """The memory of one clip: its number of frames, where known."""

    frames: int | None


@dataclass(frozen=True, slots=True, eq=False)
class NeuralDecision:
    """What one target face gets.

    Attributes:
        latent: float32 (1, length), the identity as the network takes it.
        clip: Whether frames are swapped in parallel.
        faces_ahead: Faces of this clip, where known.
        number: None: all pictures of the source are used.
    """

    latent: FloatArray
    clip: bool
    faces_ahead: int | None
    number: int | None = None


class _Ports(NamedTuple):
    """Names of a graph's inputs and output, and how many crops one run takes."""

    target: str
    source: str
    output: str
    batch: int


class InswapperSwapper(Swapper[FloatArray, NeuralDecision, ClipLength]):
    """See the module. Safe to share between threads."""

    needs_embedding = True
    heavy = True
    trained = True

    def __init__(self, session: AcceleratedSession, spec: ModelSpec, options: SwapOptions,
                 occluder: SharedSession | None = None) -> None:
        """Nothing is opened yet.

        Args:
            session: Of the swapper's graph.
            spec: The model's row.
            options: Size, masks, mouth.
            occluder: An XSeg model, needed for the occlusion mask.

        Raises:
            UsageError: The size is no multiple of the model's.
            ModelError: The occlusion mask is asked for without a model.
        """
        self.name = spec.id
        self._session = session
        self._spec = spec
        self._crop = spec.crop or _CROPS[spec.family]
        self._template = self._crop.template or Template.ARCFACE
        size = options.size or self._crop.side
        if size % self._crop.side:
            raise UsageError(f"{opt('swap-size', size)} must be a multiple of {self._crop.side}, the size of {spec.id}")
        self._times = size // self._crop.side
        self._masks = FaceMasks(options, occluder)
        self._provider: str | None = None

    @property
    def provider(self) -> str | None:
        """What really ran the network, `cpu`, `cuda` ...; `cpu (winograd)`: its rewrite. None: it has not run yet."""
        return self._provider

    @cached_property
    def _emap(self) -> FloatArray | None:
        """What brings identities into the network's own space; None: it takes them as they are."""
        return read_emap(self._session.path) if self._spec.family is Family.INSWAPPER else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of how the networks ran."""
        return tuple(dict.fromkeys((*self._session.notes, *self._masks.notes)))

    def prepare(self, image: Image, face: Face) -> FloatArray:
        """The identity of a source face: float32 (n,), of length 1.

        Raises:
            ModelError: The face comes without an embedding, or with one of another kind; or the graph is damaged.
        """
        if face.embedding is None:
            raise ModelError(f"{self.name} needs to know faces apart", command="faceswap models pull buffalo_l")
        wanted = len(self._emap) if self._emap is not None else 512
        if face.embedding.shape != (wanted,):
            raise ModelError(f"{self.name} takes identities of {wanted} numbers, and the recogniser gives "
                             f"{face.embedding.size}", advice="take an ArcFace model")
        return _of_length_one(face.embedding.astype(np.float32))

    def open_clip(self, frames: int | None = None) -> ClipLength:
        """A fresh memory for one clip of about that many frames."""
        return ClipLength(frames)

    def decide(self, image: Image, sources: Sequence[FloatArray], face: Face,
               memory: ClipLength | None = None) -> NeuralDecision:
        """The identity that is drawn: of several pictures of a person, their mean."""
        identity = sources[0] if len(sources) == 1 else _of_length_one(np.mean(sources, axis=0, dtype=np.float32))
        latent = identity[None]
        if self._emap is not None:
            latent = _of_length_one(latent @ self._emap)
        frames = memory.frames if memory is not None else 1
        runs = frames * self._times ** 2 if frames is not None else None
        return NeuralDecision(latent, memory is not None, runs)

    def swap(self, image: Image, face: Face, decision: NeuralDecision) -> tuple[str, ...]:
        """Draw the decided identity on `face`, in place; pixels outside the face stay as they are.

        Raises:
            ModelError: The network failed, or is of another kind than its row says.
        """
        side = self._crop.side * self._times
        matrix = enlarged(estimate(face.landmarks, self._template, self._crop.side), self._times)
        if min(covered(matrix, side, (image.shape[1], image.shape[0])).size) <= 0:
            return ()
        session = self._session.get(decision.clip, decision.faces_ahead)
        rewritten = session.path != self._session.path
        self._provider = short_name(session.providers[0]).lower() + (" (winograd)" if rewritten else "")
        drawn = self.draw(session, cut(image, matrix, side), decision.latent)
        mask = self._masks.draw(image, face, matrix, side, clip=decision.clip)
        paste(image, drawn, matrix, mask)
        return ()

    def draw(self, session: Session, crop: Image, latent: FloatArray) -> Image:
        """What the network makes of a crop: uint8, as large as the crop.

        Args:
            session: What `AcceleratedSession.get` gave.
            crop: uint8 (side, side, 3) RGB, as large as the model's or a multiple of it.
            latent: float32 (1, n).
        """
        times = crop.shape[0] // self._crop.side
        ports = self._ports(session)
        crops = _deal(crop, times).transpose(0, 3, 1, 2)
        fed = crops * np.float32(1 / (255 * self._crop.std)) - np.float32(self._crop.mean / self._crop.std)
        drawn = np.concatenate([self._run(session, ports, fed[first:first + ports.batch], latent)
                                for first in range(0, len(fed), ports.batch)])
        levels = drawn * np.float32(255 * self._crop.std) + np.float32(255 * self._crop.mean)
        # Rounded down, as insightface does.
        pixels = np.clip(levels, 0, 255).astype(np.uint8)
        return np.ascontiguousarray(_collect(pixels.transpose(0, 2, 3, 1), times))

    def _run(self, session: Session, ports: _Ports, crops: FloatArray, latent: FloatArray) -> FloatArray:
        latents = np.repeat(latent, len(crops), axis=0)
        (drawn,) = session.run([ports.output], {ports.target: np.ascontiguousarray(crops), ports.source: latents})
        if drawn.shape != crops.shape:
            raise ModelError(f"{self.name} gave {list(drawn.shape)} instead of {list(crops.shape)}",
                             advice="it is another kind of model than was said")
        if not np.isfinite(drawn).all():
            raise ModelError(f"{self.name} gave numbers that are none on {session.providers[0]}",
                             advice=f"take {opt('provider', 'cpu')}, or a model that is not fp16")
        return drawn

    def _ports(self, session: Session) -> _Ports:
        """Inputs by name, else by shape; of several outputs the one that is a picture."""
        inputs = {tensor.name: tensor for tensor in session.inputs}
        names = self._spec.inputs
        target = inputs.get(names.get("target", "target")) or \
            next((tensor for tensor in session.inputs if len(tensor.shape) == 4), None)
        source = inputs.get(names.get("source", "source")) or \
            next((tensor for tensor in session.inputs if len(tensor.shape) == 2), None)
        output = next((tensor for tensor in session.outputs if len(tensor.shape) == 4 and tensor.shape[1] in (3, "C")),
                      session.outputs[0])
        side = self._crop.side
        if target is None or source is None or len(inputs) != 2 \
                or any(isinstance(length, int) and length != side for length in target.shape[2:]):
            shapes = ", ".join(f"{tensor.name} {list(tensor.shape)}" for tensor in session.inputs)
            raise ModelError(f"{self.name} is no swapper of {side} pixels: its inputs are {shapes}")
        one = any(isinstance(tensor.shape[0], int) for tensor in (target, source))
        return _Ports(target.name, source.name, output.name, 1 if one else _BATCH)


def _of_length_one(vector: FloatArray) -> FloatArray:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def _deal(crop: NDArray[Any], times: int) -> NDArray[Any]:
    """The small crops of a large one, interleaved: each takes every k-th pixel, from a start of its own.

    All show the whole face, shifted by less than one of their pixels, so a model draws k * k faces that fit together.
    FaceFusion calls it pixel boost.

    Args:
        crop: (side * times, side * times, channels).
        times: Small pixels along a large crop's side, for each of a small one's.

    Returns:
        (times * times, side, side, channels); the start of number `n` is row `n // times`, column `n % times`.
    """
    side = crop.shape[0] // times
    cells = crop.reshape(side, times, side, times, -1)
    return cells.transpose(1, 3, 0, 2, 4).reshape(times * times, side, side, -1)


def _collect(crops: NDArray[Any], times: int) -> NDArray[Any]:
    """The large crop of small ones; undoes `_deal`."""
    side = crops.shape[1]
    cells = crops.reshape(times, times, side, side, -1)
    return cells.transpose(2, 0, 3, 1, 4).reshape(side * times, side * times, -1)
