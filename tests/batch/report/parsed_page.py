"""A contact sheet as a browser sees it: elements, not text."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "input", "img", "wbr", "br", "link"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def all(self, tag: str, css: str | None = None) -> list[Element]:
        """Descendants of a tag, with a class where one is given, in document order."""
        found = []
        for child in self.children:
            if child.tag == tag and (css is None or css in (child.attributes.get("class") or "").split()):
                found.append(child)
            found += child.all(tag, css)
        return found

    @property
    def words(self) -> str:
        """All text within, in any order."""
        return self.text + "".join(child.words for child in self.children)


class Page(HTMLParser):
    """Parses strictly: every element that is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.root = Element("", {})
        self._open = [self.root]
        self.feed(text)
        self.close()
        assert self._open == [self.root], f"never closed: {[element.tag for element in self._open[1:]]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open[-1].children.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> in <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].text += data
