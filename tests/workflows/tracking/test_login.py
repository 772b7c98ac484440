"""Logins to a tracking server with MLflow's own app for them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.workflows.command_line import invoke
from tests.workflows.tracking.server import ADMIN, READER, basic, post

if TYPE_CHECKING:
    from tests.workflows.tracking.conftest import Made

pytestmark = pytest.mark.usefixtures("mlflow_library")

USER, PASSWORD, TOKEN = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"
WRONG = "s3cr3t-that-is-wr0ng"
SECRETS = (ADMIN[1], READER[1], WRONG, basic(*ADMIN)[6:], basic(*READER)[6:])


def log(made: Made, capsys: pytest.CaptureFixture[str], *words: object, **variables: str) -> tuple[int, str]:
    """Call ``log-mlflow`` with these variables only; returns its exit code and all that it printed, without secrets."""
    for name in (USER, PASSWORD, TOKEN):
        os.environ.pop(name, None)
    os.environ.update(variables)
    code = invoke("log-mlflow", *words, "--runs", made.runs)
    printed = "".join(capsys.readouterr())
    assert not [secret for secret in SECRETS if secret in printed]
    assert len(printed.splitlines()) == 1
    return code, printed


def test_a_server_with_logins(made: Made, login_server: str, capsys: pytest.CaptureFixture[str]) -> None:
    os.environ["MLFLOW_TRACKING_URI"] = login_server
    with_user = login_server.replace("//", f"//{READER[0]}:{WRONG}@")
    # A token is in test_connection.py: with the cache of logins, MLflow 3.17.2 fails on one (500).
    missing: tuple[dict[str, str], ...] = (
        {},
        {USER: ADMIN[0]},
        {USER: ADMIN[0], PASSWORD: WRONG},
        {"MLFLOW_TRACKING_URI": with_user},
    )
    for variables in missing:
        code, line = log(made, capsys, made.champion, **variables)
        assert (code, "refused the request (401)" in line, f"set {USER} and" in line) == (77, True, True)
    os.environ["MLFLOW_TRACKING_URI"] = login_server
    admin, reader = ({USER: user, PASSWORD: password} for user, password in (ADMIN, READER))
    code, line = log(made, capsys, made.champion, **admin)
    assert (code, f"{made.champion} is logged in experiment covertype" in line) == (0, True)
    code, line = log(made, capsys, made.candidate, **reader)
    assert (code, "no permission for this: runs/create" in line, "MLFLOW_EXPERIMENT_NAME" in line) == (77, True, True)
    code, line = log(made, capsys, made.champion, **reader)  # nothing to write
    assert (code, "was already logged" in line) == (0, True)


def test_a_user_who_may_log_runs_and_no_versions(
    made: Made, login_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The registered model is another user's."""
    os.environ |= {"MLFLOW_TRACKING_URI": login_server, "MLFLOW_EXPERIMENT_NAME": "of the reader"}
    post(login_server, "registered-models/create", {"name": "covertype"})
    code, line = log(made, capsys, made.champion, "--registry", made.registry, **{USER: READER[0], PASSWORD: READER[1]})
    assert (code, "no permission for this: model-versions/create" in line) == (77, True)
