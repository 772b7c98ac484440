"""The verb itself; ``tests/emulators/test_bigquery_load.py`` loads into an emulator."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from tests.workflows.command_line import invoke


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """The calls of ``load``, which loads nothing."""
    from steps.google.bigquery import load

    seen: list[tuple[str, dict[str, Any]]] = []

    def fake(table: str, _: object, **options: Any) -> SimpleNamespace:
        seen.append((table, options))
        return SimpleNamespace(uri=f"bq://{table}", rows=581_012, location="EU")

    monkeypatch.setattr(load, "load", fake)
    return seen


def test_options_are_passed_on_and_the_next_command_is_printed(
    calls: list[tuple[str, dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke("load-bigquery", "--table", "p.d.t", "--location", "EU", "--replace") == 0
    assert calls == [("p.d.t", {"location": "EU", "replace": True})]
    assert capsys.readouterr().out.splitlines() == [
        "581,012 rows are in bq://p.d.t, in EU",
        "next: python workflows/covertype.py run --source bq://p.d.t",
    ]


@pytest.mark.usefixtures("calls")
def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke("load-bigquery", "--table", "p.d.t", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"source": "bq://p.d.t", "rows": 581_012, "location": "EU"}
