"""Connect to MLflow: a tracking server, or a database on this machine.

MLflow's telemetry is switched off. Its errors become errors of this project, without credentials.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import warnings
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from steps.core.errors import (
    BadConfigurationError,
    DeniedError,
    PipelineError,
    TransientError,
    UnavailableError,
    UsageError,
)
from steps.core.redaction import redact
from workflows.tracking import local_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXPERIMENT = "covertype"
# The first version of MLflow that has models of their own besides runs.
_OLDEST_MAJOR = 3
_SETTINGS = {
    # MLflow sends usage figures to its makers otherwise.
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    # It would print the address of the server, with a password in it.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # It would copy files of another project from the current folder into the model.
    "MLFLOW_UV_AUTO_DETECT": "false",
}
# A server that does not answer is reported after seconds, not after minutes. The user's own values are kept.
_DEFAULTS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3", "MLFLOW_HTTP_REQUEST_TIMEOUT": "60"}
_DENIED_CODES = {"UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"}
_TRANSIENT_CODES = {"TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"}
# MLflow's pages then show training runs, and not those of language models.
_KIND = {"mlflow.experimentKind": "custom_model_development"}
_REFUSED = re.compile(r"endpoint \S*/mlflow/(\S+) failed with error code 403")
_SERVER_FAILED = re.compile(r"(error code |too many )(5\d\d)")
_LOGIN = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
# Longest reason quoted from MLflow, in characters.
_REASON_LENGTH = 300


@dataclass(frozen=True)
class Connection:
    """A connection to MLflow.

    Attributes:
        client: MLflow's client.
        address: The address without credentials.
        local: Whether it is the database on this machine.
        experiment_id: The experiment that runs are logged to.
        experiment: Its name.
    """

    client: Any
    address: str
    local: bool
    experiment_id: str
    experiment: str


@contextmanager
def connect(runs: Path) -> Iterator[Connection]:
    """Connect to ``MLFLOW_TRACKING_URI``, or to the database in a folder of runs.

    The experiment is ``MLFLOW_EXPERIMENT_NAME``, by default ``covertype``. It is created if it does not exist. In the
    block, too, errors of MLflow are converted.

    Args:
        runs: The folder of the runs on this machine.

    Raises:
        BadConfigurationError: MLflow is not installed, or the database is of another version.
        UsageError: The address or the experiment cannot be used.
        UnavailableError: There is no server, or one of another version.
        DeniedError: A login or a permission is missing.
        TransientError: The server failed.
    """
    os.environ.update(_SETTINGS)
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    uri = os.environ.get("MLFLOW_TRACKING_URI", "") or local_store.tracking_uri(runs)
    address = redact(uri)
    local = uri == local_store.tracking_uri(runs)
    with ExitStack() as stack:
        if local:
            stack.enter_context(local_store.locked(runs))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")  # MLflow's advice to its users
        mlflow = _import_mlflow()
        stack.enter_context(_converted_errors(address))
        if uri.lower().startswith(("http://", "https://")):
            _check_server(uri, address)
        mlflow.set_tracking_uri(uri)
        client = mlflow.MlflowClient()
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "") or EXPERIMENT
        location = local_store.artifact_uri(runs) if local else None
        yield Connection(client, address, local, _find_experiment(client, name, location), name)


def require_library() -> None:
    """Raise BadConfigurationError if MLflow is not installed. This does not import it, which takes seconds."""
    if importlib.util.find_spec("mlflow") is None:
        raise BadConfigurationError("MLflow is not installed", fix="install it with `make mlflow`")


def _import_mlflow() -> Any:  # noqa: ANN401 - a module without types
    require_library()
    import mlflow
    import mlflow.pyfunc

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return mlflow


def _check_server(uri: str, address: str) -> None:
    """Raise an error if there is no MLflow server at an address, or one that is too old."""
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    answer = http_request(get_default_host_creds(uri), "/version", "GET", max_retries=0, timeout=10)
    status, text = answer.status_code, answer.text.strip()
    if status in {401, 403}:
        raise DeniedError(f"the MLflow server refused the request ({status})", where=address, fix=_LOGIN)
    version = re.fullmatch(r"(\d+)\.\d[\w.+-]*", text)
    if status >= 500:  # noqa: PLR2004 - HTTP
        raise TransientError(f"the MLflow server failed ({status})", where=address, fix="run again")
    if status != 200 or not version:  # noqa: PLR2004 - HTTP
        what = f"this does not answer like an MLflow server (GET /version: {status})"
        raise UnavailableError(what, where=address, fix="check MLFLOW_TRACKING_URI, and use MLflow 3")
    if int(version[1]) < _OLDEST_MAJOR:
        what = f"the server has MLflow {text}, which has no models besides runs"
        raise UnavailableError(what, where=address, fix=f"upgrade it to MLflow {_OLDEST_MAJOR}")


def _find_experiment(client: Any, name: str, location: str | None) -> str:  # noqa: ANN401 - MLflow's client
    """Return the id of an experiment, which is created if it does not exist."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name, location, tags=_KIND))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            found = client.get_experiment_by_name(name)  # another process was faster
    if found.lifecycle_stage == "deleted":
        fix = "restore it in MLflow, or name another one with MLFLOW_EXPERIMENT_NAME"
        raise UsageError(f"the experiment {name!r} was deleted", where="MLflow", fix=fix)
    return str(found.experiment_id)


@contextmanager
def _converted_errors(address: str) -> Iterator[None]:
    """Convert errors of MLflow, of its requests and of its database."""
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException

    try:
        yield
    except MlflowException as error:
        raise to_pipeline_error(error.error_code, str(error), address) from None
    except RequestException as error:
        raise _unreachable(address, str(error)) from None
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in {"sqlalchemy", "alembic", "sqlite3"}:
            raise
        fix = "check MLFLOW_TRACKING_URI, and the permissions and the disk of the database"
        raise PipelineError(f"the database failed: {_reason(str(error))}", where=address, fix=fix) from None


def to_pipeline_error(code: str, message: str, address: str) -> PipelineError:
    """Return the error of this project for one of MLflow.

    Args:
        code: MLflow's error code, such as ``PERMISSION_DENIED``.
        message: Its message, which may hold credentials.
        address: The address of the server or database, without credentials.
    """
    reason, failed = _reason(message), _SERVER_FAILED.search(message)
    if code in _TRANSIENT_CODES or failed:
        what = f"the MLflow server failed ({failed[2] if failed else reason})"
        return TransientError(what, where=address, fix="run again")
    if "failed with exception" in message or "Max retries exceeded" in message:
        return _unreachable(address, message)
    kind, what, fix = PipelineError, f"MLflow failed: {reason}", "see the server's log"
    if code == "PERMISSION_DENIED":
        refused = _REFUSED.search(message)
        kind, what = DeniedError, f"this account has no permission for this: {refused[1] if refused else reason}"
        fix = "ask for the permission, or name an experiment of your own with MLFLOW_EXPERIMENT_NAME"
    elif code in _DENIED_CODES:
        kind, what, fix = DeniedError, f"the MLflow server refused the request: {reason}", _LOGIN
    elif "database schema" in message:
        fix = "back it up, then run `mlflow db upgrade` with this address"
        kind, what = BadConfigurationError, "the database is of another version of MLflow"
    elif code == "ENDPOINT_NOT_FOUND" or "error code 404" in message:
        what, fix = "the server does not know a request of this version of MLflow", "use a server with MLflow 3"
        kind = UnavailableError
    elif code == "INVALID_PARAMETER_VALUE":
        kind, what, fix = UsageError, f"MLflow refused a value: {reason}", "check the MLFLOW_ variables"
    return kind(what, where=address, fix=fix)


def _unreachable(address: str, message: str) -> UnavailableError:
    host = urlsplit(address).hostname or address
    causes = (("refused", "connection refused"), ("resolve", f"no such host {host}"), ("timed out", "timeout"))
    short = next((cause for sign, cause in causes if sign in message), _reason(message))
    fix = "start it, or check MLFLOW_TRACKING_URI"
    return UnavailableError(f"cannot reach the MLflow server ({short})", where=address, fix=fix)


def _reason(message: str) -> str:
    return redact(" ".join(message.split()))[:_REASON_LENGTH].rstrip(".")
