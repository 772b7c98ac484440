"""Reads a page of the report and checks what holds for every page."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from steps.reporting import page

VOID = {"meta", "br", "wbr"}
ATTRIBUTES = {
    *("charset", "class", "colspan", "content", "lang", "name", "scope", "style", "tabindex", "role", "aria-label"),
    *("id", "href", "clip-path", "d", "x", "y", "width", "height", "viewbox", "transform"),
}
NEVER = {"script", "link", "img", "iframe", "object", "embed", "image", "foreignobject", "base", "form", "a"}
Tag = tuple[str, dict[str, str]]


class Page(HTMLParser):
    """Reads a page, checks that its tags nest, and collects tags, ids, references and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[Tag] = []
        self.text = self.style = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.style += data
        else:
            self.text += data

    def count(self, tag: str) -> int:
        return sum(found == tag for found, _ in self.tags)

    @property
    def words(self) -> str:
        """The text with each run of white space as one blank."""
        return " ".join(self.text.split())

    @property
    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]

    @property
    def references(self) -> set[str]:
        values = [value for _, attributes in self.tags for value in attributes.values()]
        return {match[1] for value in values if (match := re.fullmatch(r"(?:url\()?#([^)]*)\)?", value))}


def render_section(name: str, **views: object) -> str:
    """Return one section of the page alone."""
    return page.environment().get_template(f"{name}.html").render(views)


def check_page(text: str) -> Page:
    """Check Argo's content security policy, that ids are unique and exist, and that all figures have names."""
    found = Page(text)
    assert not {tag for tag, _ in found.tags} & NEVER
    assert not re.search(r"@import|url\(", found.style)
    assert len(found.ids) == len(set(found.ids))
    assert found.references <= set(found.ids)
    for tag, attributes in found.tags:
        assert attributes.keys() <= ATTRIBUTES
        assert attributes.get("href", "#").startswith("#")
        if tag == "svg":
            assert attributes["role"] == "img"
            assert attributes["aria-label"]
        if tag != "svg" and "aria-label" not in attributes:
            assert not re.search(r"#0000[0-1][0-9a-f]\b", str(attributes)), "a placeholder colour is left"
    assert found.count("figure") == found.count("figcaption")
    variables = set(re.findall(r"var\(--([\w-]+)", text)) - {"a", "n"}  # set on tables and cells
    assert variables <= set(re.findall(r"--([\w-]+):", found.style))
    assert len(text) < 600_000
    return found
