from __future__ import annotations

import json
from typing import TYPE_CHECKING

from steps.models import hyperparameters
from steps.options.shared import Preset
from steps.options.train import Hyperparameters
from steps.search import starting_points, warm_start

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Chain


def test_the_other_presets_come_first(chain: Chain) -> None:
    found = starting_points.points(Preset.DEFAULT, chain["train_features"], None)
    expected = [(f"preset {name.value}", hyperparameters.of_preset(name)) for name in (Preset.FAST, Preset.THOROUGH)]
    assert found == expected


def test_then_the_points_of_an_earlier_search_of_the_cover_type(chain: Chain, tmp_path: Path) -> None:
    mine, other = Hyperparameters(rounds=3), Hyperparameters(rounds=4)
    document = warm_start.to_document({"lodgepole-pine": [mine], "aspen": [other]})
    (tmp_path / "points.json").write_text(json.dumps(document))
    found = starting_points.points(Preset.FAST, chain["train_features"], tmp_path / "points.json")
    assert [origin for origin, _ in found] == ["preset default", "preset thorough", "warm start"]
    assert found[-1][1] == mine
