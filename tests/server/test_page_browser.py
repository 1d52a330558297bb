"""The page in a real Chromium, against a real server; the whole way over the embedded engine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import fakes
import numpy as np
import pytest

pytest.importorskip("selenium", reason="selenium is not installed; run: pip install 'selenium>=4,<5'")

import browser
from browser import Keys, PageView
from live import CLIP, EMPTY, Held, body, encode
from PIL import Image as Pillow

from faceswap_cli.jobs.backend import open_backend
from faceswap_cli.options import EngineName, EngineOptions

EMBEDDED = {"backend": open_backend, "engine": EngineOptions(engine=EngineName.EMBEDDED)}
SOURCES = encode(fakes.scene((4, 4, 20, fakes.RED), (40, 20, 12, fakes.WHITE)))
TARGETS = encode(fakes.scene((4, 4, 20, fakes.BLUE), (40, 20, 12, fakes.BLUE)))
SLOW_TO_CHANGE = 0.4


@pytest.fixture(scope="module")
def downloads(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def driver(downloads) -> Iterator[object]:
    driver = browser.open_browser(downloads)
    yield driver
    driver.quit()


@pytest.fixture
def page(driver, downloads) -> PageView:
    for path in downloads.iterdir():
        path.unlink()
    return PageView(driver)


def fetch(page: PageView, downloads: Path) -> Path:
    """Click the link, and wait for the file."""
    page["download"].click()
    return page.wait(lambda: next((path for path in downloads.iterdir()
                                   if path.suffix != ".crdownload" and path.name[0] != "."), None))


def array(path: Path) -> np.ndarray:
    with Pillow.open(path) as picture:
        return np.asarray(picture.convert("RGB"), np.int16)


def fill(page: PageView, source: bytes = SOURCES, target: bytes = TARGETS, name: str = "target.png") -> None:
    page.give(page["source"], source, "source.png", "image/png")
    page.give(page["target"], target, name, "image/png")
    page.found("source"), page.found("target")


def test_the_whole_way_with_portraits(page, start, assets, downloads):
    page.open(start(**EMBEDDED).url)
    assert not page["swap"].is_enabled() and "Choose a source and a target" in page["swap-about"].text
    page.give(page["source"], (assets / "woman-3.jpg").read_bytes(), "woman-3.jpg", "image/jpeg")  # dropped
    assert page.found("source") == "1 face."
    page.choose("target", assets / "group.jpg")
    assert page.found("target") == "6 faces."
    assert page.numbers("target") == ["2", "4", "0", "3", "5", "1"]
    assert all(page.size_of(image) for image in page.all(".thumbnail"))
    assert "Everyone shown must have agreed" in page["consent"].text

    page.select("order", "left-right")
    assert page.numbers("target") == ["0", "1", "2", "3", "4", "5"]
    assert page.picked()["Face 2"] == "gets face 0"  # the largest still, by its new number
    page["pick-none"].click()
    assert not page["swap"].is_enabled() and "Nobody gets a face" in page["swap-about"].text
    page.all(".pick")[5].find_elements("tag name", "label")[1].click()
    assert [face for face, gets in page.picked().items() if gets == "gets face 0"] == ["Face 5"]
    page.select("format", "png")
    page["swap"].click()
    assert page.swapped() == ""
    assert page.driver.switch_to.active_element == page["result-title"]
    before, after = page.all(".comparison img.before")[0], page.all(".comparison img.after")[0]
    assert page.size_of(before) == page.size_of(after) == [1600, 640]

    file = fetch(page, downloads)
    assert file.name == "group-swapped.png"
    change = np.abs(array(file) - array(assets / "group.jpg")).max(axis=2)
    columns = np.flatnonzero((change > 8).any(axis=0))
    assert 1300 < columns.min() < columns.max() < 1600  # the rightmost face, and nobody else
    assert page.complaints() == []


def test_the_slider_is_moved_by_keys_and_by_the_mouse(page, start):
    page.open(start().url)
    fill(page)
    page["swap"].click()
    assert page.swapped() == ""
    slider = page["split"]
    shown = lambda: page.driver.execute_script(  # noqa: E731
        "return getComputedStyle(document.querySelector('.comparison .before')).clipPath")
    assert "50%" in shown()
    page.driver.execute_script("arguments[0].focus()", slider)
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert slider.get_attribute("aria-valuetext") == "48 percent after" and "48%" in shown()
    page.press(Keys.HOME)
    assert slider.get_attribute("aria-valuetext") == "100 percent after" and "100%" in shown()
    page.press(Keys.END)
    assert slider.get_attribute("aria-valuetext") == "0 percent after"
    slider.click()  # in its middle
    assert 45 <= int(slider.get_attribute("value")) <= 55


def test_an_animation_stays_one(page, start, assets, downloads):
    page.open(start(**EMBEDDED).url)
    page.choose("source", assets / "woman-1.jpg")
    page.choose("target", assets / "turning-head.gif")
    page.found("source")
    assert page.found("target") == "1 face, numbered in frame 1 of the animation."
    assert not page["format"].is_enabled() and "keeps its own" in page["format-about"].text
    page["swap"].click()
    assert page.swapped() == ""
    assert "frames" in page["result-warnings"].text  # the head leaves in some of them
    file = fetch(page, downloads)
    assert file.name == "turning-head-swapped.gif"
    with Pillow.open(file) as animation:
        assert animation.n_frames == 45


def test_everything_can_be_done_without_a_mouse(page, start, tmp_path):
    page.open(start().url)
    for name, data in (("source", SOURCES), ("target", TARGETS)):
        path = tmp_path / f"{name}.png"
        path.write_bytes(data)
        assert page.tab_to(f"{name}-file").get_attribute("type") == "file"  # Space opens the system's own dialogue
        page.choose(name, path)
        page.found(name)
    page.driver.execute_script("document.activeElement.blur()")
    page.tab_to("pick-none")
    page.press(Keys.SPACE)
    page.tab_to("pick-0-none")
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert page.picked() == {"Face 0": "gets face 1", "Face 1": "stays as it is"}
    page.tab_to("format").send_keys("P")
    page.tab_to("swap")
    page.press(Keys.ENTER)
    assert page.swapped() == ""
    assert page.driver.switch_to.active_element == page["result-title"]
    page.tab_to("download")
    page.tab_to("split")


def test_faces_go_where_they_were_put(page, start, downloads):
    page.open(start().url)
    fill(page)
    page["pick-all"].click()
    assert page.picked() == {"Face 0": "gets face 0", "Face 1": "gets face 1"}
    rows = [row.find_elements("tag name", "label") for row in page.all(".pick")]
    rows[0][2].click()
    rows[1][1].click()
    page.select("order", "small-large")  # the same people, by other numbers
    assert page.picked() == {"Face 0": "gets face 1", "Face 1": "gets face 0"}
    page.select("format", "png")
    page["swap"].click()
    assert page.swapped() == ""
    image = array(fetch(page, downloads))
    assert tuple(image[12, 12]) == fakes.WHITE and tuple(image[25, 45]) == fakes.RED


def test_a_gender_shuts_faces_out_and_moves_no_other(page, start, downloads):
    page.open(start().url)
    targets = encode(fakes.scene((4, 4, 20, fakes.BLUE), (40, 20, 12, fakes.RED)))
    fill(page, target=targets)
    page["pick-all"].click()
    page.select("target-gender", "female")
    assert page.picked() == {"Face 0 (does not look female)": "stays as it is", "Face 1": "gets face 1"}
    page.select("format", "png")
    page["swap"].click()
    assert page.swapped() == ""
    image = array(fetch(page, downloads))
    assert tuple(image[12, 12]) == fakes.BLUE and tuple(image[25, 45]) == fakes.WHITE
    page.select("source-gender", "male")
    assert not page["swap"].is_enabled() and "Nobody gets a face" in page["swap-about"].text


def test_a_picture_can_be_pasted(page, start):
    page.open(start().url)
    whole = page.driver.find_element("tag name", "body")
    for name in ("source", "target"):  # the first place that is empty
        page.give(whole, SOURCES, "image.png", "image/png", "paste")
        assert page.found(name).startswith("2 faces")
    page.driver.execute_script("arguments[0].focus()", page["source-file"])
    page.give(page["source-file"], TARGETS, "other.png", "image/png", "paste")
    page.wait(lambda: "other.png" in page["source"].text)
    assert "image.png" in page["target"].text


def test_what_goes_wrong_is_told_in_the_words_of_the_server(page, start):
    page.open(start(backend=fakes.Blind).url)
    page.give(page["source"], EMPTY, "empty.png", "image/png")
    assert page.found("source") == "No face found."
    page.give(page["target"], b"this is no picture", "some text.png", "image/png")
    assert page.found("target").startswith("some text.png is not a picture of a known kind")
    assert not page["swap"].is_enabled()
    fill(page)
    page["swap"].click()
    assert "no face" in page.swapped().lower()
    assert page["swap"].is_enabled()


def test_a_file_that_is_too_large_is_not_sent(page, start):
    live = start(max_body=2**20)
    page.open(live.url)
    page.give(page["target"], TARGETS + b"\0" * 2**20, "huge.png", "image/png")
    assert page.found("target") == "huge.png has 1.0 MB; this server takes up to 0.7 MB."
    assert live.client().get("/metrics").text.count('route="/upload-asset"') == 0


def test_what_drags_on_is_shown_and_need_not_be_waited_for(page, start):
    page.open(start(backend=Held, workers=1).url)
    fill(page)
    page["swap"].click()
    page.wait(lambda: page["progress-text"].text == "Swapping faces")
    assert not page["swap"].is_enabled()
    page["cancel"].click()
    page.wait(lambda: page["swap"].is_enabled())
    assert not page["progress"].is_displayed() and page["live"].get_attribute("textContent") == "Stopped waiting."
    page["swap"].click()
    page.wait(lambda: page["progress-text"].text == "Waiting for the server")
    Held.gate.set()
    assert page.swapped() == ""


def test_a_busy_server_is_asked_again(page, start):
    live = start(backend=Held, workers=1, queue=1)
    page.open(live.url)
    fill(page)
    for _ in range(2):
        assert live.client().post("/v2/faceswap-v3", json=body()).status_code == 200
    page["swap"].click()
    page.wait(lambda: "busy" in page["progress-text"].text)
    Held.gate.set()
    assert page.swapped() == ""


def test_a_server_that_is_gone_is_told_of(page, start):
    live = start()
    page.open(live.url)
    fill(page)
    live.stop()
    page["swap"].click()
    assert page.swapped() == "The server cannot be reached."


def test_the_key_is_asked_for_where_there_is_one_and_forgotten_with_the_tab(page, start, keys_file):
    page.open(start(keys_file=keys_file).url)
    assert page["key-form"].is_displayed() and not page["work"].is_displayed()
    assert page.driver.switch_to.active_element == page["key"]
    page.press("wrong", Keys.ENTER)
    page.wait(lambda: page["key-error"].text == "Missing or invalid API key.")
    page["key"].clear()
    page["key"].send_keys("alice-key", Keys.ENTER)
    page.wait(lambda: page["work"].is_displayed() and not page["key-form"].is_displayed())
    fill(page)
    page["swap"].click()
    assert page.swapped() == ""
    kept = page.driver.execute_script("return [localStorage.length, document.cookie, Object.values(sessionStorage)]")
    assert kept == [0, "", ["alice-key"]]
    page.driver.refresh()
    page.wait(lambda: page["work"].is_displayed())


def test_no_key_is_asked_for_where_there_is_none(page, start):
    page.open(start().url)
    assert page["work"].is_displayed() and not page["key-form"].is_displayed()
    assert page.driver.execute_script("return sessionStorage.length + localStorage.length") == 0


def test_a_restorer_is_offered_where_there_is_one(page, start, monkeypatch):
    page.open(start().url)
    assert not page["restore-option"].is_displayed()
    from faceswap_cli.server import page as module
    monkeypatch.setattr(module, "restorers", lambda options: (("GFPGANv1.4.pth",), True))
    page.driver.refresh()
    page.wait(lambda: page["restore-option"].is_displayed())
    assert page["restore"].text.split("\n") == ["with GFPGAN 1.4", "no"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_is_named_and_can_be_read(page, start, width, scheme):
    page.open(start().url, width, prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
    assert page.overflow() <= 0
    fill(page, target=CLIP, name="a-very-long-name-of-a-file-that-nobody-would-ever-choose-but-phones-do-0001.gif")
    page["swap"].click()
    assert page.swapped() == ""
    assert page.overflow() <= 0
    assert page.nameless() == []
    assert page.complaints() == []
    ground = page.driver.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, ground[4:-1].split(","))) > 600) == (scheme == "light")
    for control in page.all("button, select, .choice, a.button"):
        assert not control.is_displayed() or control.size["height"] >= 36, control.get_attribute("outerHTML")


def test_names_of_files_are_never_markup(page, start):
    page.open(start().url)
    fill(page, name="<img src=x onerror=document.title='bad'>.png")
    page["swap"].click()
    assert page.swapped() == ""
    time.sleep(SLOW_TO_CHANGE)
    assert page.driver.title == "faceswap"
    assert "<img src=x" in page["target"].text
