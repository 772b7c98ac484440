"""Columns and classes may be called what people call them: XGBoost, parquet, the model file and the page bear it."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from steps import prepare, report
from steps import schema as schemas
from steps.models import bundle, matrix
from tests.support import Chain, succeed

if TYPE_CHECKING:
    from pathlib import Path

    from steps.schema import Schema

NAMES = [
    *("weight [kg]", "a < b", '"quoted"', "größe 大きさ 😀", "1st", "f0", "f1", "a.b", "a", "a_b", "a b", "a,b"),
    *("label.x", "<script>alert(1)</script>", "$x^2$", "#0000ff", "two  blanks", "_", "x=1", "%s {0}", "back\\slash"),
]
TITLES = ["#0000ff #000001 & <b>bold</b>", 'font-family: "大きさ"; id="m0123456789"']


def odd_schema(names: list[str]) -> Schema:
    columns = [schemas.Column(name, "float32") for name in names]
    columns.append(schemas.Column("kind ]<", "category", values=("a [1]", "b <2>", '"', "")))
    classes = tuple(schemas.CoverType(label, f"c{label}", title) for label, title in enumerate(TITLES))
    derived = (schemas.Derived("sum [of] <two>", "sum", tuple(names[:2])),)
    return schemas.Schema("odd <names> & [co]", "tar [get]", tuple(columns), classes, derived)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run over a table with odd names, up to the report."""
    folder = tmp_path_factory.mktemp("odd")
    schema, random = odd_schema(NAMES), np.random.default_rng(0)
    frame = pd.DataFrame({name: random.normal(size=300).astype("f4") for name in NAMES})
    frame["kind ]<"] = random.choice(schema.column("kind ]<").values, 300)
    frame["tar [get]"] = (frame.sum(axis=1, numeric_only=True) > 0).astype("i8")
    frame.to_parquet(folder / "source.parquet")
    (folder / "schema.toml").write_text(as_toml(schema))
    chains = {slug: Chain(folder / slug) for slug in schema.slugs}
    options = {"schema": folder / "schema.toml", "profile": folder / "profile.json"}
    entries = [f"--dataset={slug}={chain['dataset']}" for slug, chain in chains.items()]
    succeed(prepare.main, *entries, source=folder / "source.parquet", **options)
    words: list[str] = []
    for slug, chain in chains.items():
        chain.split()
        chain.preprocess()
        chain.tune(preset="fast", trials=0)
        chain.train(rounds=5, evaluate_every=5, max_leaves=8, min_child_weight=0.1, usage=chain["usage"])
        chain.evaluate()
        words += [f"--cover-type={slug}", f"--step-usage={slug}-train={chain['usage']}"]
        words += [f"--{name}={slug}={chain[name]}" for name in ("metrics", "scores")]
        words += [f"--learning-curve={slug}={chain['learning_curve']}"]
    with warnings.catch_warnings(action="error"):
        succeed(report.main, *words, html=folder / "report.html", json=folder / "report.json", **options)
    return folder


def as_toml(schema: Schema) -> str:
    """Return a schema as its file; JSON's strings, numbers and lists are TOML's too."""
    document = json.loads(schema.to_json())
    lines = [f"{key} = {json.dumps(document[key], ensure_ascii=False)}" for key in ("name", "target")]
    for key in ("columns", "cover_types", "derived"):
        for entry in document[key]:
            given = {name: value for name, value in entry.items() if value is not None}
            lines += [
                f"[[{key}]]",
                *(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in given.items()),
            ]
    return "\n".join(lines)


def test_the_model_file_has_names_of_its_own_and_the_bundle_the_columns(made: Path) -> None:
    read = bundle.read(made / "c1" / "model")
    features = read.metadata["features"]
    assert features == [*NAMES, "kind ]<", "sum [of] <two>"]
    assert read.booster.feature_names == [f"f{i}" for i in range(len(features))]


def test_importances_are_of_the_columns(made: Path) -> None:
    found = json.loads((made / "c1" / "metrics.json").read_text())["importances"]
    assert len(found) > 5
    assert set(found) <= {*NAMES, "kind ]<", "sum [of] <two>"}
    read = bundle.read(made / "c1" / "model")
    gains = read.booster.get_score(importance_type="total_gain")
    best = max(gains, key=lambda name: gains[name])
    assert read.metadata["features"][int(best[1:])] == next(iter(found))


def test_the_page_shows_the_names_as_they_are(made: Path) -> None:
    page = (made / "report.html").read_text()
    assert "<script" not in page
    assert "odd &lt;names&gt; &amp; [co]" in page
    assert "#0000ff #000001 &amp; &lt;b&gt;bold" in page
    assert "sum [of] &lt;two&gt;" in page


def test_names_that_xgboost_takes_stay() -> None:
    fine = [name for name in NAMES if not set(name) & set("[]<")]
    assert len(fine) == len(NAMES) - 3
    assert matrix.booster_names(fine) == fine
    assert matrix.booster_names([*fine, "]"]) == [f"f{i}" for i in range(len(fine) + 1)]
    assert matrix.booster_names(["nul\0"]) == ["f0"]
