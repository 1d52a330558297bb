from __future__ import annotations

from pathlib import Path

import pytest
from saved import face

from faceswap_cli.errors import InputError, UsageError
from faceswap_cli.library.files import encode
from faceswap_cli.library.library import Library, check_name, default_folder
from faceswap_cli.names import Kind, kind_of


@pytest.mark.parametrize("name", ["a", "Anna-2025_x.1", "_", "9", "a" * 64])
def test_names_that_may_be(name):
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", ".", "..", ".a", "-a", "a/b", "a\\b", "ä", "a b", "a\n", "a" * 65, "@a",
                                  "a.safetensors"])
def test_names_that_may_not_be(name):
    with pytest.raises(UsageError, match="cannot be the name of a saved face"):
        check_name(name)
    with pytest.raises(InputError, match="there is no saved face"):
        Library(Path("/nowhere")).find(f"@{name}")


def test_which_sources_are_saved_faces():
    kinds = {"@anna": Kind.SAVED, "./@anna": Kind.PATH, "x/anna.safetensors": Kind.SAVED_FILE, "anna.png": Kind.PATH,
             "s3://x/anna.safetensors": Kind.STORE, "-": Kind.STDIN, "": Kind.PATH}
    assert {name: kind_of(name, face=True) for name in kinds} == kinds
    assert kind_of("@anna") is kind_of("x/anna.safetensors") is Kind.PATH


def test_the_folder_is_the_one_of_the_variable_or_the_users_own(tmp_path, monkeypatch):
    monkeypatch.setenv("FACESWAP_FACES_DIR", str(tmp_path / "f"))
    assert Library().folder == tmp_path / "f"
    monkeypatch.delenv("FACESWAP_FACES_DIR")
    assert default_folder().name == "faces"
    assert default_folder().parent.name == "faceswap"


def test_faces_are_found_by_name(tmp_path):
    library = Library(tmp_path)
    assert library.names() == []
    for name in ("boss", "Anna", "cleo"):
        (tmp_path / f"{name}.safetensors").write_bytes(encode(face()))
    (tmp_path / "a b.safetensors").write_bytes(b"")
    (tmp_path / "notes.txt").write_bytes(b"")
    (tmp_path / ".cleo.0badcafe.faceswap.part").write_bytes(b"")
    assert library.names() == ["Anna", "boss", "cleo"]
    assert library.find("@boss") == library.find("boss") == tmp_path / "boss.safetensors"


def test_a_name_that_is_not_there_brings_near_ones_to_mind(tmp_path):
    library = Library(tmp_path / "none")
    with pytest.raises(InputError, match="no saved face @ana; none is saved yet: faceswap faces save"):
        library.find("@ana")
    (tmp_path / "Anna.safetensors").write_bytes(b"")
    with pytest.raises(InputError, match=r"did you mean @Anna\? faceswap faces list"):
        Library(tmp_path).find("ana")
