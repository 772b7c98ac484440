from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest

from steps.reporting import svg
from steps.reporting.palette import ROLES, placeholder


def drawn(text: str = "text", id_prefix: str = "plot", label: str = "label") -> str:
    """Return a plot with a marker, a clipped line and texts."""
    with svg.plot_defaults():
        figure, axes = svg.new_axes(200, 100, left=40, bottom=30)
        axes.plot([0, 1, 2], [0, 2, 1], marker="o", color=placeholder("hue3"))
        axes.set_xlabel(text)
        return svg.inline_svg(figure, id_prefix, label)


def read(text: str) -> list[ET.Element]:
    return list(ET.fromstring(text).iter())  # noqa: S314


def references(elements: list[ET.Element]) -> set[str]:
    values = [value for element in elements for value in element.attrib.values()]
    return {match[1] for value in values if (match := re.search(r"#([^)]+)", value))}


def test_the_element_has_a_size_and_a_name_for_screen_readers() -> None:
    assert read(drawn(label='a "b" & <c>'))[0].attrib == {
        "viewBox": "0 0 200 100",
        "width": "200",
        "height": "100",
        "role": "img",
        "aria-label": 'a "b" & <c>',
    }


def test_ids_start_with_the_prefix_and_only_those_are_kept_that_are_used() -> None:
    one, two = read(drawn(id_prefix="one")), read(drawn(id_prefix="two"))
    ids = [element.get("id") for element in one if element.get("id")]
    assert ids
    assert all(str(id_).startswith("one-") for id_ in ids)
    assert references(one) == set(ids)
    assert references(one).isdisjoint(references(two))
    assert any(element.tag == "use" and element.get("href", "").startswith("#one-") for element in one)
    assert any(element.get("clip-path", "").startswith("url(#one-") for element in one)


def test_colours_are_the_variables_of_the_page() -> None:
    text = drawn()
    assert {"var(--hue3)", "var(--muted)", "var(--line)"} <= set(re.findall(r"var\(--\w+\)", text))
    assert not [role for role in ROLES if placeholder(role) in text]


def test_no_style_sheet_and_no_namespace_is_left() -> None:
    text = drawn()
    assert {element.tag for element in read(text)} == {"svg", "g", "path", "defs", "clipPath", "rect", "use", "text"}
    for word in ("xmlns", "xlink", "font-family", "rotate(-0", "<?xml", "<!DOCTYPE", "http"):
        assert word not in text


def test_text_stays_text_in_the_size_of_the_plot() -> None:
    texts = [element for element in read(drawn("Fir $x^2$")) if element.text == "Fir $x^2$"]
    assert len(texts) == 1
    assert "font-size: 12px" in texts[0].attrib["style"]


@pytest.mark.parametrize(
    "text",
    [
        "<script>x</script>",
        "#000001",
        "a &amp; b",
        'id="m0123456789"',
        "var(--ink)",
        "url(#p0123456789)",
        "大きさ 😀",
        "]]>",
    ],
)
def test_a_text_that_looks_like_markup_is_only_a_text(text: str) -> None:
    elements = read(drawn(text))
    assert [element.tag for element in elements] == [element.tag for element in read(drawn("x"))]
    assert text in [element.text for element in elements]


@pytest.mark.parametrize("character", ["\ufffe", "\uffff", "\x0b", "\x1b"])
def test_a_character_that_xml_does_not_allow_is_replaced(character: str) -> None:
    assert "a\N{REPLACEMENT CHARACTER}b" in [element.text for element in read(drawn(f"a{character}b"))]


def test_equal_data_gives_equal_bytes_and_matplotlib_is_left_as_it_was() -> None:
    before = dict(mpl.rcParams)
    assert drawn() == drawn()
    assert dict(mpl.rcParams) == before


def test_the_axes_are_where_the_distances_say() -> None:
    figure, axes = svg.new_axes(200, 100, left=40, bottom=30, right=20)
    assert figure.get_size_inches() * 72 == pytest.approx((200, 100))
    box = axes.get_position()
    assert (box.x0 * 200, box.x1 * 200, box.y0 * 100, box.y1 * 100) == pytest.approx((40, 180, 30, 92))
