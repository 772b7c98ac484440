from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from steps.drift import findings
from steps.drift.counting import Counter
from steps.drift.grouping import GroupCounter
from steps.prediction.training_profile import positions_in_schema
from steps.serving import drift
from steps.serving.formats import decoding
from steps.serving.monitoring.metrics import Metrics
from steps.serving.scoring import Scored, score_features
from tests.steps.serving.conftest import running

if TYPE_CHECKING:
    import pyarrow as pa

    from steps.serving.versions import ServedModel


def score(model: ServedModel, table: pa.Table) -> Scored:
    batch = decoding.canonical_rows(model.schema, table.combine_chunks().to_batches()[0])
    return score_features(model, model.ensemble.features(batch))


def values(text: str, name: str) -> dict[str, float]:
    """Return the values of a metric by the text of its labels."""
    lines = [line.rpartition(" ") for line in text.splitlines() if line.startswith(f"{name}{{")]
    return {labels.partition("{")[2][:-1]: float(value) for labels, _, value in lines}


def test_the_psi_of_requests_is_that_of_predict(profiled: ServedModel, table: pa.Table) -> None:
    assert profiled.documents.reference is not None
    rows = table.slice(0, 600)
    batch = decoding.canonical_rows(profiled.schema, rows.combine_chunks().to_batches()[0])
    counter = Counter(profiled.documents.reference)
    counter.add(batch, positions_in_schema(profiled.ensemble)[score(profiled, rows).best])
    expected = findings.measure(counter, complete=False)["columns"]
    with running(profiled) as service:
        for start in range(0, 600, 12):
            part = rows.slice(start, 12).to_pylist()
            assert service.post("/predict", part[0] if start == 0 else part).status_code == 200
        service.post("/predict", rows.slice(1, 11).to_pylist())
        text = service.get("/metrics").text
    found = values(text, "covertype_drift_psi")
    assert found == {f'column="{name}"': pytest.approx(entry["psi"]) for name, entry in expected.items()}
    assert values(text, "covertype_drift_psi_noise") == {
        f'column="{name}"': pytest.approx(entry["psi_noise"]) for name, entry in expected.items()
    }
    assert sum(values(text, "covertype_drift_rows_total").values()) == 600 * len(profiled.schema.columns)


def test_missing_and_unseen_values_are_shown(profiled: ServedModel, row: dict[str, Any]) -> None:
    (group,) = profiled.ensemble.groups
    column = profiled.schema.column("Soil_Type")
    unseen = next(value for value in column.values if value not in group.columns.seen["Soil_Type"])
    with running(profiled) as service:
        service.post("/predict", [{**row, "Slope": None}] * 3 + [{**row, "Soil_Type": unseen}])
        text = service.get("/metrics").text
    assert values(text, "covertype_drift_missing_share")['column="Slope"'] == 0.75
    assert values(text, "covertype_drift_unseen_share")['column="Soil_Type"'] == 0.25
    assert values(text, "covertype_drift_psi") == {}


def test_models_without_a_profile_have_no_such_metric_and_the_log_says_so(
    model: ServedModel, profiled: ServedModel, row: dict[str, Any]
) -> None:
    assert model.drift.startswith("not measured: there is no profile")
    assert profiled.drift == "measured"
    with running(model) as service:
        service.post("/predict", row)
        text = service.get("/metrics").text
    assert "covertype_drift_psi" not in text
    assert values(text, "covertype_drift_rows_total") == {}


def test_rows_of_large_requests_are_spread_and_waiting_rows_are_counted_at_last(
    profiled: ServedModel, table: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift, "_LONGEST_WAIT", 0.01)
    large, counted = score(profiled, table), list[np.ndarray]()
    monkeypatch.setattr(GroupCounter, "add", lambda _, features, __: counted.append(features))

    async def ask() -> None:
        watching = drift.Drift(Metrics().drift)
        watching.watch(profiled)
        watching.add(large)
        assert counted == []
        for _ in range(500):
            await asyncio.sleep(0.01)
            if counted:
                break
        for _ in range(11):
            watching.add(large)

    asyncio.run(ask())
    assert len(table) == 1_000
    assert np.array_equal(counted[0], large.features[0][::5], equal_nan=True)
    assert [len(each) for each in counted] == [200, 2_000]


def test_another_version_begins_with_no_rows(profiled: ServedModel, model: ServedModel, table: pa.Table) -> None:
    metrics = Metrics()
    watching = drift.Drift(metrics.drift)
    scored = score(profiled, table)

    async def ask() -> None:
        for _ in range(3):
            watching.add(scored)
        watching.add(score(model, table))

    asyncio.run(ask())
    text = metrics.text().decode()
    assert not values(text, "covertype_drift_rows_total")  # those of the version before are removed
    assert "covertype_drift_psi" not in text
