"""Ask the service inside the cluster for one prediction, through the API server, and judge the answer."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from steps.core import storage
from steps.core.errors import BadConfigurationError, DeniedError, UnavailableError
from workflows.cluster import http
from workflows.cluster.serving.deployment import DEPLOYMENT
from workflows.cluster.serving.rollout import NotRolledOutError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workflows.cluster.serving.deployment import ServingClient

# Service and port as the role of k8s/base/submitter.yaml names them.
PROXY = f"{DEPLOYMENT}:http"
TOKEN = "COVERTYPE_SERVE_TOKEN"  # noqa: S105 - the name of a variable
_LOGIN = "log in to the cluster again; `kubectl auth whoami` shows the current user"


@dataclass(frozen=True)
class Expected:
    """What a right answer has.

    Attributes:
        row: the row to score; None for the first example of the service's own OpenAPI document.
        version: the version; None if an alias decides it.
        cover_type: the cover type as text; None for any.
    """

    row: Mapping[str, Any] | None = None
    version: str | None = None
    cover_type: str | None = None


class Smoke:
    """Asks the service.

    Args:
        client: client of the cluster.
        token: token that the service demands; empty for none.
    """

    def __init__(self, client: ServingClient, token: str) -> None:
        self._client, self._token = client, token

    def require_access(self) -> None:
        """Ask for what needs the token, if a pod answers at all.

        Raises:
            DeniedError: the account may not use the proxy of the service, or the token is wrong.
            UnavailableError: the cluster did not answer.
        """
        self._ask("GET", "/openapi.json")

    def check(self, expected: Expected) -> str:
        """Score a row, and return the version that answered.

        Raises:
            NotRolledOutError: there is no answer, or it is wrong.
        """
        try:
            row = expected.row if expected.row is not None else self._example()
            status, content = self._ask("POST", "/predict", dict(row))
        except UnavailableError as error:
            raise NotRolledOutError(f"the smoke prediction got no answer: {error.what}", where=error.where) from None
        if status != HTTPStatus.OK:
            raise _wrong(f"status {status}: {_reason(content)}")
        return judge(content, expected)

    def _example(self) -> Mapping[str, Any]:
        status, content = self._ask("GET", "/openapi.json")
        if status != HTTPStatus.OK:
            raise _wrong(f"status {status}: {_reason(content)}")
        try:
            body = storage.parse_json(content.decode())["paths"]["/predict"]["post"]["requestBody"]["content"]
            found: Mapping[str, Any] = body["application/json"]["examples"]["one row"]["value"]
        except (ValueError, LookupError, TypeError):
            raise _wrong("its OpenAPI document has no example of a row") from None
        return found

    def _ask(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """Send a request, and return status and content of the answer; DeniedError if it was not let through."""
        where = f"/api/v1/namespaces/{self._client.namespace}/services/{PROXY}/proxy{path}"
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self._token:
            headers["X-API-Key"] = http.credential(self._token, TOKEN)
        status, content = self._client.send(method, where, body=body, headers=headers)
        if status == HTTPStatus.UNAUTHORIZED and b'"problems"' in content:
            fix = f"set {TOKEN} to the token in the Secret covertype-serve-token"
            raise DeniedError("the service refuses the token", where=DEPLOYMENT, fix=fix)
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise http.error_of_status(status, content.decode(errors="replace"), self._client.server, _LOGIN)
        return status, content


def judge(content: bytes, expected: Expected) -> str:
    """Return the version in an answer to one row; NotRolledOutError if the answer is wrong."""
    try:
        answer = json.loads(content)
        version, [prediction] = str(answer["model_version"]), answer["predictions"]
        cover_type, scores = str(prediction["cover_type"]), dict(prediction["scores"])
        numbers = [float(prediction["probability"]), *map(float, scores.values())]
    except (ValueError, LookupError, TypeError):
        raise _wrong("it is not one prediction") from None
    if not scores or not all(math.isfinite(each) and 0 <= each <= 1 for each in numbers):
        raise _wrong("a probability is not between 0 and 1")
    if expected.version is not None and version != expected.version:
        raise _wrong(f"version {version} answered instead of {expected.version}")
    if expected.cover_type is not None and cover_type != expected.cover_type:
        raise _wrong(f"{version} predicts cover type {cover_type} instead of {expected.cover_type}")
    return version


def read_row(text: str, where: str) -> dict[str, Any]:
    """Return the row in a JSON document.

    Raises:
        BadConfigurationError: it is not one row.
    """
    try:
        row = storage.parse_json(text)
    except ValueError as error:
        raise BadConfigurationError(f"not JSON ({error})", where=where, fix="write one JSON object") from None
    if not isinstance(row, dict) or any(isinstance(value, (list, dict)) for value in row.values()):
        raise BadConfigurationError("not one row", where=where, fix="write a JSON object with a value for each column")
    return row


def _wrong(what: str) -> NotRolledOutError:
    return NotRolledOutError(f"the smoke prediction is wrong: {what}", where=DEPLOYMENT)


def _reason(content: bytes) -> str:
    return http.message_of(content.decode(errors="replace"))
