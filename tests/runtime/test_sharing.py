from __future__ import annotations

import gc

from faceswap_cli.runtime.sharing import shared


class Opened:
    pass


def test_what_is_in_use_is_shared_by_its_key():
    first = shared(("graph", 1), Opened)
    assert shared(("graph", 1), Opened) is first
    assert shared(("graph", 2), Opened) is not first


def test_what_nobody_uses_is_let_go():
    made = []

    def make() -> Opened:
        made.append(1)
        return Opened()

    shared("only", make)
    gc.collect()
    shared("only", make)
    assert len(made) == 2
