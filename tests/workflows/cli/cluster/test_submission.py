from __future__ import annotations

from pathlib import Path

import pytest

from steps.core import storage
from steps.core.errors import BadConfigurationError, BadDataError, NoInputError, PipelineError, UsageError
from steps.options.predict import PredictOptions, RegistryOptions
from tests.support import real_rows, write_table
from workflows.cli.cluster import submission
from workflows.cluster.artifact_store import LocalFile
from workflows.settings import Settings


def test_labels_are_read() -> None:
    assert submission.parse_labels(["team=a", "example.org/x=", "team=a"]) == {"team": "a", "example.org/x": ""}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (["team"], "'team' is not a label"),
        (["=a"], "'=a' is not a label"),
        (["a b=c"], "'a b=c' is not a label: "),
        (["a=b c"], "'a=b c' is not a label: "),
        (["a=b", "a=c"], "label 'a' has two values"),
    ],
)
def test_what_is_not_a_label(entries: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        submission.parse_labels(entries)
    assert str(caught.value).startswith(message)
    assert "in --label" in str(caught.value)


@pytest.mark.parametrize("name", ["No", "a/b", "", ".."])
def test_what_cannot_be_the_name_of_a_run(name: str) -> None:
    with pytest.raises(UsageError, match="in the name of a run: `status` lists the existing ones"):
        submission.checked_run_name(name)


def test_a_name_is_passed_on() -> None:
    assert [submission.checked_run_name(name) for name in ("covertype-x1", None)] == ["covertype-x1", None]


def test_what_cannot_be_a_namespace() -> None:
    submission.check_argo_namespace("team-a")
    with pytest.raises(BadConfigurationError, match="in ARGO_NAMESPACE"):
        submission.check_argo_namespace("a.b")


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"source": "table.csv"}, "--source"),
        ({"registry": "models"}, "--registry"),
    ],
)
def test_pods_cannot_access_this_machine(settings: dict[str, str], where: str) -> None:
    with pytest.raises(UsageError, match=f"in {where}: .*run locally with `run`"):
        submission.check_addresses_for_pods(Settings.model_validate(settings))


def test_pods_cannot_access_a_reference_table_of_this_machine(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    settings = Settings(registry="gs://bucket/models", policy=str(policy))
    policy.write_text('[reference]\ntable = "reference.csv"')
    with pytest.raises(UsageError, match=r"visible to the pods \(reference\.csv\), in reference\.table of --policy"):
        submission.check_addresses_for_pods(settings)
    policy.write_text('[reference]\ntable = "s3://bucket/reference.csv"')
    submission.check_addresses_for_pods(settings)


def test_submit_uploads_a_source_of_this_machine() -> None:
    submission.check_addresses_for_pods(Settings(source="table.csv"), with_source=False)
    with pytest.raises(UsageError, match="in --registry"):
        submission.check_addresses_for_pods(Settings(source="table.csv", registry="models"), with_source=False)


@pytest.mark.parametrize("source", ["builtin:", "file:///data/table.parquet", "gs://bucket/x.csv"])
def test_addresses_that_pods_can_access(source: str) -> None:
    submission.check_addresses_for_pods(Settings(source=source, registry="gs://bucket/models"))


@pytest.mark.parametrize("source", ["builtin:", "file:///data/table.parquet", "gs://bucket/x.csv", "s3://bucket/x.csv"])
def test_sources_that_are_no_file_of_this_machine(source: str) -> None:
    assert submission.find_source_file(Settings(source=source)) is None


def test_the_file_of_a_source(tmp_path: Path) -> None:
    path = write_table(tmp_path / "table.csv", real_rows(10))
    found = submission.find_source_file(Settings(source=str(path)))
    assert found
    assert (found.path, found.sha256) == (path, storage.sha256_file(path))


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("none.csv", NoInputError, "no such file"),
        ("folder", NoInputError, "this is a folder, a file is needed"),
        ("empty.csv", BadDataError, "the file is empty"),
        ("notes.txt", UsageError, "unknown kind of file '.txt'"),
        ("other.csv", BadDataError, "are missing"),
        ("part-*.csv", UsageError, "several files cannot be uploaded, in --source .*part-.*: name one file"),
    ],
)
def test_files_that_are_not_uploaded(name: str, kind: type[PipelineError], message: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for file, text in (("empty.csv", ""), ("notes.txt", "notes"), ("other.csv", "a,b\nc,d\n")):
        (tmp_path / file).write_text(text)
    for number in range(2):
        write_table(tmp_path / f"part-{number}.csv", real_rows(10))
    with pytest.raises(kind, match=message):
        submission.find_source_file(Settings(source=str(tmp_path / name)))


def test_progress_is_logged_at_every_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    progress = submission.Progress(LocalFile(Path("a/table.csv"), 40, "", ""))
    for _ in range(40):
        progress.add(1)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"table.csv: {share}% uploaded" for share in range(10, 101, 10)]


def test_pods_are_chosen_where_the_settings_leave_it_open() -> None:
    chosen, line = submission.with_chosen_pods(Settings(rows=1000, preset="fast", cover_types=("4",)))
    assert (chosen.pods, chosen.rows) == ("all", 1000)
    assert "starting 6 pods" in line
    given = Settings(rows=1000, pods="step")
    assert submission.with_chosen_pods(given) == (given, "")


def prediction(**options: str) -> tuple[PredictOptions, RegistryOptions]:
    registry = options.pop("registry", "s3://bucket/models")
    given = {"input": "s3://bucket/a.csv", "output": "s3://bucket/scores.csv", **options}
    return PredictOptions(**given), RegistryOptions(registry=registry)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"output": "scores.csv"},
        {"input": "builtin:", "rejects": "gs://bucket/rejects.csv"},
        {"input": "file:///data/a.csv", "registry": "file:///models"},
    ],
)
def test_addresses_of_a_prediction_that_pods_can_access(options: dict[str, str]) -> None:
    submission.check_prediction_for_pods(*prediction(**options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input": "a.csv"}, "a path on this machine .*, in --input: `submit-predict` uploads it"),
        ({"registry": "models"}, "a folder on this machine .*, in --registry: use gs://"),
        ({"output": "out/scores.csv"}, "the pod cannot write to .*, in --output: .* the name scores.csv alone"),
        ({"output": "file:///out/scores.csv"}, "the pod cannot write to .*, in --output"),
        ({"rejects": "rejects.csv"}, "the pod cannot write to .*, in --rejects"),
    ],
)
def test_addresses_of_a_prediction_that_pods_cannot_access(options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        submission.check_prediction_for_pods(*prediction(**options))


def test_the_file_of_an_input_may_have_any_columns(tmp_path: Path) -> None:
    path = tmp_path / "a [1].csv"
    path.write_text("a,b\n1,2\n")
    found = submission.find_input_file(str(path))
    assert found
    assert (found.path, found.sha256) == (path, storage.sha256_file(path))
    submission.check_prediction_for_pods(*prediction(input=str(path)), with_input=False)
    assert submission.find_input_file("s3://bucket/a.csv") is None


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("none.csv", NoInputError, "no such file, in .*: check --input"),
        ("folder", NoInputError, "this is a folder, a file is needed"),
        ("empty.csv", BadDataError, "the file is empty"),
        ("notes.txt", UsageError, "unknown kind of file '.txt'"),
        ("*.csv", NoInputError, "several files cannot be uploaded"),
    ],
)
def test_inputs_that_are_not_uploaded(name: str, kind: type[PipelineError], message: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(kind, match=message):
        submission.find_input_file(str(tmp_path / name))


def test_only_a_cron_workflow_has_a_schedule() -> None:
    submission.check_schedule("CronWorkflow", "@daily")
    submission.check_schedule("Workflow", None)
    with pytest.raises(UsageError, match="a Workflow has no schedule, in --schedule"):
        submission.check_schedule("Workflow", "@daily")


def test_a_workflow_is_written_to_a_file_or_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in (None, tmp_path / "w.yaml"):
        submission.write_workflow({"kind": "Workflow"}, file)
    assert capsys.readouterr().out == (tmp_path / "w.yaml").read_text() == "kind: Workflow\n"
