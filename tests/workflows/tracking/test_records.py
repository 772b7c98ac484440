from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from steps.core import storage
from steps.core.errors import BadDataError, NoInputError
from steps.io import open_destination
from tests.support import SCHEMA
from workflows.tracking import records

if TYPE_CHECKING:
    from tests.workflows.tracking.conftest import Made


def test_a_record_has_every_metric_of_the_report_with_its_interval(made: Made) -> None:
    record = records.read_run(made.runs, made.champion)
    report = json.loads((made.runs / made.champion / "report.json").read_text())
    assert record.metrics["macro_f1"] == report["macro_f1"]
    assert [record.metrics[f"accuracy_{end}"] for end in ("low", "high")] == report["accuracy_interval"]
    for slug, entry in report["cover_types"].items():
        for name in ("f1", "precision", "recall", "pr_auc", "roc_auc", "log_loss", "brier"):
            assert record.metrics[f"{slug}/{name}"] == entry[name]
            assert [record.metrics[f"{slug}/{name}_{end}"] for end in ("low", "high")] == entry[f"{name}_interval"]
        assert record.metrics[f"{slug}/threshold"] == entry["threshold"]
    assert record.metrics["seconds"] == round(record.ended - record.started, 3) > 0


def test_a_parameter_is_there_once_if_it_is_equal_for_all_cover_types(made: Made) -> None:
    params = records.read_run(made.runs, made.champion).params
    assert (params["rounds"], params["rows"], params["source"], params["seed"]) == ("3", "1000", "builtin:", "0")
    metadata = made.runs / made.champion / "models/aspen/metadata.json"
    changed = storage.read_json(metadata)
    changed["parameters"]["rounds"] = 5
    storage.write_json(metadata, changed)
    params = records.read_run(made.runs, made.champion).params
    assert (params["aspen/rounds"], params["krummholz/rounds"]) == ("5", "3")
    assert "rounds" not in params


def test_a_run_and_its_version_have_the_same_record(made: Made) -> None:
    run = records.read_run(made.runs, made.champion)
    with records.fetched_version(open_destination(str(made.registry)), made.champion) as version:
        for name in ("name", "succeeded", "started", "ended", "params", "metrics", "schema", "content_sha256"):
            assert getattr(version, name) == getattr(run, name), name
        assert {path.name for path in version.files} >= {"report.html", "report.json"}
        assert version.models is not None
    assert run.schema == SCHEMA
    assert records.model_name(SCHEMA) == "covertype"


def test_the_newest_run_that_succeeded_is_the_default(made: Made) -> None:
    assert records.read_run(made.runs, "").name == made.candidate


def test_a_failed_run_has_its_errors_and_no_models(made: Made) -> None:
    folder = made.runs / made.champion
    result = storage.read_json(folder / "result.json")
    storage.write_json(folder / "result.json", {**result, "status": "Failed", "failed_steps": {"prepare": "error: x"}})
    for name in ("report.json", "report.html"):
        (folder / name).unlink()
    record = records.read_run(made.runs, made.champion)
    assert (record.succeeded, record.models, record.files) == (False, None, ())
    assert record.tags["covertype.failed.prepare"] == "error: x"
    assert record.ended - record.started == pytest.approx(result["seconds"])


def test_what_is_not_there_or_damaged(made: Made) -> None:
    with pytest.raises(NoInputError, match="there is no such run"):
        records.read_run(made.runs, "none")
    with pytest.raises(NoInputError), records.fetched_version(open_destination(str(made.registry)), "none"):
        pass
    path = made.runs / made.champion / "report.json"
    report = json.loads(path.read_text())
    damages: tuple[dict[str, Any], ...] = (
        {"steps": [5]},
        {"steps": None},
        {"cover_types": []},
        {"cover_types": {"aspen": 1}},
        {"data": []},
    )
    for changes in damages:
        path.write_text(json.dumps({**report, **changes}))
        with pytest.raises(BadDataError, match="not the report of a run"):
            records.read_run(made.runs, made.champion)
    path.write_text("[]")
    with pytest.raises(BadDataError, match="not the report of a run"):
        records.read_run(made.runs, made.champion)
    model = made.registry / "versions" / made.candidate / "models/aspen/model.ubj"
    model.write_bytes(model.read_bytes()[:-1] + b"x")
    with pytest.raises(BadDataError), records.fetched_version(open_destination(str(made.registry)), made.candidate):
        pass
