"""What cannot be explained is refused, and explanations never hold up other requests."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import requests

from steps import serve
from steps.core import runtime
from steps.serving.explainer import Explainer
from tests.steps.serving.conftest import running
from tests.steps.serving.test_service import INFER

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from steps.serving.versions import ServedModel
    from tests.steps.serving.conftest import Running


def test_what_cannot_be_explained_is_refused(explaining: Running, service: Running, row: dict[str, Any]) -> None:
    off = service.post("/predict?explain=true", row)
    assert (off.status_code, "start the server with --explain" in off.json()["error"]) == (400, True)
    for query in ("explain=pine", "explain=true&explain=all", "", "explain=%ff", "&".join(["a=1"] * 2_000)):
        assert explaining.post(f"/predict?{query}&explain=x", row).status_code == 400, query[:20]
    assert explaining.post("/predict?explain=true", row, accept="text/csv").status_code == 406
    many = explaining.post("/predict?explain=true", [row] * 21)
    assert (many.status_code, many.json()["error"]) == (413, "21 rows, 20 are explained in a request: send several")
    assert explaining.post("/predict?explain=true", {**row, "Slope": "x"}).status_code == 422
    for server, rows, status in ((service, 1, 400), (explaining, 21, 413), (explaining, 1, 200)):
        document = {
            "inputs": [
                {
                    "name": name,
                    "datatype": "BYTES" if isinstance(value, str) else "INT16",
                    "shape": [rows],
                    "data": [value] * rows,
                }
                for name, value in row.items()
            ],
            "outputs": [{"name": "contributions"}],
        }
        assert server.post(INFER, document).status_code == status
    escaped = json.dumps(document).replace('"contributions"', '"contribution\\u0073"').encode()
    assert explaining.post(INFER, escaped).json()["error"].startswith("write the name 'contributions' of the output")


def test_explanations_wait_in_a_short_queue_and_stop_nobody(
    explained: ServedModel, row: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, computed = threading.Event(), Explainer.contributions

    def wait(self: Explainer, *arguments: Any) -> Any:
        ended.wait(20)
        return computed(self, *arguments)

    monkeypatch.setattr(Explainer, "contributions", wait)
    with running(explained, explain=True, timeout=30) as service, ThreadPoolExecutor(5) as clients:
        asked = [clients.submit(ask_alone, service, row) for _ in range(5)]
        deadline = time.monotonic() + 20
        while not any(each.done() for each in asked):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert service.post("/predict", row).status_code == 200
        assert service.post("/predict", [row] * 100).status_code == 200
        ended.set()
        assert sorted(each.result() for each in asked) == [200, 200, 200, 200, 429]


def ask_alone(service: Running, row: dict[str, Any]) -> int:
    return requests.post(service.url("/predict?explain=true"), json=row, timeout=30).status_code


def test_an_explanation_that_takes_too_long_is_an_answer(
    explained: ServedModel, row: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_until = Explainer.run_until
    monkeypatch.setattr(Explainer, "run_until", lambda self, _, *rest: run_until(self, time.monotonic() - 1, *rest))
    with running(explained, explain=True) as service:
        assert service.post("/predict?explain=true", row).status_code == 503
        assert service.post("/predict", row).status_code == 200


def test_xgboost_that_is_missing_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serve, "_EXPLAINS", "no_such_library")
    assert runtime.run(serve.main, [f"--models={folder}", "--port=0", "--explain"]) == 69
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: --explain needs no_such_library")
