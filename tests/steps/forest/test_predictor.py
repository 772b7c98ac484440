from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steps import forest
from steps.core import runtime
from steps.core.errors import BadDataError, UnavailableError
from steps.forest import boosters, kernels, prepared, scoring, trees
from tests.steps.forest.random_models import rows_for, train

WARNING = "warning: the forest is not used, predictions take longer: "


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """The files of two models."""
    made = [tmp_path / name for name in ("a.ubj", "b.ubj")]
    for seed, path in enumerate(made):
        train(seed, missing=0.2).save_model(path)
    return made


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(runtime, "log", lines.append)
    return lines


def check_scores(found: forest.Predictor, paths: list[Path]) -> None:
    models = [(str(path), path.read_bytes()) for path in paths]
    rows = rows_for(train(0), 50)
    np.testing.assert_array_equal(found.scores(rows), boosters.Boosters(models).scores(rows))
    np.testing.assert_array_equal(found.margins(rows), boosters.Boosters(models).margins(rows))
    assert (found.models, found.features) == (2, 4)


def refuse(*_arguments: Any, **_options: Any) -> Any:
    raise AssertionError("must not be called")


def test_models_become_a_forest(paths: list[Path], logged: list[str]) -> None:
    found = forest.open_predictor(paths)
    assert found.engine == "forest"
    check_scores(found, paths)
    assert logged == []


def test_without_xgboost_only_a_prepared_forest_scores(
    paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "forest.bin"
    expected = forest.open_predictor(paths, prepared_file=file).scores(rows_for(train(0), 50))
    monkeypatch.setitem(sys.modules, "xgboost", None)
    monkeypatch.delitem(sys.modules, "steps.forest.boosters")
    monkeypatch.setattr(prepared, "_xgboost_version", lambda: "")
    found = forest.open_predictor(paths, prepared_file=file)
    assert found.engine == "forest"
    np.testing.assert_array_equal(found.scores(rows_for(train(0), 50)), expected)
    file.unlink()
    with pytest.raises(UnavailableError, match=r"no prepared forest .* XGBoost is not installed, in .*: register"):
        forest.open_predictor(paths, prepared_file=file)


def test_a_prepared_forest_is_written_once_and_read_without_the_trees(
    paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "forest.bin"
    assert forest.open_predictor(paths, prepared_file=file).engine == "forest"
    written = file.stat().st_mtime_ns
    with monkeypatch.context() as patch:
        patch.setattr(trees, "read", refuse)
        patch.setattr(prepared, "write", refuse)
        found = forest.open_predictor(paths, prepared_file=file)
    assert (found.engine, file.stat().st_mtime_ns) == ("forest", written)
    check_scores(found, paths)


def test_a_prepared_forest_of_other_models_is_replaced(paths: list[Path], tmp_path: Path) -> None:
    file = tmp_path / "forest.bin"
    forest.open_predictor(paths, prepared_file=file)
    before = file.read_bytes()
    train(7, missing=0.2).save_model(paths[0])
    check_scores(forest.open_predictor(paths, prepared_file=file), paths)
    assert file.read_bytes() != before


def test_a_prepared_forest_with_other_scores_is_replaced(
    paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, write = tmp_path / "forest.bin", prepared.write

    def write_wrong(path: Path, made: prepared.Prepared, digests: list[str]) -> None:
        write(path, prepared.Prepared(made.packed, made.rows, np.nextafter(made.scores, np.float32(2))), digests)

    with monkeypatch.context() as patch:
        patch.setattr(prepared, "write", write_wrong)
        forest.open_predictor(paths, prepared_file=file)
    before = file.read_bytes()
    check_scores(forest.open_predictor(paths, prepared_file=file), paths)
    assert file.read_bytes() != before


def test_a_file_that_cannot_be_written_is_no_error(paths: list[Path]) -> None:
    file = paths[0] / "forest.bin"  # below a file
    assert forest.open_predictor(paths, prepared_file=file).engine == "forest"
    assert not file.exists()


def test_a_forest_with_other_scores_is_not_used(
    paths: list[Path], tmp_path: Path, logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "base_margin", lambda _score: np.float32(0.25))
    found = forest.open_predictor(paths, prepared_file=tmp_path / "forest.bin")
    assert found.engine == "xgboost"
    check_scores(found, paths)
    assert logged == [f"{WARNING}its scores differ from XGBoost's"]
    assert not (tmp_path / "forest.bin").exists()


def test_only_the_margins_differ(paths: list[Path], logged: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring.Forest, "margins", lambda self, rows: np.full((self.models, len(rows)), 0.5, "f4"))
    assert forest.open_predictor(paths).engine == "xgboost"
    assert logged == [f"{WARNING}its scores differ from XGBoost's"]


def test_only_the_probabilities_differ(paths: list[Path], logged: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels.BoundKernels, "to_probabilities", lambda _self, out: np.subtract(1, out, out=out))
    assert forest.open_predictor(paths).engine == "xgboost"
    assert logged == [f"{WARNING}its scores differ from XGBoost's"]


@pytest.mark.filterwarnings("ignore")
def test_models_that_the_forest_cannot_hold_are_left_to_xgboost(paths: list[Path], logged: list[str]) -> None:
    train(booster="dart").save_model(paths[1])
    found = forest.open_predictor(paths)
    assert found.engine == "xgboost"
    check_scores(found, paths)
    assert logged == [f"{WARNING}{paths[1]} is of the kind dart with the objective binary:logistic"]


def test_a_processor_without_kernels_is_left_to_xgboost(
    paths: list[Path], tmp_path: Path, logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "forest.bin"
    forest.open_predictor(paths, prepared_file=file)

    def fail(_form: object) -> None:
        raise RuntimeError("no such processor")

    monkeypatch.setattr(kernels, "load", fail)
    found = forest.open_predictor(paths, prepared_file=file)
    assert found.engine == "xgboost"
    check_scores(found, paths)
    assert logged == [f"{WARNING}its kernels cannot be compiled for this processor"]


@pytest.mark.parametrize("data", [b"", b"{}", b"not a model"])
def test_a_damaged_model_is_refused_by_name(paths: list[Path], data: bytes) -> None:
    paths[1].write_bytes(data)
    with pytest.raises(BadDataError, match=r"not an XGBoost model .*, in .*b\.ubj: train or fetch again"):
        forest.open_predictor(paths)


def test_a_missing_model_is_an_error_of_the_operating_system(paths: list[Path], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        forest.open_predictor([*paths, tmp_path / "c.ubj"])


def test_a_prepared_forest_needs_no_xgboost(paths: list[Path], tmp_path: Path) -> None:
    file = tmp_path / "forest.bin"
    forest.open_predictor(paths, prepared_file=file)
    program = (
        "import sys, pathlib; from steps import forest;"
        "found = forest.open_predictor(list(map(pathlib.Path, sys.argv[2:])), prepared_file=pathlib.Path(sys.argv[1]));"
        "print(found.engine, *sorted({'xgboost', 'pandas', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program, *map(str, (file, *paths))]
    root = Path(__file__).parents[3]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout == "forest\n"
