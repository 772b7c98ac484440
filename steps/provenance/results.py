"""The links from the boosters to the report: bundles, metrics computed again, figures and page of the report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from steps.bundles import folder as bundle
from steps.comparison.scores import FILE as SCORES
from steps.core import storage
from steps.core.errors import BadDataError
from steps.models import intervals, multiclass
from steps.models.multiclass import Joined
from steps.provenance.links import Link, make_link
from steps.registry.paths import CARD, REPORT_HTML, REPORT_JSON, metrics_path
from steps.reporting import METRICS, report_digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from steps.comparison.scores import TestScores
    from steps.provenance.evidence import Evidence

_FILES = (bundle.METADATA, bundle.MODEL, bundle.PREPROCESSOR)
# Facts of a bundle that the lineage repeats.
_FACTS = ("label", "seed", "threshold", "libraries")
# Sums of the same numbers in another order differ by less; so do functions of other builds of NumPy and SciPy.
_ROUNDING = 1e-9


def boosters_link(evidence: Evidence) -> Link:
    """Compare the files of the bundles with the manifest, with their own metadata, and with the lineage."""
    problems = []
    for slug in evidence.slugs:
        names = [f"models/{slug}/{name}" for name in _FILES]
        if wrong := list(evidence.wrong(*names)):
            problems += wrong
            continue
        try:
            metadata = bundle.check(evidence.paths[names[0]].parent)
        except BadDataError as error:
            problems.append(f"models/{slug}: {error.what}")
            continue
        if metadata["cover_type"] != slug:
            problems.append(f"models/{slug} is the model of {metadata['cover_type']}")
        stated = evidence.lineage.get("cover_types", {}).get(slug, {})
        problems += [
            f"the lineage and the bundle of {slug} differ in {fact}"
            for fact in _FACTS
            if evidence.registered and stated.get(fact) != metadata.get(fact)
        ]
    if not evidence.slugs:
        problems.append("there is no model")
    return make_link(
        "boosters", problems, f"{len(evidence.slugs)} bundles, each with the bytes that its metadata states"
    )


def metrics_link(evidence: Evidence) -> Link:
    """Compute the metrics again from the stored scores of the test rows, and compare them."""
    problems = [*evidence.wrong(*map(metrics_path, evidence.slugs))]
    if SCORES in evidence.problems:
        problems.append(f"{SCORES}: {evidence.problems[SCORES]}")
    try:
        scores = evidence.test_scores()
    except BadDataError as error:
        return make_link("metrics", [*problems, f"the test scores cannot be read: {error.what}"], "")
    if scores is None:
        return make_link("metrics", problems, "", unchecked="the scores of the test rows are not stored")
    for at, slug in enumerate(scores.slugs):
        stated = evidence.document(metrics_path(slug))
        if stated:
            problems += _wrong_metrics(slug, stated, scores, at, evidence.metadata(slug))
    if missing := set(evidence.slugs) - set(scores.slugs):
        problems.append(f"the test scores have no column of {min(missing)}")
    return make_link("metrics", problems, f"computed again from the scores of {len(scores.rows):,} test rows")


def _wrong_metrics(
    slug: str, stated: Mapping[str, Any], scores: TestScores, at: int, metadata: Mapping[str, Any]
) -> Iterator[str]:
    threshold = metadata.get("threshold", stated["threshold"])
    if (stated["threshold"], scores.thresholds[at]) != (threshold, threshold):
        yield f"the threshold of {slug} is not that of its bundle"
        return
    labels = (scores.truth == at).astype("u1")
    found, confusion = intervals.binary_metrics(labels, scores.scores[at], threshold)
    counts = {"tp": confusion.tp, "fp": confusion.fp, "fn": confusion.fn, "tn": confusion.tn}
    if (stated["rows"], stated["support"], stated["confusion"]) != (len(labels), int(labels.sum()), counts):
        yield f"the counts of {slug} are not those of its scores"
    for name, estimate in found.items():
        for part, value in estimate.to_dict().items():
            if not _equal(value, stated["metrics"].get(name, {}).get(part)):
                yield f"{name} of {slug} is {value}, not {stated['metrics'].get(name, {}).get(part)}"


def report_link(evidence: Evidence) -> Link:
    """Compare the figures of the report with the metrics and the lineage, and the page with the figures."""
    problems = [*evidence.wrong(REPORT_JSON, REPORT_HTML)]
    problems += [f"{name}: {evidence.problems[name]}" for name in (CARD,) if name in evidence.problems]
    if report := evidence.document(REPORT_JSON):
        for slug in evidence.slugs:
            problems += _wrong_entry(slug, report, evidence.document(metrics_path(slug)))
        problems += _wrong_joint_metrics(evidence, report)
        if evidence.registered:
            for name in ("accuracy", "macro_f1"):
                if not _equal(report.get(name), evidence.lineage.get(name)):
                    problems.append(f"the report and the lineage differ in {name}")
    page = "its page has no digest of the figures"
    if REPORT_HTML in evidence.paths and REPORT_JSON in evidence.paths:
        stated = report_digest_of(evidence.paths[REPORT_HTML].read_text(errors="replace"))
        if stated and stated != storage.sha256_file(evidence.paths[REPORT_JSON]):
            problems.append("the page was made from other figures than those of report.json")
        page = "its page was made from these figures" if stated else page
    return make_link("report", problems, f"its figures are the metrics, and {page}")


def _wrong_entry(slug: str, report: Mapping[str, Any], metrics: Mapping[str, Any]) -> Iterator[str]:
    entry = report.get("cover_types", {}).get(slug)
    if entry is None:
        yield f"the report has no {slug}"
    elif metrics:
        for fact in ("rows", "support", "threshold", "confusion"):
            if entry.get(fact) != metrics[fact]:
                yield f"the report and the metrics of {slug} differ in {fact}"
        for name in METRICS:
            estimate = metrics["metrics"][name]
            both = (estimate["low"], estimate["high"])
            ends = None if None in both else list(both)
            if (entry.get(name), entry.get(f"{name}_interval")) != (estimate["value"], ends):
                yield f"the report and the metrics of {slug} differ in {name}"


def _wrong_joint_metrics(evidence: Evidence, report: Mapping[str, Any]) -> Iterator[str]:
    """Yield which of the metrics of all models together are not those of the stored scores."""
    try:
        scores = evidence.test_scores()
    except BadDataError:
        return  # the metrics are the broken link
    if scores is None or report.get("missing"):
        return
    joined = Joined(scores.slugs, scores.truth, scores.scores)
    found = {"macro_f1": multiclass.macro_f1(joined, scores.thresholds).value}
    if (scores.truth < len(scores.slugs)).all():
        found["accuracy"] = multiclass.accuracy(joined).value
    for name, value in found.items():
        if report.get(name) is not None and not _equal(value, report[name]):
            yield f"{name} of the report is {report[name]}, that of the scores {value}"


def _equal(first: float | None, second: float | None) -> bool:
    if first is None or second is None:
        return first is second
    return math.isclose(first, second, rel_tol=_ROUNDING, abs_tol=_ROUNDING)
