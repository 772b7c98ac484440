"""Options of ``train``: the hyperparameters of XGBoost, and which rows the final model sees."""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Annotated, Any

from steps.core.options import Option, Scope
from steps.options.shared import LARGEST, LARGEST_FLOAT, Device, DeviceOption, Preset, PresetOption, Seed, Threads

if TYPE_CHECKING:
    from collections.abc import Mapping


class Refit(enum.StrEnum):
    """Which rows the final model is trained on besides the training rows."""

    NONE = "none"
    VALIDATION = "validation"


class GrowPolicy(enum.StrEnum):
    """Which node a tree grows at next."""

    DEPTHWISE = "depthwise"
    LOSSGUIDE = "lossguide"


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Options of ``train`` besides the hyperparameters."""

    seed: Seed = 0
    preset: PresetOption = Preset.DEFAULT
    refit: Annotated[Refit, Option("Extra rows for the final refit, besides the training rows.", Scope.FORM)] = (
        Refit.NONE
    )
    threads: Threads = 1
    device: DeviceOption = Device.CPU


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """What shapes a booster; names, meanings and defaults are XGBoost's (``rounds`` is ``num_boost_round``).

    Source: https://xgboost.readthedocs.io/en/stable/parameter.html.
    """

    rounds: Annotated[int, Option("Boosting rounds, at most.", Scope.SET, minimum=1, maximum=LARGEST)] = 100
    learning_rate: Annotated[
        float, Option("Factor by which each tree's values are multiplied.", Scope.SET, minimum=1e-6, maximum=1)
    ] = 0.3
    max_depth: Annotated[int, Option("Depth of a tree, 0 for no limit.", Scope.SET, minimum=0, maximum=LARGEST)] = 6
    max_leaves: Annotated[int, Option("Leaves of a tree, 0 for no limit.", Scope.SET, minimum=0, maximum=LARGEST)] = 0
    grow_policy: Annotated[GrowPolicy, Option("Which node of a tree is split next.", Scope.SET)] = GrowPolicy.DEPTHWISE
    min_child_weight: Annotated[
        float, Option("Smallest sum of hessians in a leaf.", Scope.SET, minimum=0, maximum=LARGEST_FLOAT)
    ] = 1.0
    max_delta_step: Annotated[
        float, Option("Largest step of a leaf's value, 0 for no limit.", Scope.SET, minimum=0, maximum=LARGEST_FLOAT)
    ] = 0.0
    gamma: Annotated[float, Option("Smallest gain of a split.", Scope.SET, minimum=0, maximum=LARGEST_FLOAT)] = 0.0
    reg_lambda: Annotated[
        float, Option("L2 regularisation of leaf values.", Scope.SET, minimum=0, maximum=LARGEST_FLOAT)
    ] = 1.0
    reg_alpha: Annotated[
        float, Option("L1 regularisation of leaf values.", Scope.SET, minimum=0, maximum=LARGEST_FLOAT)
    ] = 0.0
    subsample: Annotated[
        float, Option("Share of the rows that a tree is grown from.", Scope.SET, minimum=0.01, maximum=1)
    ] = 1.0
    colsample_bytree: Annotated[
        float, Option("Share of the features that a tree can use.", Scope.SET, minimum=0.01, maximum=1)
    ] = 1.0
    colsample_bylevel: Annotated[
        float, Option("Share of them that a level of a tree can use.", Scope.SET, minimum=0.01, maximum=1)
    ] = 1.0
    colsample_bynode: Annotated[
        float, Option("Share of them that a node of a tree can use.", Scope.SET, minimum=0.01, maximum=1)
    ] = 1.0
    scale_pos_weight: Annotated[
        float, Option("Weight of the positive rows.", Scope.SET, minimum=1e-6, maximum=LARGEST_FLOAT)
    ] = 1.0
    max_bin: Annotated[
        int, Option("Bins that the values of a feature are put into.", Scope.SET, minimum=2, maximum=LARGEST)
    ] = 256
    early_stopping: Annotated[
        int,
        Option(
            "Rounds without a better PR-AUC on validation rows after which training stops, 0 for never.",
            Scope.SET,
            minimum=0,
            maximum=LARGEST,
        ),
    ] = 0
    evaluate_every: Annotated[int, Option("Rounds between two evaluations.", Scope.SET, minimum=1, maximum=LARGEST)] = (
        10
    )

    def with_values(self, values: Mapping[str, Any]) -> Hyperparameters:
        """Return a copy with the values that are not None."""
        return replace(self, **{name: value for name, value in values.items() if value is not None})

    def for_xgboost(self) -> dict[str, Any]:
        """Return the parameters of ``xgboost.train``, without the number of rounds and what is about evaluation."""
        parameters = self.to_dict()
        for name in ("rounds", "early_stopping", "evaluate_every"):
            del parameters[name]
        return parameters

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name, as plain JSON values."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}


def _plain(value: object) -> object:
    return value.value if isinstance(value, enum.Enum) else value
