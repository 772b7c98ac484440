"""Missing values: dropped rows are counted and stated, kept ones go through all steps, and labels are never made up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from steps import prepare, preprocess, tables
from steps import schema as schemas
from steps.bundles import to_array
from steps.core.errors import BadDataError, UsageError
from steps.datasets import one_vs_rest
from steps.models import bundle, matrix
from steps.options.prepare import Duplicates, OnMissing
from tests.support import Chain, call, prepared, succeed, write_table

if TYPE_CHECKING:
    from pathlib import Path

PASSENGERS = schemas.parse(
    """
    name = "passengers"
    target = "Survived"
    columns = [
        { name = "Ticket", dtype = "int64" },
        { name = "Class", dtype = "int8" },
        { name = "Age", dtype = "float32" },
        { name = "Cabin", dtype = "category", values = ["A", "B"] },
        { name = "Lift", dtype = "float64" },
    ]
    cover_types = [{ label = 0, slug = "died", title = "Died" }, { label = 1, slug = "survived", title = "Survived" }]
    derived = [{ name = "Age_by_class", operation = "ratio", of = ["Age", "Class"] }]
    """
)
BIG = 2**53
COLUMNS = ("Ticket", "Class", "Age", "Cabin")


def passengers(missing: dict[str, int], rows: int = 300, *, spread: bool = False) -> pa.Table:
    """Return a table in which the last ``missing[column]`` rows have no value in a column, or as many anywhere.

    No one took the lift.
    """
    random = np.random.default_rng(0)
    label = random.integers(0, 2, rows)
    columns: dict[str, Any] = {
        "Ticket": BIG + 1 + 2 * np.arange(rows),
        "Class": random.integers(1, 4, rows),
        "Age": (30 + 20 * label + 5 * random.normal(size=rows)).astype("f4"),
        "Cabin": np.where(label == 1, "A", "B"),
        "Lift": np.zeros(rows),
        "Survived": label,
    }
    arrays = {}
    for name, values in columns.items():
        order = random.permutation(rows) if spread else np.arange(rows)
        arrays[name] = pa.array(values, mask=order >= rows - missing.get(name, 0))
    return pa.table(arrays)


def prepare_with(folder: Path, table: pa.Table, **options: Any) -> tuple[dict[str, Any], Path]:
    return prepared(write_table(folder / "source.parquet", table), folder / "out", PASSENGERS, **options)


def test_what_was_dropped_is_said_with_its_columns(tmp_path: Path) -> None:
    table = passengers({"Age": 30, "Cabin": 90, "Survived": 10})
    profile, _ = prepare_with(tmp_path, table, on_missing=OnMissing.DROP)
    assert profile["missing"] == {"Cabin": 90, "Age": 30, "Survived": 10}
    assert profile["dropped"]["missing"] == 90
    said = "90 of 300 rows (30.0%) have a missing value (Cabin 90, Age 30, Survived 10) and were dropped"
    assert profile["notes"][0] == said


def test_notes_are_in_the_log_and_in_the_summary(tmp_path: Path) -> None:
    source = write_table(tmp_path / "source.parquet", passengers({"Age": 30}))
    (tmp_path / "schema.toml").write_text(toml())
    log = succeed(
        prepare.main,
        *(f"--dataset={slug}={tmp_path / slug}" for slug in PASSENGERS.slugs),
        *("--source", source, "--schema", tmp_path / "schema.toml", "--profile", tmp_path / "profile.json"),
        *("--on-missing", "drop", "--summary", tmp_path / "summary.txt"),
    )
    note = "30 of 300 rows (10.0%) have a missing value (Age 30) and were dropped"
    assert f"note: {note}\n" in log
    assert (tmp_path / "summary.txt").read_text().startswith(f"270 of 300 rows kept; {note}")


def toml() -> str:
    columns = [f'{{ name = "{each}", dtype = "{PASSENGERS.column(each).dtype}" }}' for each in PASSENGERS.numeric]
    columns.append('{ name = "Cabin", dtype = "category", values = ["A", "B"] }')
    classes = [
        f'{{ label = {each.label}, slug = "{each.slug}", title = "{each.slug}" }}' for each in PASSENGERS.cover_types
    ]
    return (
        'name = "passengers"\ntarget = "Survived"\n'
        f"columns = [{', '.join(columns)}]\ncover_types = [{', '.join(classes)}]\n"
    )


def test_more_than_half_dropped_is_refused_unless_it_is_allowed(tmp_path: Path) -> None:
    table = passengers({"Age": 151, "Cabin": 20})
    message = (
        r"151 of 300 rows \(50.3%\) have a missing value \(Age 151, Cabin 20\), in source.parquet: keep them with"
        " --on-missing keep, leave such columns out of the schema, or allow it with --max-dropped 0.51"
    )
    with pytest.raises(BadDataError, match=message):
        prepare_with(tmp_path, table, on_missing=OnMissing.DROP)
    assert not [*(tmp_path / "out").iterdir()]
    assert prepare_with(tmp_path, table, on_missing=OnMissing.DROP, max_dropped=0.51)[0]["rows"] == 149
    half = passengers({"Age": 150})
    assert prepare_with(tmp_path, half, on_missing=OnMissing.DROP)[0]["rows"] == 150


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(UsageError, match="is not a share, in --max-dropped"):
        one_vs_rest.Options(max_dropped=share)


@pytest.mark.parametrize("mode", [OnMissing.FAIL, OnMissing.DROP])
def test_a_column_without_any_value_is_named(tmp_path: Path, mode: OnMissing) -> None:
    message = "column 'Age' has no value in any row, in source.parquet: leave it out of the schema, or keep missing"
    with pytest.raises(BadDataError, match=message):
        prepare_with(tmp_path, passengers({"Age": 300, "Cabin": 3}), on_missing=mode)


def test_a_column_that_is_empty_at_first_is_not_called_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables.read_batches, "__defaults__", (None, 50))
    table = passengers({"Age": 100}).sort_by([("Age", "ascending")])
    table = pa.concat_tables([table.slice(200), table.slice(0, 200)])
    with pytest.raises(BadDataError, match=r"a value is missing in column 'Age', in row 0 of source.parquet: correct"):
        prepare_with(tmp_path, table)


def test_a_class_of_which_all_rows_were_dropped_is_said_so(tmp_path: Path) -> None:
    table = passengers({})
    ages = pc.if_else(pc.equal(table.column("Survived"), 1), pa.scalar(None, pa.float32()), table.column("Age"))
    source = table.set_column(table.column_names.index("Age"), "Age", ages)
    count = pc.sum(table.column("Survived")).as_py()
    with pytest.raises(BadDataError, match=f"all {count} rows of cover type 'survived' were dropped"):
        prepare_with(tmp_path, source, on_missing=OnMissing.DROP, max_dropped=0.9)


def test_a_missing_label_is_dropped_and_said_and_never_kept(tmp_path: Path) -> None:
    table = passengers({"Age": 60, "Survived": 20})
    profile, folder = prepare_with(tmp_path, table, on_missing=OnMissing.KEEP)
    assert (profile["rows"], profile["dropped"]["missing"]) == (280, 20)
    assert profile["notes"][0] == "20 of 300 rows (6.7%) have no value in column 'Survived' and were dropped"
    assert "missing values were kept: Age 40" in profile["notes"]
    assert pq.read_table(folder / "died.parquet").column("label").null_count == 0
    message = r"200 of 300 rows \(66.7%\) have no label, in source.parquet: add the labels, or allow it with --max-d"
    with pytest.raises(BadDataError, match=message):
        prepare_with(tmp_path, passengers({"Survived": 200}), on_missing=OnMissing.KEEP)


def test_kept_values_are_nulls_in_the_datasets_and_counted_in_the_profile(tmp_path: Path) -> None:
    table = passengers({"Ticket": 1, "Class": 2, "Age": 300, "Cabin": 4})
    profile, folder = prepare_with(tmp_path, table, on_missing=OnMissing.KEEP)
    made = pq.read_table(folder / "died.parquet")
    assert {name: made.column(name).null_count for name in COLUMNS} == {"Ticket": 1, "Class": 2, "Age": 300, "Cabin": 4}
    figures = profile["columns"]
    assert {name: figures[name]["missing"] for name in COLUMNS} == {"Ticket": 1, "Class": 2, "Age": 300, "Cabin": 4}
    assert (figures["Age"]["minimum"], figures["Age"]["mean"]) == (None, None)
    assert figures["Ticket"]["maximum"] == BIG + 1 + 2 * 298
    assert sum(figures["Cabin"]["counts"].values()) == 296
    assert profile["notes"] == [
        "missing values were kept: Cabin 4, Class 2, Ticket 1",
        "column 'Age' has no value in any row: a model learns nothing from it",
        "column 'Lift' has the same value in all rows: a model learns nothing from it",
    ]


def test_the_digest_tells_a_missing_value_from_zero_and_does_not_depend_on_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = passengers({"Age": 40, "Cabin": 10, "Class": 3})
    zeros = table.set_column(2, "Age", pc.fill_null(table.column("Age"), 0))
    digests = [prepare_with(tmp_path, each, on_missing=OnMissing.KEEP)[0]["data_sha256"] for each in (table, zeros)]
    monkeypatch.setattr(tables.read_batches, "__defaults__", (None, 7))
    digests.append(prepare_with(tmp_path, table, on_missing=OnMissing.KEEP)[0]["data_sha256"])
    assert digests[0] == digests[2] != digests[1]


def test_duplicates_with_missing_values_are_found_and_said(tmp_path: Path) -> None:
    table = passengers({"Age": 5})
    source = pa.concat_tables([table, table.slice(290)])
    profile, _ = prepare_with(tmp_path, source, on_missing=OnMissing.KEEP, duplicates=Duplicates.DROP)
    assert profile["dropped"]["duplicates"] == 10
    assert "10 of 310 rows (3.2%) are equal to an earlier row and were dropped" in profile["notes"]


def test_a_sample_holds_rows_with_missing_values(tmp_path: Path) -> None:
    profile, _ = prepare_with(tmp_path, passengers({"Age": 150}), on_missing=OnMissing.KEEP, rows=100)
    assert profile["rows"] == 100
    assert profile["columns"]["Age"]["missing"] > 20


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """The chain of a class of a table with missing values, read in batches of which some miss nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables.read_batches, "__defaults__", (None, 40))
        chain = Chain(tmp_path_factory.mktemp("missing") / "died")
        table = passengers({"Ticket": 50, "Class": 60, "Age": 80, "Cabin": 120}, spread=True)
        source = write_table(chain.folder.parent / "source.parquet", table)
        paths = {"died": chain["dataset"]}
        prepare.prepare(str(source), PASSENGERS, paths, one_vs_rest.Options(on_missing=OnMissing.KEEP))
        chain.run(rounds=10, evaluate_every=5, max_leaves=8, min_child_weight=0.1)
    return chain


def test_features_of_missing_values_are_missing_and_integers_are_exact(made: Chain) -> None:
    source = pq.read_table(made["train"])
    features = pq.read_table(made["train_features"])
    assert features.column("Ticket").equals(source.column("Ticket"))
    assert features.column("Ticket").null_count > 10
    assert features.column("Class").type == pa.int8()
    assert features.column("Cabin").type == pa.int16()
    assert features.column("Cabin").is_null().equals(source.column("Cabin").is_null())
    array = to_array(features.combine_chunks(), [*COLUMNS, "Age_by_class"])
    for i, name in enumerate(COLUMNS):
        assert np.isnan(array[:, i]).tolist() == source.column(name).is_null().to_pylist()
    assert np.isnan(array[:, 4]).tolist() == (np.isnan(array[:, 1]) | np.isnan(array[:, 2])).tolist()


def test_a_model_of_missing_values_learns_and_scores(made: Chain) -> None:
    found = json.loads(made["metrics"].read_text())
    assert found["metrics"]["roc_auc"]["value"] > 0.9
    read = bundle.read(made["model"])
    frame = pd.DataFrame({"Ticket": [None], "Class": [None], "Age": [None], "Cabin": [None], "Lift": [0.0]})
    features = read.transformer.transform(frame.astype({"Ticket": "Int64", "Class": "Int8", "Age": "f4"}))
    score = read.booster.inplace_predict(to_array(pa.RecordBatch.from_pandas(features), read.metadata["features"]))
    assert 0 < score[0] < 1


@pytest.mark.parametrize("piece", [matrix.PIECE_ROWS, 10])
def test_a_quantised_matrix_keeps_what_is_missing(made: Chain, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(matrix, "PIECE_ROWS", piece)
    monkeypatch.setattr(tables.read_batches, "__defaults__", (None, 1))
    rows = matrix.quantise(made["train_features"], max_bin=256, threads=1)
    features = pq.read_table(made["train_features"])
    names = list(tables.read_metadata(made["train_features"]).features)
    present = sum(int(np.isfinite(column).sum()) for column in to_array(features, names).T)
    assert rows.num_nonmissing() == present


def test_a_derived_feature_that_overflows_is_refused(tmp_path: Path) -> None:
    table = passengers({})
    ages = pa.array(np.full(300, 3e38, "f4"))
    product = schemas.Derived("Age_squared", "product", ("Age", "Age"))
    schema = schemas.from_json(
        schemas.Schema("p", "Survived", PASSENGERS.columns, PASSENGERS.cover_types, (product,)).to_json()
    )
    source = write_table(tmp_path / "source.parquet", table.set_column(2, "Age", ages))
    chain = Chain(tmp_path)
    prepare.prepare(str(source), schema, {"died": chain["dataset"]}, one_vs_rest.Options())
    chain.split()
    words = [
        f"--{name.replace('_', '-')}={chain[name]}"
        for name in (
            "train",
            "validation",
            "test",
            "preprocessor",
            "train_features",
            "validation_features",
            "test_features",
        )
    ]
    result = call(preprocess.main, *words)
    assert result.code == 65
    what = "error: derived feature 'Age_squared' is too large for float32, in train.parquet"
    assert result.errors == [f"{what}: leave it out of the schema, or use --set preprocess.feature-set=plain"]
