"""What MLflow gets about a run on this machine, or about a version in a registry.

Both have the same report and the same models, so both give the same record. A registered run is one run of MLflow.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steps.bundles import folder as bundle
from steps.core import storage
from steps.core.errors import BadDataError, renamed
from steps.core.redaction import redact
from steps.registry import publishing
from steps.registry.paths import CARD, PROFILE, REPORT_HTML, REPORT_JSON, version_path
from workflows.runs import results

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from steps.registry.destinations import Destination
    from steps.schema import Schema

REPORT_FILES = (REPORT_HTML, REPORT_JSON)
# Files of a version that are logged besides the report, where it has them.
_VERSION_FILES = (CARD, PROFILE)
_DATA_PARAMS = ("source", "rows", "labels")
_MODEL_PARAMS = ("seed", "refit", "best_rounds")
_INTERVAL = "_interval"


@dataclass(frozen=True)
class Record:
    """A run or a version as MLflow gets it.

    Attributes:
        name: The name of the run.
        succeeded: Whether the run succeeded.
        started: When it started, as Unix time in seconds.
        ended: When it ended, as Unix time in seconds.
        params: Parameters by name.
        metrics: Metrics by name: ``f1`` of a cover type is ``SLUG/f1``, its 95% interval ``SLUG/f1_low`` and
            ``SLUG/f1_high``.
        tags: Tags by name.
        files: Files to log as artifacts.
        models: The folder with the bundles; None unless every cover type has one.
        schema: The schema of the table; None without models.
        data_sha256: The digest of the rows; empty without a report.
        source: The address of the table; empty without a report.
        content_sha256: A digest of parameters, metrics and models. It is equal for a run and its version, whose
            reports differ in the decision of the gate.
    """

    name: str
    succeeded: bool
    started: float
    ended: float
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    files: tuple[Path, ...]
    models: Path | None
    schema: Schema | None
    data_sha256: str
    source: str
    content_sha256: str


def read_run(runs: Path, name: str) -> Record:
    """Return the record of a run on this machine that has ended.

    Args:
        runs: The folder of the runs.
        name: The name of the run; empty for the newest one that succeeded.

    Raises:
        NoInputError: There is no such run, or it did not finish.
        BadDataError: Its result or its report is damaged.
    """
    name = name or results.find_models(runs, "").parent.name
    result, folder = results.read_result(runs, name), runs / name
    tags = {f"covertype.failed.{step}": message[:500] for step, message in result["failed_steps"].items()}
    return _read_files(name, folder, tags, result)


@contextmanager
def fetched_version(registry: Destination, version: str) -> Iterator[Record]:
    """Yield the record of a version in a registry, whose files are in a temporary folder.

    Raises:
        NoInputError: There is no such version.
        BadDataError: A file is damaged, or is not the one that was published.
    """
    source = registry.below(version_path(version))
    manifest = publishing.read_manifest(source)
    names = {
        entry.name
        for entry in manifest.files
        if entry.name in {*REPORT_FILES, *_VERSION_FILES} or entry.name.startswith("models/")
    }
    with tempfile.TemporaryDirectory(prefix="covertype-mlflow-") as temporary:
        folder = Path(temporary) / "version"
        publishing.fetch(source, folder, names)
        revision = str(manifest.metadata.get("code_revision") or "")
        with renamed(folder, source.location):
            record = _read_files(version, folder, {"mlflow.source.git.commit": revision} if revision else {}, None)
        yield record


def _read_files(name: str, folder: Path, tags: dict[str, str], result: Mapping[str, Any] | None) -> Record:
    """Return the record of a run or version from its files.

    Args:
        name: The name of the run or version.
        folder: The folder with ``report.html``, ``report.json`` and ``models``.
        tags: Tags to add.
        result: The result of a run on this machine; None for a version.
    """
    files = tuple(folder / each for each in (*REPORT_FILES, *_VERSION_FILES) if (folder / each).is_file())
    report = _read_report(folder / REPORT_JSON) if (folder / REPORT_JSON).is_file() else {}
    slugs = [slug for slug in report.get("cover_types", {}) if (folder / "models" / slug).is_dir()]
    facts = {slug: bundle.check(folder / "models" / slug) for slug in slugs}
    complete = bool(facts) and not report.get("missing")
    times = _times(report, folder, result)
    data = report.get("data", {})
    params, metrics = _params(data, facts), _metrics(report)
    return Record(
        name=name,
        succeeded=complete if result is None else result["status"] == "Succeeded",
        started=times[0],
        ended=times[1],
        params=params,
        metrics=metrics | {"seconds": round(times[1] - times[0], 3)},
        tags={**tags, "covertype.run": name, **_digests(data, facts)},
        files=files,
        models=folder / "models" if complete else None,
        schema=bundle.schema_of(next(iter(facts.values()))) if facts else None,
        data_sha256=data.get("data_sha256", ""),
        source=redact(str(data.get("source", ""))),
        content_sha256=_content_sha256(params, metrics, facts),
    )


def _read_report(path: Path) -> dict[str, Any]:
    try:
        report = storage.read_json(path)
        objects = [report["data"], report["cover_types"], *report["cover_types"].values(), *report["steps"]]
        if all(isinstance(each, dict) for each in objects):
            return dict(report)
    except (ValueError, AttributeError, KeyError, TypeError):
        pass
    raise BadDataError("not the report of a run", where=str(path), fix="run again")


def _times(report: Mapping[str, Any], folder: Path, result: Mapping[str, Any] | None) -> tuple[float, float]:
    """Return when a run started and ended: by the steps that it executed, otherwise by the time of its files."""
    executed = [step for step in report.get("steps", []) if not step.get("cached") and "started" in step]
    if executed:
        return min(step["started"] for step in executed), max(step["finished"] for step in executed)
    known = [folder / each for each in (REPORT_JSON, results.RESULT) if (folder / each).is_file()]
    ended = min((path.stat().st_mtime for path in known), default=0.0)
    return ended - float((result or {}).get("seconds") or 0), ended


def _params(data: Mapping[str, Any], facts: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the parameters: one that is equal for all cover types once, another as ``SLUG/NAME``."""
    found: dict[str, Any] = {name: data[name] for name in _DATA_PARAMS if name in data}
    each = {
        slug: {name: values[name] for name in _MODEL_PARAMS if name in values} | dict(values.get("parameters", {}))
        for slug, values in facts.items()
    }
    for name in dict.fromkeys(name for values in each.values() for name in values):
        different = {json.dumps(values.get(name)) for values in each.values()}
        if len(different) == 1:
            found[name] = next(iter(each.values()))[name]
        else:
            found |= {f"{slug}/{name}": values.get(name) for slug, values in each.items()}
    return {name: redact(str(value)) for name, value in found.items()}


def _metrics(report: Mapping[str, Any]) -> dict[str, float]:
    """Return every figure of a report that has an interval, with both ends of the interval."""
    found = _with_intervals(report, "")
    for slug, entry in report.get("cover_types", {}).items():
        found |= _with_intervals(entry, f"{slug}/")
        found |= {f"{slug}/{name}": float(entry[name]) for name in ("threshold", "support", "rows") if name in entry}
    return found


def _with_intervals(figures: Mapping[str, Any], prefix: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for key in figures:
        name, interval = key.removesuffix(_INTERVAL), figures[key]
        if name == key or figures.get(name) is None:
            continue
        found[f"{prefix}{name}"] = float(figures[name])
        if interval is not None:
            found |= {f"{prefix}{name}_low": float(interval[0]), f"{prefix}{name}_high": float(interval[1])}
    return found


def _digests(data: Mapping[str, Any], facts: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    found = {f"covertype.{name}": str(data[name]) for name in ("source_sha256", "data_sha256") if data.get(name)}
    code = {str(values.get("code_sha256")) for values in facts.values()}
    return found | ({"covertype.code_sha256": code.pop()} if len(code) == 1 else {})


def _content_sha256(params: dict[str, str], metrics: dict[str, float], facts: Mapping[str, Mapping[str, Any]]) -> str:
    models = {slug: values["sha256"] for slug, values in facts.items()}
    return hashlib.sha256(json.dumps([params, metrics, models], sort_keys=True).encode()).hexdigest()


def model_name(schema: Schema) -> str:
    """Return the name of the registered model for a table. MLflow allows no slash and no colon in it."""
    return schema.name.replace("/", "-").replace(":", "-")
