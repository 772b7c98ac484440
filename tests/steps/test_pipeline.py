"""All steps of a run in one process, or with a process for each cover type."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from steps import pipeline
from steps.core import runtime
from steps.core.errors import TERMINATED, BadDataError, PipelineError, UsageError
from tests.support import call

if TYPE_CHECKING:
    from pathlib import Path

SLUGS = ("aspen", "krummholz")
FEATURES = ("train-features", "validation-features", "test-features")


def words(folder: Path, **given: str) -> list[str]:
    """Return the command line of a run of two cover types, with further options by step."""
    found = ["--", "prepare", "--rows=600", f"--profile={folder}/profile", *given.get("prepare", "").split()]
    found += [f"@--dataset={slug}={slug}/dataset" for slug in SLUGS]
    for slug in SLUGS:
        parts = [f"@--{part}={slug}/{part}" for part in ("train", "validation", "test")]
        train, validation, test = (f"@--{part}={slug}/{part}" for part in FEATURES)
        preprocessor, model = f"@--preprocessor={slug}/preprocessor", f"--model={folder}/{slug}"
        curve, metrics, scores = (f"@--{kind}={slug}/{kind}" for kind in ("learning-curve", "metrics", "scores"))
        commands: dict[str, list[str]] = {
            "split": [f"@--dataset={slug}/dataset", *parts],
            "preprocess": [*parts, "--preset=fast", preprocessor, train, validation, test],
            "train": [train, validation, preprocessor, model, curve, "--preset=fast", "--rounds=2"],
            "evaluate": [model, test, metrics, scores],
        }
        for step, options in commands.items():
            found += ["--", f"{slug}/{step}", *options, *given.get(f"{slug}_{step}", "").split()]
    found += ["--", "report", f"--profile={folder}/profile", f"--html={folder}/html", f"--json={folder}/json"]
    for slug in SLUGS:
        files = [f"@--{kind}={slug}={slug}/{kind}" for kind in ("metrics", "scores", "learning-curve")]
        found += [f"--cover-type={slug}", *files]
    return found


def results(folder: Path) -> dict[str, Any]:
    """Return the figures of the report and the bytes of the models."""
    models = {slug: (folder / slug / "model.ubj").read_bytes() for slug in SLUGS if (folder / slug).exists()}
    return {**json.loads((folder / "json").read_text()), "models": models}


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the results of a run in one process."""
    folder = tmp_path_factory.mktemp("apart")
    ended = call(pipeline.main, *words(folder))
    assert ended.code == 0, ended.log
    assert "step krummholz-train (8 of 10)" in ended.log
    return results(folder)


def test_cover_types_side_by_side_have_the_same_results(
    apart: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress = tmp_path / "progress"
    monkeypatch.setenv("ARGO_PROGRESS_FILE", str(progress))
    monkeypatch.chdir(tmp_path)  # where no module of the project is
    ended = call(pipeline.main, "--parallel=2", *words(tmp_path))
    assert ended.code == 0, ended.log
    assert "aspen: step train (3 of 4)" in ended.log
    assert progress.read_text() == "9/10\n"
    assert results(tmp_path) == apart
    assert set(apart["cover_types"]) == set(apart["models"]) == set(SLUGS)


@pytest.mark.parametrize("parallel", [1, 2])
def test_a_cover_type_that_fails_stops_no_other(apart: dict[str, Any], tmp_path: Path, parallel: int) -> None:
    given = words(tmp_path, aspen_train=f"--parameters={tmp_path}")  # a folder
    ended = call(pipeline.main, f"--parallel={parallel}", *given, "--", "register")
    [reason] = [line.partition("error: ")[2] for line in ended.log.splitlines() if str(tmp_path) in line][:-1]
    assert ended.errors[-1] == f"error: step aspen-train failed: {reason}"
    assert "step register" not in ended.log
    found = results(tmp_path)
    assert found["missing"] == ["aspen"]
    assert found["models"] == {"krummholz": apart["models"]["krummholz"]}


def test_the_code_is_what_all_failures_have_in_common(tmp_path: Path) -> None:
    nowhere = f"--preprocessor={tmp_path}/nowhere"
    both = call(pipeline.main, *words(tmp_path, aspen_train=nowhere, krummholz_train=nowhere))
    assert both.code == 66
    assert both.errors[-1].count(" failed: ") == 2
    assert "step report" not in both.log  # there is none where every cover type failed
    different = call(pipeline.main, *words(tmp_path, aspen_train=nowhere, krummholz_evaluate="--threads=0"))
    assert different.code == 1


def test_nothing_follows_a_prepare_that_failed(tmp_path: Path) -> None:
    ended = call(pipeline.main, *words(tmp_path, prepare="--source=/nowhere.csv"))
    assert ended.code == 66
    assert ended.log.count("step ") == 2  # that it starts, and that it failed
    assert ended.errors[-1].startswith("error: step prepare failed: ")


def test_nothing_follows_a_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    def terminated() -> None:
        raise runtime.TerminatedError

    monkeypatch.setitem(pipeline.STEPS, "prepare", lambda: None)
    monkeypatch.setitem(pipeline.STEPS, "split", terminated)
    commands = [pipeline.Command(slug, "split", []) for slug in SLUGS]
    run = pipeline.Run([pipeline.Command("", "prepare", []), *commands, pipeline.Command("", "report", [])], 1)
    assert run.run() == TERMINATED
    assert list(run.failures) == ["aspen-split"]


def test_nothing_is_registered_where_a_cover_type_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def fails() -> None:
        raise BadDataError("no rows")

    monkeypatch.setitem(pipeline.STEPS, "split", fails)
    monkeypatch.setitem(pipeline.STEPS, "train", lambda: None)
    monkeypatch.setitem(pipeline.STEPS, "report", lambda: ran.append("report"))
    monkeypatch.setitem(pipeline.STEPS, "register", lambda: ran.append("register"))
    commands = [
        pipeline.Command("fir", "split", []),
        pipeline.Command("oak", "train", []),
        *(pipeline.Command("", step, []) for step in ("report", "register")),
    ]
    with pytest.raises(PipelineError, match="step fir-split failed: no rows") as caught:
        pipeline.Run(commands, 1).run()
    assert (ran, caught.value.exit_code) == (["report"], 65)


@pytest.mark.parametrize("name", ["aspen/report", "aspen/fly", "fly", ""])
def test_a_step_that_does_not_exist_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=repr(name.rpartition("/")[2]) if "report" in name else "unknown step"):
        pipeline.parse([name], tmp_path)
