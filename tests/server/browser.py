"""A real Chromium for the tests of the page."""

from __future__ import annotations

import base64
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

__all__ = ["Keys", "PageView", "open_browser"]

Thing = TypeVar("Thing")

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

_DROP = """
const bytes = Uint8Array.from(atob(arguments[1]), (letter) => letter.charCodeAt(0));
const data = new DataTransfer();
data.items.add(new File([bytes], arguments[2], {type: arguments[3]}));
const both = {bubbles: true, cancelable: true};
const make = (kind) => kind === "paste" ? new ClipboardEvent(kind, {clipboardData: data, ...both})
  : new DragEvent(kind, {dataTransfer: data, ...both});
for (const kind of arguments[4]) arguments[0].dispatchEvent(make(kind));
"""

_PIXEL = """
const done = arguments[arguments.length - 1], image = new Image();
image.onload = () => {
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  canvas.getContext("2d").drawImage(image, 0, 0);
  done([image.naturalWidth, image.naturalHeight]);
};
image.onerror = () => done(null);
image.src = arguments[0].src;
"""


def open_browser(downloads: Path) -> webdriver.Chrome:
    """A browser without a window. Skips where there is none, or no driver for it."""
    binary = next((path for name in _NAMES if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("no Chromium with its driver; on Debian: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in ("--headless=new", "--disable-dev-shm-usage", "--hide-scrollbars", "--window-size=1280,900",
                     *(["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else [])):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads),
                                              "download.prompt_for_download": False})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))


class PageView:
    """The page as a person sees and uses it."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, url: str, width: int = 1280, **media: str) -> None:
        """Open the page anew, in a tab that remembers nothing."""
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1,
                     mobile=width < 500)
        self.command("Emulation.setEmulatedMedia", features=[{"name": name.replace("_", "-"), "value": value}
                                                             for name, value in media.items()])
        self.driver.get(url)
        self.driver.execute_script("sessionStorage.clear()")
        self.driver.get_log("browser")
        self.driver.get(url)
        self.wait(lambda: self["work"].is_displayed() or self["key-form"].is_displayed() or self["fatal"].text)

    def command(self, name: str, **arguments: Any) -> Any:
        return self.driver.execute_cdp_cmd(name, arguments)

    def __getitem__(self, name: str) -> WebElement:
        return self.driver.find_element(By.ID, name)

    def all(self, css: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def wait(self, what: Callable[[], Thing], seconds: float = 60) -> Thing:
        end = time.monotonic() + seconds
        while not (found := what()):
            assert time.monotonic() < end, f"waited in vain; the page says: {self.all('body')[0].text}"
            time.sleep(0.05)
        return found

    def give(self, where: WebElement, data: bytes, name: str, kind: str, *events: str) -> None:
        """Drop or paste a file."""
        self.driver.execute_script(_DROP, where, base64.b64encode(data).decode(), name, kind,
                                   events or ("dragenter", "dragover", "drop"))

    def choose(self, where: str, path: Path) -> None:
        self[f"{where}-file"].send_keys(str(path))

    def found(self, where: str) -> str:
        """What is said of the faces of a picture, once something is."""
        css = f"#{where} .found, #{where} .error"
        return self.wait(lambda: " ".join(one.text for one in self.all(css)).strip())

    def numbers(self, where: str) -> list[str]:
        """The numbers on the picture, from left to right."""
        return [box.text for box in sorted(self.all(f"#{where} .box"), key=lambda box: box.location["x"])]

    def select(self, name: str, value: str) -> None:
        Select(self[name]).select_by_value(value)

    def picked(self) -> dict[str, str]:
        """For each face of the target what it gets."""
        return {row.find_element(By.TAG_NAME, "legend").text: next(
            (label.text for label in row.find_elements(By.CSS_SELECTOR, "label")
             if label.find_element(By.TAG_NAME, "input").is_selected()), "") for row in self.all(".pick")}

    def press(self, *keys: str) -> WebElement:
        """Press keys where the focus is; returns where it is then."""
        ActionChains(self.driver).send_keys(*keys).perform()
        return self.driver.switch_to.active_element

    def tab_to(self, name: str, most: int = 60) -> WebElement:
        """Go to a control as somebody without a mouse does."""
        for _ in range(most):
            at = self.press(Keys.TAB)
            if at.get_attribute("id") == name:
                return at
        raise AssertionError(f"Tab does not lead to {name}")

    def swapped(self) -> str:
        """Wait for the end; returns the error, empty where there is none."""
        self.wait(lambda: not self["progress"].is_displayed() and (self["result"].is_displayed()
                                                                  or self["swap-error"].text))
        return self["swap-error"].text

    def size_of(self, image: WebElement) -> list[int] | None:
        """Width and height of a picture as the browser decodes it; None: it cannot."""
        return self.driver.execute_async_script(_PIXEL, image)

    def complaints(self) -> list[str]:
        """What the browser itself has logged since the page was opened."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] != "INFO"]

    def overflow(self) -> int:
        """Pixels by which the page is wider than the window."""
        return self.driver.execute_script("return document.documentElement.scrollWidth - innerWidth")

    def nameless(self) -> list[str]:
        """Controls and pictures that a screen reader would have no name for."""
        found = []
        for node in self.command("Accessibility.getFullAXTree")["nodes"]:
            role = node.get("role", {}).get("value")
            focusable = any(each["name"] == "focusable" and each["value"].get("value") for each in
                            node.get("properties", []))
            if node.get("ignored") or role in ("RootWebArea", "none") or not (focusable or role in ("image", "group")):
                continue
            if not node.get("name", {}).get("value"):
                found.append(f"{role} {node.get('properties')}")
        return found
