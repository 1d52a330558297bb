"""Options in groups."""

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from faceswap_cli.cli.options.groups import grouped


@dataclass(frozen=True, slots=True)
class Size:
    width: Annotated[int, typer.Option("--width", min=1)] = 4
    height: Annotated[int, typer.Option("--height")] = 3


@dataclass(frozen=True, slots=True)
class Box(Size):
    depth: Annotated[int | None, typer.Option("--depth")] = None


def app_of(command):
    app = typer.Typer()
    app.command()(grouped(command))
    return app


def run(command, *arguments):
    return CliRunner().invoke(app_of(command), arguments)


def test_a_command_gets_records() -> None:
    seen = []

    def command(name: Annotated[str, typer.Argument()], box: Box,
                loud: Annotated[bool, typer.Option("--loud")] = False) -> None:
        """Make a box."""
        seen.append((name, box, loud))

    assert run(command, "a", "--height", "7", "--loud").exit_code == 0
    assert run(command, "b", "--depth", "2").exit_code == 0
    assert seen == [("a", Box(4, 7, None), True), ("b", Box(4, 3, 2), False)]


def test_help_and_ranges_are_those_of_the_fields() -> None:
    def command(size: Size) -> None:
        """Make a size."""

    help_text = run(command, "--help").output
    assert "Make a size." in help_text and "--width" in help_text and "--height" in help_text
    assert "--size" not in help_text
    assert run(command, "--width", "0").exit_code == 2


def test_an_option_twice_is_a_mistake_in_the_program() -> None:
    def command(size: Size, width: Annotated[int, typer.Option("--width")] = 1) -> None: ...

    with pytest.raises(TypeError, match="width twice"):
        grouped(command)
