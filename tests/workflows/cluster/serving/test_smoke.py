"""The prediction that ``rollout`` asks for, and what makes its answer wrong."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from steps.core.errors import BadConfigurationError, DeniedError
from tests.workflows.fake_api import status
from tests.workflows.fake_service import OPENAPI, PROXY, ROW, answer
from workflows.cluster.serving.deployment import ServingClient
from workflows.cluster.serving.rollout import NotRolledOutError
from workflows.cluster.serving.smoke import Expected, Smoke, judge, read_row

if TYPE_CHECKING:
    from tests.workflows.fake_api import FakeApi


@pytest.fixture
def smoke(kube: FakeApi) -> Smoke:
    kube.on(f"GET {PROXY}/openapi.json", (200, OPENAPI))
    kube.on(f"POST {PROXY}/predict", (200, answer("v2")))
    return Smoke(ServingClient("covertype", os.environ), "0123456789abcdef")


def test_an_example_of_the_service_is_scored_with_the_token(kube: FakeApi, smoke: Smoke) -> None:
    assert smoke.check(Expected(version="v2", cover_type="2")) == "v2"
    document, predict = kube.requests
    assert predict.body == ROW
    assert {each.headers["X-Api-Key"] for each in (document, predict)} == {"0123456789abcdef"}


def test_a_row_of_one_s_own_is_scored(kube: FakeApi, smoke: Smoke) -> None:
    assert smoke.check(Expected(row={"a": 1})) == "v2"
    [predict] = kube.requests
    assert predict.body == {"a": 1}


@pytest.mark.parametrize(
    ("content", "expected", "reason"),
    [
        (answer("v1"), Expected(version="v2"), "version v1 answered instead of v2"),
        (answer("v2", 3), Expected(cover_type="2"), "v2 predicts cover type 3 instead of 2"),
        (answer("v2", probability=1.5), Expected(), "a probability is not between 0 and 1"),
        (answer("v2", probability=float("nan")), Expected(), "a probability is not between 0 and 1"),
        ({**answer("v2"), "predictions": []}, Expected(), "it is not one prediction"),
        ({"model_version": "v2"}, Expected(), "it is not one prediction"),
        ([], Expected(), "it is not one prediction"),
    ],
)
def test_an_answer_that_is_wrong(content: Any, expected: Expected, reason: str) -> None:
    with pytest.raises(NotRolledOutError, match=f"the smoke prediction is wrong: {reason}"):
        judge(json.dumps(content).encode(), expected)


def test_a_page_is_no_answer() -> None:
    with pytest.raises(NotRolledOutError, match="it is not one prediction"):
        judge(b"<html>", Expected())


@pytest.mark.parametrize(
    ("code", "content", "reason"),
    [
        (503, status(503, "no endpoints available"), "status 503: no endpoints available"),
        (422, {"error": "row 1: no", "problems": []}, "status 422: row 1: no"),
    ],
)
def test_a_refusal_is_a_wrong_answer(kube: FakeApi, smoke: Smoke, code: int, content: Any, reason: str) -> None:
    kube.on(f"POST {PROXY}/predict", (code, content))
    with pytest.raises(NotRolledOutError, match=reason):
        smoke.check(Expected())


@pytest.mark.parametrize("document", [{}, {"paths": []}])
def test_a_service_without_an_example(kube: FakeApi, smoke: Smoke, document: Any) -> None:
    kube.on(f"GET {PROXY}/openapi.json", (200, document))
    with pytest.raises(NotRolledOutError, match="no example of a row"):
        smoke.check(Expected())


def test_a_wrong_token_and_a_missing_permission_are_told_apart(kube: FakeApi, smoke: Smoke) -> None:
    kube.on(f"GET {PROXY}/openapi.json", (401, {"error": "no", "problems": []}))
    with pytest.raises(DeniedError, match=r"the service refuses the token.*set COVERTYPE_SERVE_TOKEN"):
        smoke.require_access()
    message = (
        'services "covertype-serve:http" is forbidden: User "jo" cannot get resource "services/proxy" in API group "" '
        'in the namespace "covertype"'
    )
    kube.on(f"GET {PROXY}/openapi.json", (403, status(403, message)))
    with pytest.raises(DeniedError, match="jo may not get services/proxy"):
        smoke.require_access()
    kube.on(f"GET {PROXY}/openapi.json", (503, status(503, "no endpoints available")))
    smoke.require_access()  # nothing answers yet


@pytest.mark.parametrize("text", ["", "[]", '{"a": [1]}', "1", '{"a": {}}'])
def test_what_is_not_one_row_is_refused(text: str) -> None:
    assert read_row('{"a": 1, "b": null}', "r.json") == {"a": 1, "b": None}
    with pytest.raises(BadConfigurationError, match=r"in r\.json"):
        read_row(text, "r.json")
