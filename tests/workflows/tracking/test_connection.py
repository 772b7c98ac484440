from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

import pytest

from steps.core.errors import (
    BadConfigurationError,
    DeniedError,
    PipelineError,
    TransientError,
    UnavailableError,
    UsageError,
)
from tests.emulators.processes import free_port
from tests.workflows.tracking.server import basic, pretended_server
from workflows.tracking.connection import EXPERIMENT, connect, to_pipeline_error

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "s3cr3t-pass-w0rd"  # noqa: S105 - of nothing


def failure(runs: Path, uri: str) -> PipelineError:
    """Return the error of a connection to an address, which must not show the password."""
    os.environ["MLFLOW_TRACKING_URI"] = uri
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    with pytest.raises(PipelineError) as caught, connect(runs):
        pass
    assert PASSWORD not in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.usefixtures("mlflow_library")
def test_without_an_address_a_database_is_created_in_the_folder_of_runs(tmp_path: Path) -> None:
    runs = tmp_path / "my runs"
    with connect(runs) as first, pytest.MonkeyPatch.context():
        assert first.local
        assert first.experiment == EXPERIMENT
        assert (
            first.client.get_experiment(first.experiment_id).artifact_location == (runs / ".mlflow/artifacts").as_uri()
        )
    with connect(runs) as second:
        assert second.experiment_id == first.experiment_id
    assert (runs / ".mlflow/mlflow.db").is_file()


@pytest.mark.usefixtures("mlflow_library")
def test_telemetry_is_off(tmp_path: Path) -> None:
    with connect(tmp_path):
        from mlflow.telemetry.utils import is_telemetry_disabled

        assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
        assert os.environ["DO_NOT_TRACK"] == "true"
        assert is_telemetry_disabled()


@pytest.mark.usefixtures("mlflow_library")
def test_the_experiment_is_that_of_the_environment_and_must_not_be_deleted(tmp_path: Path) -> None:
    os.environ["MLFLOW_EXPERIMENT_NAME"] = "mine"
    with connect(tmp_path) as connection:
        assert connection.client.get_experiment_by_name("mine").experiment_id == connection.experiment_id
        connection.client.delete_experiment(connection.experiment_id)
    with pytest.raises(UsageError, match="'mine' was deleted"), connect(tmp_path):
        pass


@pytest.mark.usefixtures("mlflow_library")
def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    error = failure(tmp_path, f"http://me:{PASSWORD}@127.0.0.1:{free_port()}")
    assert isinstance(error, UnavailableError)
    assert "connection refused" in str(error)
    assert "***@127.0.0.1" in str(error)
    assert isinstance(failure(tmp_path, f"http://me:{PASSWORD}@no-such-host.invalid"), UnavailableError)


@pytest.mark.usefixtures("mlflow_library")
@pytest.mark.parametrize(
    ("version", "status", "others", "kind", "text"),
    [
        ("2.22.0", 200, 404, UnavailableError, "the server has MLflow 2.22.0"),
        ("<html>", 200, 404, UnavailableError, "does not answer like an MLflow server"),
        ("", 404, 404, UnavailableError, "does not answer like an MLflow server"),
        ("", 401, 401, DeniedError, "refused the request (401)"),
        ("", 403, 403, DeniedError, "refused the request (403)"),
        ("", 502, 502, TransientError, "the MLflow server failed (502)"),
        ("3.17.2", 200, 401, DeniedError, "refused the request"),
        ("3.17.2", 200, 403, DeniedError, "no permission for this: experiments/get-by-name"),
        ("3.17.2", 200, 404, UnavailableError, "does not know a request"),
        ("3.17.2", 200, 500, TransientError, "the MLflow server failed"),
    ],
)
def test_servers_that_cannot_be_used(  # noqa: PLR0913, PLR0917 - one a column
    tmp_path: Path, version: str, status: int, others: int, kind: type[PipelineError], text: str
) -> None:
    with pretended_server(version, status, others) as address:
        error = failure(tmp_path, f"http://me:{PASSWORD}@{address}")
    assert type(error) is kind, error
    assert text in str(error)


@pytest.mark.usefixtures("mlflow_library")
@pytest.mark.parametrize("login", [f"Bearer {PASSWORD}", basic("me", PASSWORD)])
@pytest.mark.parametrize("secret", [PASSWORD, "an0ther-s3cret"])
def test_a_login_of_the_environment_is_sent_and_not_shown(tmp_path: Path, login: str, secret: str) -> None:
    """The server behind the login does not know MLflow's requests, which is seen with the right login only."""
    name = "TOKEN" if login.startswith("Bearer") else "PASSWORD"
    os.environ |= {f"MLFLOW_TRACKING_{name}": secret} | ({} if name == "TOKEN" else {"MLFLOW_TRACKING_USERNAME": "me"})
    with pretended_server("3.17.2", login=login) as address:
        error = failure(tmp_path, f"http://{address}")
    assert isinstance(error, UnavailableError if secret == PASSWORD else DeniedError)
    assert ("does not know a request" in str(error)) == (secret == PASSWORD)
    assert secret not in str(error)


@pytest.mark.usefixtures("mlflow_library")
def test_a_database_that_is_none_or_of_another_version(tmp_path: Path) -> None:
    (tmp_path / "other.db").write_text("not a database")
    assert "the database failed" in str(failure(tmp_path, f"sqlite:///{tmp_path}/other.db"))
    assert isinstance(failure(tmp_path, "nonsense://x"), PipelineError)


def test_without_mlflow_the_error_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(BadConfigurationError, match=r"MLflow is not installed.*`make mlflow`"), connect(tmp_path):
        pass


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("INTERNAL_ERROR", "Detected out-of-date database schema (found version a, but expected b)", 78),
        ("INTERNAL_ERROR", "API request failed with exception HTTPConnectionPool: Max retries exceeded, refused", 69),
        ("PERMISSION_DENIED", "no", 77),
        ("REQUEST_LIMIT_EXCEEDED", "slow down", 75),
        ("ENDPOINT_NOT_FOUND", "no such endpoint", 69),
        ("INVALID_PARAMETER_VALUE", "bad name", 2),
        ("INTERNAL_ERROR", "something", 1),
    ],
)
def test_errors_of_mlflow_have_documented_exit_codes(code: str, message: str, kind: int) -> None:
    error = to_pipeline_error(code, f"{message} http://me:{PASSWORD}@host/\nmore", "http://host")
    assert error.exit_code == kind
    assert PASSWORD not in str(error)
    assert "\n" not in str(error)


@pytest.mark.usefixtures("mlflow_library")
def test_mlflow_does_not_talk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with connect(tmp_path):
        assert logging.getLogger("mlflow").level == logging.ERROR
    assert capsys.readouterr() == ("", "")
