"""Python itself, and which faceswap runs."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from faceswap_cli.doctor.checks import Check, DoctorOptions, Look, fail, note, ok, warn

DISTRIBUTION = "faceswap-cli"

_FIRST, _END = (3, 11), (3, 14)
"""The versions of Python that are supported; the end is exclusive. As pyproject.toml says."""


def _version(options: DoctorOptions) -> Iterator[Check]:
    bits = 64 if sys.maxsize > 2**32 else 32
    found = (f"{platform.python_version()} ({platform.python_implementation()}, {bits} bit, {platform.system()} "
             f"{platform.machine()})")
    data = {"version": platform.python_version(), "implementation": platform.python_implementation(), "bits": bits,
            "system": platform.system(), "machine": platform.machine()}
    wanted = f"{_dotted(_FIRST)} to {_dotted((_END[0], _END[1] - 1))}"
    if not _FIRST <= sys.version_info[:2] < _END:
        yield fail("version", found, f"install faceswap-cli under Python {wanted}", **data)
    elif bits == 32:
        yield fail("version", found, "install faceswap-cli under a 64-bit Python: the packages have no others", **data)
    else:
        yield ok("version", found, **data)


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def _faceswap(options: DoctorOptions) -> Iterator[Check]:
    folder = Path(__file__).resolve().parents[1]
    try:
        version = metadata(DISTRIBUTION)["Version"]
    except PackageNotFoundError:
        yield warn("faceswap", f"runs from {folder}, which is not installed", "pip install . in the folder above it, "
                   "so that packages come in the versions that are needed", folder=str(folder), version=None)
        return
    yield ok("faceswap", f"{version} in {folder}", folder=str(folder), version=version)


def _environment(options: DoctorOptions) -> Iterator[Check]:
    if sys.prefix != sys.base_prefix:
        kind = "virtual environment"
    elif os.environ.get("CONDA_PREFIX") and Path(os.environ["CONDA_PREFIX"]) == Path(sys.prefix):
        kind = "conda environment"
    else:
        kind = "no environment of its own"
    yield ok("environment", f"{sys.prefix} ({kind})", prefix=sys.prefix, kind=kind)


def _command(options: DoctorOptions) -> Iterator[Check]:
    """Whether the command in the PATH is the one of this environment."""
    here = Path(sysconfig.get_path("scripts"))
    found = shutil.which("faceswap")
    if found is None:
        yield note("command", "there is no faceswap in PATH", f"add {here} to PATH, or run: python -m faceswap_cli",
                   path=None)
    elif not _same_folder(Path(found).parent, here) and not _is_link_into(Path(found), here):
        yield note("command", f"{found} comes first in PATH, and is not of this environment",
                   f"for this one, put {here} before it in PATH", path=found)
    else:
        yield ok("command", found, path=found)


def _same_folder(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _is_link_into(path: Path, folder: Path) -> bool:
    """Whether it is a link to the command of the environment, as pipx and uv make them."""
    return _same_folder(path.resolve().parent, folder)


LOOKS: dict[str, Look] = {
    "version": _version,
    "faceswap": _faceswap,
    "environment": _environment,
    "command": _command,
}
