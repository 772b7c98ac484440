from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from steps.core import runtime
from workflows.covertype import app

if TYPE_CHECKING:
    from pathlib import Path

    from workflows.local.cache import Cache


def test_list_and_prune(cache: Cache, capsys: pytest.CaptureFixture[str]) -> None:
    def invoke(*words: object) -> str:
        given = ["cache", *map(str, words), "--output", str(cache.root.parent)]
        assert runtime.run_to_exit_code(lambda: app(args=given, standalone_mode=False) or 0) == 0
        return capsys.readouterr().out

    assert json.loads(invoke("ls", "--json"))[0]["results"] == 1
    assert invoke("ls").splitlines()[1].split()[:4] == ["a", "1", "0.0", "MB"]
    assert invoke("prune") == "removed 0 results and 0 files of 0.0 MB\n"
    assert invoke("prune", "--older-than", 0, "--dry-run") == "would remove 1 results and 2 files of 0.0 MB\n"
    assert json.loads(invoke("prune", "--older-than", 0, "--json"))["results"] == 1
    assert invoke("ls") == "the cache is empty\n"


@pytest.mark.parametrize("value", ["-1", "nan", "inf"])
def test_an_age_is_a_finite_number(value: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words: Any = ["cache", "prune", "--older-than", value, "--output", str(tmp_path)]
    assert runtime.run_to_exit_code(lambda: app(args=words, standalone_mode=False) or 0) == 2
    assert capsys.readouterr().err.startswith("error: Invalid value for '--older-than'")
