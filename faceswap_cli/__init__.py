"""Face swapping for stills and animations, offline: the library behind the `faceswap` command.

Swap one file:

    from faceswap_cli import EngineOptions, SwapJob, open_backend, swap_file

    backend = open_backend(EngineOptions())
    outcome = swap_file(SwapJob(sources=("me.jpg",), target="party.gif", output="out.gif"), backend)

Everything is imported when it is first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faceswap_cli.engine.outcome import FaceOutcome as FaceOutcome
    from faceswap_cli.engine.outcome import Similarity as Similarity
    from faceswap_cli.errors import ExitCode as ExitCode
    from faceswap_cli.errors import FaceswapError as FaceswapError
    from faceswap_cli.errors import InputError as InputError
    from faceswap_cli.errors import LimitError as LimitError
    from faceswap_cli.errors import MissingDependencyError as MissingDependencyError
    from faceswap_cli.errors import ModelError as ModelError
    from faceswap_cli.errors import NoFaceError as NoFaceError
    from faceswap_cli.errors import OutputError as OutputError
    from faceswap_cli.errors import PartialError as PartialError
    from faceswap_cli.errors import RemoteError as RemoteError
    from faceswap_cli.errors import UnlikeError as UnlikeError
    from faceswap_cli.errors import UsageError as UsageError
    from faceswap_cli.faces.face import Box as Box
    from faceswap_cli.faces.face import Face as Face
    from faceswap_cli.faces.face import Gender as Gender
    from faceswap_cli.faces.face import Pose as Pose
    from faceswap_cli.jobs.backend import SwapBackend as SwapBackend
    from faceswap_cli.jobs.backend import open_backend as open_backend
    from faceswap_cli.jobs.detect import DetectJob as DetectJob
    from faceswap_cli.jobs.detect import DetectReport as DetectReport
    from faceswap_cli.jobs.detect import detect_file as detect_file
    from faceswap_cli.jobs.job import MeasuredSimilarity as MeasuredSimilarity
    from faceswap_cli.jobs.job import Outcome as Outcome
    from faceswap_cli.jobs.job import OutputInfo as OutputInfo
    from faceswap_cli.jobs.job import Pair as Pair
    from faceswap_cli.jobs.job import SwapJob as SwapJob
    from faceswap_cli.jobs.job import Timings as Timings
    from faceswap_cli.jobs.swap import prepare_source as prepare_source
    from faceswap_cli.jobs.swap import swap_file as swap_file
    from faceswap_cli.options import ALL as ALL
    from faceswap_cli.options import EngineName as EngineName
    from faceswap_cli.options import EngineOptions as EngineOptions
    from faceswap_cli.options import GenderFilter as GenderFilter
    from faceswap_cli.options import MediaFormat as MediaFormat
    from faceswap_cli.options import MediaOptions as MediaOptions
    from faceswap_cli.options import OnNoFace as OnNoFace
    from faceswap_cli.options import Order as Order
    from faceswap_cli.options import SelectOptions as SelectOptions
    from faceswap_cli.options import VideoCodec as VideoCodec
    from faceswap_cli.options import VideoOptions as VideoOptions
    from faceswap_cli.trim import Trim as Trim

    __version__: str

_HOMES = {
    "engine.outcome": ("FaceOutcome", "Similarity"),
    "errors": ("ExitCode", "FaceswapError", "InputError", "LimitError", "MissingDependencyError", "ModelError",
               "NoFaceError", "OutputError", "PartialError", "RemoteError", "UnlikeError", "UsageError"),
    "faces.face": ("Box", "Face", "Gender", "Pose"),
    "jobs.backend": ("SwapBackend", "open_backend"),
    "jobs.detect": ("DetectJob", "DetectReport", "detect_file"),
    "jobs.job": ("MeasuredSimilarity", "Outcome", "OutputInfo", "Pair", "SwapJob", "Timings"),
    "jobs.swap": ("prepare_source", "swap_file"),
    "options": ("ALL", "EngineName", "EngineOptions", "GenderFilter", "MediaFormat", "MediaOptions", "OnNoFace",
                "Order", "SelectOptions", "VideoCodec", "VideoOptions"),
    "trim": ("Trim",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME)]  # noqa: PLE0604 (names that `__getattr__` serves)


def __getattr__(name: str) -> Any:
    """Import a public name from its home when it is first used."""
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("faceswap-cli")
    elif name in _HOME:
        from importlib import import_module

        value = getattr(import_module(f"faceswap_cli.{_HOME[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
