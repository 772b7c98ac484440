"""The points that a search tries before its sampler chooses: the presets, and the best points of an earlier search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steps import tables
from steps.models import hyperparameters
from steps.options.shared import Preset
from steps.search import warm_start as warm_start_points

if TYPE_CHECKING:
    from pathlib import Path

    from steps.options.train import Hyperparameters


def points(preset: Preset, features: Path, warm_start: Path | None) -> list[tuple[str, Hyperparameters]]:
    """Return the points to try after the preset, each with its origin: presets whose trees grow in the same way, first.

    Args:
        preset: The preset of the search.
        features: A feature table, which names the cover type.
        warm_start: A file with the best points of an earlier search; None for the other presets only.
    """
    policy = hyperparameters.of_preset(preset).grow_policy
    others = {other: hyperparameters.of_preset(other) for other in Preset if other != preset}
    found = [(f"preset {other.value}", point) for other, point in others.items() if point.grow_policy == policy]
    if warm_start is None:
        return found
    cover_type = tables.read_metadata(features).cover_type
    earlier = warm_start_points.points_for(cover_type, warm_start_points.read(warm_start))
    return [*found, *(("warm start", point) for point in earlier)]
