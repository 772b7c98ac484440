"""The classic way, for comparison: pandas, dummies of the label, a CSV file per cover type, one model after the other.

    python -m benchmarks.classic --source steps/data/covertype.parquet --test-rows scores.parquet --output DIR

It does not use the pipeline. XGBoost has its default parameters except the number of trees and the learning rate, so it
uses all cores. The test rows are an input, so that both ways are evaluated on the same rows.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer
from sklearn.compose import ColumnTransformer
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from xgboost import XGBClassifier

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TARGET = "Cover_Type"
CATEGORICAL = ["Wilderness_Area", "Soil_Type"]
NUMERIC = [
    "Elevation",
    "Aspect",
    "Slope",
    "Horizontal_Distance_To_Hydrology",
    "Vertical_Distance_To_Hydrology",
    "Horizontal_Distance_To_Roadways",
    "Hillshade_9am",
    "Hillshade_Noon",
    "Hillshade_3pm",
    "Horizontal_Distance_To_Fire_Points",
]
THRESHOLD = 0.5  # XGBClassifier.predict returns 1 above it
RESULT = "classic.json"


def write_csv_files(source: Path, output: Path) -> dict[str, Path]:
    """Write a CSV file of the features and a 0/1 ``label`` for each cover type; return the files by label."""
    table = pd.read_parquet(source)
    dummies = pd.get_dummies(table[TARGET], dtype=int)
    files = {}
    for cover_type in dummies.columns:
        path = output / f"cover_type_{cover_type}.csv"
        table[NUMERIC + CATEGORICAL].assign(label=dummies[cover_type]).to_csv(path, index=False)
        files[str(cover_type)] = path
    return files


def make_model() -> Pipeline:
    """Return an unfitted pipeline of scaling, dense one-hot encoding and XGBoost."""
    features = ColumnTransformer(
        [
            ("numeric", StandardScaler(), NUMERIC),
            ("categories", OneHotEncoder(sparse_output=False, handle_unknown="ignore"), CATEGORICAL),
        ]
    )
    return Pipeline([("features", features), ("classifier", XGBClassifier(n_estimators=300, learning_rate=0.1))])


def train_and_score(path: Path, test_rows: NDArray[np.int64]) -> pd.DataFrame:
    """Train on all other rows of a CSV file and return ``row label score predicted`` of the test rows.

    Args:
        path: the CSV file of a cover type.
        test_rows: positions in the file, counted from 0.
    """
    table = pd.read_csv(path)
    test = table.iloc[test_rows]
    train = table.drop(index=test.index)
    model = make_model()
    model.fit(train[NUMERIC + CATEGORICAL], train["label"])
    scores = model.predict_proba(test[NUMERIC + CATEGORICAL])[:, 1]
    predicted = (scores > THRESHOLD).astype("uint8")
    return pd.DataFrame({"row": test_rows, "label": test["label"].to_numpy(), "score": scores, "predicted": predicted})


def metrics_of(scored: pd.DataFrame) -> dict[str, float]:
    """Return accuracy and F1 of the predictions."""
    return {
        "accuracy": float(accuracy_score(scored["label"], scored["predicted"])),
        "f1": float(f1_score(scored["label"], scored["predicted"], zero_division=0)),
    }


def main(
    *,
    source: Annotated[Path, typer.Option(help="Parquet table of 12 features and Cover_Type.")],
    test_rows: Annotated[Path, typer.Option(help="Parquet table whose column row lists the held-out rows.")],
    output: Annotated[Path, typer.Option(help="Folder for the CSV files, the scored test rows and classic.json.")],
) -> None:
    """Train and evaluate one model per cover type in the classic way."""
    start = time.perf_counter()
    output.mkdir(parents=True, exist_ok=True)
    held_out = pd.read_parquet(test_rows, columns=["row"])["row"].sort_values().to_numpy()
    result: dict[str, Any] = {"cover_types": {}}
    for label, path in write_csv_files(source, output).items():
        scored = train_and_score(path, held_out)
        scored.to_parquet(output / f"scores_{label}.parquet", index=False)
        result["cover_types"][label] = metrics_of(scored)
        print(f"cover type {label}: F1 {result['cover_types'][label]['f1']:.4f}")
    result["seconds"] = round(time.perf_counter() - start, 2)
    (output / RESULT).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
