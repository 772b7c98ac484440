from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from steps import tune
from steps.core.errors import UsageError
from steps.models import hyperparameters, presets, training
from steps.models.training import EvaluationPlan
from steps.options.shared import Preset
from steps.options.train import Hyperparameters
from steps.search import holdout
from tests.limits import without_override
from tests.steps.models.test_training import matrices_of
from tests.support import Chain, call

if TYPE_CHECKING:
    from pathlib import Path

SMALL = {"rounds": 4, "max_depth": 3, "evaluate_every": 4}
SPACE = """
[search]
evaluate_every = 2

[parameters.learning_rate]
low = 0.1
high = 0.8
"""


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let presets be small, as the real ones take seconds a trial; return a small search space."""
    rates = {Preset.DEFAULT: 0.3, Preset.FAST: 0.6, Preset.THOROUGH: 0.2, Preset.GPU: 0.1}

    def load(preset: Preset) -> presets.Defaults:
        growth = "depthwise" if preset is Preset.GPU else "lossguide"
        return presets.Defaults("derived", {**SMALL, "learning_rate": rates[preset], "grow_policy": growth})

    monkeypatch.setattr(presets, "load", load)
    path = tmp_path / "space.toml"
    path.write_text(SPACE)
    return path


def table_of(chain: Chain) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(chain["trial_table"].read_text())
    return found


def options_of(chain: Chain, **options: object) -> list[object]:
    names = ("train_features", "validation_features", "best_parameters", "trial_table")
    return [f"--{name.replace('_', '-')}={value}" for name, value in {**chain.options(*names), **options}.items()]


def test_without_trials_the_preset_is_passed_on(own_chain: Chain) -> None:
    for preset in Preset:
        own_chain.tune(preset=preset.value)
        written = json.loads(own_chain["best_parameters"].read_text())
        assert written["origin"] == f"preset {preset.value}"
        chosen = hyperparameters.read(own_chain["best_parameters"])
        assert chosen == Hyperparameters(**presets.load(preset).parameters)
        assert table_of(own_chain)["trials"] == []


def test_trials_on_the_command_line(
    own_chain: Chain, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGO_PROGRESS_FILE", str(tmp_path / "progress"))
    own_chain.tune(trials=4, seed=1, space=small, usage=tmp_path / "usage.json")
    table = table_of(own_chain)
    assert [row["origin"] for row in table["trials"]] == ["preset", "preset fast", "preset thorough", "tpe"]
    assert [row["number"] for row in table["trials"]] == [1, 2, 3, 4]
    assert (tmp_path / "progress").read_text() == "4/4\n"
    best = json.loads(own_chain["best_parameters"].read_text())
    assert best["origin"] == f"trial {table['best']} of 4"
    assert best["objective"] == "pr_auc"
    assert hyperparameters.read(own_chain["best_parameters"]).rounds <= 4
    own_chain.train()
    curve = json.loads(own_chain["learning_curve"].read_text())
    assert set(curve["validation"]) == {"logloss", "pr_auc"}


@pytest.mark.parametrize("objective", ["f1", "logloss"])
def test_the_objective_is_what_is_improved(own_chain: Chain, small: Path, objective: str) -> None:
    own_chain.tune(trials=3, space=small, objective=objective, sampler="random", pruner="none")
    best = json.loads(own_chain["best_parameters"].read_text())
    selection = holdout.read_halves(own_chain["validation_features"], 0).selection
    plan = EvaluationPlan(objective, rows=selection)
    chosen = Hyperparameters(**best["parameters"])
    _, curve = training.train(matrices_of(own_chain), chosen, seed=0, threads=1, plan=plan)
    assert curve.best_value == best["value"]
    values = [row["value"] for row in table_of(own_chain)["trials"]]
    assert best["value"] == (min if objective == "logloss" else max)(values)


def test_more_trials_go_on_from_the_old_ones(own_chain: Chain, small: Path, tmp_path: Path) -> None:
    own_chain.tune(trials=3, space=small, study=tmp_path / "study")
    first = table_of(own_chain)["trials"]
    own_chain.tune(trials=5, space=small, study=tmp_path / "new", earlier_study=tmp_path / "study")
    assert table_of(own_chain)["trials"][:3] == first
    assert (tmp_path / "new").read_bytes().startswith((tmp_path / "study").read_bytes())
    content = (tmp_path / "new").read_bytes()
    own_chain.tune(trials=6, space=small, study=tmp_path / "new", earlier_study=tmp_path / "study")
    assert (tmp_path / "new").read_bytes().startswith(content)
    assert len(table_of(own_chain)["trials"]) == 6
    assert len((tmp_path / "new").read_text().splitlines()) == 1 + 6


def test_a_study_is_there_also_without_trials(own_chain: Chain, small: Path, tmp_path: Path) -> None:
    own_chain.tune(study=tmp_path / "study", space=small)
    assert (tmp_path / "study").read_bytes() == b""
    own_chain.tune(study=tmp_path / "study", space=small, trials=2)
    content = (tmp_path / "study").read_bytes()
    own_chain.tune(study=tmp_path / "study", space=small)
    assert (tmp_path / "study").read_bytes() == content
    own_chain.tune(study=tmp_path / "empty", earlier_study=tmp_path / "study", space=small)
    assert (tmp_path / "empty").read_bytes() == content


def test_a_warm_start_tries_what_was_best(own_chain: Chain, small: Path, tmp_path: Path) -> None:
    own_chain.tune(trials=5, space=small, objective="logloss")
    old = table_of(own_chain)
    (tmp_path / "old.json").write_text(json.dumps(old))
    own_chain.tune(trials=6, space=small, seed=5, warm_start=tmp_path / "old.json")
    rows = table_of(own_chain)["trials"]
    presets_ = ["preset", "preset fast", "preset thorough"]
    assert [row["origin"] for row in rows] == [*presets_, "warm start", "warm start", "tpe"]
    assert {row["parameters"]["learning_rate"] for row in rows[:5]} == {
        row["parameters"]["learning_rate"] for row in old["trials"]
    }


@pytest.mark.parametrize(
    "case",
    [
        ({"timeout": -1}, 2, "error: Invalid value for '--timeout'"),
        (
            {"timeout": "nan"},
            2,
            "error: Invalid value for '--timeout': 'nan': a number is needed; leave it out",
        ),
        ({"timeout": 0}, 2, "error: Invalid value for '--timeout': '0': a number above 0 is needed; leave it out"),
        ({"timeout": "a minute"}, 2, "error: Invalid value for '--timeout'"),
        ({"trials": -1}, 2, "error: Invalid value for '--trials'"),
        ({"objective": "auc"}, 2, "error: Invalid value for '--objective'"),
        ({"sampler": "grid"}, 2, "error: Invalid value for '--sampler'"),
        ({"space": "{folder}/none.toml"}, 66, "error: no such file, in {folder}/none.toml: check --space"),
        ({"study": "{folder}"}, 2, "error: is a directory, in {folder}: there is a file instead of a folder"),
        ({"study": "{folder}/space.toml/study"}, 2, "error: "),
        ({"study": "{folder}/space.toml"}, 65, "error: this is not a study, in {folder}/space.toml: give a file that"),
        ({"warm_start": "{folder}/none"}, 66, "error: no such file, in {folder}/none: check the path"),
        ({"warm_start": "{folder}/space.toml"}, 65, "error: this is not a study, in {folder}/space.toml: give a file"),
        ({"earlier_study": "{folder}/none"}, 2, "error: there is no study to begin with it, in --earlier-study: give"),
        (
            {"study": "{folder}/new", "earlier_study": "{folder}/none"},
            66,
            "error: no such file, in {folder}/none: check the path",
        ),
    ],
)
def test_bad_options_are_one_line(
    chain: Chain, small: Path, tmp_path: Path, case: tuple[dict[str, str], int, str]
) -> None:
    options, code, message = case
    outputs = {name: tmp_path / "out" / name for name in ("best_parameters", "trial_table")}
    given = {name: str(value).replace("{folder}", str(tmp_path)) for name, value in options.items()}
    whole = options_of(chain, **{"trials": 1, "space": small, **outputs, **given})
    result = call(tune.main, *whole)
    assert (result.code, len(result.errors)) == (code, 1), result.log
    assert result.errors[0].startswith(message.replace("{folder}", str(tmp_path)))
    assert "Traceback" not in result.log
    assert not (tmp_path / "out").exists()
    assert small.read_text() == SPACE


def test_a_study_that_cannot_be_written_is_said_so(chain: Chain, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    outputs = {name: tmp_path / name for name in ("best_parameters", "trial_table")}
    words = options_of(chain, **outputs, study=closed / "study", trials=1)
    code, err = without_override("-m", "steps.tune", *map(str, words))
    assert code == 77, err
    assert f"error: permission denied, in {closed}" in err
    assert "Traceback" not in err


def test_without_trials_nothing_heavy_is_imported() -> None:
    code = "import sys, steps.tune; print([name for name in ('optuna', 'xgboost', 'sklearn') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_search_of_best_first_trees_on_a_gpu_is_refused(own_chain: Chain, small: Path, tmp_path: Path) -> None:
    names = ("train_features", "validation_features", "best_parameters", "trial_table")
    words = [word for name, path in own_chain.options(*names).items() for word in (f"--{name.replace('_', '-')}", path)]
    both = tmp_path / "both.toml"
    both.write_text(small.read_text() + '\n[parameters.grow_policy]\nchoices = ["lossguide", "depthwise"]\n')
    for space, preset in ((small, "default"), (both, "gpu")):
        refused = call(tune.main, *words, "--device=cuda", "--trials=2", f"--space={space}", f"--preset={preset}")
        assert refused.code == UsageError.exit_code
        assert "best-first growth (lossguide) is slower on a GPU" in refused.log
