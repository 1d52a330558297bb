"""The bar of one clip: what it shows on a narrow terminal, and what an interruption tells."""

from __future__ import annotations

import io

import pytest

from faceswap_cli.cli.output import Output


class Terminal(io.StringIO):
    """Standard error of 80 columns."""

    def isatty(self) -> bool:
        return True


def sit_before_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """To be called in the test itself: the test runner sets the streams anew when it begins."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout", io.StringIO())
    monkeypatch.setattr("sys.stderr", screen := Terminal())
    return screen


def bars(terminal: Terminal) -> list[str]:
    return [line.strip() for line in terminal.getvalue().split("\r") if line.strip()]


def test_the_time_left_fits_whatever_the_name(monkeypatch):
    terminal = sit_before_a_terminal(monkeypatch)
    with Output().progress("a/long/way/to/a/clip/with/a/name/that/does/not/fit.mp4") as on_frame:
        for done in range(1, 51):
            on_frame(done, 100)
            on_frame(done, 100)
    shown = bars(terminal)
    assert shown[0].startswith("...")
    assert "does/not/fit.mp4:" in shown[0]
    assert all(line.endswith(" left") and len(line) <= 80 for line in shown)
    assert "/100 frames, " in shown[-1]


def test_what_an_earlier_run_did_is_not_counted_as_speed(monkeypatch):
    terminal = sit_before_a_terminal(monkeypatch)
    with Output().progress("clip.mp4") as on_frame:
        on_frame(480, 1000)
    assert "480/1000 frames, ? left" in bars(terminal)[0]


def test_without_a_total_the_frames_are_counted(monkeypatch):
    terminal = sit_before_a_terminal(monkeypatch)
    with Output().progress("clip.mp4") as on_frame:
        on_frame(1, None)
        on_frame(7, None)
    assert "frames [" in bars(terminal)[0]


def test_a_still_shows_nothing(monkeypatch):
    terminal = sit_before_a_terminal(monkeypatch)
    with Output().progress("me.jpg") as on_frame:
        on_frame(1, 1)
    assert not bars(terminal)


@pytest.mark.parametrize("shown", [True, False])
def test_an_interruption_tells_what_is_kept(monkeypatch, shown):
    terminal = sit_before_a_terminal(monkeypatch)
    error = KeyboardInterrupt()
    error.add_note("what is encoded is kept")
    with pytest.raises(KeyboardInterrupt), Output(progress=shown).progress("clip.mp4") as on_frame:
        if shown:
            on_frame(3, 10)
        raise error
    assert bars(terminal)[-1] == "what is encoded is kept"
