from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from steps.core.errors import AlreadyExistsError, TransientError
from workflows.tracking import records, run_log
from workflows.tracking.connection import Connection, connect
from workflows.tracking.run_log import log_run

if TYPE_CHECKING:
    from tests.workflows.tracking.conftest import Made
    from workflows.tracking.records import Record

pytestmark = pytest.mark.usefixtures("mlflow_library")


def runs_of(connection: Connection) -> list[Any]:
    return list(connection.client.search_runs([connection.experiment_id]))


def models_of(connection: Connection) -> list[Any]:
    return list(connection.client.search_logged_models([connection.experiment_id]))


def require_complete(connection: Connection, record: Record) -> None:
    """Require one finished run with everything in it, once."""
    [run] = runs_of(connection)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == record.name
    assert (run.info.start_time, run.info.end_time) == (round(record.started * 1000), round(record.ended * 1000))
    assert run.data.params == record.params
    assert run.data.metrics == pytest.approx(record.metrics, abs=0)
    assert record.tags.items() <= run.data.tags.items()
    for name in record.metrics:
        assert len(connection.client.get_metric_history(run.info.run_id, name)) == 1
    assert {file.path for file in connection.client.list_artifacts(run.info.run_id)} >= {"report.html", "report.json"}
    [dataset] = run.inputs.dataset_inputs
    assert record.data_sha256.startswith(dataset.dataset.digest)
    [model] = models_of(connection)
    assert (model.source_run_id, str(model.status)) == (run.info.run_id, "READY")


def test_a_run_is_logged_once(made: Made) -> None:
    record = records.read_run(made.runs, made.champion)
    with connect(made.runs) as connection:
        first = log_run(connection, record)
        require_complete(connection, record)
    with connect(made.runs) as connection:
        again = log_run(connection, record)
        require_complete(connection, record)
    assert (first.already, again.already) == (False, True)
    assert (first.run_id, first.model_id) == (again.run_id, again.model_id)
    assert not list(made.runs.rglob("forest*.bin"))


STEPS = ("log_inputs", "log_artifact", "log_batch", "search_logged_models", "set_terminated", "set_tag")


@pytest.mark.parametrize("broken", STEPS)
def test_an_interrupted_run_is_completed(made: Made, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    record = records.read_run(made.runs, made.champion)
    with connect(made.runs) as connection:
        with monkeypatch.context() as patch:
            patch.setattr(connection.client, broken, interrupt)
            with pytest.raises(KeyboardInterrupt):
                log_run(connection, record)
        assert "covertype.logged" not in runs_of(connection)[0].data.tags
        log_run(connection, record)
        require_complete(connection, record)


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_model_whose_upload_was_interrupted_is_replaced(made: Made) -> None:
    record = records.read_run(made.runs, made.champion)
    with connect(made.runs) as connection:
        run_id = log_run(connection, dataclasses.replace(record, models=None)).run_id
        half = connection.client.create_logged_model(connection.experiment_id, "model", run_id)
        connection.client.delete_tag(run_id, "covertype.logged")
        log_run(connection, record)
        require_complete(connection, record)
        assert models_of(connection)[0].model_id != half.model_id


def test_a_failed_run_is_logged_as_failed(made: Made) -> None:
    record = dataclasses.replace(records.read_run(made.runs, made.champion), succeeded=False, models=None)
    with connect(made.runs) as connection:
        assert log_run(connection, record).model_id is None
        assert runs_of(connection)[0].info.status == "FAILED"


def test_another_run_of_the_same_name_is_refused(made: Made) -> None:
    record = records.read_run(made.runs, made.champion)
    with connect(made.runs) as connection:
        log_run(connection, dataclasses.replace(record, models=None))
        with pytest.raises(AlreadyExistsError, match="other metrics or other models"):
            log_run(connection, dataclasses.replace(record, content_sha256="0" * 64))


def test_of_two_processes_at_the_same_time_one_logs(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    record = dataclasses.replace(records.read_run(made.runs, made.champion), models=None)
    with connect(made.runs) as connection:
        real, seen = run_log._find_runs, []

        def find_runs(connection: Connection, name: str) -> list[Any]:
            """See no run at first, as a process that looks before the other one has created its run."""
            seen.append(name)
            return [] if len(seen) == 1 else real(connection, name)

        first = log_run(connection, record).run_id
        monkeypatch.setattr(run_log, "_find_runs", find_runs)
        outcomes = set()
        for _ in range(6):  # which one stays depends on the ids, which are random
            seen.clear()
            try:
                stays = log_run(connection, record).run_id
                connection.client.delete_run(first)
                first = stays
                outcomes.add("second")
            except TransientError:
                outcomes.add("first")
            assert [run.info.run_id for run in runs_of(connection)] == [first]
        assert outcomes
