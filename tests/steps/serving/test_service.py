from __future__ import annotations

import io
import json
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from steps import predict as step
from steps.core import runtime
from steps.serving import service as endpoints
from steps.serving.formats import inference_protocol
from tests.steps.serving.conftest import running

if TYPE_CHECKING:
    from pathlib import Path

    import requests

    from steps.serving.versions import ServedModel
    from tests.steps.serving.conftest import Running

ARROW, CSV = "application/vnd.apache.arrow.stream", "text/csv"
INFER = "/v2/models/covertype/infer"


def as_arrow(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def as_csv(table: pa.Table) -> bytes:
    file = io.BytesIO()
    pyarrow.csv.write_csv(table, file)
    return file.getvalue()


def as_inference(table: pa.Table, *, binary: bool) -> tuple[bytes, dict[str, str]]:
    inputs, parts = [], []
    for name, column in zip(table.column_names, table.columns, strict=True):
        values = column.to_pylist()
        text = isinstance(values[0], str)
        tensor: dict[str, Any] = {"name": name, "datatype": "BYTES" if text else "INT16", "shape": [len(values)]}
        if binary:
            data = (
                b"".join(len(value).to_bytes(4, "little") + value.encode() for value in values)
                if text
                else np.array(values, "<i2").tobytes()
            )
            parts.append(data)
            tensor["parameters"] = {"binary_data_size": len(data)}
        else:
            tensor["data"] = values
        inputs.append(tensor)
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": binary}}).encode()
    headers = {"inference-header-content-length": str(len(head))} if binary else {}
    return b"".join((head, *parts)), headers


def read_inference(response: requests.Response) -> dict[str, np.ndarray]:
    length = response.headers.get("inference-header-content-length")
    head, tail = response.content, b""
    if length:
        head, tail = head[: int(length)], head[int(length) :]
    found = {}
    for output in json.loads(head)["outputs"]:
        kind = {"FP32": "<f4", "INT64": "<i8"}[output["datatype"]]
        if length:
            size = output["parameters"]["binary_data_size"]
            values, tail = np.frombuffer(tail[:size], kind), tail[size:]
        else:
            values = np.array(output["data"], kind)
        found[output["name"]] = values.reshape(output["shape"])
    return found


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, folder: Path, table: pa.Table) -> pa.Table:
    """What ``predict`` answers for the rows."""
    made = tmp_path_factory.mktemp("predict")
    pq.write_table(table, made / "rows.parquet")
    words = [f"--input={made / 'rows.parquet'}", f"--output={made / 'scores.parquet'}", f"--models={folder}"]
    assert runtime.run(step.main, words) == 0
    return pq.read_table(made / "scores.parquet")


def scores_of(table: pa.Table) -> np.ndarray:
    names = [name for name in table.column_names if name.startswith("score_")]
    return np.stack([table.column(name).to_numpy() for name in names], axis=1)


def assert_equal(expected: pa.Table, scores: np.ndarray, cover_types: list[Any], probability: np.ndarray) -> None:
    assert np.array_equal(scores_of(expected).view("u4"), np.ascontiguousarray(scores, "f4").view("u4"))
    assert expected.column("cover_type").to_pylist() == cover_types
    assert np.array_equal(expected.column("probability").to_numpy().view("u4"), probability.astype("f4").view("u4"))


@pytest.mark.parametrize("count", [1, 7, 1_000])
class TestAnswersAreThoseOfPredictBitForBit:
    @pytest.mark.parametrize("form", ["rows", "columns", "other spelling"])
    def test_json(self, service: Running, table: pa.Table, expected: pa.Table, count: int, form: str) -> None:
        rows = table.slice(0, count).to_pylist()
        body: Any = {name: [row[name] for row in rows] for name in rows[0]} if form == "columns" else rows
        if form == "other spelling":
            body = [{**row, "Elevation": float(row["Elevation"]), "id": at} for at, row in enumerate(rows)]
        answer = service.post("/predict", body).json()
        found = answer["predictions"]
        scores = np.array([list(each["scores"].values()) for each in found])
        probability = np.array([each["probability"] for each in found])
        assert_equal(expected.slice(0, count), scores, [each["cover_type"] for each in found], probability)
        assert answer["model_version"] == "first"

    @pytest.mark.parametrize("kind", [CSV, ARROW])
    def test_tables(self, service: Running, table: pa.Table, expected: pa.Table, count: int, kind: str) -> None:
        part = table.slice(0, count)
        body = as_csv(part) if kind == CSV else as_arrow(part)
        response = service.post("/predict", body, kind, accept=kind)
        assert response.headers["x-model-version"] == "first"
        if kind == CSV:
            found = pyarrow.csv.read_csv(io.BytesIO(response.content))
            scores, probability = scores_of(found).astype("f4"), found.column("probability").to_numpy()
        else:
            found = pa.ipc.open_stream(response.content).read_all()
            assert found.schema.remove_metadata().equals(expected.schema.remove_metadata())
            scores, probability = scores_of(found), found.column("probability").to_numpy()
        assert_equal(expected.slice(0, count), scores, found.column("cover_type").to_pylist(), probability)

    @pytest.mark.parametrize("binary", [False, True])
    def test_inference_protocol(
        self, service: Running, table: pa.Table, expected: pa.Table, count: int, *, binary: bool
    ) -> None:
        body, headers = as_inference(table.slice(0, count), binary=binary)
        kind = "application/octet-stream" if binary else "application/json"
        response = service.post(INFER, body, kind, **headers)
        found = read_inference(response)
        assert ("inference-header-content-length" in response.headers) == binary
        assert_equal(expected.slice(0, count), found["scores"], found["cover_type"].tolist(), found["probability"])


def test_missing_values_and_labels_are_accepted_as_by_predict(service: Running, row: dict[str, Any]) -> None:
    first = service.post("/predict", {**row, "Slope": None, "Soil_Type": None, "Cover_Type": 2}).json()
    columns = {name: [value] for name, value in {**row, "Slope": None, "Soil_Type": None}.items()}
    assert first["predictions"] == service.post("/predict", columns).json()["predictions"]
    text = as_csv(pa.table(columns))
    assert service.post("/predict", text, CSV).json()["predictions"] == first["predictions"]


PROBLEMS = [
    ({"Elevation": "2596"}, 0, "Elevation", "is a text, a number is needed"),
    ({"Elevation": 2596.5}, 0, "Elevation", "is not a whole number"),
    ({"Elevation": 99999}, 0, "Elevation", "is outside 0 to 9000"),
    ({"Elevation": 10**40}, 0, "Elevation", "is outside 0 to 9000"),
    ({"Elevation": [1]}, 0, "Elevation", "neither a number nor a text"),
    ({"Elevation": {"a": 1}}, 0, "Elevation", "neither a number nor a text"),
    ({"Soil_Type": "C7747"}, 0, "Soil_Type", "unknown value 'C7747'"),
]


@pytest.mark.parametrize(("change", "at", "column", "reason"), PROBLEMS)
@pytest.mark.parametrize("before", [0, 30])
def test_a_wrong_value_is_named_by_row_column_and_reason(  # noqa: PLR0913, PLR0917 - what a case is
    service: Running, row: dict[str, Any], change: dict[str, Any], at: int, column: str, reason: str, before: int
) -> None:
    response = service.post("/predict", [row] * before + [{**row, **change}])
    assert response.status_code == 422
    (problem,) = response.json()["problems"]
    assert (problem["row"], problem["column"]) == (before + at, column)
    assert reason in problem["reason"]
    assert response.json()["error"].startswith(f"row {before + at}: ")


def test_a_column_of_the_wrong_type_is_named(service: Running, row: dict[str, Any]) -> None:
    (problem,) = service.post("/predict", {**row, "Soil_Type": 7}).json()["problems"]
    assert (problem["column"], "strings are needed" in problem["reason"]) == ("Soil_Type", True)
    (problem,) = service.post("/predict", [row, {**row, "Soil_Type": 7}]).json()["problems"]
    assert (problem["row"], problem["column"]) == (1, "Soil_Type")


def test_several_problems_are_named_but_not_thousands(service: Running, row: dict[str, Any]) -> None:
    bad = [{**row, "Elevation": -1, "Soil_Type": "no"}] * 2_000
    response = service.post("/predict", bad)
    assert response.status_code == 422
    assert len(response.json()["problems"]) == 20
    assert response.elapsed.total_seconds() < 2


def test_versions_and_models_that_do_not_answer_are_not_found(service: Running) -> None:
    for path in ("/v2/models/other/infer", "/v2/models/covertype/versions/second/infer"):
        response = service.post(path, {"inputs": []})
        assert (response.status_code, bool(response.json()["error"])) == (404, True)
    assert service.get("/v2/models/covertype/versions/first/ready").json()["version"] == "first"
    assert service.get("/v2/models/other").status_code == 404


def test_an_unknown_route_or_method_names_the_document_that_lists_them(service: Running) -> None:
    unknown, method = service.get("/nothing"), service.get("/predict")
    assert (unknown.status_code, unknown.json()["error"]) == (404, "there is no such route: /openapi.json lists them")
    reason = "this route has another method: /openapi.json lists them"
    assert (method.status_code, method.json()["error"], method.headers["allow"]) == (405, reason, "POST")


def test_metadata_are_those_of_the_protocol(service: Running) -> None:
    assert service.get("/v2").json()["extensions"] == ["binary_tensor_data"]
    assert service.get("/v2/health/live").json() == {"live": True}
    ready = service.get("/v2/health/ready").json()
    assert (ready["ready"], ready["version"], ready["refused"]) == (True, "first", None)
    found = service.get("/v2/models/covertype").json()
    assert found["inputs"][0] == {"name": "Elevation", "datatype": "INT16", "shape": [-1]}
    assert {each["name"] for each in found["outputs"]} == {"scores", "cover_type", "probability"}
    assert set(found["parameters"]["sha256"]) == {"spruce-fir", "lodgepole-pine", "krummholz"}


def test_more_rows_or_bytes_than_are_allowed_are_refused(service: Running, row: dict[str, Any]) -> None:
    response = service.post("/predict", [row] * 2_001)
    assert response.status_code == 413
    assert "2,001 rows, 2,000 are allowed" in response.json()["error"]
    many = as_csv(pa.table({name: [value] * 2_001 for name, value in row.items()}))
    assert service.post("/predict", many, CSV).status_code == 413
    response = service.post("/predict", b" " * ((1 << 20) + 1))
    assert response.status_code == 413
    assert response.headers["connection"] == "close"


def test_a_content_type_that_is_not_known_is_refused(service: Running, row: dict[str, Any]) -> None:
    for kind in ("text/plain", "application/xml", "multipart/form-data", ""):
        assert service.post("/predict", row, kind).status_code == 415, kind
    assert service.post("/predict", row, "application/json; charset=utf-8").status_code == 200
    compressed = service.post("/predict", row, **{"content-encoding": "gzip"})
    assert (compressed.status_code, "compressed" in compressed.json()["error"]) == (415, True)
    assert service.post(INFER, row, "text/csv").status_code == 415


def test_requests_of_several_clients_are_never_mixed(service: Running, table: pa.Table, expected: pa.Table) -> None:
    from concurrent.futures import ThreadPoolExecutor

    rows = table.to_pylist()
    wanted = scores_of(expected)

    def ask(at: int) -> bool:
        count = 1 + at % 5
        found = service.post("/predict", rows[at : at + count]).json()["predictions"]
        scores = np.array([list(each["scores"].values()) for each in found], "f4")
        return np.array_equal(scores, wanted[at : at + count])

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(600)))


def test_a_request_that_takes_too_long_is_answered(
    model: ServedModel, row: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    scored = threading.Event()
    monkeypatch.setattr(endpoints, "_predict_in_thread", lambda *_: scored.wait(20))
    with running(model, timeout=2) as service:
        response = service.post("/predict", [row] * 500)
        scored.set()
    assert response.status_code == 503
    assert "no answer in 2 seconds: send fewer rows" in response.json()["error"]


def test_the_binary_extension_is_refused_where_it_is_wrong(service: Running, table: pa.Table) -> None:
    body, headers = as_inference(table.slice(0, 2), binary=True)
    kind = "application/octet-stream"
    for wrong in ("x", "-1", "9" * 30, str(len(body) + 1), "3"):
        response = service.post(INFER, body, kind, **{"inference-header-content-length": wrong})
        assert response.status_code == 400, wrong
    assert service.post(INFER, body[:-1], kind, **headers).status_code == 400
    assert service.post(INFER, body + b"x", kind, **headers).status_code == 400
    assert inference_protocol.LENGTH_HEADER.decode() in headers
