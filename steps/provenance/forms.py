"""The forms of the documents that verification compares, as this project writes them.

Every digest can fit a document of another form: whoever changed it may have changed the manifest too. So documents are
checked here, once, and the links read only those that passed. Keys that no link reads are not checked, and keys that
an older release did not write may be missing.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from steps.bundles import folder as bundle
from steps.core.errors import PipelineError
from steps.models.metrics import calibration_of
from steps.registry.paths import PROFILE, REPORT_JSON, metrics_path
from steps.reporting import METRICS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from steps.provenance.evidence import Evidence

_Number = Annotated[float, Field(allow_inf_nan=False)]
_Texts = dict[str, str]


class _Form(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class _Estimate(_Form):
    value: _Number | None
    low: _Number | None
    high: _Number | None


class _Metrics(_Form):
    rows: int
    support: int
    threshold: _Number
    confusion: dict[str, int]
    metrics: dict[str, _Estimate]


class _Usage(_Form):
    name: str
    image: str | None = None
    options: _Texts = {}
    sha256: dict[str, Any] = {}


class _Report(_Form):
    data: dict[str, Any]
    steps: list[_Usage]
    cover_types: dict[str, dict[str, Any]]
    accuracy: _Number | None = None
    macro_f1: _Number | None = None
    missing: list[str] = []


class _Profile(_Form):
    source_sha256: str
    data_sha256: str
    datasets: _Texts = {}


class _Metadata(_Form):
    seed: int = 0
    code_sha256: str = ""
    data_sha256: str
    libraries: _Texts = {}
    parameters: dict[str, Any] = {}


class _Lineage(_Form):
    version: str | None = None
    code_revision: str = ""
    images: list[str] = []
    datasets: _Texts = {}
    parameters: dict[str, _Texts] = {}
    cover_types: dict[str, dict[str, Any]] = {}
    accuracy: _Number | None = None
    macro_f1: _Number | None = None


def find_lineage_problem(lineage: Mapping[str, Any]) -> str:
    """Return why a lineage has another form; empty if it has this one."""
    try:
        json.dumps(lineage, allow_nan=False)
    except ValueError:
        return "the lineage has a number that is not finite"
    problem = _find_problem(_Lineage, lineage)
    return f"the lineage {problem}" if problem else ""


def without_malformed(evidence: Evidence) -> Evidence:
    """Return the evidence with each document of another form as a problem instead of a file."""
    forms: dict[str, type[_Form]] = {REPORT_JSON: _Report, PROFILE: _Profile}
    for slug in evidence.slugs:
        forms |= {metrics_path(slug): _Metrics, f"models/{slug}/{bundle.METADATA}": _Metadata}
    problems = dict(evidence.problems)
    for name, form in forms.items():
        document = evidence.document(name)  # what is missing or no object at all is reported by the links
        if document and (problem := _find_problem(form, document)):
            problems[name] = f"it {problem}"
    paths = {name: path for name, path in evidence.paths.items() if name not in problems}
    return replace(evidence, paths=paths, problems=problems)


def _find_problem(form: type[_Form], document: Mapping[str, Any]) -> str:
    try:
        form.model_validate(document)
        if form is _Metrics and (missing := [name for name in METRICS if name not in document["metrics"]]):
            return f"has no metric {missing[0]!r}"
        if form is _Metadata:
            bundle.schema_of(dict(document))
            calibration_of(dict(document))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        return f"has another form than this project writes ({where}: {first['msg']})"
    except (PipelineError, KeyError, TypeError, ValueError) as error:
        return f"has another form than this project writes ({' '.join(str(error).split())})"
    return ""
