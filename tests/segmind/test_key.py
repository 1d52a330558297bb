"""Where the key comes from, and that nothing shows it."""

from __future__ import annotations

import copy
import os
import pickle
import threading
from pathlib import Path

import pytest
from segmind_api import CANARY

from faceswap_cli.errors import ExitCode, RemoteError
from faceswap_cli.segmind.key import ApiKey, default_key_file, load_key, require_key


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SEGMIND_API_KEY", raising=False)
    return tmp_path


def key_file(path: Path, text: str = CANARY + "\n", mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_environment_goes_before_the_usual_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key_file(home / "key", "SG_other")
    assert load_key() is None
    monkeypatch.setenv("SEGMIND_API_KEY", f" {CANARY} ")
    assert load_key() == ApiKey(CANARY)
    assert load_key(home / "key") == ApiKey("SG_other")


def test_the_usual_file_is_read(home: Path) -> None:
    path = key_file(default_key_file())
    assert load_key() == ApiKey(CANARY)
    path.unlink()  # the watch over the key looks at all files but `key`
    assert load_key() is None
    assert load_key(environment={"SEGMIND_API_KEY": " "}) is None


@pytest.mark.skipif(os.name == "nt", reason="modes mean nothing there")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o777])
def test_a_file_that_others_can_read_is_refused(mode: int, home: Path) -> None:
    with pytest.raises(RemoteError, match="chmod 600") as caught:
        load_key(key_file(home / "key", mode=mode))
    assert f"{mode:04o}" in str(caught.value)
    assert CANARY not in str(caught.value)
    assert caught.value.exit_code == ExitCode.REMOTE


@pytest.mark.parametrize("text", ["", "\n", f"{CANARY}\n{CANARY}", f"{CANARY} x", f"{CANARY}\x07", "x" * 600,
                                  f"{CANARY}ü"])
def test_what_cannot_be_a_key_is_refused_without_being_shown(text: str, home: Path) -> None:
    with pytest.raises(RemoteError) as caught:
        load_key(key_file(home / "key", text))
    assert CANARY not in str(caught.value) + repr(caught.value.__cause__)


def test_a_named_file_must_be_there(home: Path) -> None:
    with pytest.raises(RemoteError, match="there is no key file"):
        load_key(home / "nowhere")
    with pytest.raises(RemoteError, match="cannot be read"):
        load_key(home)


@pytest.mark.skipif(os.name == "nt", reason="no pipes in folders there")
def test_a_pipe_will_do(home: Path) -> None:
    """As `--key-file <(pass segmind)` gives one."""
    os.mkfifo(home / "key", 0o600)
    writer = threading.Thread(target=(home / "key").write_text, args=(CANARY,))
    writer.start()
    assert load_key(home / "key") == ApiKey(CANARY)
    writer.join()


def test_no_key_is_told_with_where_it_goes(home: Path) -> None:
    with pytest.raises(RemoteError, match="SEGMIND_API_KEY"):
        require_key(load_key())


def test_nothing_shows_a_key() -> None:
    key = ApiKey(CANARY)
    shown = (repr(key), str(key), f"{key}", f"{key!r:>5}", "%s" % key, repr([key]), repr({"key": key}))  # noqa: UP031
    assert not any(CANARY in text for text in shown)
    assert key.hide(f"a {CANARY} b") == "a *** b"
    assert copy.deepcopy(key) is key
    with pytest.raises(TypeError):
        pickle.dumps(key)
    with pytest.raises(TypeError):
        vars(key)
