"""A backend that renders in other processes too: they find this module by its name."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field, replace
from typing import Any

from fakes import BLUE, RED, BrightSquares, FakePlan, FakeSource, scene

from faceswap_cli.jobs.rendering.renderers import Renderers

SOURCE = FakeSource((RED,), ("me.png",))


@dataclass(frozen=True)
class Plan:
    """What `Far` plans: the colour is taken from the source, which is not sent again."""

    plan: FakePlan
    source: FakeSource
    number: int
    drawn_warnings: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "plan":
            raise AttributeError(name)
        return getattr(self.plan, name)


@dataclass(frozen=True)
class Painter:
    """What renders for `Far`, with something wrong at one frame.

    Attributes:
        fault: `raise`, `die`, or nothing.
        here: The process where nothing goes wrong.
    """

    fault: str = ""
    here: int = 0

    def render(self, plan: Plan, image: Any) -> Any:
        if plan.number == 5 and os.getpid() != self.here:
            if self.fault == "raise":
                raise ValueError("only there")
            if self.fault == "die":
                os.kill(os.getpid(), signal.SIGKILL)
        plan.drawn_warnings[0] = (f"painted {plan.number}",)
        time.sleep(0.005)
        return BrightSquares().render(replace(plan.plan, colours=dict.fromkeys(plan.colours, plan.source.colours[0])),
                                      image)


class Far(BrightSquares):
    """Renders in other processes too."""

    fault = ""

    def plan(self, source: Any, image: Any, clip: Any = None) -> Any:
        plan = super().plan(source, image, clip)
        return Plan(plan, source, plan.number)

    def render(self, plan: Any, image: Any) -> Any:
        return self.renderer().render(plan, image)

    def renderer(self) -> Any:
        return Painter(self.fault, os.getpid())

    def outcomes(self, plan: Any, frame: int) -> Any:
        return [replace(one, warnings=plan.drawn_warnings.get(0, ())) for one in super().outcomes(plan.plan, frame)]


def rendered_there(renderers: Renderers, backend: Any, count: int) -> list[Any]:
    """What the first process makes of frames, once it is there."""
    renderers.give(SOURCE)
    memory = backend.open_clip()
    results = []
    for number in range(count):
        image = scene((number, 10, 14, BLUE))
        plan = backend.plan(SOURCE, image, memory)
        end = time.monotonic() + 30
        while (ticket := renderers.submit(plan, image)) is None:
            assert time.monotonic() < end
            time.sleep(0.01)
        results.append((renderers.collect(ticket), plan))
    return results
