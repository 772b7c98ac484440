from __future__ import annotations

from typing import Any

from steps.reporting.decision import MARKER, with_decision

DIFFERENCE = {
    "metric": "pr_auc",
    "cover_type": "aspen",
    "challenger": 0.9,
    "champion": 0.8,
    "gain": 0.1,
    "low": 0.05,
    "high": 0.15,
    "family_low": 0.01,
    "family_high": 0.19,
}
CHECK = {
    "kind": "limit",
    "name": "size",
    "passed": False,
    "value": 1234567,
    "limit": 0.5,
    "champion": None,
    "rows": None,
}


def registration(**changes: Any) -> dict[str, Any]:
    decision = {
        "path": "decisions/b/1.json",
        "champion": "a",
        "verdict": "better",
        "forced": None,
        "earlier_uses_of_test_rows": 3,
        "test_rows_sha256": "0123456789abcdef",
        "policy_sha256": "fedcba9876543210",
        "gate": {"details": {"comparison": {"differences": [DIFFERENCE]}, "checks": [CHECK]}},
    }
    champion = {"version": "b", "moved": True, "reason": "better: PR-AUC <of> aspen"}
    found = {"version": "b", "registry": "registry", "aliases": {"champion": champion}, "decision": decision}
    return found | changes


def test_the_section_is_where_the_page_has_place_for_it() -> None:
    page = with_decision(f"<main><h1>Report</h1>\n{MARKER}\n<p>rest</p></main>", registration())
    assert page.index("<h1>Report") < page.index('id="decision"') < page.index("<p>rest")
    assert MARKER not in page
    assert "b is now champion." in page
    assert "better: PR-AUC &lt;of&gt; aspen" in page
    for text in ("pr auc aspen", "+0.1000", "+0.0500 to +0.1500", "+0.0100 to +0.1900", "1,234,567", "0123456789ab"):
        assert text in page
    assert "<dt>Earlier decisions on these test rows</dt><dd>3</dd>" in page
    assert "<dt>Forced</dt>" not in page


def test_a_page_of_an_older_release_has_it_at_its_end() -> None:
    page = with_decision("<main><p>rest</p></main></body>", registration())
    assert page.index("<p>rest") < page.index('id="decision"') < page.index("</main></body>")


def test_a_registration_without_a_decision() -> None:
    """The version was champion already."""
    champion = {"version": "b", "moved": False, "reason": "unchanged"}
    page = with_decision("<main></main>", registration(decision=None, aliases={"champion": champion}))
    assert "b is champion." in page
    assert "unchanged" in page


def test_a_refused_version() -> None:
    for version, text in (("a", "b is not champion, a stays."), (None, "b is not champion.")):
        champion = {"version": version, "moved": False, "reason": "worse"}
        page = with_decision("<main></main>", registration(aliases={"champion": champion}))
        assert text in page
