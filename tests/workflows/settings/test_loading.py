"""Layers of settings: which one wins, and what an error says of where a wrong value was given."""

from __future__ import annotations

from pathlib import Path

import pytest

from steps.core.errors import BadConfigurationError, NoInputError, UsageError
from workflows import settings
from workflows.settings import overrides

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
        ("sed: 1", "unknown setting 'sed', in {path}: use one of source, snapshot_time"),
        ("table_schema: covertype", "unknown setting 'table_schema'"),
        ("1: 2", "1: keys should be strings"),
        ("seed: one", "seed: input should be a valid integer"),
        ("seed: true", "seed: a number is needed"),
        ("seed: -1", "seed: input should be greater"),
        (f"seed: {2**63}", "seed: input should be less than or equal to 9223372036854775807"),
        ("timeout: .inf", "timeout: input should be a finite number"),
        ("timeout: true", "timeout: a number is needed"),
        ("snapshot_time: noon", "snapshot_time: 'noon' is not a time in RFC 3339"),
        ("timeout: 0", "timeout: a number above 0 is needed, in {path}: leave it out for the default"),
        ("parallel: 0", "parallel: a number above 0 is needed"),
        ("steps: {train: {deadline_seconds: 0}}", "steps.train.deadline_seconds: a number above 0 is needed"),
        ("steps: {train: {deadline_seconds: true}}", "steps.train.deadline_seconds: a number is needed"),
        ("preset: slow", "preset: input should be 'fast', 'default' or 'thorough'"),
        ("schema: 5", "schema: input should be a valid string"),
        ("namespace: Not_A_Name", "namespace: 'Not_A_Name' must be lower-case letters, digits and '-'"),
        ("cover_types: [pine]", "unknown cover type 'pine', in {path}: use some of: 1 spruce-fir"),
        ("cover_types: {aspen: 1}", "cover_types: input should be a valid tuple"),
        ("steps: {train: {cpus: 2}}", "unknown setting 'steps.train.cpus', in {path}: use one of cpu, memory"),
        ("steps: {train: {gpu: -1}}", "steps.train.gpu: input should be greater"),
        ("steps: {train: {memory: lots}}", "steps.train: invalid binary unit for input: lots"),
        ("steps: {train: {cpu: 4, cpu_limit: 2}}", "steps.train: CPU request must be smaller"),
        ("steps: {train: 2}", "steps.train: a mapping is needed"),
        ("steps: {trian: {cpu: 2}}", "steps.trian: unknown step, use one of prepare, split"),
        ("- a list", "a mapping of settings is needed"),
        ("set: [1]", "set: a mapping is needed"),
        ("set: {train: {rounds: 5}}", "set.train: one value is needed, as in `train.rounds: 30`"),
        ("set: {trian.rounds: 5}", "unknown step 'trian', in {path}: use one of split"),
        ("set: {train.round: 5}", "step 'train' has no option 'round' to set, in {path}: use one of threads"),
        ("set: {train.pine.rounds: 5}", "unknown cover type 'pine', in {path}: use one of spruce-fir"),
        ("cover_types: ','", "cover_types: no cover type is named; name some, or leave it out for all"),
        ("output: ''", "output is empty, in {path}: leave it out for the default"),
        (
            "steps: {train: {tolerations: [{key: [1]}]}}",
            "steps.train.tolerations.0.key: input should be",
        ),
        (
            "steps: {train: {tolerations: [{effect: No}]}}",
            "steps.train.tolerations.0.effect: input should",
        ),
        (
            "steps: {train: {tolerations: [{keys: a}]}}",
            "unknown setting 'steps.train.tolerations.0.keys', in {path}: use one of key, operator, value, effect",
        ),
        ("a: [", "not valid YAML: while parsing a flow node"),
        ("seed: 1\nrows: 3\nseed: 2", "not valid YAML: 'seed' is given twice in line 3, column 1"),
        ("steps:\n  train: {cpu: 1, cpu: 2}", "not valid YAML: 'cpu' is given twice in line 2, column 19"),
        ("\udcff", "this is not UTF-8 text: byte 0xff on line 1 (invalid start byte)"),
    ],
)
def test_a_wrong_config_file_is_named_with_its_key(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "job.yaml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(BadConfigurationError) as caught:
        settings.load({}, path)
    assert str(caught.value).startswith(named.format(path=path) if "{path}" in named else named)
    assert f", in {path}" in str(caught.value)


def test_a_wrong_flag_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="--rows"):
        settings.load({"rows": -1})


def test_a_flag_wins_however_its_option_is_spelled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text("set: {train.max_depth: 3}")
    monkeypatch.setenv("COVERTYPE_SET", "{train.max-depth: 4}")
    made = settings.load({"set": {"train.max_depth": 5}}, path)
    assert overrides.parse(made.overrides, SLUGS).of("train") == {"max-depth": "5"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("COVER_TYPES", ",,"),
        ("TRIALS", "many"),
        ("COVER_TYPES", "pine"),
        ("SET", "{trian.rounds: 5}"),
        ("SET", "train.rounds=5"),
        ("STEPS", "{trian: {}}"),
        ("STEPS", "{"),
    ],
)
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    monkeypatch.setenv(f"COVERTYPE_{name}", text)
    with pytest.raises(BadConfigurationError, match=f", in COVERTYPE_{name}"):
        settings.load({})


def test_variables_of_every_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"CACHE": "false", "COVER_TYPES": "4, aspen", "SCHEMA": "covertype", "SET": "{train.rounds: 5}"}
    for name, text in given.items():
        monkeypatch.setenv(f"COVERTYPE_{name}", text)
    monkeypatch.setenv("SCHEMA", "of another program")
    found = settings.load({})
    assert (found.cache, found.cover_types, found.table_schema) == (False, ("4", "aspen"), "covertype")
    assert found.overrides == {"train.rounds": 5}


def test_labels_in_a_config_file_may_be_numbers(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text("cover_types: [4, aspen]\nsteps: {train: {cpu: 2}}\n")
    found = settings.load({}, path)
    assert (found.cover_types, found.resources("train").cpu) == (("4", "aspen"), "2")
    assert (found.resources("tune").memory, found.resources("split").memory) == ("2Gi", "1Gi")


def test_a_missing_config_file() -> None:
    with pytest.raises(NoInputError, match=r"nowhere\.yaml"):
        settings.load({}, Path("nowhere.yaml"))
