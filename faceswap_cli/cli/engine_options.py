"""What the values of the shared command-line options mean for the engine: `EngineOptions`, built in one place."""

from __future__ import annotations

from faceswap_cli.options import (
    Accelerate,
    DetectorOptions,
    EngineName,
    EngineOptions,
    FaceIndex,
    GenderFilter,
    Interpolation,
    Order,
    Provider,
    RestoreOptions,
    RuntimeOptions,
    SelectOptions,
    SwapOptions,
    parse_masks,
)


def select_options(order: Order, target_index: str | None, source_index: str | None, target_gender: GenderFilter,
                   source_gender: GenderFilter) -> SelectOptions:
    """Which faces take part.

    Raises:
        UsageError: A list of indices that cannot be read.
    """
    targets: FaceIndex = None
    sources: FaceIndex = None
    if target_index is not None or source_index is not None:
        from faceswap_cli.faces.select import parse_index

        if target_index is not None:
            targets = parse_index(target_index, option="--target-index")
        if source_index is not None:
            sources = parse_index(source_index, option="--source-index", repeats=True)
    return SelectOptions(order, targets, sources, target_gender, source_gender)


def engine_options(
    *, select: SelectOptions, engine: EngineName, models_dir: str | None, swapper: str | None, swap_size: int | None,
    mask: str | None, keep_mouth: bool, detector: str | None, detector_size: int, detector_score: float,
    provider: Provider, device: int, accelerate: Accelerate, restore: str | None, restore_weight: float,
    restore_visibility: float, interpolation: Interpolation, describe: bool, restore_if_available: bool = False,
) -> EngineOptions:
    """Which engine runs and how, from the values of the options of the same names.

    Args:
        describe: Tell gender even where no filter needs it.
        restore_if_available: Restore with whatever restorer is installed (`swap-gif`).

    Raises:
        UsageError: A value out of its range.
    """
    return EngineOptions(
        engine, select, describe,
        detector=DetectorOptions(detector, detector_size, detector_score),
        swap=SwapOptions(swapper, swap_size, parse_masks(mask), keep_mouth),
        restore=RestoreOptions(restore, restore_if_available, restore_weight, restore_visibility, interpolation),
        runtime=RuntimeOptions(provider, device, accelerate), models_folder=models_dir,
    )
