"""Face swapping for stills and animations, offline: the library behind the `faceswap` command.

Swap one file:

    from faceswap_cli import SwapJob, SwapSpec, open_backend, swap_file

    spec = SwapSpec(sources=("me.jpg",))
    outcome = swap_file(SwapJob(spec=spec, target="party.gif", output="out.gif"), open_backend(spec.engine))

Everything is imported when it is first used, so that importing the package costs nothing. The public names are listed
in `__init__.pyi`.
"""

from __future__ import annotations


def _homes() -> dict[str, str]:
    """The module of each public name."""
    import re
    from pathlib import Path

    lines = Path(__file__).with_suffix(".pyi").read_text("utf-8")
    return {name: module for module, name in re.findall(r"^from (\S+) import \w+ as (\w+)$", lines, re.MULTILINE)}


def __getattr__(name: str) -> object:
    """Import a public name from its home when it is first used."""
    value: object
    if name == "__version__":
        from importlib.metadata import version

        value = version("faceswap-cli")
    elif name == "__all__":
        value = sorted({"__version__", *_homes()})
    elif name.startswith("__") or (home := _homes().get(name)) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    else:
        from importlib import import_module

        value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__getattr__("__all__")})
