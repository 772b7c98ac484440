"""The texts about a table: its own ones, or general ones."""

from __future__ import annotations

from steps.reporting.section_data.intended_use import intended_use


def test_the_bundled_table_has_texts_of_its_own() -> None:
    own, other = intended_use("covertype"), intended_use("trees")
    assert "Roosevelt National Forest" in own.data
    assert own.licence == "CC BY 4.0"
    assert other.title == ""
    assert own.limits != other.limits
    assert min(len(own.intended), len(own.limits), len(other.intended), len(other.limits)) > 0
    assert "\n" not in own.data
