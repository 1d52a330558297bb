"""The packages: whether they are there, in versions that faceswap asks for, and can be loaded.

Which versions are wanted is read from faceswap's own metadata, as pip reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from typing import TYPE_CHECKING

from faceswap_cli.doctor.checks import Check, DoctorOptions, Look, fail, note, ok, reason_of, warn
from faceswap_cli.doctor.python import DISTRIBUTION

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_MODULES = {
    "numpy": "numpy",
    "opencv-python": "cv2",
    "pillow": "PIL.Image",
    "av": "av",
    "dlib-bin": "dlib",
    "onnxruntime": "onnxruntime",
    "onnx": "onnx",
    "insightface": "insightface",
    "safetensors": "safetensors",
}
"""Packages with compiled parts, or on top of such, and a module that loads them: these are what may not load."""

_TWINS = {
    "opencv-python": ("opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"),
    "onnxruntime": ("onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino", "onnxruntime-migraphx",
                    "onnxruntime-rocm"),
    "dlib-bin": ("dlib",),
}
"""Packages that serve in place of another one, with the same modules: only one of them may be installed."""

_FOR_DEVELOPERS = frozenset(("test",))

_PURPOSES = {
    "serve": "for `faceswap serve`",
    "s3": "for s3:// and other object stores",
    "ray": "for --executor ray",
    "gfpgan": "converts official GFPGAN checkpoints",
    "c2pa": "for signed outputs (--c2pa-cert)",
}
"""What an extra is for; one that is not here is shown by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A requirement, and what is installed for it.

    Attributes:
        wanted: As the metadata has it.
        name: Of the distribution that is there: the one wanted, or one that serves in its place.
        version: Its version; None: it is not installed.
        fits: Whether the version is one that is asked for.
        rivals: Other distributions with the same modules that are installed too.
    """

    wanted: Requirement
    name: str
    version: str | None
    fits: bool
    rivals: tuple[str, ...] = ()

    @property
    def asked(self) -> str:
        """The requirement as pip takes it."""
        return f"{self.wanted.name}{self.wanted.specifier}"


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _find(wanted: Requirement) -> _Found:
    candidates = (wanted.name, *_TWINS.get(_key(wanted.name), ()))
    there = [(name, found) for name in candidates if (found := _installed(name)) is not None]
    if not there:
        return _Found(wanted=wanted, name=wanted.name, version=None, fits=False)
    name, found = there[0]
    return _Found(wanted=wanted, name=name, version=found, fits=wanted.specifier.contains(found, prereleases=True),
                  rivals=tuple(other for other, _ in there[1:]))


def _key(name: str) -> str:
    from packaging.utils import canonicalize_name

    return canonicalize_name(name)


def _wanted(extra: str = "") -> list[Requirement]:
    """What is required here, of all or by one extra alone; raises PackageNotFoundError: faceswap is not installed."""
    from packaging.requirements import Requirement

    all_of_them = [Requirement(text) for text in requires(DISTRIBUTION) or ()]
    needed = [one for one in all_of_them if one.marker is None or one.marker.evaluate({"extra": ""})]
    if not extra:
        return needed
    return [one for one in all_of_them if one not in needed and one.marker is not None
            and one.marker.evaluate({"extra": extra})]


def _problem(found: _Found) -> Check | None:
    """What is wrong with what is installed; None: nothing."""
    name = _key(found.wanted.name)
    if found.version is None:
        return fail(name, "not installed", f"pip install '{found.asked}'", version=None)
    data = {"version": found.version, "wanted": str(found.wanted.specifier)}
    if found.rivals:
        both = " ".join((found.name, *found.rivals))
        return warn(name, f"{found.name} and {', '.join(found.rivals)} are installed over each other",
                    f"pip uninstall -y {both} && pip install {found.rivals[-1]} (keep the one that you want)", **data)
    if not found.fits:
        return warn(name, f"{found.version} is not a version that faceswap is made for ({found.wanted.specifier})",
                    f"pip install '{found.name}{found.wanted.specifier}'", **data)
    return None


def _compiled(key: str, options: DoctorOptions) -> Iterator[Check]:
    """A package that may be there and not load."""
    found = next((_find(one) for one in _wanted() if _key(one.name) == key), None)
    if found is None:
        return
    problem = _problem(found)
    if found.version is not None:
        try:
            import_module(_MODULES[key])
        except Exception as error:  # whatever loading it raises
            reason = reason_of(error)
            yield fail(key, f"{found.version} cannot be loaded: {reason}", _how_to_load(found, reason),
                       version=found.version)
            return
    shown = found.version or ""
    named = "" if found.name == found.wanted.name else f" ({found.name})"
    yield problem or ok(key, f"{shown}{named}", version=shown)


def _how_to_load(found: _Found, reason: str) -> str:
    if "libGL" in reason or "libgthread" in reason:
        return ("apt-get install libgl1 libglib2.0-0, or without a screen: pip uninstall -y opencv-python && "
                "pip install opencv-python-headless")
    return f"pip install --force-reinstall '{found.name}{found.wanted.specifier}'"


def _others(options: DoctorOptions) -> Iterator[Check]:
    """Packages of pure Python: where they are installed they load."""
    try:
        found = [_find(one) for one in _wanted() if _key(one.name) not in _MODULES]
    except PackageNotFoundError:
        yield warn("versions", "faceswap is not installed, so which versions it needs is not known", "pip install .")
        return
    except ModuleNotFoundError as error:
        yield fail("versions", f"{error.name} is not installed, by which versions are compared",
                   f"pip install {error.name}")
        return
    problems = [problem for one in found if (problem := _problem(one)) is not None]
    yield from problems
    good = {_key(one.wanted.name): one.version for one in found if _problem(one) is None}
    yield ok("others", f"{len(good)} more packages, in versions that faceswap is made for", **good)


def _extras(options: DoctorOptions) -> Iterator[Check]:
    """What can be installed besides."""
    for extra in metadata(DISTRIBUTION).get_all("Provides-Extra") or ():
        wanted = [] if extra in _FOR_DEVELOPERS else _wanted(extra)
        if not wanted:
            continue
        name, purpose = f"extra {extra}", _PURPOSES.get(extra, "")
        found = [_find(one) for one in wanted]
        missing = [one.wanted.name for one in found if one.version is None]
        unfit = [f"{one.name} {one.version} (wanted: {one.wanted.specifier})" for one in found
                 if one.version is not None and not one.fits]
        install = f"pip install '{DISTRIBUTION}[{extra}]'"
        versions = {one.wanted.name: one.version for one in found}
        if missing:
            yield note(name, "not installed" + (f"; {purpose}" if purpose else ""), install, **versions)
        elif unfit:
            yield warn(name, f"installed in versions that faceswap is not made for: {', '.join(unfit)}", install,
                       **versions)
        else:
            yield ok(name, "installed" + (f"; {purpose}" if purpose else ""), **versions)


def _guarded_by_others(look: Callable[[str, DoctorOptions], Iterator[Check]], key: str,
                       options: DoctorOptions) -> Iterator[Check]:
    """Where the metadata or `packaging` is missing, `others` says so once."""
    try:
        yield from look(key, options)
    except PackageNotFoundError:
        return
    except ModuleNotFoundError as error:
        if error.name != "packaging":
            raise


LOOKS: dict[str, Look] = {
    **{key: partial(_guarded_by_others, _compiled, key) for key in _MODULES},
    "others": _others,
    "extras": _extras,
}
