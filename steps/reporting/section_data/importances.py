"""The section on feature importances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps.reporting.section_data.parts import HeatMap, share_row

if TYPE_CHECKING:
    from steps.reporting.run_results import RunResults

MOST_FEATURES = 20


@dataclass(frozen=True)
class Importances:
    """View data of ``importances.html``.

    Attributes:
        heat_map: share of each feature in the total gain of each model, for the features with the highest mean share.
        left_out: number of features that the heat map leaves out.
        highest_left_out: highest mean share of a feature that was left out.
    """

    heat_map: HeatMap
    left_out: int
    highest_left_out: float


def importances(results: RunResults) -> Importances | None:
    """Return the section, None if no model was evaluated or none has a split."""
    shares = [results.metrics[cover_type.slug]["importances"] for cover_type in results.evaluated]
    features = {feature for share in shares for feature in share}
    if not features:
        return None
    means = {feature: sum(share.get(feature, 0.0) for share in shares) / len(shares) for feature in features}
    ranked = sorted(means, key=lambda feature: (-means[feature], feature))
    highest = max(value for share in shares for value in share.values())
    rows = [share_row(feature, feature, shares, highest, decimals=1) for feature in ranked[:MOST_FEATURES]]
    rest = ranked[MOST_FEATURES:]
    return Importances(
        heat_map=HeatMap([results.name(cover_type) for cover_type in results.evaluated], rows),
        left_out=len(rest),
        highest_left_out=means[rest[0]] if rest else 0.0,
    )
