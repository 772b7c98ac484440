"""The rules of names against examples from Kubernetes, Argo and robfig/cron, and the verbs that use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steps.core import runtime
from steps.core.errors import BadConfigurationError, UsageError
from workflows import rendering, settings
from workflows.covertype import app
from workflows.settings import names, schedules

if TYPE_CHECKING:
    from pathlib import Path

    from workflows.settings.names import Rule

LONG = "x" * 64


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (names.subdomain, ["a", "a-b.c", "1e5", "a" * 253], ["", "A", "-a", "a-", "a..b", "a.", "a b", "a\n", "é"]),
        (names.dns_label, ["a", "1-a", "x" * 63], ["", "a.b", LONG, "a_b", "a\n"]),
        (names.field, ["A-b", "2-seater", "x" * 128], ["", "-a", "a.b", "a_b", "x" * 129, "a\n", "٣"]),
        (names.depending_task, ["a2"], ["", "2-seater"]),
        (names.parameter, ["-a_B", "9" * 200], ["", "a.b", "a b", "a\n"]),
        (names.label_key, ["a", "example.com/A_b.c", "x" * 63], ["", "/a", "a/", "a/b/c", "A.com/a", LONG, "a b"]),
        (names.label_value, ["", "A_b.c", "1e5", "x" * 63], ["-a", "a-", LONG, "a b", "a\n", "a/b"]),
        (
            names.image,
            ["a", "a:b", "reg.io:5000/team/a-b_c:V1.0", "localhost/a", "[::1]:5/a", f"a@sha256:{'0' * 64}"],
            ["", "A", "a b", "a:b\n", " a", "a:", "https://a/b", "a@sha256:0", "a:b:c", "a//b", f"a:{'x' * 129}"],
        ),
        (names.generate_name, ["covertype-", "a.", "x" * 100], ["-a", "A-", "a_"]),
        (names.no_variable, ["", "a{b}", "é"], ["{{workflow.name}}", "a{{", "a\tb", "\u2028", "\udcff"]),
        (
            schedules.problem,
            ["0 3 * * 1", "*/5 0-6/2 1,15 JAN-mar sun", "? ? ? ? ?", "5/10 * * * *", "@daily", "@every 1h30m"],
            [
                "", "nonsense", "0 3 * *", "0 3 * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *",
                "* * * * 7", "5-1 * * * *", "*/0 * * * *", "1//2 * * * *", "1-2-3 * * * *", "a * * * *", "@dialy",
                "@every soon", "@every", "TZ=UTC 0 3 * * 1", "0 3\n* * 1", "-1 * * * *", ", * * * *", "٣ * * * *",
            ],
        ),
    ],
)  # fmt: skip
def test_rules(rule: Rule, good: list[str], bad: list[str]) -> None:
    assert {text: rule(text) for text in good} == dict.fromkeys(good)
    assert all(rule(text) for text in bad), [text for text in bad if not rule(text)]
    assert all("\n" not in str(rule(text)) for text in bad)


@pytest.mark.parametrize(("kind", "longest"), names.LONGEST_BY_KIND.items())
def test_the_length_of_a_name_is_its_kind_s(kind: str, longest: int) -> None:
    assert rendering.render(settings.Settings(), kind, name="x" * longest)["metadata"]["name"] == "x" * longest
    with pytest.raises(UsageError, match=f"{longest + 1} characters, at most {longest} are allowed, in --name"):
        rendering.render(settings.Settings(), kind, name="x" * (longest + 1))


NAMES = ["", "Upper", "two words", "a\nb", "x" * 300, "-a", "{{workflow.uid}}", "é", "a_b"]


@pytest.mark.parametrize(
    ("words", "option"),
    [
        *((("render", "--name", name), "--name") for name in NAMES),
        *((("submit", "--name", name), "--name") for name in NAMES),
        (("render", "--kind", "CronWorkflow", "--name", "x" * 60), "--name"),
        (("deploy", "--schedule", "@daily", "--name", "x" * 60), "--name"),
        *(
            (("render", "--kind", "CronWorkflow", "--schedule", text), "--schedule")
            for text in ("", "nonsense", "a\nb")
        ),
        *((("deploy", "--schedule", text), "--schedule") for text in ("", "nonsense", "61 * * * *")),
        (("render", "--schedule", "@daily"), "--schedule"),
        *((("submit", "--label", text), "--label") for text in ("a", "=b", "a=b c", f"{LONG}=a", f"a={LONG}", "a=b\n")),
        (("submit", "--label", "a=1", "--label", "a=2"), "--label"),
        *((("render", "--image", text), "--image") for text in ("", "a b", "a\n", "Upper:1")),
        *((("submit", "--namespace", text), "--namespace") for text in ("", "a.b", "a\n", LONG)),
        *((("render", "--service-account", text), "--service-account") for text in ("", "a b", "a..b", "A")),
        *((("render", flag, "a/b"), flag) for flag in ("--study-name", "--study-volume")),
        (("render", "--location", "E\nU"), "--location"),
        (("render", "--set", "train.rounds={{x}}"), "--set"),
        (("render", "--source", "{{x}}"), "--source"),
        (("run", "--output", "ftp://bucket/x"), "--output"),
        (("run", "--output", "bq://a.b.c"), "--output"),
        (("runs", "--output", "gs://bucket/x"), "--runs"),  # the other name of it
        (("run", "--registry", "file://models/registry"), "--registry"),
        (("run", "--cover-types", " , "), "--cover-types"),
        *((("submit", "--registry", text), "--registry") for text in ("./models", "file:///models")),
        (("deploy", "--registry", "models"), "--registry"),
        (("deploy", "--source", "models"), "--source"),
        (("status", "../x"), "the name of a run"),
        (("fetch", ".."), "the name of a run"),
    ],
)
def test_a_name_that_cannot_be_is_a_usage_error_at_once(
    words: tuple[str, ...], option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere")  # a name that is let through ends with 78
    monkeypatch.delenv("ARGO_SERVER", raising=False)
    assert runtime.run_to_exit_code(lambda: app(args=list(words), standalone_mode=False) or 0) == 2
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert line.startswith("error: ")
    assert f", in {option}" in line
    assert printed.out == ""


@pytest.mark.parametrize(
    "text",
    [
        "image: 'a b'", "namespace: a.b", "service_account: A", "study_name: a/b", "study_volume: A", 'output: "a\\0b"',
        "steps: {train: {node_selector: {'a b': c}}}", "steps: {train: {node_selector: {a: 'b c'}}}",
        "steps: {train: {service_account: A}}", "source: ftp://a/b", "registry: bq://a.b.c", 'schema: "a\\nb"',
    ],
)  # fmt: skip
def test_config_and_environment_keep_to_the_same_rules(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "job.yaml"
    config.write_text(text)
    with pytest.raises(BadConfigurationError, match=f", in {config}"):
        settings.load({}, config)
    key, _, value = text.partition(": ")
    if key in {"image", "namespace", "service_account", "study_name", "study_volume", "source", "registry"}:
        monkeypatch.setenv(f"COVERTYPE_{key.upper()}", value.strip("'"))
        with pytest.raises(BadConfigurationError, match=f", in COVERTYPE_{key.upper()}"):
            settings.load({})


def test_the_argo_tool_s_namespace_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ARGO_NAMESPACE", "No_Good")
    assert runtime.run_to_exit_code(lambda: app(args=["status"], standalone_mode=False) or 0) == 78
    assert capsys.readouterr().err.startswith("error: 'No_Good' must be lower-case letters")


def test_a_file_that_holds_a_variable_of_argo_s_is_refused(tmp_path: Path) -> None:
    query = tmp_path / "rows.sql"
    query.write_text("SELECT {{ ref('rows') }}")
    with pytest.raises(BadConfigurationError, match=r"query\.sql becomes part of the workflow and contains '{{'"):
        rendering.render(settings.Settings(source="bq://p", query=str(query)), "Workflow")
