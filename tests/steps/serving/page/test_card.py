from __future__ import annotations

from typing import TYPE_CHECKING

from steps.serving.page.card import render_card
from tests.registered_run import VERSION

if TYPE_CHECKING:
    from pathlib import Path


def test_the_card_of_a_version_is_rendered_without_its_metadata(registered: Path) -> None:
    card = (registered / "versions" / VERSION / "model_card.md").read_text()
    page = render_card(card, VERSION).decode()
    assert "pipeline_tag" in card
    assert "pipeline_tag" not in page
    assert "<h2>Intended use</h2>" in page
    assert "<td>Aspen</td>" in page
    assert f"<title>{VERSION}: model card</title>" in page
    assert f"<code>verify {VERSION} --registry URI</code>" in page


def test_what_is_no_markdown_stays_text() -> None:
    card = "# a <script>alert(1)</script>\n\n[b](javascript:alert(2))\n\n<img src=x onerror=alert(3)>\n\n"
    card += "| a |\n|---|\n| \\<b\\> |\n"
    page = render_card(card, "</title><script>").decode()
    body = page.partition("<body")[2]
    assert "<script" not in page
    assert "<img" not in body
    assert 'href="javascript' not in body
    assert "<td>&lt;b&gt;</td>" in body


def test_a_line_in_the_text_ends_no_metadata() -> None:
    page = render_card("first\n\n---\n\nsecond\n\n---\n\nthird\n", "v").decode()
    assert all(word in page for word in ("first", "second", "third"))
