"""Errors carry fields, and each door puts them into its own words."""

from __future__ import annotations

import ast
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from faceswap_cli.batch.items import FailureKind
from faceswap_cli.batch.worker import describe_failure
from faceswap_cli.doctor.checks import parts_of
from faceswap_cli.errors import FaceswapError, LimitError, ModelError, UsageError
from faceswap_cli.segmind.faults import ApiError, Retry
from faceswap_cli.server.failures import explain
from faceswap_cli.text import Note, as_flag, here, opt, spell

PACKAGE = Path(__file__).parents[1] / "faceswap_cli"

TOO_LARGE = LimitError("a.png is too large", advice=f"add {opt('max-pixels', 9)}, or give {opt('o')} a name")


def test_each_reader_is_told_in_own_words() -> None:
    assert str(TOO_LARGE) == "a.png is too large; add max_pixels=9, or give output a name"
    assert TOO_LARGE.text(as_flag) == "a.png is too large; add --max-pixels 9, or give -o a name"
    assert TOO_LARGE.options == ("max-pixels", "o")
    assert explain(TOO_LARGE, {"a.png": "target_img"}) == "target_img is too large"
    assert parts_of(TOO_LARGE) == ("a.png is too large", "add --max-pixels 9, or give -o a name")


def test_a_client_of_the_server_reads_the_fields_of_its_requests() -> None:
    error = UsageError(f"{opt('target-index', 3)}: no such face{here(' (see faceswap detect)')}",
                       advice=f"change {opt('source-index')}")
    assert explain(error, {}) == "input_faces_index=3: no such face; change source_faces_index"
    assert explain(UsageError("no face", advice=here("see faceswap detect")), {}) == "no face"


def test_a_command_is_told_apart_from_the_advice() -> None:
    error = ModelError("x is missing", command="faceswap models pull x", advice=f"or add {opt('no-face-restore')}")
    assert error.text(as_flag) == "x is missing; run: faceswap models pull x, or add --no-face-restore"
    assert str(error).endswith("or add face_restore=False")
    assert parts_of(error) == ("x is missing", "faceswap models pull x, or add --no-face-restore")
    assert explain(ModelError("x is missing", command="faceswap models pull x"), {}) == "x is missing"


def test_fields_survive_pickling_and_being_about_something() -> None:
    error = pickle.loads(pickle.dumps(TOO_LARGE.about("row 3")))  # noqa: S301 (our own)
    assert type(error) is LimitError and error.text(as_flag) == f"row 3: {TOO_LARGE.text(as_flag)}"
    assert TOO_LARGE.message == "a.png is too large"
    assert TOO_LARGE.calling({"a.png": "s3://b/a.png"}).text(as_flag) == f"s3://b/{TOO_LARGE.text(as_flag)}"
    refused = pickle.loads(pickle.dumps(ApiError("no", advice="wait", retry=Retry.SAFE, status=429)))  # noqa: S301 (our own)
    assert (str(refused), refused.retry, refused.status) == ("no; wait", Retry.SAFE, 429)


def test_notes_read_as_python_and_keep_their_marks() -> None:
    note = pickle.loads(pickle.dumps(Note(Note(f"take {opt('keep-fps')}"))))  # noqa: S301 (our own)
    assert note == "take keep_fps" and spell(note, as_flag) == "take --keep-fps"


def subclasses(kind: type[FaceswapError]) -> Iterator[type[FaceswapError]]:
    for one in kind.__subclasses__():
        yield from (one, *subclasses(one))


@pytest.mark.parametrize("kind", [FaceswapError, *subclasses(FaceswapError)])
def test_every_error_is_a_kind_of_failure(kind: type[FaceswapError]) -> None:
    assert FailureKind(kind.__name__) is not FailureKind.UNKNOWN


def test_kinds_of_other_versions_are_read_and_tried_again() -> None:
    assert FailureKind("OfTomorrow") is FailureKind.UNKNOWN and not FailureKind.UNKNOWN.lasting
    assert FailureKind.TIMEOUT.lasting and not FailureKind.OUTPUT.lasting


def test_a_failed_item_is_told_as_on_the_command_line() -> None:
    failure = describe_failure(None, TOO_LARGE)  # type: ignore[arg-type]  # of no item
    assert failure.type is FailureKind.LIMIT and failure.message == TOO_LARGE.text(as_flag)


def texts(node: ast.AST) -> Iterator[str]:
    """The literals in what is raised, `x` for what is put into them; no commands for a shell."""
    if isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif not (isinstance(node, ast.keyword) and node.arg == "command"):
        for part in ast.iter_child_nodes(node):
            yield from texts(part)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_error_names_a_flag_as_text(path: Path) -> None:
    """`opt` marks options; flags of shown commands stand behind the program's name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for text in texts(node) if isinstance(node, ast.Raise) else ():
            shown = re.sub(r"(faceswap|pip) [a-z].*", "", text)
            assert not re.search(r"(?<![\w-])--[a-z]", shown), f"line {node.lineno}: {text}"
