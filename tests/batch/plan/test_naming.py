from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from refusals import refused

from faceswap_cli.batch.plan.naming import (
    NAME_BYTES,
    base_name,
    check_key,
    fold,
    parent_name,
    parse_template,
    readable,
    split_suffix,
    suffix_for,
)
from faceswap_cli.errors import UsageError
from faceswap_cli.options import MediaFormat

NAMES = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=40).filter(
    lambda name: name not in (".", ".."))


def render(template, name="photo.jpg", parent="album", number=7, asked=None):
    return parse_template(template).render(name, parent, number, asked)


@pytest.mark.parametrize(("template", "expected"), [
    ("{name}", "photo.jpg"), ("{stem}{suffix}", "photo.jpg"), ("{stem}-swapped{suffix}", "photo-swapped.jpg"),
    ("{parent}/{number:04}{suffix}", "album/0007.jpg"), ("{number:>3}.png", "  7.png"), ("{stem:.2}{suffix}", "ph.jpg"),
    ("{{{stem}}}{suffix}", "{photo}.jpg"),
])
def test_a_template_gives_names(template, expected):
    assert render(template) == expected


@pytest.mark.parametrize(("name", "stem", "suffix"), [
    ("a.jpg", "a", ".jpg"), ("a.tar.gz", "a.tar", ".gz"), ("a", "a", ""), (".jpg", ".jpg", ""), ("..jpg", "..jpg", ""),
    ("party.2024-12", "party.2024-12", ""), ("a.JPG", "a", ".JPG"), ("a.", "a.", ""), ("a.b c", "a.b c", ""),
])
def test_a_suffix_is_what_looks_like_one(name, stem, suffix):
    assert split_suffix(name) == (stem, suffix)


@pytest.mark.parametrize(("suffix", "asked", "expected"), [
    (".jpg", None, ".jpg"), (".JPEG", MediaFormat.JPEG, ".JPEG"), (".png", MediaFormat.JPEG, ".jpg"),
    ("", MediaFormat.WEBP, ".webp"), (".tiff", MediaFormat.TIFF, ".tiff"), (".gif", MediaFormat.APNG, ".apng"),
])
def test_a_forced_format_changes_the_suffix_where_it_must(suffix, asked, expected):
    assert suffix_for(suffix, asked) == expected


def test_a_forced_format_leaves_alone_what_is_no_suffix():
    assert render("{name}", "party.2024-12", asked=MediaFormat.PNG) == "party.2024-12.png"


@pytest.mark.parametrize(("template", "words"), [
    ("{step}.png", "no {step}"), ("{}", "no {}"), ("{0}", "no {0}"), ("{stem.__class__}", "no {stem.__class__}"),
    ("{stem[0]}", "no"), ("{stem!r}", "no {stem!r}"), ("{stem", "brace"), ("stem}", "brace"), ("", "empty"),
    ("{stem:04d}", "format"), ("{number:9999999999}", "format"), ("{number:999}", "format"),
    ("{number:{stem}}", "format"), ("{number:.999999}", "format"),
])
def test_a_bad_template_is_told(template, words):
    with refused(UsageError, r"--name") as caught:
        parse_template(template)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("template", ["../{name}", "/{name}", "{stem}/", "a//{name}", "./{name}", "a/../{name}",
                                      "{name}/..", "{stem}\0", "{number:c}"])
def test_a_template_cannot_lead_out_of_the_folder_or_to_no_file(template):
    with refused(UsageError, "--name"):
        render(template, number=ord("/"))


@given(st.text(max_size=30), NAMES, NAMES, st.integers(1, 10**6))
@example("{stem}/../{name}", "a.jpg", "..", 1)
def test_no_template_leads_out(template, name, parent, number):
    try:
        made = render(template, name, parent, number)
    except UsageError:
        return
    assert os.path.normpath(f"/root/{made}") == f"/root/{made}"
    assert all(0 < len(os.fsencode(part)) <= NAME_BYTES for part in made.split("/"))


@given(NAMES)
@example("{stem}")
@example("{{}}.jpg")
@example("-rf.jpg")
@example("a\nb.jpg")
@example("caf\udce9.jpg")
@example("e\u0301.jpg")
def test_names_survive_as_they_are(name):
    assert render("{name}", name) == name
    assert render("{stem}{suffix}", name) == name


def test_names_of_255_bytes_are_the_longest():
    longest = "é" * 125 + "x.jpg"
    assert len(os.fsencode(longest)) == 255
    assert render("{name}", longest) == longest
    with pytest.raises(UsageError, match="256 bytes"):
        render("x{name}", longest)
    with pytest.raises(UsageError, match="256 bytes"):
        check_key("a/" + "x" * 256 + "/b", "the output is")
    assert render("{stem:.20}{suffix}", longest) == "é" * 20 + ".jpg"


def test_half_a_surrogate_pair_names_no_file():
    with pytest.raises(UsageError, match="no file name"):
        check_key("\ud83d.png", "the output is")


@pytest.mark.parametrize(("one", "other"), [
    ("A.jpg", "a.jpg"), ("\u00e9.jpg", "e\u0301.jpg"), ("\u00c9.jpg", "e\u0301.jpg"), ("stra\u00dfe", "STRASSE"),
    ("\u212b", "\u00e5"), ("\u03b1\u0345\u0301", "\u03b1\u0301\u0345"),
])
def test_names_that_some_file_system_takes_for_one_fold_alike(one, other):
    assert fold(one) == fold(other)


@given(st.text(max_size=20))
def test_folding_ignores_case_and_form(text):
    for form in ("NFC", "NFD"):
        assert fold(unicodedata.normalize(form, text)) == fold(text)
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(("url", "name", "parent"), [
    ("https://example.org/a/b.jpg?size=2#x", "b.jpg", "a"), ("https://example.org/", "picture", "example.org"),
    ("https://user:secret@example.org:8080/b.jpg", "b.jpg", "example.org_8080"),
    ("https://example.org/a%2F..%2Fb.jpg", "a_.._b.jpg", "example.org"), ("https://example.org/%2e%2e", "picture",
                                                                          "example.org"),
    ("s3://bucket/in/caf%C3%A9.png", "café.png", "in"),
])
def test_a_url_gives_a_name_that_is_fit_for_a_file(url, name, parent):
    assert (base_name(url), parent_name(url)) == (name, parent)


def test_the_parent_of_a_file_is_the_folder_that_it_lies_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert parent_name("a.jpg") == tmp_path.name
    assert parent_name("../x/a.jpg") == "x"
    assert base_name("x/a/") == "a"


def test_messages_show_names_on_one_line_and_without_secrets():
    assert readable("a b.jpg") == "a b.jpg"
    assert readable("a\nb\udce9.jpg") == r"'a\nb\udce9.jpg'"
    assert "secret" not in readable("https://user:secret@example.org/a.jpg?token=secret")
