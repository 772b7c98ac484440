from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from steps.serving import service as endpoints
from tests.steps.serving.conftest import TOKEN, running

if TYPE_CHECKING:
    from steps.serving.versions import ServedModel
    from tests.steps.serving.conftest import Running


def test_an_answer_has_the_id_of_its_request(service: Running, row: dict[str, Any]) -> None:
    assert service.post("/predict", row, **{"x-request-id": "my-id.7"}).headers["x-request-id"] == "my-id.7"
    first, second = (service.get("/v2").headers["x-request-id"] for _ in range(2))
    assert first != second
    for bad in ("a" * 65, "a b", "é", '"'):
        assert service.get("/v2", **{"x-request-id": bad.encode().decode("latin-1")}).headers["x-request-id"] != bad


def test_the_log_has_a_line_for_each_request_without_values_of_rows(model: ServedModel, row: dict[str, Any]) -> None:
    with running(model) as service:
        service.post("/predict", [{**row, "Elevation": 4321}] * 3, **{"x-request-id": "one"})
        service.post("/predict", {**row, "Soil_Type": "SECRET"}, **{"x-request-id": "two"})
        service.get("/nothing/at/all", **{"x-request-id": "three"})
        service.get("/v2")
    lines = {event["id"]: event for event in service.events if event["event"] == "request"}
    assert (lines["one"]["status"], lines["one"]["rows"], lines["one"]["version"]) == (200, 3, "first")
    assert (lines["two"]["status"], lines["two"]["route"]) == (422, "/predict")
    assert lines["three"]["path"] == "/nothing/at/all"
    assert all(word not in repr(service.events) for word in ("4321", "SECRET"))


def test_the_log_of_requests_can_be_left_out(model: ServedModel, row: dict[str, Any]) -> None:
    with running(model, access_log=False) as service:
        service.post("/predict", row)
    assert [event for event in service.events if event["event"] == "request"] == []


def test_only_clients_with_the_token_are_answered(model: ServedModel, row: dict[str, Any]) -> None:
    with running(model, token=TOKEN) as service:
        for headers in ({}, {"authorization": "Bearer x"}, {"x-api-key": TOKEN[:-1]}, {"authorization": TOKEN}):
            response = service.post("/predict", row, **headers)
            assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer"), headers
        assert service.get("/metrics").status_code == 401
        for headers in ({"authorization": f"Bearer {TOKEN}"}, {"x-api-key": TOKEN}):
            assert service.post("/predict", row, **headers).status_code == 200
        assert service.get("/v2/health/live").status_code == service.get("/v2/health/ready").status_code == 200
    assert TOKEN not in repr(service.events)


def test_more_requests_than_allowed_are_answered_with_429(model: ServedModel, row: dict[str, Any]) -> None:
    with running(model, max_concurrent=2, timeout=5) as service:
        slow = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(2)]
        for connection in slow:
            connection.sendall(b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{")
        time.sleep(0.3)
        response = service.post("/predict", row)
        assert (response.status_code, response.headers["retry-after"]) == (429, "1")
        for path in ("/v2/health/live", "/v2/health/ready", "/metrics"):
            assert service.get(path).status_code == 200
        for connection in slow:
            connection.close()
        time.sleep(0.3)
        assert service.post("/predict", row).status_code == 200
        assert 'covertype_refused_total{reason="concurrency"} 1.0' in service.get("/metrics").text
    assert 499 in {event["status"] for event in service.events if event["event"] == "request"}


def test_a_defect_is_one_answer_and_one_line_without_its_text(
    model: ServedModel, row: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("the value 4321")

    monkeypatch.setattr(endpoints, "score_features", fail)
    with running(model) as service:
        response = service.post("/predict", [row] * 100)
        assert response.status_code == 500
        assert "4321" not in response.text
        assert service.get("/v2/health/live").status_code == 200
    (defect,) = [event for event in service.events if event["event"] == "defect"]
    assert defect["error"].startswith("ZeroDivisionError at test_gateway.py:")


def test_a_parameter_that_a_route_does_not_have_is_refused(
    service: Running, explaining: Running, row: dict[str, Any]
) -> None:
    for query in ("explian=1", "explain=false&explian=1", "=", "a=1&b=2", "Explain=true", "explain%00=true"):
        response = service.post(f"/predict?{query}", row)
        assert response.status_code == 400, query
        assert response.json()["error"].endswith("is no parameter of this route: it has explain"), query
    assert service.post("/predict?explian=1", row).json()["error"].startswith("'explian' is no parameter")
    long = service.post(f"/predict?{'a' * 5_000}=1", row)
    assert (long.status_code, len(long.content) < 500) == (400, True)
    assert service.post("/v2/models/covertype/infer?explain=true", {}).json()["error"].endswith("it has none")
    for query in ("", "&", "explain=false"):
        assert service.post(f"/predict?{query}", row).status_code == 200, query
    assert explaining.post("/predict?explain=true", row).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/model", "/v2", "/v2/health/live", "/v2/health/ready", "/metrics", "/openapi.json", "/nothing"]
)
def test_head_has_the_headers_of_get_and_no_body(service: Running, path: str) -> None:
    asked, head = service.get(path), service.session.head(service.url(path), timeout=30)
    assert (head.status_code, head.content) == (asked.status_code, b"")
    assert head.headers["content-type"] == asked.headers["content-type"]
    if path != "/metrics":  # which counts requests
        assert head.headers["content-length"] == asked.headers["content-length"]
    assert service.get("/v2/health/live").json() == {"live": True}  # the connection is still in step


def test_head_of_a_route_without_get_is_refused(service: Running) -> None:
    response = service.session.head(service.url("/predict"), timeout=30)
    assert (response.status_code, response.headers["allow"], response.content) == (405, "POST", b"")
    assert service.post("/v2", {}).headers["allow"] == "GET, HEAD"


def test_no_other_origin_may_read_an_answer(service: Running) -> None:
    response = service.get("/v2", origin="https://example.org")
    assert not [name for name in response.headers if name.startswith("access-control")]
    preflight = service.session.options(service.url("/predict"), headers={"origin": "https://example.org"}, timeout=5)
    assert preflight.status_code == 405


def test_requests_that_run_end_before_the_server_does(model: ServedModel, row: dict[str, Any]) -> None:
    found: list[int] = []

    def ask(service: Running) -> None:
        found.append(service.post("/predict", [row] * 9_000).status_code)

    with running(model) as service:
        client = threading.Thread(target=ask, args=[service])
        client.start()
        while not service.session.adapters and not found:
            time.sleep(0.001)
        time.sleep(0.05)
    client.join()
    assert found == [200]
