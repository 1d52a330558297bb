"""Memory that was freed goes back to the system."""

from faceswap_cli.runtime.memory import give_back


def test_it_may_be_asked_for_anywhere_and_often() -> None:
    for _ in range(3):
        give_back()
