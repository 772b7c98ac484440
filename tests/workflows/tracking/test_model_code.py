"""The model in MLflow, loaded as its users do: in a new process, in another folder, without this project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support import decoded, real_rows
from tests.workflows.command_line import invoke

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from tests.workflows.tracking.conftest import Made

pytestmark = pytest.mark.usefixtures("mlflow_library")

CONSUMER = """
import json, sys
import mlflow, pandas
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/covertype@champion")
frame = pandas.read_parquet("in.parquet")
model.predict(frame).to_parquet("out.parquet")
frame.loc[3, "Slope"] = 91
try:
    model.predict(frame)
except Exception as error:
    message = str(error)
rejected = model.predict(frame, params={"max_rejects": 1})
import steps
facts = {"message": message, "problem": rejected["problem"][3], "rows": len(rejected), "code": steps.__file__}
facts["example"] = len(model.predict(model.input_example))
facts["modules"] = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps(facts))
"""


def consume(folder: Path, uri: str) -> dict[str, object]:
    """Predict with the champion in a process that knows MLflow and the installed libraries only."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MLFLOW"))}
    environment |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    environment["TMPDIR"] = str(folder)  # MLflow leaves what it has downloaded from a server
    command = [sys.executable, "-c", CONSUMER, uri]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    facts: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return facts


def require_predictions_of_predict(folder: Path, registry: Path | str, uri: str) -> None:
    """Require that MLflow's champion and ``predict`` write the same bits about real rows."""
    table = decoded(real_rows(3000)).drop(["Cover_Type"])
    pq.write_table(table, folder / "in.parquet")
    arguments = (
        "--registry",
        registry,
        "--input",
        folder / "in.parquet",
        "--output",
        folder / "predicted.parquet",
    )
    assert invoke("predict", *arguments, "--overwrite") == 0
    facts = consume(folder, uri)
    assert "91 in column 'Slope' is outside" in str(facts["message"])
    assert "91 in column 'Slope' is outside" in str(facts["problem"])
    assert (facts["rows"], facts["example"]) == (len(table), 5)
    assert "/code/steps/" in str(facts["code"])
    assert "workflows" not in facts["modules"]  # type: ignore[operator]
    expected = pq.read_table(folder / "predicted.parquet")
    found = pq.read_table(folder / "out.parquet").select(expected.column_names)
    assert found.schema.types == expected.schema.types
    for name in expected.column_names:
        assert bits(found[name]) == bits(expected[name]), name


def bits(column: pa.ChunkedArray) -> bytes:
    values: pd.Series = column.to_pandas()
    return bytes(values.to_numpy().tobytes())


def test_the_champion_in_a_local_database_predicts_as_predict_does(tmp_path: Path, made: Made) -> None:
    assert invoke("log-mlflow", "--registry", made.registry, "--output", made.runs) == 0
    other = tmp_path / "other"
    other.mkdir()
    require_predictions_of_predict(other, made.registry, f"sqlite:///{made.runs}/.mlflow/mlflow.db")
    assert not list(made.runs.rglob("forest*.bin"))


def test_the_champion_of_a_server_predicts_as_predict_does(tmp_path: Path, made: Made, mlflow_server: str) -> None:
    os.environ["MLFLOW_TRACKING_URI"] = mlflow_server
    for _ in range(2):
        assert invoke("log-mlflow", made.champion, "--output", made.runs) == 0
        assert invoke("log-mlflow", "--registry", made.registry, "--output", made.runs) == 0
    import mlflow

    client = mlflow.MlflowClient(mlflow_server)
    experiment = client.get_experiment_by_name("covertype")
    assert len(client.search_runs([experiment.experiment_id])) == 2
    assert client.get_model_version_by_alias("covertype", "champion").tags["covertype.version"] == made.champion
    assert len(client.search_model_versions("name = 'covertype'")) == 2
    run_id = client.get_model_version_by_alias("covertype", "champion").run_id
    assert {file.path for file in client.list_artifacts(run_id)} >= {"report.html", "report.json"}
    assert not (made.runs / ".mlflow/artifacts").exists()
    other = tmp_path / "other"
    other.mkdir()
    require_predictions_of_predict(other, made.registry, mlflow_server)
