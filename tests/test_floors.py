"""The rooms of the package stand on floors: a room imports from its own floor or below, and in no circle."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "faceswap_cli"

FLOORS = {
    "errors": 0, "facts": 0, "image": 0, "names": 0, "options": 0, "recent": 0, "text": 0, "trim": 0,
    "files": 1, "net": 1, "processes": 1,
    "faces": 2, "library": 2, "media": 2, "models": 2, "runtime": 2, "stores": 2,
    "engine": 3, "segmind": 3,
    "jobs": 4,
    "api_jobs": 5, "bench": 5, "doctor": 5,
    "batch": 6,
    "cli": 7, "server": 7,
    "cli.app": 8, "__main__": 8,
}
"""The floor of each room; a module has that of the longest name that fits."""

STRANGERS = {room for room, number in FLOORS.items() if number in (1, 2)}
"""Rooms that do not know each other."""

MAY_USE = {"media": {"files", "net"}, "models": {"files", "net"}, "runtime": {"files"}, "stores": {"files"}}
"""Of those, what some may use all the same."""

LATE = {"cv2", "dlib", "PIL", "av", "imageio", "tifffile", "httpx", "httpcore", "onnxruntime", "onnx", "insightface",
        "filelock", "tqdm", "ray", "numpy"}
"""What no module on the way to `--help` may import when it is loaded."""


STRING_ARROW = re.compile(rf"{PACKAGE.name}\.([a-z0-9_.]*\w)(?::([A-Za-z_]\w*))?")
"""A module of the package, or a name in one, as it is handed to a child or imported when it is needed."""

def modules() -> dict[str, Path]:
    """Each module's name within the package; the package itself is ''."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def floor(module: str) -> int:
    fitting = [room for room in FLOORS if module == room or module.startswith(f"{room}.")]
    assert fitting, f"{module} is in no room of the house; give it a floor"
    return FLOORS[max(fitting, key=len)]


def room(module: str) -> str:
    return module.partition(".")[0]


def imports(tree: ast.AST, *, at_load: bool) -> Iterator[str]:
    """Full names of what a module imports.

    Args:
        tree: Of its source.
        at_load: Only what is imported when the module is loaded: not in functions, not for type checkers.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, "relative imports hide where they lead"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif at_load and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        elif at_load and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for other in node.orelse:
                yield from imports(other, at_load=at_load)
        else:
            yield from imports(node, at_load=at_load)


def own(names: Iterator[str]) -> set[str]:
    """Those of the names that are modules of the package, a name in a module being the module."""
    found = set()
    for name in names:
        top, _, inner = name.partition(".")
        if top != PACKAGE.name:
            continue
        while inner and inner not in MODULES:
            inner = inner.rpartition(".")[0]
        if inner:
            found.add(inner)
    return found


def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", [name for name in MODULES if name])
def test_a_module_imports_from_its_own_floor_or_below(module: str) -> None:
    above = {other for other in own(imports(tree(module), at_load=False)) if floor(other) > floor(module)}
    assert not above


@pytest.mark.parametrize("module", [name for name in MODULES if room(name) in STRANGERS])
def test_rooms_of_the_first_two_floors_do_not_know_each_other(module: str) -> None:
    met = {room(other) for other in own(imports(tree(module), at_load=False))}
    assert not met & (STRANGERS - {room(module)} - MAY_USE.get(room(module), set()))


def test_no_module_needs_itself() -> None:
    """Not even by an import inside a function, which would only hide the circle."""
    needs = {module: own(imports(tree(module), at_load=False)) - {module} for module in MODULES if module}
    try:
        list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")


def test_strings_that_name_modules_name_what_is_there() -> None:
    """Not imported by the modules in which they stand, so the other tests cannot see them."""
    met = set()
    for module in MODULES:
        for node in ast.walk(tree(module)):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                continue
            if (found := STRING_ARROW.fullmatch(node.value)) is None:
                continue
            name, attribute = found.groups()
            assert name in MODULES, f"{module}: {node.value}"
            assert attribute is None or attribute in defined(name), f"{module}: {node.value}"
            assert not module or floor(name) <= floor(module), f"{module}: {node.value}"
            met.add(name)
    assert {"engine.swappers.mesh", "jobs.rendering.process", "batch.worker"} <= met  # the walk sees what it should


def defined(module: str) -> set[str]:
    """Classes and functions of a module."""
    return {node.name for node in tree(module).body
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)}


def test_a_public_class_has_a_name_of_its_own() -> None:
    homes = defaultdict(list)
    for module in MODULES:
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(module)
    assert not {name: modules for name, modules in homes.items() if len(modules) > 1}


def test_no_folder_is_too_large_to_be_known() -> None:
    """Its own files; folders in it count for themselves."""
    lines = Counter[Path]()
    for path in MODULES.values():
        lines[path.parent] += len(path.read_text(encoding="utf-8").splitlines())
    assert not {folder.name: number for folder, number in lines.items() if number > 4000}


def test_the_way_to_the_help_imports_nothing_heavy_when_it_is_loaded() -> None:
    way, waiting = set(), ["__main__", "cli.app"]
    while waiting:
        module = waiting.pop()
        if module not in way:
            way.add(module)
            waiting += own(imports(tree(module), at_load=True))
    heavy = {(module, name) for module in way for name in imports(tree(module), at_load=True)
             if name.partition(".")[0] in LATE}
    assert not heavy
    assert "cli.swap" in way  # the walk sees what it should


def test_commands_use_the_click_inside_typer() -> None:
    for module in MODULES:
        assert not {name for name in imports(tree(module), at_load=False) if name.partition(".")[0] == "click"}, module


def test_rooms_that_open_sessions_or_talk_are_the_only_ones() -> None:
    """ONNX Runtime is opened in one place; people are spoken to in one room."""
    for module in MODULES:
        names = {name.partition(".")[0] for name in imports(tree(module), at_load=False)}
        assert "onnxruntime" not in names or module == "runtime.session" or module == "runtime.providers", module
        assert not names & {"typer", "rich", "tqdm"} or room(module) == "cli", module
