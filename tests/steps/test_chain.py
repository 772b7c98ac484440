"""Several steps in one process give what they give apart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from steps import chain
from steps.core import storage
from steps.core.errors import UsageError
from tests.support import Chain, call

if TYPE_CHECKING:
    from pathlib import Path


def words(own_chain: Chain, folder: Path, *more: str) -> list[str]:
    """Return split and preprocess of a dataset, the parts between them in the scratch folder."""
    parts = [f"@--{part}={part}.parquet" for part in ("train", "validation", "test")]
    return [
        *("--", "split", f"--dataset={own_chain['dataset']}", "--seed=0", *parts, f"--usage={folder / 'split.json'}"),
        *("--", "preprocess", *parts, "--preset=fast", f"--preprocessor={folder / 'preprocessor.skops'}"),
        *(f"--{part}-features={folder / part}.parquet" for part in ("train", "validation", "test")),
        *("--usage", str(folder / "preprocess.json"), *more),
    ]


def test_steps_in_one_process_give_the_same_files(own_chain: Chain, tmp_path: Path) -> None:
    result = call(chain.main, *words(own_chain, tmp_path))
    assert result.code == 0, result.log
    for name, part in (("train_features", "train"), ("test_features", "test")):
        assert storage.sha256_file(tmp_path / f"{part}.parquet") == storage.sha256_file(own_chain[name])
    usages = [json.loads((tmp_path / f"{step}.json").read_text()) for step in ("split", "preprocess")]
    assert [usage["step"] for usage in usages] == ["split", "preprocess"]
    assert usages[0]["finished"] <= usages[1]["started"] + 0.01


def test_the_first_failing_step_ends_it_with_its_code_and_message(own_chain: Chain, tmp_path: Path) -> None:
    given = words(own_chain, tmp_path)
    given[2] = f"--dataset={tmp_path / 'nowhere.parquet'}"
    result = call(chain.main, *given)
    assert result.code == 66
    assert len(result.errors) == 1
    assert "nowhere.parquet" in result.errors[0]
    assert "step preprocess" not in result.log
    assert not list(tmp_path.glob("*.parquet"))


def test_progress_is_that_of_the_whole_chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from steps.core import runtime

    file = tmp_path / "progress"
    monkeypatch.setenv("ARGO_PROGRESS_FILE", str(file))
    runtime.report_progress(3, 10)
    assert file.read_text() == "3/10\n"
    monkeypatch.setenv(runtime.CHAIN_POSITION, "3/5")
    runtime.report_progress(3, 10)
    assert file.read_text() == "33/50\n"


@pytest.mark.parametrize(
    ("given", "named"),
    [(["split", "--", "fly"], "'fly'"), (["--"], "missing"), ([], "missing"), (["report"], "'report'")],
)
def test_a_step_that_does_not_exist_is_named(given: list[str], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        chain.parse(given)


def test_only_an_option_that_begins_with_the_sign_has_a_scratch_path(tmp_path: Path) -> None:
    assert chain.with_scratch_path("@--train=a/b.parquet", tmp_path) == f"--train={tmp_path}/a/b.parquet"
    assert chain.with_scratch_path("@--metrics=fir=a/b", tmp_path) == f"--metrics=fir={tmp_path}/a/b"
    for option in ("--train=/a@b", "--train=x=@y", "--source=@--a=b", "--flag", "@a"):
        assert chain.with_scratch_path(option, tmp_path) == option
