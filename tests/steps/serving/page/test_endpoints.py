from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from steps.serving.documents import Documents
from tests.steps.serving.conftest import TOKEN, running

if TYPE_CHECKING:
    from steps.serving.versions import ServedModel
    from tests.steps.serving.conftest import Running


def test_the_page_needs_no_token_and_all_else_does(model: ServedModel) -> None:
    with running(model, token=TOKEN) as service:
        page = service.get("/")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        names = [*(column.name for column in model.schema.columns), *(each.title for each in model.schema.cover_types)]
        assert [name for name in names if name in page.text] == []
        for path in ("/model", "/report", "/model-card"):
            assert service.get(path).status_code == 401
        assert service.get("/model", **{"x-api-key": TOKEN}).json()["version"] == model.version


def test_documents_have_headers_that_forbid_scripts(model: ServedModel) -> None:
    with_documents = dataclasses.replace(model, documents=Documents(b"<h1>a</h1>", "# Card"))
    with running(with_documents) as service:
        for path, text in (("/report", "<h1>a</h1>"), ("/model-card", "<h1>Card</h1>")):
            response = service.get(path)
            assert text in response.text
            policy = response.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "script-src" not in policy
            assert policy.endswith("sandbox")
        for path in ("/", "/report", "/model-card"):
            headers = service.get(path).headers
            assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
        routes = [event["route"] for event in service.events if event["event"] == "request"]
    assert {"/", "/report", "/model-card"} <= set(routes)


@pytest.mark.parametrize("path", ["/report", "/model-card"])
def test_a_document_that_there_is_not_is_not_found(service: Running, path: str) -> None:
    response = service.get(path)
    assert response.status_code == 404
    assert "first" in response.json()["error"]


def test_the_document_of_the_api_has_the_pages(service: Running) -> None:
    paths = service.get("/openapi.json").json()["paths"]
    for path in ("/", "/report", "/model-card"):
        assert list(paths[path]["get"]["responses"]["200"]["content"]) == ["text/html"]
    assert service.post("/", b"").status_code == 405
