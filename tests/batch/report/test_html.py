"""The contact sheet: complete, bounded, and harmless whatever the files are called."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import pytest
from batch_results import End, failure, made, still
from parsed_page import Element, Page
from PIL import Image

from faceswap_cli.batch.items import ItemResult, Status
from faceswap_cli.batch.report.html import ContactSheet
from faceswap_cli.batch.report.summary import Summary
from faceswap_cli.batch.report.thumbnails import SIDE
from faceswap_cli.errors import ExitCode, OutputError


def sheet(path: Path, *results: ItemResult, limit: int = 500, end: End | None = None) -> Element:
    """Write a sheet and parse it."""
    summary = Summary()
    contact = ContactSheet(summary, limit)
    for result in results:
        summary.add(result)
        contact.add(result)
    if end is not None:
        summary.finish(end)
    contact.write(path)
    return Page(path.read_text(encoding="utf-8")).root


def cards(page: Element) -> list[Element]:
    return page.all("li", "item")


def names(page: Element) -> list[str]:
    """The headings of the cards."""
    found = []
    for card in cards(page):
        heading, = card.all("h3")
        found.append("".join(part.words for part in heading.all("span")) + heading.text)
    return found


def picture(element: Element) -> Image.Image:
    uri = element.attributes.get("src") or element.attributes.get("href") or ""
    kind, _, data = uri.partition(",")
    assert kind == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_each_item_has_its_three_pictures(tmp_path: Path) -> None:
    me = still(tmp_path / "me.png", (200, 40, 40))
    target = still(tmp_path / "in" / "a.jpg", (40, 200, 40), (1200, 900))
    result = still(tmp_path / "out" / "a.jpg", (40, 40, 200), (1200, 900))
    page = sheet(tmp_path / "sheet.html", made(0, str(target), source=str(me), output=str(result)))
    card, = cards(page)
    source, = card.all("svg")
    assert source.attributes["aria-label"] == f"source {me}"
    symbol, = page.all("symbol")
    assert source.all("use")[0].attributes["href"] == f"#{symbol.attributes['id']}"
    before, after = card.all("img")
    for element, colour in ((symbol.all("image")[0], 0), (before, 1), (after, 2)):
        small = picture(element)
        assert max(small.size) == SIDE
        middle = small.getpixel((small.width // 2, small.height // 2))
        assert isinstance(middle, tuple) and middle.index(max(middle)) == colour
    assert before.attributes["alt"] == f"target {target}"
    assert after.attributes["alt"] == f"result {result}"
    assert [caption.text for caption in card.all("figcaption")] == ["source", "target", "result"]
    assert card.all("p", "facts")[0].text == "2 faces swapped, 0.4 s"


def test_a_source_of_many_items_is_in_the_file_once(tmp_path: Path) -> None:
    me = still(tmp_path / "me.png")
    results = [made(number, f"in/{number}.jpg", source=str(me)) for number in range(9)]
    page = sheet(tmp_path / "sheet.html", *results)
    assert len(page.all("use")) == 9
    assert len(page.all("symbol")) == 1


def test_a_clip_shows_its_first_frame_and_one_of_the_middle(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (64, 48), (0, 25 * number, 0)) for number in range(9)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=40)
    page = sheet(tmp_path / "sheet.html", made(0, str(tmp_path / "a.gif"), frames=9))
    first, middle = cards(page)[0].all("img")
    assert [element.attributes["alt"] for element in (first, middle)] == [
        f"target {tmp_path / 'a.gif'}, {which}" for which in ("first frame", "frame in the middle")]
    greens = [picture(element).convert("RGB").getpixel((5, 5)) for element in (first, middle)]
    assert [abs(green[1] - wanted) < 8 for green, wanted in zip(greens, (0, 100), strict=True)] == [True, True]
    assert cards(page)[0].all("p", "facts")[0].text == "18 faces swapped in 9 of 9 frames, 0.4 s"


@pytest.mark.parametrize("name", [
    "<img src=x onerror=alert(1)>.jpg", "\"onmouseover=alert(1) x=\".jpg", "'><script>alert(1)</script>.jpg",
    "</title><script>alert(1)</script>.jpg", "&lt;script&gt;.jpg", "javascript:alert(1).jpg", "a\u202egpj.exe",
    "]]><!--.jpg", "a\x00b\nc.jpg", "\udcff\udc80.jpg", "</style>.jpg",
])
def test_no_name_becomes_markup(tmp_path: Path, name: str) -> None:
    """It is in the heading, the pictures' texts, the message and the warnings, and nowhere an element of its own."""
    plain = sheet(tmp_path / "plain.html", *hostile("name"))
    page = sheet(tmp_path / "sheet.html", *hostile(name))
    assert outline(page) == outline(plain)
    shown = names(page)[1]
    assert shown.isprintable()
    if name.isprintable():
        assert shown == name
        assert name in cards(page)[0].all("p", "message")[0].text
        assert name in cards(page)[1].all("ul", "warnings")[0].words
    assert not [tag for tag in ("script", "iframe", "object", "link", "a", "form") if page.all(tag)]


def hostile(name: str) -> tuple[ItemResult, ...]:
    return (made(0, name, Status.FAILED, failure=failure(f"{name} is damaged")),
            made(1, name, warnings=(f"{name} is blurred",), source=name, output=name))


def outline(element: Element) -> object:
    """Tags and names of attributes, without the folder of a path, which is an element of its own."""
    return (element.tag, sorted(element.attributes),
            [outline(child) for child in element.children
             if child.tag != "wbr" and child.attributes.get("class") != "folder"])


def test_the_page_needs_nothing_and_may_do_nothing(tmp_path: Path) -> None:
    me = still(tmp_path / "me.png")
    page = sheet(tmp_path / "sheet.html", made(0, "https://host/a.jpg?key=secret", source=str(me), key="a.jpg"))
    text = (tmp_path / "sheet.html").read_text(encoding="utf-8")
    assert "secret" not in text
    policy = next(meta.attributes["content"] for meta in page.all("meta") if "http-equiv" in meta.attributes)
    assert policy is not None and policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'")
    assert not re.findall(r"url\(|@import|<script|\son\w+=", text)
    for element in (*page.all("img"), *page.all("image"), *page.all("use")):
        address = element.attributes.get("src") or element.attributes.get("href") or ""
        assert address.startswith(("data:image/jpeg;base64,", "#"))


def test_what_cannot_be_shown_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    page = sheet(tmp_path / "sheet.html", made(0, str(tmp_path / "a.jpg"), Status.FAILED, source="gone.jpg"))
    card, = cards(page)
    assert [well.text for well in card.all("div", "well")] == ["no picture", "no picture", "not written"]
    assert card.all("p", "message")[0].text == f"InputError: {tmp_path / 'a.jpg'} is damaged"


def test_what_ended_a_worker_is_not_opened_here(tmp_path: Path) -> None:
    target = still(tmp_path / "a.jpg")
    died = failure("killed by signal 9", "WorkerDied", ExitCode.UNEXPECTED)
    page = sheet(tmp_path / "sheet.html", made(0, str(target), Status.FAILED, failure=died, source=str(target)))
    assert [well.text for well in cards(page)[0].all("div", "well")] == ["no picture", "not opened", "not written"]


def test_failures_come_first_then_warnings_and_the_rest_is_bounded(tmp_path: Path) -> None:
    results = [made(number, f"{number}.jpg") for number in range(20)]
    results += [made(20, "20.jpg", warnings=("blurred",)), made(21, "21.jpg", Status.FAILED), made(22, "22.jpg")]
    page = sheet(tmp_path / "sheet.html", *reversed(results), limit=5)
    assert names(page) == ["21.jpg", "20.jpg", "0.jpg", "1.jpg", "2.jpg"]  # in the order of the plan
    assert [heading.text for heading in page.all("h2")] == ["Failed", "With warnings", "Without remarks"]
    notice, = page.all("p", "notice")
    assert notice.text == ("5 of 23 items are shown, failures and warnings first; left out: 18 done. "
                           "The counts are those of all items.")
    assert [label.words for label in page.all("label")] == ["all 23", "done 22", "failed 1", "with warnings 1"]


def test_failures_are_bounded_too(tmp_path: Path) -> None:
    page = sheet(tmp_path / "sheet.html", *(
        made(number, f"{number}.jpg", Status.FAILED) for number in range(9)), limit=4)
    assert names(page) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]


def test_filters_hide_by_class_and_can_be_used_by_keyboard(tmp_path: Path) -> None:
    page = sheet(tmp_path / "sheet.html", made(0, "a.jpg"), made(1, "b.jpg", Status.FAILED),
                 made(2, "c.jpg", Status.COPIED, warnings=("no face",)), made(3, "d.jpg", Status.CURRENT))
    buttons = {button.attributes["id"]: button for button in page.all("input")}
    assert [button.attributes["type"] for button in buttons.values()] == ["radio"] * 6
    assert {button.attributes["name"] for button in buttons.values()} == {"only"}
    assert [name for name, button in buttons.items() if "checked" in button.attributes] == ["only-all"]
    assert {label.attributes["for"] for label in page.all("label")} == set(buttons)
    style = page.all("style")[0].text
    for name, count in (("failed", 1), ("done", 1), ("copied", 1), ("current", 1), ("warned", 1)):
        assert f"body:has(#only-{name}:checked) .item:not(.{name})" in style
        assert len(page.all("li", name)) == count


def test_headings_labels_and_texts_lead_through_the_page(tmp_path: Path) -> None:
    target = still(tmp_path / "a.jpg")
    page = sheet(tmp_path / "sheet.html", made(0, str(target), source=str(target), output=str(target)))
    assert page.all("html")[0].attributes["lang"] == "en"
    assert len(page.all("h1")) == 1
    ids = [element.attributes["id"] for tag in ("h2", "input", "symbol") for element in page.all(tag)]
    assert len(set(ids)) == len(ids)
    for section in page.all("section"):
        assert section.attributes["aria-labelledby"] == section.all("h2")[0].attributes["id"]
    assert all(image.attributes["alt"] for image in page.all("img"))
    assert all("aria-label" in svg.attributes or svg.attributes.get("aria-hidden") for svg in page.all("svg"))
    viewport = [meta.attributes["content"] for meta in page.all("meta") if meta.attributes.get("name") == "viewport"]
    assert viewport == ["width=device-width,initial-scale=1"]


def test_the_head_says_how_it_went(tmp_path: Path) -> None:
    page = sheet(tmp_path / "sheet.html", made(0, "a.jpg", warnings=("head turned 40 degrees",)),
                 made(1, "b.jpg", warnings=("head turned 50 degrees",)),
                 end=End(stopped="interrupted", warnings=("two links left out",), seconds=80.0))
    head = page.all("header")[0]
    assert "1 min 20 s · 1.5 items/min · 4 faces swapped · engine embedded: squares, paint" in head.words
    assert [notice.text for notice in head.all("p", "notice")] == ["Stopped early: interrupted", "two links left out"]
    assert [line.text for line in head.all("details")[0].all("li")] == ["2 items: head turned 40..50 degrees"]


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    contact = ContactSheet(Summary(), limit=2)
    for number in range(3):
        contact.add(made(number, f"{number}.jpg"))
    contact.write(tmp_path / "sheet.html", lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]


def test_a_sheet_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        ContactSheet(Summary()).write(tmp_path / "gone" / "sheet.html")


def test_long_messages_and_many_warnings_are_cut(tmp_path: Path) -> None:
    page = sheet(tmp_path / "sheet.html", made(0, "a.jpg", Status.FAILED, failure=failure("x" * 5000)),
                 made(1, "b.jpg", warnings=tuple(f"{chr(97 + number)} is odd" for number in range(20))))
    assert len(cards(page)[0].all("p", "message")[0].text) == 400
    assert [line.text for line in cards(page)[1].all("ul", "warnings")[0].all("li")][-1] == "and 12 more"
