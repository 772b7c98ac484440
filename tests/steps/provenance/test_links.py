"""The states of a link, and the first broken one."""

from __future__ import annotations

from steps.provenance.links import Link, State, all_unchecked, first_broken, make_link


def test_a_link_is_broken_before_it_is_unchecked_before_it_is_ok() -> None:
    assert make_link("code", ["a", "b", "c"], "good", unchecked="why") == Link("code", State.BROKEN, "a (and 2 more)")
    assert make_link("code", ["a"], "good") == Link("code", State.BROKEN, "a")
    assert make_link("code", [], "good", unchecked="why") == Link("code", State.UNCHECKED, "why")
    assert make_link("code", iter(()), "good").to_dict() == {"link": "code", "state": "ok", "detail": "good"}


def test_the_first_broken_link_is_the_first_of_the_chain() -> None:
    chain = all_unchecked(["source"], "why") + [make_link(name, ["x"], "") for name in ("report", "manifest")]
    found = first_broken(chain)
    assert found is not None
    assert found.name == "report"
    assert first_broken(chain[:1]) is None
