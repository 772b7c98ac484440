"""Models of a table whose columns, categories and cover types have names with markup."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from steps.schema import Column, CoverType, Schema
from tests.support import Chain, prepared

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ['<img src=x onerror="alert(3)">', "__proto__", "</script><script>alert(4)</script>"]
CATEGORIES = ["<b>bold</b>", '"quoted", with & and <i>', ""]
LABELS = ['Oak, "sessile"', "<script>alert(5)</script>"]
TITLES = ["Oak, <b>sessile</b>", "</h1><img src=x onerror=alert(6)>"]


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder ``models`` of a run, with a report that contains a script."""
    columns = [Column(COLUMNS[0], "float32", "<u>m</u>", 0, 10), Column(COLUMNS[1], "int64")]
    columns.append(Column(COLUMNS[2], "category", values=tuple(CATEGORIES)))
    classes = tuple(CoverType(*each) for each in zip(LABELS, ("oak", "constructor"), TITLES, strict=True))
    schema = Schema("<h2>trees</h2>", "kind", tuple(columns), classes)
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            COLUMNS[0]: random.uniform(0, 10, 300).astype("f4"),
            COLUMNS[1]: random.integers(-50, 50, 300),
            COLUMNS[2]: random.choice(CATEGORIES, 300),
        }
    )
    frame["kind"] = np.where(frame[COLUMNS[0]] + random.normal(size=300) > 5, *LABELS)
    folder = tmp_path_factory.mktemp("hostile")
    frame.to_parquet(folder / "source.parquet")
    prepared(folder / "source.parquet", folder, schema)
    for slug in schema.slugs:
        chain = Chain(folder / slug)
        chain.folder.mkdir()
        shutil.copy(folder / f"{slug}.parquet", chain["dataset"])
        chain.split()
        chain.preprocess()
        chain.tune(preset="fast", trials=0)
        chain.train(rounds=5, evaluate_every=5, max_leaves=8, min_child_weight=0.1)
        shutil.copytree(chain["model"], folder / "models" / slug)
    (folder / "report.html").write_text("<h1>unchanged</h1><script>document.querySelector('h1').remove()</script>")
    return folder / "models"
