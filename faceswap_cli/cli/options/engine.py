"""The options that the commands share, in groups, and what their values mean: `EngineOptions` and the like."""

from __future__ import annotations

from dataclasses import dataclass

from faceswap_cli.cli.options import common as o
from faceswap_cli.cli.output import Output
from faceswap_cli.options import (
    DetectorOptions,
    EngineOptions,
    FaceIndex,
    RestoreOptions,
    RuntimeOptions,
    SelectOptions,
    SwapOptions,
    parse_masks,
)

_DEFAULTS = EngineOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceChoice:
    """Which faces take part."""

    order: o.OrderOption = _DEFAULTS.select.order
    target_index: o.TargetIndexOption = None
    source_index: o.SourceIndexOption = None
    target_gender: o.TargetGenderOption = _DEFAULTS.select.target_gender
    source_gender: o.SourceGenderOption = _DEFAULTS.select.source_gender

    def options(self, reference_threshold: float | None = None) -> SelectOptions:
        """The record of these values.

        Raises:
            UsageError: A list of indices that cannot be read.
        """
        targets: FaceIndex = None
        sources: FaceIndex = None
        if self.target_index is not None or self.source_index is not None:
            from faceswap_cli.faces.select import parse_index

            if self.target_index is not None:
                targets = parse_index(self.target_index, option="--target-index")
            if self.source_index is not None:
                sources = parse_index(self.source_index, option="--source-index", repeats=True)
        return SelectOptions(order=self.order, target_index=targets, source_index=sources,
                             target_gender=self.target_gender, source_gender=self.source_gender,
                             reference_threshold=reference_threshold)


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

    def options(self) -> SwapOptions:
        """The record of these values.

        Raises:
            UsageError: A value out of its range.
        """
        return SwapOptions(self.swapper, self.swap_size, parse_masks(self.mask), self.keep_mouth)


@dataclass(frozen=True, slots=True)
class Detection:
    """How the neural engine finds faces."""

    detector: o.DetectorOption = None
    detector_size: o.DetectorSizeOption = _DEFAULTS.detector.size
    detector_score: o.DetectorScoreOption = _DEFAULTS.detector.score

    def options(self) -> DetectorOptions:
        """The record of these values.

        Raises:
            UsageError: A value out of its range.
        """
        return DetectorOptions(self.detector, self.detector_size, self.detector_score)


@dataclass(frozen=True, slots=True)
class Restoring:
    """How swapped faces are restored."""

    restore_weight: o.RestoreWeightOption = _DEFAULTS.restore.weight
    restore_visibility: o.RestoreVisibilityOption = _DEFAULTS.restore.visibility
    interpolation: o.InterpolationOption = _DEFAULTS.restore.interpolation

    def options(self, model: str | None, *, if_available: bool = False) -> RestoreOptions:
        """The record of these values.

        Args:
            model: The restorer.
            if_available: Restore with whatever restorer is installed (`swap-gif`).

        Raises:
            UsageError: A value out of its range.
        """
        return RestoreOptions(model=model, if_available=if_available, weight=self.restore_weight,
                              visibility=self.restore_visibility, interpolation=self.interpolation)


@dataclass(frozen=True, slots=True)
class RestoringByName(Restoring):
    """Likewise, and which restorer does it."""

    restore: o.RestoreOption = None


@dataclass(frozen=True, slots=True)
class Limits:
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


def engine_options(choice: EngineChoice, swapping: Swapping, *, select: SelectOptions = _DEFAULTS.select,
                   detection: Detection | None = None, restore: RestoreOptions = _DEFAULTS.restore,
                   describe: bool = False, measure: bool = False) -> EngineOptions:
    """Which engine runs and how.

    Args:
        choice, swapping, detection: Values of the options.
        select: Which faces take part.
        restore: How they are restored.
        describe: Tell gender even where no filter needs it.
        measure: Measure how similar results are to source and target.

    Raises:
        UsageError: A value out of its range.
    """
    return EngineOptions(
        engine=choice.engine, select=select, describe=describe, measure=measure,
        detector=_DEFAULTS.detector if detection is None else detection.options(), swap=swapping.options(),
        restore=restore,
        runtime=RuntimeOptions(provider=choice.provider, device=choice.device, accelerate=swapping.accelerate),
        models_folder=choice.models_dir)
