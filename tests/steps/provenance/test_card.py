"""The model card: its block of metadata, its sections, and texts with special characters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from steps import schema as schemas
from steps.core import storage
from steps.provenance.card import escape_markdown, render_card
from tests.registered_run import VERSION

if TYPE_CHECKING:
    from pathlib import Path

SECTIONS = ["Data", "Intended use", "Limits", "Metrics", "Slices", "Calibration", "Lineage"]


def parts_of(card: str) -> tuple[dict[str, Any], str]:
    _, metadata, text = card.split("---\n", 2)
    return yaml.safe_load(metadata), text


def test_the_card_of_a_registered_version(registered: Path) -> None:
    version = registered / "versions" / VERSION
    metadata, text = parts_of((version / "model_card.md").read_text())
    report = storage.read_json(version / "report.json")
    assert metadata["library_name"] == "xgboost"
    (model,) = metadata["model-index"]
    assert model["name"] == VERSION
    assert {"type": "f1", "name": "Macro F1", "value": report["macro_f1"]} in model["results"][0]["metrics"]
    assert [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")] == SECTIONS
    entry = report["cover_types"]["aspen"]
    interval = f"({entry['f1_interval'][0]:.4f} to {entry['f1_interval'][1]:.4f})"
    assert f"| Aspen | {entry['support']} | {entry['f1']:.4f} {interval}" in text
    assert report["data"]["source_sha256"] in text
    assert "Expected calibration error" in text
    assert "\n\n\n" not in text


def facts(report: dict[str, Any]) -> dict[str, Any]:
    model = {"seed": 3, "code_sha256": "c" * 64, "libraries": {"xgboost": "3"}}
    lineage = {"version": "v", "code_revision": "", "data_sha256": "d" * 64, "images": ["a@sha256:1"]}
    return {**lineage, "cover_types": dict.fromkeys(report["cover_types"], model)}


def test_a_table_of_ones_own_without_scores(registered: Path) -> None:
    report = storage.read_json(registered / "versions" / VERSION / "report.json")
    report["cover_types"]["aspen"]["title"] = "A|b <script>\n# c"
    report["data"]["notes"] = ["a [link](x)"]
    report["accuracy"] = None
    schema = schemas.load("tests/data/trees.toml")
    card = render_card(facts(report), report, schema, None)
    metadata, text = parts_of(card)
    assert metadata["model-index"][0]["results"][0]["dataset"]["name"] == schema.name
    assert r"A\|b \<script\> \# c" in text
    assert r"a \[link\](x)" in text
    assert "Accuracy of the highest score:" not in text
    assert "Nobody has described this table" in text
    assert "The table has no slices" in text
    assert "`a@sha256:1`" in text
    assert render_card(facts(report), report, schema, None) == card


def test_escaping() -> None:
    assert escape_markdown("a_b & c\nd") == r"a\_b &amp; c d"
