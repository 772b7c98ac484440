"""The decision of the gate as a section of the report page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steps.comparison.reference import ReferenceUse
from steps.reporting.formats import NOTHING
from steps.reporting.page import environment

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where the page of a run has place for the section.
MARKER = "<!-- decision -->"
_END = "</main>"
_DIGITS = 12


def with_decision(page: str, registration: Mapping[str, Any]) -> str:
    """Return a report page with a section about the decision on the registered version.

    Args:
        page: The page, from ``steps.reporting.page.render``.
        registration: The content of ``registration.json``.
    """
    section = environment().get_template("decision.html").render(decision=_view(registration))
    place = MARKER if MARKER in page else _END
    before, _, after = page.partition(place)
    return f"{before}{section}{place if place == _END else ''}{after}"


def _view(registration: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template shows."""
    champion, decision = registration["aliases"]["champion"], registration["decision"] or {}
    gate = decision.get("gate", {}).get("details", {})
    comparison = gate.get("comparison") or {}
    return {
        "line": _line(registration["version"], champion),
        "facts": [(title, text) for title, text in _facts(registration, champion, decision) if text],
        "differences": [_difference(each) for each in comparison.get("differences", [])],
        "checks": [_check(each) for each in gate.get("checks", [])],
    }


def _line(version: str, champion: Mapping[str, Any]) -> str:
    if champion["version"] != version:
        return f"{version} is not champion" + (f", {champion['version']} stays." if champion["version"] else ".")
    return f"{version} is now champion." if champion["moved"] else f"{version} is champion."


def _facts(
    registration: Mapping[str, Any], champion: Mapping[str, Any], decision: Mapping[str, Any]
) -> list[tuple[str, str]]:
    uses = decision.get("earlier_uses_of_test_rows")
    reference = decision.get("reference")
    rows = "rows of the reference table" if reference else "test rows"
    return [
        ("Verdict", decision.get("verdict", "")),
        ("Reason", champion["reason"]),
        ("Compared with", decision.get("champion") or ""),
        ("Forced", decision.get("forced") or ""),
        ("Reference table", _describe_reference(reference)),
        ("Reference table SHA-256", reference["sha256"][:_DIGITS] if reference else ""),
        (f"Earlier decisions on {'the' if reference else 'these'} {rows}", "" if uses is None else str(uses)),
        (f"{rows.capitalize()} SHA-256", (decision.get("test_rows_sha256") or "")[:_DIGITS]),
        ("Policy SHA-256", decision.get("policy_sha256", "")[:_DIGITS]),
        ("Registry", registration["registry"]),
        ("Stored as", decision.get("path", "")),
    ]


def _describe_reference(use: Mapping[str, Any] | None) -> str:
    """Return which rows of a reference table were used."""
    return ReferenceUse(**use).describe() if use else ""


def _difference(entry: Mapping[str, Any]) -> dict[str, Any]:
    name = " ".join(filter(None, (entry["metric"].replace("_", " "), entry["cover_type"])))
    gain = entry["gain"]
    return {
        "name": name,
        "challenger": entry["challenger"],
        "champion": entry["champion"],
        "gain": NOTHING if gain is None else f"{gain:+.4f}",
        "interval": _signed_interval(entry["low"], entry["high"]),
        "family": _signed_interval(entry["family_low"], entry["family_high"]),
    }


def _signed_interval(low: float | None, high: float | None) -> str:
    return NOTHING if low is None or high is None else f"{low:+.4f} to {high:+.4f}"


def _check(entry: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {key: _number(entry.get(key)) for key in ("value", "limit", "champion", "rows")}
    return {"name": f"{entry['kind']}: {entry['name']}", "passed": entry["passed"], **numbers}


def _number(value: float | None) -> str:
    if value is None:
        return NOTHING
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
