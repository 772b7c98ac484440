from __future__ import annotations

from pathlib import Path

import pytest

from steps.errors import BadConfigurationError, NoInputError, PipelineError, UsageError
from workflows import overrides, settings

SLUGS = ("aspen", "cottonwood-willow")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "job.yaml"
    path.write_text("seed: 1\nrows: 10\npreset: fast\nset:\n  train.rounds: 5\n  train.aspen.max_leaves: 7\n")
    return path


def test_flags_win_over_the_environment_over_the_file_over_the_defaults(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COVERTYPE_SEED", "2")
    monkeypatch.setenv("COVERTYPE_ROWS", "20")
    found = settings.load({"rows": 30, "trials": None, "set": {"train.rounds": "6"}}, config)
    assert (found.rows, found.seed, found.preset, found.trials) == (30, 2, "fast", 0)
    assert found.overrides == {"train.rounds": "6", "train.aspen.max_leaves": 7}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("sed: 1", "sed"),
        ("seed: one", "seed"),
        ("seed: -1", "seed"),
        ("preset: slow", "preset"),
        ("namespace: Not_A_Name", "namespace"),
        ("steps: {train: {cpus: 2}}", "steps.train.cpus"),
        ("steps: {train: {gpu: -1}}", "steps.train.gpu"),
        ("- a list", "mapping"),
        ("set: [1]", "mapping"),
        ("a: [", "not valid YAML"),
    ],
)
def test_a_wrong_config_file_is_named_with_its_key(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(text)
    with pytest.raises(BadConfigurationError) as caught:
        settings.load({}, path)
    assert named in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_wrong_flag_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="--rows"):
        settings.load({"rows": -1})


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVERTYPE_TRIALS", "many")
    with pytest.raises(BadConfigurationError, match="COVERTYPE_TRIALS"):
        settings.load({})


def test_a_missing_config_file() -> None:
    with pytest.raises(NoInputError, match=r"nowhere\.yaml"):
        settings.load({}, Path("nowhere.yaml"))


def test_overrides() -> None:
    found = overrides.parse({"train.max_leaves": 4, "train.aspen.rounds": "5", "train.aspen.max-leaves": 6}, SLUGS)
    assert found.of("train") == {"max-leaves": "4"}
    assert found.of("train", "aspen") == {"max-leaves": "6", "rounds": "5"}
    assert found.of("train", "cottonwood-willow") == {"max-leaves": "4"}
    assert found.of("tune", "aspen") == {}


@pytest.mark.parametrize(
    ("key", "named"),
    [
        ("trian.rounds", "unknown step 'trian'"),
        ("train.round", "no option 'round'"),
        ("train", "no option ''"),
        ("train.pine.rounds", "unknown cover type 'pine'"),
        ("prepare.source", "unknown step 'prepare'"),
        ("train.seed", "no option 'seed'"),
    ],
)
def test_overrides_that_do_not_exist(key: str, named: str) -> None:
    with pytest.raises(UsageError) as caught:
        overrides.parse({key: 1}, SLUGS)
    assert named in str(caught.value)
    assert f"--set {key}" in str(caught.value)


def test_split_entry() -> None:
    assert overrides.split_entry("train.rounds=5=6") == ("train.rounds", "5=6")
    with pytest.raises(PipelineError, match="STEP"):
        overrides.split_entry("train.rounds")


def test_parallel_wins_over_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.load({"parallel": 3}).cores == 3
    monkeypatch.delattr("os.sched_getaffinity", raising=False)  # as on macOS
    monkeypatch.setattr("os.cpu_count", lambda: 5)
    assert settings.load({"parallel": 3}).cores == 3
    assert settings.load({}).cores == 5
