"""Another table is another schema file: two more go through all steps without a line of code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_wine

from steps import prepare, tables
from steps import schema as schemas
from steps.models import bundle
from tests.support import Chain, call, prepared, same_values, succeed

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).parent / "data"
WINE = schemas.load(str(DATA / "wine.toml"))
TREES = schemas.load(str(DATA / "trees.toml"))


def wine() -> pd.DataFrame:
    frame: pd.DataFrame = load_wine(as_frame=True).frame.rename(columns={"target": "grower"})
    return frame


def trees() -> pd.DataFrame:
    random = np.random.default_rng(0)
    kinds = random.choice(["Oak, sessile", "Elm"], 400)
    height = np.where(kinds == "Elm", 20, 30) + 3 * random.normal(size=400)
    sites = np.where(random.random(400) < 0.8, np.where(kinds == "Elm", "NA", "null"), "N")
    return pd.DataFrame(
        {"rings": random.integers(5, 200, 400), "site": sites, "label": kinds, "height": height.round(2)}
    )


WINE_TABLE, TREES_TABLE = ("wine", wine, WINE), ("trees", trees, TREES)


@pytest.fixture(scope="module", params=[WINE_TABLE, TREES_TABLE], ids=["wine", "trees"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """A table's schema, and the folder with its source and the way of each of its classes."""
    name, table, schema = request.param
    folder = tmp_path_factory.mktemp(name)
    table().to_csv(folder / "source.csv", index=False)
    chains = {slug: Chain(folder / slug) for slug in schema.slugs}
    entries = [f"--dataset={slug}={chain['dataset']}" for slug, chain in chains.items()]
    options = {"source": folder / "source.csv", "schema": DATA / f"{name}.toml", "profile": folder / "profile.json"}
    succeed(prepare.main, *entries, **options)
    for chain in chains.values():
        chain.split()
        chain.preprocess()
        chain.tune(preset="fast", trials=0)
        chain.train(rounds=20, evaluate_every=5, max_leaves=16, min_child_weight=0.1)
        chain.evaluate()
    return schema, folder


def test_every_class_is_learnt(made: tuple[Any, Path]) -> None:
    schema, folder = made
    for slug in schema.slugs:
        found = json.loads((folder / slug / "metrics.json").read_text())
        assert found["metrics"]["roc_auc"]["value"] > 0.9
        assert found["metrics"]["accuracy"]["value"] > 0.8
        assert found["cover_type"] == slug


def test_the_bundle_knows_its_table(made: tuple[Any, Path]) -> None:
    schema, folder = made
    for cover_type in schema.cover_types:
        read = bundle.read(folder / cover_type.slug / "model")
        assert read.schema == schema
        assert read.metadata["label"] == cover_type.label
        columns = [column.name for column in schema.columns]
        assert read.metadata["features"] == columns + [feature.name for feature in schema.derived]


def test_classes_are_split_alike(made: tuple[Any, Path]) -> None:
    schema, folder = made
    for part in ("train", "validation", "test"):
        rows = [tables.read_table(folder / slug / f"{part}.parquet", ["row"]) for slug in schema.slugs]
        assert all(each.equals(rows[0]) for each in rows)


def test_wine_counts() -> None:
    counts = wine()["grower"].value_counts()
    assert counts.tolist() == [71, 59, 48]


@pytest.mark.parametrize("made", [WINE_TABLE], ids=["wine"], indirect=True)
def test_tuning_on_wine(made: tuple[Any, Path], tmp_path: Path) -> None:
    _, folder = made
    mine = Chain(tmp_path)
    for part in ("train", "validation"):
        mine[f"{part}_features"].write_bytes((folder / "grower-b" / f"{part}_features.parquet").read_bytes())
    mine.tune(preset="fast", trials=2)
    assert json.loads(mine["best_parameters"].read_text())["origin"].endswith("of 2")


@pytest.mark.parametrize("made", [TREES_TABLE], ids=["trees"], indirect=True)
def test_categories_that_look_missing_are_not(made: tuple[Any, Path]) -> None:
    _, folder = made
    profile = json.loads((folder / "profile.json").read_text())
    sites = trees()["site"].value_counts().to_dict()
    assert profile["columns"]["site"]["counts"] == {name: sites[name] for name in ("N", "NA", "null")}
    assert profile["dropped"]["missing"] == 0
    assert profile["labels"] == "names"


WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    "csv.gz": lambda frame, path: frame.to_csv(path, index=False),
    "parquet": lambda frame, path: frame.to_parquet(path),
    "PARQUET": lambda frame, path: frame.astype({"site": "category", "label": "category"}).to_parquet(path),
    "csv": lambda frame, path: frame.to_csv(path, index=False, quoting=1, lineterminator="\r\n", encoding="utf-8-sig"),
}


@pytest.mark.parametrize("ending", WRITERS)
def test_file_formats_of_a_table_with_words(tmp_path: Path, ending: str) -> None:
    first = tmp_path / "first.csv"
    trees().to_csv(first, index=False)
    expected, folder = prepared(first, tmp_path / "1", TREES)
    WRITERS[ending](trees(), tmp_path / f"other.{ending}")
    profile, other = prepared(tmp_path / f"other.{ending}", tmp_path / "2", TREES)
    assert profile["data_sha256"] == expected["data_sha256"]
    assert same_values(folder, other)


@pytest.mark.parametrize(
    ("labels", "code", "message"),
    [
        (
            "auto",
            65,
            "label Ash in column 'label' is not one of Oak, sessile, Elm, in row 3 of source.csv: correct the source",
        ),
        (
            "zero",
            2,
            "the labels of 'label' are strings and have no start, in --first-label zero: use --first-label auto",
        ),
    ],
)
def test_labels_that_are_words(tmp_path: Path, labels: str, code: int, message: str) -> None:
    frame = trees()
    frame.loc[3, "label"] = "Ash"
    frame.to_csv(tmp_path / "source.csv", index=False)
    result = call(
        prepare.main,
        *("--source", tmp_path / "source.csv", "--schema", DATA / "trees.toml", "--first-label", labels),
        *("--dataset", f"elm={tmp_path}/elm.parquet", "--profile", tmp_path / "profile.json"),
    )
    assert (result.code, result.errors) == (code, [f"error: {message}"])


def test_the_builtin_table_is_covertype_s_alone(tmp_path: Path) -> None:
    outputs = ("--dataset", f"elm={tmp_path}/elm.parquet", "--profile", tmp_path / "profile.json")
    result = call(prepare.main, "--schema", DATA / "trees.toml", *outputs)
    assert result.code == 78
    assert result.errors == ["error: schema 'trees' has no builtin table, in --source: name a file with --source"]
