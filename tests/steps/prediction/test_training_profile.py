from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from steps.core.errors import BadDataError, NoInputError
from steps.prediction import training_profile
from steps.prediction.models import read_ensemble
from tests.support import SCHEMA

if TYPE_CHECKING:
    from pathlib import Path

    from steps.prediction.models import Ensemble


@pytest.fixture
def ensemble(models: Path) -> Ensemble:
    return read_ensemble(models)


@pytest.mark.parametrize("place", ["profile.json", "nodes/prepare/out/profile/profile"])
def test_the_profile_beside_the_models_is_found(
    ensemble: Ensemble, models: Path, training_profile_file: Path, place: str
) -> None:
    assert training_profile.find_profile(models) is None
    target = models.parent / place
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(training_profile_file, target)
    assert training_profile.find_profile(models) == target
    counter = training_profile.make_counter(ensemble, models, None)
    assert counter is not None
    assert counter.reference.slugs == SCHEMA.slugs


def write(path: Path, **changes: Any) -> None:
    profile = json.loads(path.read_text())
    path.write_text(json.dumps({**profile, **changes}))


def test_without_a_profile_a_line_says_so(
    ensemble: Ensemble, models: Path, training_profile_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert training_profile.make_counter(ensemble, models, None) is None
    assert capsys.readouterr().err == "there is no profile beside the models: drift is not measured\n"
    beside = models.parent / "profile.json"
    for changes, line in (
        ({"data_sha256": "0" * 64}, "the profile is not that of the models"),
        ({"columns": {}}, "an earlier version wrote the profile"),
    ):
        shutil.copy(training_profile_file, beside)
        write(beside, **changes)
        assert training_profile.make_counter(ensemble, models, None) is None
        assert capsys.readouterr().err == f"{line}: drift is not measured\n"
        with pytest.raises(BadDataError, match=line):
            training_profile.make_counter(ensemble, models, beside)
    beside.write_text("[]")
    assert training_profile.make_counter(ensemble, models, None) is None


def test_a_profile_that_was_named_must_exist(ensemble: Ensemble, models: Path) -> None:
    with pytest.raises(NoInputError, match="no such file, in --profile"):
        training_profile.make_counter(ensemble, models, models / "none.json")


def test_positions_of_the_models_in_the_schema(ensemble: Ensemble) -> None:
    assert np.array_equal(training_profile.positions_in_schema(ensemble), [0, 1, 6])
