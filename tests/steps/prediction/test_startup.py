"""A process that only scores rows imports none of the libraries that train."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from steps.bundles.folder import prepared_name
from tests.support import TARGET, real_rows, write_table

ROOT = Path(__file__).parents[3]
HEAVY = ["pandas", "sklearn", "scipy", "xgboost", "skops", "google.cloud", "boto3", "optuna"]
_SCORE = """
import json, sys
from pathlib import Path
from steps.prediction import startup
startup.keep_pandas_out_of_arrow()
from steps.prediction.models import read_ensemble
from steps.prediction import reading
from steps.prediction.rejects import Rejects
from steps.sources.files import open_source
ensemble = read_ensemble(Path(sys.argv[1]))
rows = next(reading.read_rows(open_source(sys.argv[2], ensemble.schema, labelled=False), [], None, Rejects(0)))
print(json.dumps([ensemble.engine, ensemble.scores(rows.features, 1).shape, sorted(sys.modules)]))
"""


def score(models: Path, source: Path) -> tuple[str, list[int], list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", _SCORE, str(models), str(source)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    engine, shape, modules = json.loads(done.stdout)
    return engine, shape, [name for name in HEAVY if name in modules]


def test_rows_are_scored_without_the_libraries_that_train(tmp_path: Path, models: Path) -> None:
    source = write_table(tmp_path / "a.csv", real_rows(70).drop_columns([TARGET]))
    (models / prepared_name(0)).unlink(missing_ok=True)
    engine, shape, heavy = score(models, source)  # makes the prepared forest
    assert (engine, shape) == ("forest", [3, 70])
    assert "xgboost" in heavy
    assert score(models, source) == ("forest", [3, 70], [])


def test_pandas_can_be_imported_afterwards() -> None:
    code = (
        "from steps.prediction import startup; startup.keep_pandas_out_of_arrow(); import pyarrow, pandas;"
        "startup.keep_pandas_out_of_arrow(); print(pyarrow.array([1]).to_pylist(), len(pandas.Series([1])))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[1] 1\n", "")
