"""Log a record as a run of MLflow, once.

The run of MLflow has the tag ``covertype.run`` with the name of the run or version. It gets the tag
``covertype.logged`` last. A run without that tag was interrupted, and is completed.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steps.core.errors import AlreadyExistsError, TransientError
from workflows.tracking.model_packaging import packaged

if TYPE_CHECKING:
    from pathlib import Path

    from steps.schema import Schema
    from workflows.tracking.connection import Connection
    from workflows.tracking.records import Record

_RUN, _LOGGED, _CONTENT = "covertype.run", "covertype.logged", "covertype.content_sha256"
# The largest number of parameters in one request of MLflow's REST API, and of metrics.
_PARAMS_PER_REQUEST, _METRICS_PER_REQUEST = 100, 1000
# The longest value of a parameter and of a tag, and the longest digest of a dataset, in characters.
_VALUE_LENGTH, _DIGEST_LENGTH = 5000, 36


@dataclass(frozen=True)
class LoggedRun:
    """A run of MLflow.

    Attributes:
        run_id: Its id.
        already: Whether it had been logged before.
        model_id: The id of its model; None if it has none.
    """

    run_id: str
    already: bool
    model_id: str | None


def log_run(connection: Connection, record: Record) -> LoggedRun:
    """Log a record: parameters, metrics with intervals, the report, and the models as one model.

    Args:
        connection: The connection to MLflow.
        record: What to log.

    Raises:
        AlreadyExistsError: A run of this name with other content is logged.
        TransientError: Another process logs the same run.
    """
    client = connection.client
    found = _find_runs(connection, record.name)
    if found:
        tags = found[0].data.tags
        if tags.get(_CONTENT) != record.content_sha256:
            what = f"MLflow has a run {record.name!r} with other metrics or other models"
            fix = "delete it there, or name another experiment with MLFLOW_EXPERIMENT_NAME"
            raise AlreadyExistsError(what, where=f"experiment {connection.experiment!r}", fix=fix)
        run_id = found[0].info.run_id
        if _LOGGED in tags:
            return LoggedRun(run_id, already=True, model_id=_find_model(connection, run_id))
    else:
        tags = {**record.tags, _CONTENT: record.content_sha256, "mlflow.source.name": "workflows/covertype.py"}
        started = round(record.started * 1000)
        run_id = client.create_run(connection.experiment_id, started, tags, record.name).info.run_id
    model_id = _log_content(connection, record, run_id)
    _require_first(connection, record.name, run_id)
    client.set_terminated(run_id, "FINISHED" if record.succeeded else "FAILED", round(record.ended * 1000))
    client.set_tag(run_id, _LOGGED, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    return LoggedRun(run_id, already=False, model_id=model_id)


def _find_runs(connection: Connection, name: str) -> list[Any]:
    """Return the runs of MLflow for a run or version, in the order of their ids."""
    quoted = name.replace("'", "''")
    found = connection.client.search_runs([connection.experiment_id], f"tags.`{_RUN}` = '{quoted}'")
    return sorted(found, key=lambda run: str(run.info.run_id))


def _require_first(connection: Connection, name: str, run_id: str) -> None:
    """Delete this run if another process has logged the same run at the same time, and raise TransientError."""
    if _find_runs(connection, name)[0].info.run_id != run_id:
        connection.client.delete_run(run_id)
        what = f"another process is logging run {name!r}"
        raise TransientError(what, where=connection.address, fix="run again")


def _log_content(connection: Connection, record: Record, run_id: str) -> str | None:
    """Log everything about a record to a run, and return the id of its model. Repeating it changes nothing."""
    from mlflow.entities import Metric, Param, RunTag

    client, moment = connection.client, round(record.ended * 1000)
    params = [Param(name, value[:_VALUE_LENGTH]) for name, value in record.params.items()]
    for at in range(0, len(params), _PARAMS_PER_REQUEST):
        client.log_batch(run_id, params=params[at : at + _PARAMS_PER_REQUEST])
    if record.data_sha256:
        client.log_inputs(run_id, [_dataset(record)])
    for path in record.files:
        client.log_artifact(run_id, str(path))
    model_id = None
    if record.models and record.schema:
        model_id = _find_model(connection, run_id) or _log_model(run_id, record.models, record.schema)
    # The model's page shows the metrics too. MLflow refuses a metric of a model that is there already.
    present = client.get_run(run_id).data.metrics
    missing = {name: value for name, value in record.metrics.items() if name not in present}
    metrics = [Metric(name, value, moment, 0, model_id=model_id) for name, value in missing.items()]
    for at in range(0, len(metrics), _METRICS_PER_REQUEST):
        client.log_batch(run_id, metrics=metrics[at : at + _METRICS_PER_REQUEST])
    client.log_batch(run_id, tags=[RunTag(name, value[:_VALUE_LENGTH]) for name, value in record.tags.items()])
    return model_id


def _dataset(record: Record) -> Any:  # noqa: ANN401 - MLflow's type
    from mlflow.entities import Dataset, DatasetInput, InputTag

    name = record.schema.name if record.schema else "table"
    source = json.dumps({"uri": record.source})
    digest = record.data_sha256[:_DIGEST_LENGTH]
    return DatasetInput(Dataset(name, digest, "uri", source), [InputTag("mlflow.data.context", "training")])


def _find_model(connection: Connection, run_id: str) -> str | None:
    """Return the id of the complete model of a run. Models whose upload was interrupted are deleted."""
    client, complete = connection.client, None
    found = client.search_logged_models([connection.experiment_id], f"source_run_id = '{run_id}'")
    for model in found:
        if str(model.status) == "READY" and complete is None:
            complete = str(model.model_id)
        else:
            client.delete_logged_model(model.model_id)
    return complete


def _log_model(run_id: str, models: Path, schema: Schema) -> str:
    """Log the models of a run as one model, and return its id."""
    import mlflow

    with mlflow.start_run(run_id=run_id), packaged(models, schema) as arguments:
        return str(mlflow.pyfunc.log_model(name="model", **arguments).model_id)
