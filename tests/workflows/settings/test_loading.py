"""Layers of settings: which one wins, and what an error says of where a wrong value was given."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from steps.core.errors import BadConfigurationError, NoInputError, PipelineError, UsageError
from workflows import settings
from workflows.local.worker import PRELOAD_VARIABLE
from workflows.settings import loading, overrides

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
        ("sed: 1", "unknown setting 'sed', in {path}: use one of preset, rows, seed"),
        ("table_schema: covertype", "unknown setting 'table_schema'"),
        ("1: 2", "1: keys should be strings"),
        ("seed: one", "seed cannot be 'one', in {path}: a whole number is needed"),
        ("seed: true", "seed cannot be True, in {path}: a whole number is needed"),
        ("seed: -1", "seed cannot be -1, in {path}: a number of at least 0 is needed"),
        (
            f"seed: {2**63}",
            "seed cannot be 9223372036854775808, in {path}: a number of at most 9223372036854775807 is needed",
        ),
        ("timeout: .inf", "timeout cannot be inf, in {path}: a number is needed; leave it out for no limit"),
        ("timeout: true", "timeout cannot be True, in {path}: a number is needed"),
        ("snapshot_time: noon", "snapshot_time: 'noon' is not a time in RFC 3339"),
        ("timeout: 0", "timeout cannot be 0, in {path}: a number above 0 is needed; leave it out for no limit"),
        ("parallel: 0", "parallel: a number above 0 is needed"),
        ("steps: {train: {deadline_seconds: 0}}", "steps.train.deadline_seconds: a number above 0 is needed"),
        ("steps: {train: {deadline_seconds: true}}", "steps.train.deadline_seconds: a number is needed"),
        ("preset: slow", "preset cannot be 'slow', in {path}: use one of fast, default, thorough, gpu"),
        ("schema: 5", "schema cannot be 5, in {path}: a text is needed"),
        ("namespace: Not_A_Name", "namespace: 'Not_A_Name' must be lower-case letters, digits and '-'"),
        ("cover_types: [pine]", "unknown cover type 'pine', in {path}: use some of: 1 spruce-fir"),
        ("cover_types: {aspen: 1}", "cover_types cannot be {{'aspen': 1}}, in {path}: a list is needed"),
        ("steps: {train: {cpus: 2}}", "unknown setting 'steps.train.cpus', in {path}: use one of cpu, memory"),
        ("steps: {train: {gpu: -1}}", "steps.train.gpu cannot be -1, in {path}: a number of at least 0 is needed"),
        ("steps: {train: {memory: lots}}", "steps.train: invalid binary unit for input: lots"),
        ("steps: {train: {cpu: 4, cpu_limit: 2}}", "steps.train: CPU request must be smaller"),
        ("steps: {train: 2}", "steps.train: a mapping is needed"),
        ("steps: {trian: {cpu: 2}}", "steps.trian: unknown step, use one of prepare, split"),
        ("- a list", "a mapping of settings is needed"),
        ("set: [1]", "set: a mapping is needed"),
        ("set: {train: {rounds: 5}}", "set.train: one value is needed, as in `train.rounds: 30`"),
        ("set: {trian.rounds: 5}", "unknown step 'trian', in {path}, set.trian.rounds: use one of split"),
        (
            "set: {train.round: 5}",
            "step 'train' has no option 'round' to set, in {path}, set.train.round: use one of threads",
        ),
        (
            "set: {train.pine.rounds: 5}",
            "unknown cover type 'pine', in {path}, set.train.pine.rounds: use one of spruce-fir",
        ),
        ("cover_types: ','", "cover_types: no cover type is named; name some, or leave it out for all"),
        ("output: ''", "output is empty, in {path}: leave it out for the default"),
        (
            "steps: {train: {tolerations: [{key: [1]}]}}",
            "steps.train.tolerations.0.key cannot be [1], in {path}: a text is needed",
        ),
        (
            "steps: {train: {tolerations: [{effect: No}]}}",
            "steps.train.tolerations.0.effect cannot be False, in {path}: use 'NoSchedule'",
        ),
        (
            "steps: {train: {tolerations: [{keys: a}]}}",
            "unknown setting 'steps.train.tolerations.0.keys', in {path}: use one of key, operator, value, effect",
        ),
        ("labels: one", "labels has another name now, in {path}: use first_label"),
        (
            "maximum_bytes_billed: 10 GX",
            "maximum_bytes_billed cannot be '10 GX', in {path}: a number of bytes is needed",
        ),
        ("set: {train.rounds: 0}", "rounds cannot be 0, in {path}, set.train.rounds: a number of at least 1 is needed"),
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


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("COVERTYPE_SEEED", "COVERTYPE_SEEED is no setting and is ignored: did you mean COVERTYPE_SEED?"),
        ("COVERTYPE_MAX_DROPED", "did you mean COVERTYPE_MAX_DROPPED?"),
        ("COVERTYPE_ELEPHANT", "see the reference of environment variables"),
    ],
)
def test_a_misspelt_variable_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, line: str
) -> None:
    monkeypatch.setenv(name, "1")
    monkeypatch.setenv("COVERTYPE_RUN", "not a setting either")
    settings.load({})
    [warning] = capsys.readouterr().err.splitlines()
    assert warning.startswith("warning: ")
    assert line in warning


def test_no_variable_of_the_reference_gets_a_warning() -> None:
    text = (Path(__file__).parents[3] / "docs/reference/environment.md").read_text()
    names = set(re.findall(r"COVERTYPE_[A-Z_]*[A-Z]", text))
    assert f"`{PRELOAD_VARIABLE}`" in text
    own = {f"COVERTYPE_{(field.alias or name).upper()}" for name, field in settings.Settings.model_fields.items()}
    assert names - own == loading.OTHER_VARIABLES


@pytest.mark.parametrize(
    ("where", "new"), [("--labels", "--first-label"), ("COVERTYPE_LABELS", "COVERTYPE_FIRST_LABEL")]
)
def test_a_former_name_is_refused_with_the_new_one(monkeypatch: pytest.MonkeyPatch, where: str, new: str) -> None:
    if where.startswith("COVERTYPE"):
        monkeypatch.setenv(where, "one")
    with pytest.raises(PipelineError, match=f"labels has another name now, in {where}: use {new}"):
        settings.load({"labels": "one"} if where == "--labels" else {})


def test_numbers_of_bytes_may_have_a_unit(tmp_path: Path) -> None:
    assert settings.load({"maximum_bytes_billed": "10 GB"}).maximum_bytes_billed == 10**10
    assert settings.load({"maximum_bytes_billed": "12345"}).maximum_bytes_billed == 12_345
    path = tmp_path / "job.yaml"
    path.write_text("maximum_bytes_billed: 2 TiB\n")
    assert settings.load({}, path).maximum_bytes_billed == 2 << 40


def test_an_empty_limit_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVERTYPE_TIMEOUT", "60")
    assert settings.load({"timeout": ""}).timeout is None


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
