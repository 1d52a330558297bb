from __future__ import annotations

import inspect
import pickle
from typing import get_args, get_type_hints

import pytest

import faceswap_cli
from faceswap_cli import EngineOptions, Order, SelectOptions, SwapJob, SwapSpec


def test_every_public_name_is_there():
    for name in faceswap_cli.__all__:
        assert getattr(faceswap_cli, name) is not None
        assert name in dir(faceswap_cli)


def test_other_names_are_not():
    with pytest.raises(AttributeError, match="nonsense"):
        faceswap_cli.nonsense  # noqa: B018


def test_a_job_travels_to_another_process():
    engine = EngineOptions(select=SelectOptions(order=Order.LEFT_RIGHT, target_index=(1, 0)))
    job = SwapJob(spec=SwapSpec(sources=("a.png",), engine=engine), target="b.gif", output="c.gif")
    assert pickle.loads(pickle.dumps(job)) == job  # noqa: S301


def test_every_type_that_a_public_name_takes_or_gives_is_public():
    public = [getattr(faceswap_cli, name) for name in faceswap_cli.__all__]
    waiting = [one for one in public if isinstance(one, type) or inspect.isfunction(one)]
    assert len(waiting) > 40
    hidden = {f"{kind.__module__}.{kind.__name__} of {one.__name__}" for one in waiting for kind in types_of(one)
              if kind.__module__.startswith("faceswap_cli.") and kind not in public}
    assert not hidden


def types_of(one) -> set[type]:
    """The types in the annotations of a function, or of a class with its fields, properties and methods."""
    parts = [one]
    if isinstance(one, type):
        members = [member for name, member in vars(one).items() if not name.startswith("_")]
        parts += [member.fget if isinstance(member, property) else getattr(member, "__func__", member)
                  for member in members if inspect.isroutine(member) or isinstance(member, property | classmethod)]
    # What is imported for type checkers alone is looked for among the public names.
    public = {name: getattr(faceswap_cli, name) for name in faceswap_cli.__all__}
    return {kind for part in parts for hint in get_type_hints(part, None, public).values() for kind in types_in(hint)}


def types_in(hint) -> set[type]:
    inner = hint if isinstance(hint, list) else get_args(hint)
    found = {kind for part in inner for kind in types_in(part)}
    return found | ({hint} if isinstance(hint, type) else set())
