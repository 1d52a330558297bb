"""The options that the commands share, in groups, and what their values mean: `EngineOptions` and the like."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from faceswap_cli.cli.options import common as o
from faceswap_cli.cli.options.declare import record
from faceswap_cli.cli.output import Output
from faceswap_cli.options import EngineOptions, parse_masks
from faceswap_cli.text import opt

_DEFAULTS = EngineOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceChoice:
    """Which faces take part."""

    order: o.OrderOption = _DEFAULTS.select.order
    target_index: o.TargetIndexOption = None
    source_index: o.SourceIndexOption = None
    target_gender: o.TargetGenderOption = _DEFAULTS.select.target_gender
    source_gender: o.SourceGenderOption = _DEFAULTS.select.source_gender


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """Which engine runs, and on what."""

    engine: o.EngineOption = _DEFAULTS.engine
    models_dir: o.ModelsDirOption = None
    provider: o.ProviderOption = _DEFAULTS.runtime.provider
    device: o.DeviceOption = _DEFAULTS.runtime.device


@dataclass(frozen=True, slots=True, kw_only=True)
class Swapping:
    """How the neural engine swaps."""

    swapper: o.SwapperOption = None
    swap_size: o.SwapSizeOption = None
    mask: o.MaskOption = None
    keep_mouth: o.KeepMouthOption = False
    accelerate: o.AccelerateOption = _DEFAULTS.runtime.accelerate


@dataclass(frozen=True, slots=True)
class Detection:
    """How the neural engine finds faces."""

    detector: o.DetectorOption = None
    detector_size: o.DetectorSizeOption = _DEFAULTS.detector.size
    detector_score: o.DetectorScoreOption = _DEFAULTS.detector.score


@dataclass(frozen=True, slots=True)
class Restoring:
    """How swapped faces are restored."""

    restore_weight: o.RestoreWeightOption = _DEFAULTS.restore.weight
    restore_visibility: o.RestoreVisibilityOption = _DEFAULTS.restore.visibility
    interpolation: o.InterpolationOption = _DEFAULTS.restore.interpolation


@dataclass(frozen=True, slots=True)
class RestoringByName(Restoring):
    """Likewise, and which restorer does it."""

    restore: o.RestoreOption = None


@dataclass(frozen=True, slots=True)
class RestoringIfAvailable(Restoring):
    """Likewise, with whatever restorer is installed."""

    face_restore: o.FaceRestoreOption = True


@dataclass(frozen=True, slots=True)
class InputLimits:
    """What is refused."""

    max_pixels: o.MaxPixelsOption = o.MEDIA_DEFAULTS.max_pixels
    allow_private_urls: o.AllowPrivateUrlsOption = False


@dataclass(frozen=True, slots=True)
class Talk:
    """What is said to people."""

    quiet: o.QuietOption = False
    verbose: o.VerboseOption = False
    debug: o.DebugOption = False

    def output(self, *, json: bool = False, progress: bool = False) -> Output:
        """How the command speaks."""
        return Output(json=json, quiet=self.quiet, verbose=self.verbose or self.debug, progress=progress)


@dataclass(frozen=True, slots=True)
class TalkAndProgress(Talk):
    """Likewise, and whether there is a progress bar."""

    no_progress: o.NoProgressOption = False


def engine_options(*groups: Any, **more: Any) -> EngineOptions:
    """Which engine runs and how.

    Args:
        groups: Groups of options, of which those for the engine are taken.
        more: Values of others; and `describe` and `measure`, see `EngineOptions`.

    Raises:
        UsageError: A value out of its range, or a list that cannot be read.
    """
    values = {name: value for group in groups for name, value in asdict(group).items()} | more
    for name in ("target_index", "source_index"):
        if isinstance(index := values.get(name), str):
            from faceswap_cli.faces.select import parse_index

            values[name] = parse_index(index, option=opt(name.replace('_', '-')), repeats=name == "source_index")
    return record(EngineOptions, values | {"mask": parse_masks(values.get("mask"))})
