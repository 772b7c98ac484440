from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from steps.core.errors import BadDataError
from steps.registry import decisions
from steps.registry.destinations import Folder

if TYPE_CHECKING:
    from pathlib import Path

FACTS = {"action": "register", "champion": None, "verdict": "first", "promotes": True, "reason": "there was none"}


def test_decisions_are_numbered_by_version(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert decisions.list_decisions(folder) == []
    paths = [decisions.store_decision(folder, version, FACTS).path for version in ("a", "b", "a")]
    assert paths == ["decisions/a/1.json", "decisions/b/1.json", "decisions/a/2.json"]
    (tmp_path / "decisions" / "README").write_text("not a decision")
    (tmp_path / "decisions" / "a" / ".partial-3.json-0a").write_text("")
    assert [each.path for each in decisions.list_decisions(folder, "a")] == [paths[0], paths[2]]
    assert len(decisions.list_decisions(folder)) == 3
    found = decisions.list_decisions(folder, "b")[0]
    assert found.to_dict() == {"path": paths[1], "version": "b", "number": 1, "at": found.at, **FACTS}
    assert found.summary() == {"path": paths[1], "at": found.at, "forced": None, **FACTS}


def test_no_decision_replaces_another(tmp_path: Path) -> None:
    """Several store a decision about one version at once: each has a number of its own."""
    folder, barrier = Folder(tmp_path), threading.Barrier(8)

    def store(number: int) -> None:
        barrier.wait()
        decisions.store_decision(folder, "a", {**FACTS, "reason": str(number)})

    threads = [threading.Thread(target=store, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = decisions.list_decisions(folder)
    assert sorted(each.number for each in found) == list(range(1, 9))
    assert {each.document["reason"] for each in found} == {str(number) for number in range(8)}


def test_uses_of_test_rows(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for rows in ("x", "y", "x", None):
        decisions.store_decision(folder, "a", {**FACTS, "test_rows_sha256": rows})
    found = decisions.list_decisions(folder)
    assert [decisions.count_uses(found, rows) for rows in "xyz"] == [2, 1, 0]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"at": "x"}'])
def test_a_damaged_decision(tmp_path: Path, text: str) -> None:
    (tmp_path / "decisions" / "a").mkdir(parents=True)
    (tmp_path / "decisions" / "a" / "1.json").write_text(text)
    with pytest.raises(BadDataError, match=r"this is not a decision of the gate, in .*decisions/a/1\.json: remove it"):
        decisions.list_decisions(Folder(tmp_path))


def test_the_digest_of_a_document_does_not_depend_on_the_order_of_its_keys() -> None:
    assert decisions.digest_of({"a": 1, "b": 2}) == decisions.digest_of({"b": 2, "a": 1})
    assert decisions.digest_of({"a": 1}) != decisions.digest_of({"a": 2})
