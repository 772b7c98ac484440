"""The whole cycle of versions of different data: refused, promoted on a reference table, rolled back."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steps.core import storage
from tests.registered_run import register_run
from tests.support import leftovers
from tests.workflows.command_line import invoke

if TYPE_CHECKING:
    from pathlib import Path

    from tests.nights import Nights


@pytest.fixture
def registry(nights: Nights, tmp_path: Path) -> Path:
    """A copy of the registry with the first night's version."""
    shutil.copytree(nights.registry, tmp_path / "registry")
    return tmp_path / "registry"


def champion(registry: Path) -> str:
    found: str = storage.read_json(registry / "aliases/champion.json")["version"]
    return found


def decision(registry: Path, version: str, number: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = storage.read_json(registry / f"decisions/{version}/{number}.json")
    return found


def register_second(nights: Nights, registry: Path, tmp_path: Path, version: str = "second") -> str:
    """Register the second night's run under a policy that names the reference table, and return the report's page."""
    policy = tmp_path / "policy.toml"
    policy.write_text(f'[reference]\ntable = "{nights.reference}"')
    page = tmp_path / "decision.html"
    ended = register_run(nights.folder / "second", registry, version, more=("--policy", policy, "--decision", page))
    assert ended.code == 0, ended.log
    return page.read_text()


def test_retraining_on_more_data_is_promoted_and_rolled_back(nights: Nights, registry: Path, tmp_path: Path) -> None:
    register_run(nights.folder / "second", registry, "without")
    assert champion(registry) == "first"
    assert decision(registry, "without")["verdict"] == "not comparable"
    page = register_second(nights, registry, tmp_path)
    assert champion(registry) == "second"
    stored = decision(registry, "second")
    use = stored["reference"]
    assert (stored["verdict"], stored["earlier_uses_of_test_rows"]) == ("better", 0)
    assert use["sha256"] == stored["reference_sha256"] == storage.sha256_file(nights.reference)
    assert use["location"] == str(nights.reference)
    assert use["rows"] == use["used"] + use["left_out"] > 2900
    assert stored["gate"]["details"]["comparison"]["rows"] == use["used"]
    assert f"{use['used']:,} of {use['rows']:,} rows of {nights.reference}" in page
    assert "Earlier decisions on the rows of the reference table" in page
    assert (
        "leaves out the rows that this version was fitted on"
        in (registry / "versions/second/model_card.md").read_text()
    )
    assert invoke("rollback", "--registry", registry) == 0
    assert champion(registry) == "first"
    assert register_run(nights.folder / "second", registry, "second").code == 0  # the retry of the step
    assert champion(registry) == "first"
    assert invoke("promote", "second", "--registry", registry, "--on", nights.reference) == 0
    assert champion(registry) == "second"
    assert decision(registry, "second", 3)["earlier_uses_of_test_rows"] == 1


def test_a_worse_version_is_refused(
    nights: Nights, registry: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    register_second(nights, registry, tmp_path)
    register_run(nights.folder / "first", registry, "poor")
    assert invoke("promote", "poor", "--registry", registry, "--on", nights.reference) == 1
    assert champion(registry) == "second"
    stored = decision(registry, "poor", 2)
    assert (stored["verdict"], stored["earlier_uses_of_test_rows"]) == ("worse", 1)
    assert "reference rows" in capsys.readouterr().err


def test_rows_that_a_version_was_fitted_on_are_left_out(
    nights: Nights, registry: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table has all rows of both runs: only their test rows may count, beside those that no run has."""
    register_run(nights.folder / "second", registry, "second")
    capsys.readouterr()
    words = ("compare", "first", "second", "--registry", registry, "--on", nights.mixed, "--json")
    assert invoke(*words) == 0
    use = json.loads(capsys.readouterr().out)["reference"]
    clean = storage.read_json(nights.folder / "second/profile.json")
    assert use["fitted"]["second"] == pytest.approx(0.8 * clean["rows"], rel=0.05)
    assert 0 < use["fitted"]["first"] < use["fitted"]["second"] <= use["left_out"]
    assert use["used"] == use["rows"] - use["left_out"]


def test_a_version_without_a_record(nights: Nights, registry: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Versions of earlier releases have none; the decision says so."""
    register_run(nights.folder / "second", registry, "second")
    manifest = storage.read_json(registry / "versions/first/manifest.json")
    manifest["files"] = [entry for entry in manifest["files"] if entry["name"] != "row-fingerprints.parquet"]
    del manifest["content_sha256"]
    storage.write_json(registry / "versions/first/manifest.json", manifest)
    assert invoke("promote", "second", "--registry", registry, "--on", nights.reference) == 0
    assert decision(registry, "second", 2)["reference"]["fitted"]["first"] is None
    capsys.readouterr()
    assert invoke("compare", "first", "second", "--registry", registry, "--on", nights.reference) == 0
    assert "no record of the rows that first was fitted on, so they are not left out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("table", "code", "message"),
    [
        ("nowhere.parquet", 66, "no such file, in nowhere.parquet: check the address of the reference table"),
        ("unlabelled", 65, "the reference table has no labels"),
        ("other", 65, "Elevation"),
        ("ftp://x", 2, "--on"),
    ],
)
def test_a_wrong_table_changes_nothing(  # noqa: PLR0913, PLR0917 - what is given, and what is expected
    nights: Nights,
    registry: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    table: str,
    code: int,
    message: str,
) -> None:
    register_run(nights.folder / "second", registry, "second")
    rows = nights.reference
    if table in {"unlabelled", "other"}:
        left_out = "Cover_Type" if table == "unlabelled" else "Elevation"
        pq.write_table(pq.read_table(rows).drop_columns([left_out]), tmp_path / "wrong.parquet")
        table = str(tmp_path / "wrong.parquet")
    capsys.readouterr()
    for words in (("promote", "second"), ("compare", "first", "second")):
        assert invoke(*words, "--registry", registry, "--on", table) == code
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
    assert len(list((registry / "decisions/second").iterdir())) == 1


def test_too_few_rows_are_not_comparable(nights: Nights, registry: Path, tmp_path: Path) -> None:
    register_run(nights.folder / "second", registry, "second")
    pq.write_table(pq.read_table(nights.reference).take(list(range(0, 2900, 20))), tmp_path / "few.parquet")
    assert invoke("promote", "second", "--registry", registry, "--on", tmp_path / "few.parquet") == 1
    stored = decision(registry, "second", 2)
    assert stored["verdict"] == "not comparable"
    assert "usable rows of aspen, at least 50 are needed" in stored["reason"]
    assert stored["test_rows_sha256"] is None


def test_fingerprints_of_other_data_are_not_registered(nights: Nights, registry: Path) -> None:
    other = nights.folder / "first/row-fingerprints.parquet"
    ended = register_run(nights.folder / "second", registry, "second", more=("--fingerprints", other))
    assert (ended.code, len(ended.errors)) == (65, 1)
    assert "the fingerprints are not of the data of the report" in ended.log
    assert not (registry / "versions/second").exists()


def test_a_registration_with_a_wrong_table_publishes_nothing(nights: Nights, registry: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[reference]\ntable = "nowhere.csv"')
    ended = register_run(nights.folder / "second", registry, "second", more=("--policy", policy))
    assert (ended.code, len(ended.errors)) == (66, 1)
    assert not (registry / "versions/second").exists()


@pytest.mark.parametrize("wrong", ["value", "label", "far", "empty"])
def test_a_registration_with_a_damaged_table_publishes_nothing(
    nights: Nights, registry: Path, tmp_path: Path, wrong: str
) -> None:
    """The damage is in the last row: the whole table is read before anything is published."""
    rows = pq.read_table(nights.reference).to_pydict()
    column, value = {"label": ("Cover_Type", 9), "far": ("Elevation", 3e38)}.get(wrong, ("Slope", 70_000))
    rows[column][-1] = value
    if wrong == "far":
        rows[column] = [float(each) for each in rows[column]]
    table = pa.table(rows)
    pq.write_table(table.slice(0, 0) if wrong == "empty" else table, tmp_path / "damaged.parquet")
    policy = tmp_path / "policy.toml"
    policy.write_text(f'[reference]\ntable = "{tmp_path}/damaged.parquet"')
    before = leftovers(registry)
    ended = register_run(nights.folder / "second", registry, "second", more=("--policy", policy))
    assert (ended.code, len(ended.errors)) == (65, 1), ended.log
    assert "damaged.parquet" in ended.errors[0]
    assert leftovers(registry) == before
