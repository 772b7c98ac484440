"""The exploration of the presets: its variants are ones that can be trained, on the rows of the pipeline."""

from __future__ import annotations

import pytest
import typer

from benchmarks import presets_exploration
from benchmarks.presets_exploration import EXTRA, HEAD, VARIANTS, Design, compare, schema_with
from steps.models import presets


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_differs_from_its_preset_by_its_changes(name: str) -> None:
    variant = VARIANTS[name]
    preset = presets.load(variant.preset).parameters
    parameters = variant.parameters(rounds=0).to_dict()
    changed = {key: value for key, value in parameters.items() if key in preset and preset[key] != value}
    assert changed.items() <= dict(variant.changes).items()
    assert all(parameters[key] == value for key, value in variant.changes.items())
    assert variant.parameters(rounds=3).rounds == 3


@pytest.mark.parametrize("name", EXTRA)
def test_added_features_are_made_of_numeric_columns(name: str) -> None:
    schema = schema_with(name)
    assert len(schema.derived) > len(schema_with("derived").derived)
    assert {column for feature in schema.derived for column in feature.of} <= set(schema.numeric)


def test_every_variant_is_a_row_of_the_table() -> None:
    rows = list(compare("cottonwood-willow", ["fast", "plain"], Design(rows=2000, rounds=2)))
    assert [row[:2] for row in rows] == [["cottonwood-willow", "fast"], ["cottonwood-willow", "plain"]]
    assert {len(row) for row in rows} == {len(HEAD)}
    assert all(row[HEAD.index("rounds")] == "2" for row in rows)


def test_an_unknown_variant_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match="unknown variant 'nope'"):
        presets_exploration.main(variants="nope")
