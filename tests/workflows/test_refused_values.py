"""A value that a step refuses is refused before anything is started or sent, on every way in that its option has."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.main import get_command

from steps.core import runtime
from steps.core.errors import BadConfigurationError
from steps.options import STEP_OPTIONS, Declared, Scope, form_options, options_of
from tests.support import Result, call
from tests.workflows.command_line import invoke
from workflows import settings
from workflows.settings import overrides

if TYPE_CHECKING:
    from tests.workflows.fake_api import FakeApi

# So many values of so many options are not what coverage is about, and measuring it doubles their time.
pytestmark = pytest.mark.no_cover

ALL = [(step, option) for step in STEP_OPTIONS for option in options_of(step)]
LIMITED = [(step, option) for step, option in ALL if option.kind is not str]
USAGE, CONFIGURATION = 2, BadConfigurationError.exit_code
CONFIG = "job.yaml"
VERBS = itertools.cycle(("render", "submit", "run"))


def named(value: Any) -> str:
    return str(getattr(value, "name", value))


def outside(option: Declared) -> list[object]:
    """Return values that an option does not accept, of every kind of mistake."""
    if option.choices:
        return ["nonsense", option.choices[0].upper()]
    found: list[object] = ["abc", "nan", "inf", True]
    given = option.option
    step = 1 if option.kind is int else 1e-9
    if given.minimum is not None:
        found.append(given.minimum - step)
    if given.above is not None:
        found += [given.above, given.above - 1]
    if given.maximum is not None:
        found.append(int(given.maximum) + 1 if option.kind is int else given.maximum * (1 + 1e-9))
    return [*found, 1.5] if option.kind is int else found


def inside(option: Declared) -> list[object]:
    """Return the values at an option's limits, and its choices."""
    given = option.option
    limits = [option.read(limit) for limit in (given.minimum, given.maximum) if limit is not None]
    return list(option.choices) or limits


@pytest.mark.parametrize(("step", "option"), LIMITED, ids=named)
def test_the_command_line_of_the_step_refuses_it(step: str, option: Declared) -> None:
    main = import_module(f"steps.{step}").main
    required = [f"{each.opts[0]}=x" for each in get_command(runtime.as_app(main)).params if each.required]
    for value in outside(option):
        result = call(main, *required, f"--{option.name}={value}")
        assert result.code == USAGE, (value, result.log)
        assert result.log.startswith(f"error: Invalid value for '--{option.name}'"), result.log
        assert len(result.log.splitlines()) == 1


@pytest.mark.parametrize(("step", "option"), LIMITED, ids=named)
def test_each_option_with_a_number_has_limits(step: str, option: Declared) -> None:
    """Without a limit there is a number that XGBoost or BigQuery refuses only when the step runs."""
    assert step in STEP_OPTIONS
    assert option.choices or option.limits or option.option.maximum, option.name


@dataclass(frozen=True)
class Way:
    """A way to give a value: flags, a config file or the environment, and the exit code for a wrong value there."""

    place: str
    words: tuple[str, ...] = ()
    document: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def code(self) -> int:
        return USAGE if self.words else CONFIGURATION


def ways(key: str, option: Declared, value: object) -> list[Way]:
    """Return the ways to give a value to an option; ``key`` is that of ``set``, if the option is none of the form."""
    if option.option.scope is Scope.FORM:
        flag, variable = f"--{option.name}", f"COVERTYPE_{option.attribute.upper()}"
        return [
            Way(flag, words=(f"{flag}={value}",)),
            Way(CONFIG, document={option.attribute: value}),
            Way(variable, environment={variable: str(value)}),
        ]
    return [
        Way(f"--set {key}", words=(f"--set={key}={value}",)),
        Way(f"{CONFIG}, set.{key}", document={"set": {key: value}}),
        Way(f"COVERTYPE_SET, set.{key}", environment={"COVERTYPE_SET": json.dumps({key: str(value)})}),
    ]


OF_RUNS = [
    *((option.attribute, option) for option in form_options() if option.kind is not str),
    *((f"{step}.{option.attribute}", option) for step, option in LIMITED if option.option.scope is Scope.SET),
    *(
        (f"{step}.aspen.{option.attribute}", option)
        for step, option in LIMITED
        if (step, option.attribute) in {("split", "test_fraction"), ("tune", "pruner"), ("train", "rounds")}
    ),
]


@pytest.mark.parametrize(("key", "option"), OF_RUNS, ids=named)
def test_the_workflow_refuses_it_before_anything_is_sent(
    key: str, option: Declared, kube: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    values = outside(option)
    # Each value in one way, and each way with some value.
    for i in range(max(len(values), len(ways(key, option, "")))):
        value = values[i % len(values)]
        given = ways(key, option, value)
        way = given[i % len(given)]
        Path(CONFIG).write_text(yaml.safe_dump(way.document))
        result = call_workflow(next(VERBS), "--config", CONFIG, *way.words, environment=way.environment)
        assert result.code == way.code, (value, way, result.log)
        [line] = result.log.splitlines()
        assert line.startswith(f"error: {option.attribute} cannot be "), line
        assert f", in {way.place}: " in line, line
    assert kube.requests == []
    assert {path.name for path in tmp_path.iterdir()} <= {CONFIG, "kubeconfig"}


def call_workflow(*words: str, environment: dict[str, str]) -> Result:
    err = io.StringIO()
    with pytest.MonkeyPatch.context() as context, contextlib.redirect_stderr(err):
        for name, text in environment.items():
            context.setenv(name, text)
        code = invoke(*words)
    return Result(code, err.getvalue())


@pytest.mark.parametrize(("key", "option"), OF_RUNS, ids=named)
def test_the_values_at_the_limits_are_accepted(key: str, option: Declared) -> None:
    for value in inside(option):
        if option.option.scope is Scope.FORM:
            loaded = settings.load({option.attribute: str(value)})
            assert getattr(loaded, option.attribute) == value
        else:
            parsed = overrides.parse({key: str(value)}, ["aspen"])
            step, _, _ = key.partition(".")
            assert option.read(parsed.of(step, "aspen")[option.name]) == value
