from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from faceswap_cli.cli.app import _EPILOG
from faceswap_cli.cli.batch.command import BATCH_EXAMPLES
from faceswap_cli.cli.detect import DETECT_EXAMPLES
from faceswap_cli.cli.swap import SWAP_EXAMPLES, SWAP_GIF_EXAMPLES

RUNNER = Path(__file__).with_name("run_fake.py")

HEAVY = ["numpy", "PIL", "cv2", "dlib", "av", "imageio", "httpx", "httpcore", "onnxruntime", "insightface", "tqdm",
         "scipy", "skimage", "rich.progress", "asyncio", "ssl", "faceswap_cli.jobs", "faceswap_cli.media",
         "faceswap_cli.engine"]

PROBE = f"""
import io, sys
from faceswap_cli.__main__ import main
for arguments in (["--help"], ["swap", "--help"], ["swap-gif", "--help"], ["batch", "--help"],
                  ["detect", "--help"], ["--version"]):
    assert main(arguments) == 0, arguments
    loaded = [name for name in {HEAVY} if name in sys.modules]
    assert not loaded, (arguments, loaded)
"""


def test_help_loads_nothing_heavy():
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=False, timeout=180)
    assert done.returncode == 0, done.stderr
    assert "Usage: faceswap swap-gif" in done.stdout


def test_importing_the_package_loads_nothing_heavy():
    probe = f"import sys, faceswap_cli; sys.exit(' '.join(name for name in {HEAVY} if name in sys.modules) or None)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False, timeout=180)
    assert done.returncode == 0, done.stderr


def examples() -> list[str]:
    text = "\n".join([_EPILOG, SWAP_EXAMPLES, SWAP_GIF_EXAMPLES, BATCH_EXAMPLES, DETECT_EXAMPLES])
    return [line.strip() for line in text.splitlines() if line.startswith("  ")]


@pytest.mark.skipif(sys.platform == "win32", reason="the examples are for a shell")
def test_the_examples_of_the_help_are_true(place, dance, film, tmp_path_factory):
    for name in ("anna.jpg", "ben.jpg", "you.jpg"):
        shutil.copy(place / "me.jpg", place / name)
    shutil.copy(film, place / "talk.mp4")
    (place / "text.png").unlink()
    (place / "photos").mkdir()
    for name in ("party.jpg", "group.jpg", "dance.gif"):
        shutil.copy(place / name, place / "photos")
    (place / "jobs.csv").write_text("source,target\nme.jpg,party.jpg\nparty.jpg,dance.gif\n")
    shim = tmp_path_factory.mktemp("bin") / "faceswap"
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{RUNNER}" BrightSquares "$@"\n')
    shim.chmod(shim.stat().st_mode | stat.S_IXUSR)
    env = os.environ | {"PATH": f"{shim.parent}{os.pathsep}{os.environ['PATH']}"}
    assert len(examples()) >= 14
    for line in dict.fromkeys(examples()):
        done = subprocess.run(["sh", "-c", line], cwd=place.folder, env=env, capture_output=True, check=False,
                              timeout=180)
        assert done.returncode == 0, (line, done.stderr.decode())
        for made in ("out.jpg", "out.png", "out.gif", "out.mp4", "dance-me.gif", "dance-me.webp", "numbered.png"):
            if made in line:
                assert (place / made).stat().st_size > 0, line
                (place / made).unlink()
        if " batch " in line and "--dry-run" not in line:
            assert {path.suffix for path in (place / "out").iterdir()} & {".jpg", ".gif"}, line
            shutil.rmtree(place / "out")


def test_the_version_tells_of_the_parts(place):
    done = place.run("--version", backend=None)
    lines = dict(line.split(" ", 1) for line in done.stdout.decode().splitlines())
    assert lines["Python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}")
    for part in ("faceswap", "dlib", "opencv", "onnxruntime", "insightface", "Pillow", "numpy", "PyAV"):
        assert lines[part][0].isdigit(), part


def complete(place, words: str) -> list[str]:
    env = {"_FACESWAP_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    return place.run(backend=None, env=env).stdout.decode().split()


def test_words_and_values_are_completed(place):
    assert complete(place, "faceswap sw") == ["swap", "swap-gif"]
    assert complete(place, "faceswap ba") == ["batch"]
    assert complete(place, "faceswap swap a b --order l") == ["large-small", "left-right"]
    assert complete(place, "faceswap swap a b --target-g") == ["--target-gender"]
    assert complete(place, "faceswap swap-gif a b --file-type ") == ["gif", "webp", "apng"]
    assert complete(place, "faceswap batch a b --on-e") == ["--on-error"]
    assert complete(place, "faceswap batch a b --executor ") == ["local", "ray"]
    assert "--input-faces-index" not in complete(place, "faceswap swap a b --in")


def test_zsh_and_fish_are_told_of_words_and_left_to_complete_files(place):
    """As their completion scripts ask; both shells were seen to complete with them."""
    def ask(shell: str, words: str, **more: str) -> tuple[int, str]:
        env = {"_FACESWAP_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": words, **more}
        done = place.run(backend=None, env=env)
        return done.returncode, done.stdout.decode()

    assert '"large-small"' in ask("zsh", "faceswap swap --order l")[1]
    assert ask("zsh", "faceswap swap me")[1].strip() == "_files"
    assert "left-right" in ask("fish", "faceswap swap --order l", _TYPER_COMPLETE_FISH_ACTION="get-args")[1].split()
    # fish offers files where this fails
    assert ask("fish", "faceswap swap --order l", _TYPER_COMPLETE_FISH_ACTION="is-args")[0] == 0
    assert ask("fish", "faceswap swap me", _TYPER_COMPLETE_FISH_ACTION="is-args")[0] == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_can_be_had(place, shell):
    done = place.run("--show-completion", shell, backend=None,
                     env={"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"})
    assert done.returncode == 0
    assert f"_FACESWAP_COMPLETE=complete_{shell}".encode() in done.stdout
