from __future__ import annotations

import pytest

from steps.core.errors import BadConfigurationError, UsageError
from workflows.cli import submission
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


@pytest.mark.parametrize("source", ["builtin:", "file:///data/table.parquet", "gs://bucket/x.csv"])
def test_addresses_that_pods_can_access(source: str) -> None:
    submission.check_addresses_for_pods(Settings(source=source, registry="gs://bucket/models"))


def test_pods_are_chosen_where_the_settings_leave_it_open() -> None:
    chosen, line = submission.with_chosen_pods(Settings(rows=1000, preset="fast", cover_types=("4",)))
    assert (chosen.pods, chosen.rows) == ("all", 1000)
    assert "starting 6 pods" in line
    given = Settings(rows=1000, pods="step")
    assert submission.with_chosen_pods(given) == (given, "")
