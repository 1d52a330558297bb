"""What options apply to is told once, and what is told is so."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import typer

from faceswap_cli import facts, options
from faceswap_cli.batch.plan.manifest import COLUMNS
from faceswap_cli.cli.app import build_app
from faceswap_cli.cli.command import catalogue_of, options_of
from faceswap_cli.cli.config.settings import key_of
from faceswap_cli.cli.options import declare
from faceswap_cli.cli.options.declare import facts_of
from faceswap_cli.facts import Neural, Refusal
from faceswap_cli.jobs.job import SwapSpec
from faceswap_cli.segmind.schema import FaceswapperRequest, FaceswapV3Request

RECORDS = (SwapSpec, options.RemoteOptions)
OPTIONS = [one for record in RECORDS for one in facts.fields(record)]
COMMANDS = typer.main.get_command(build_app()).commands
NAMES = [".".join((one.record.__name__, one.field.name)) for one in OPTIONS]


def test_every_field_of_every_record_has_facts():
    told = {(one.record, one.field.name) for one in OPTIONS}
    parts = {"select", "detector", "swap", "restore", "runtime", "video"}
    for record in vars(options).values():
        if isinstance(record, type) and record.__name__.endswith("Options"):
            assert {name for owner, name in told if owner is record} == {*record.__dataclass_fields__} - parts


def test_a_field_without_facts_is_found():
    @dataclass
    class Forgetful:
        new: bool = False

    with pytest.raises(KeyError, match="facts"):
        list(facts.fields(Forgetful))


@pytest.mark.parametrize("one", OPTIONS, ids=NAMES)
def test_flags_parameters_and_columns_exist(one):
    flags = {flag for command in COMMANDS.values() if not hasattr(command, "commands")
             for option in options_of(command) for flag in (*option.opts, *option.secondary_opts)}
    told = one.facts
    assert {flag for flag in told.flag.split("/") if flag} <= flags
    assert told.flag or (told.remote, told.neural) == (Refusal.NEVER, Neural.NO)
    assert told.api in ("", *(row.name for row in FaceswapV3Request.fields))
    assert told.animations_api in ("", *(row.name for row in FaceswapperRequest.fields))
    if told.column:
        assert told.key.removeprefix("no-").replace("-", "_") in COLUMNS
    assert all(type(value) is type(one.field.default) for value in told.anyway)
    assert not told.anyway or told.neural is Neural.NEEDS


def test_no_flag_is_told_of_twice():
    flags = [*declare._TOLD, *(one.facts.key for one in OPTIONS if one.facts.flag)]
    assert len(flags) == len(set(flags))


def test_what_means_nothing_without_another_option_is_never_without_it():
    for command, known in catalogue_of(typer.main.get_command(build_app())).items():
        given = {key_of(option) for option in options_of(COMMANDS[command[0]])} if len(command) == 1 else set(known)
        for key in known:
            if (told := facts_of(key)) is not None and told.only_with:
                assert told.only_with.split()[0].lstrip("-") in given


def test_what_differs_from_the_defaults_is_given():
    engine = options.EngineOptions(restore=options.RestoreOptions(weight=0.5), engine=options.EngineName.NEURAL)
    given = [(one.path, one.facts.given, one.of(engine)) for one in facts.given(engine)]
    assert given == [(("engine",), "--engine", "neural"), (("restore", "weight"), "--restore-weight", 0.5)]
    (video,) = facts.given(options.MediaOptions(video=options.VideoOptions(keep_fps=False)))
    assert video.facts.given == "--no-keep-fps"
