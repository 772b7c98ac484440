from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import pytest
from jinja2 import UndefinedError

from steps import schema as schemas
from steps.core import storage
from steps.reporting import page
from steps.reporting.run_results import RunResults
from tests.report_files import SHA, SLUGS, ReportFiles, trial_table_of
from tests.report_page import Page, check_page

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)' x='",
    "{{ 7 * 7 }}{% raw %}{# _/_",
    "</style><style>*{display:none}</style>",
    "</title></text></svg></td></main><b>",
    "&lt;b&gt;&#60;i&#62;&amp;",
    "<!-- ]]> <![CDATA[ <?x",
    "javascript:alert(1);url(#x) #000001 var(--ink)",
]
# Texts of a run that come from the user's schema, data or command line, and names that today's steps choose.
WORDS = {*SLUGS, "Height_<m>", *(f"only_{slug}" for slug in SLUGS), SHA, "x", "prepare", "split", "train"} | {
    *("learning_rate", "max_depth", "grow_policy", "lossguide", "depthwise"),
}
# Attributes that depend on names, and where matplotlib puts a text, which depends on its height.
OWN_VALUES = {"aria-label", "content", "id", "href", "clip-path"}
TEXT_POSITION = {"x", "y", "transform"}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> RunResults:
    """The results of a run for which the page has every section."""
    files = ReportFiles(tmp_path_factory.mktemp("full"))
    files.data({"oak": 400, "beech": 380, "fir": 20}, ["x"])
    for slug in SLUGS:
        storage.write_json(files.path("trials.json", slug), trial_table_of())
    return files.results()


def with_text(value: Any, text: str) -> Any:
    """Return a JSON value in which the text is appended to each of the words, as key and as value."""
    if isinstance(value, dict):
        return {with_text(key, text): with_text(entry, text) for key, entry in value.items()}
    if isinstance(value, list):
        return [with_text(entry, text) for entry in value]
    if isinstance(value, str):
        parts = value.split(".")
        return ".".join(f"{part}{text}" if part in WORDS else part for part in parts)
    return value


def everywhere(results: RunResults, text: str) -> RunResults:
    """Return results with a text in every name, title, label, unit, note, hash and preset."""
    schema = schemas.Schema(
        name=f"name{text}",
        target=f"target{text}",
        columns=(schemas.Column(f"Height_<m>{text}", "float32", unit=text),),
        cover_types=tuple(
            schemas.CoverType(f"{each.label}{text}", f"{each.slug}{text}", f"{each.title}{text}")
            for each in results.schema.cover_types
        ),
    )
    return RunResults(
        schema=schema,
        requested=schema.cover_types,
        document=with_text(copy.deepcopy(results.document), text),
        metrics=with_text(results.metrics, text),
        curves={f"{slug}{text}": curve for slug, curve in results.curves.items()},
        seed=results.seed,
        preset=f"fast{text}",
        searches=with_text(results.searches, text),
        run=f"run{text}",
    )


def structure(found: Page) -> list[tuple[str, dict[str, str]]]:
    return [
        (tag, {name: "" if name in own else value for name, value in attributes.items()})
        for tag, attributes in found.tags
        for own in [OWN_VALUES | TEXT_POSITION if tag == "text" else OWN_VALUES]
    ]


@pytest.mark.parametrize("text", [" ".join(HOSTILE), " ".join(reversed(HOSTILE))])
def test_no_text_adds_an_element_or_an_attribute(full: RunResults, text: str) -> None:
    # The characters that stay may be followed by a <wbr>, or separate a step from its cover type.
    plain = re.sub(r"[^/_.]", "x", text)
    harmless, found = (Page(page.render(everywhere(full, each))) for each in (plain, text))
    assert structure(found) == structure(harmless)
    assert found.style == harmless.style
    assert found.text.count(text) == harmless.text.count(plain) > 20
    labels = [attributes["aria-label"] for tag, attributes in found.tags if tag == "svg" and "aria-label" in attributes]
    assert sum(text in label for label in labels) == 9


def test_the_page_has_every_section_in_order(full: RunResults) -> None:
    rendered = page.render(full)
    found = check_page(rendered)
    titles = re.findall("<h2>(.*?)</h2>", rendered)
    assert titles == [
        "Use and limits",
        "Rows used",
        "Each model on the test rows",
        "Confusion matrix",
        "Precision and recall",
        "Learning curves",
        "Feature importances",
        "Hyperparameter search",
        "Timeline",
        "Resource usage",
    ]
    assert found.count("section") == len(titles)
    # Learning curves, precision and recall, timeline, and two for each search.
    assert found.count("svg") == 3 + 2 + 1 + 2 * 3
    assert found.words.startswith("trees & <b>shrubs</b>: model report Model report trees & <b>shrubs</b>")


def test_a_section_without_content_is_left_out(tmp_path: Path) -> None:
    files = ReportFiles(tmp_path)
    rendered = page.render(files.results())
    assert "Rows used" not in rendered
    assert "Hyperparameter search" not in rendered
    files.fail(*SLUGS)
    for slug in SLUGS:
        files.path("curve.json", slug).unlink()
    for path in (tmp_path / "usage").iterdir():
        path.unlink()
    found = check_page(page.render(files.results()))
    assert (found.count("section"), found.count("svg")) == (2, 0)


def test_the_page_names_the_figures_it_was_made_from(full: RunResults, tmp_path: Path) -> None:
    storage.write_json(tmp_path / "report.json", full.document)
    assert page.report_digest_of(page.render(full)) == storage.sha256_file(tmp_path / "report.json")
    assert page.report_digest_of("<h1>Report</h1>") == ""


def test_an_undefined_name_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="'overview' is undefined"):
        page.environment().get_template("page.html").render({})


def test_only_plots_are_inserted_unescaped() -> None:
    texts = {path.name: path.read_text() for path in page.TEMPLATES.iterdir()}
    assert re.findall(r"safe|autoescape|Markup", "".join(texts.values())) == ["safe"]
    assert "{{ plot|safe }}" in texts["macros.html"]
    sources = "".join(path.read_text() for path in page.TEMPLATES.parent.rglob("*.py"))
    assert "Markup" not in sources
    assert page.environment().autoescape is True


def test_every_template_is_used() -> None:
    texts = [path.read_text() for path in page.TEMPLATES.glob("*.html")]
    used = {name for text in texts for name in re.findall(r'(?:include|from) "([^"]+)"', text)}
    assert {path.name for path in page.TEMPLATES.iterdir()} == used | {"page.html", "decision.html", "drift.html"}
