"""Flags that are derived from the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from steps.core.errors import UsageError
from workflows.cli import options
from workflows.settings import Settings  # noqa: TC001 - read at run time


def parsed(verb: Any, *words: str) -> Settings:
    """Return the settings that a verb is called with."""
    seen: list[Settings] = []
    app = typer.Typer(add_completion=False)

    def run(*, settings: Settings) -> int:
        seen.append(settings)
        return 0

    app.command()(verb(run))
    get_command(app)(list(words), standalone_mode=False)
    return seen[0]


def test_flags_that_are_not_given_leave_the_settings_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVERTYPE_SEED", "5")
    found = parsed(options.with_settings, "--rows", "7", "--cover-types", "4,aspen", "--set", "train.rounds=3")
    assert (found.rows, found.seed, found.preset, found.cover_types) == (7, 5, "default", ("4", "aspen"))
    assert found.overrides == {"train.rounds": "3"}


def test_verbs_that_run_here_have_the_flags_about_this_machine() -> None:
    found = parsed(options.with_local_settings, "--no-cache", "--parallel", "3", "--output", "out")
    assert (found.cache, found.parallel, found.output) == (False, 3, "out")
    with pytest.raises(Exception, match="No such option"):
        parsed(options.with_settings, "--no-cache")


def test_verbs_with_one_pod_have_the_flags_of_a_pod(tmp_path: Path) -> None:
    config = tmp_path / "job.yaml"
    config.write_text("steps: {predict: {cpu: 2}}")
    found = parsed(options.with_pod_settings, "--image", "steps:1", "--s3-secret", "keys", "--config", str(config))
    assert (found.image, found.s3_secret, found.resources("predict").cpu) == ("steps:1", "keys", "2")
    with pytest.raises(Exception, match="No such option"):
        parsed(options.with_pod_settings, "--rows", "3")


def test_a_wrong_value_names_its_flag() -> None:
    with pytest.raises(UsageError, match="--max-dropped"):
        parsed(options.with_settings, "--max-dropped", "2")


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_limits_are_above_zero_and_finite(value: float) -> None:
    with pytest.raises(typer.BadParameter):
        options.limit(value)


def test_no_limit() -> None:
    assert options.limit(None) is None
    assert options.limit(0.5) == 0.5


def _run(*, settings: Settings) -> int:
    return len(settings.namespace)


def test_help_texts_state_the_default() -> None:
    app = typer.Typer(add_completion=False)
    app.command()(options.with_local_settings(_run))
    parameters: Any = get_command(app).params
    helps = {parameter.name: parameter.help for parameter in parameters}
    assert helps["seed"] == "Seed of the split, the search and the training. (default: 0)"
    assert helps["cover_types"].endswith("(default: all)")
    assert helps["cache"].endswith("(default: yes)")
    assert "default" not in helps["registry"]
