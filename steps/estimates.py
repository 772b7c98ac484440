"""Estimates of the time that the steps of a run take, to choose how to run them. They promise nothing.

The figures are CPU seconds on one core with the bundled table: ``python -m benchmarks.work_of_steps`` repeats them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps.models import presets
from steps.options.shared import Preset

if TYPE_CHECKING:
    from collections.abc import Mapping

# Rows and cover types of the bundled table.
BUILTIN_ROWS, BUILTIN_COVER_TYPES = 581_012, 7
# Seconds to train all models of the bundled table.
_TRAIN_SECONDS: Mapping[Preset, float] = {
    Preset.FAST: 12.0,
    Preset.DEFAULT: 58.0,
    Preset.THOROUGH: 320.0,
    Preset.GPU: 240.0,
}
# Training time grows more slowly than the rows: with this power of them.
_TRAIN_POWER = 2 / 3
# Seconds of prepare, and of split, preprocess and evaluate of one cover type: for any table, and for the bundled one.
_PREPARE_SECONDS, _OTHER_SECONDS = (0.5, 1.0), (0.3, 1.2)
_REPORT_SECONDS = 1.5


@dataclass(frozen=True)
class Work:
    """Seconds of work on one core.

    Attributes:
        prepare: of prepare.
        cover_types: of the steps of all cover types.
        report: of the report.
    """

    prepare: float
    cover_types: float
    report: float

    @property
    def total(self) -> float:
        """The seconds of all steps."""
        return self.prepare + self.cover_types + self.report


def estimate_work(  # noqa: PLR0913 - what the time depends on
    preset: Preset,
    rows: int,
    cover_types: int,
    *,
    trials: int = 0,
    timeout: float | None = None,
    rounds: int | None = None,
) -> Work:
    """Estimate the work of a run.

    Args:
        preset: its preset.
        rows: rows that it uses.
        cover_types: number of models.
        trials: trials of the search for each cover type. A trial takes about as long as a training by ``default``.
        timeout: limit of each search in seconds.
        rounds: boosting rounds, if they are not those of the preset.
    """
    share = rows / BUILTIN_ROWS
    models = cover_types / BUILTIN_COVER_TYPES * share**_TRAIN_POWER
    relative_rounds = 1.0 if rounds is None else rounds / presets.load(preset).parameters["rounds"]
    search = trials * models * _TRAIN_SECONDS[Preset.DEFAULT]
    if timeout is not None:
        search = min(search, cover_types * timeout)
    other = cover_types * (_OTHER_SECONDS[0] + _OTHER_SECONDS[1] * share)
    train = models * _TRAIN_SECONDS[preset] * relative_rounds
    return Work(_PREPARE_SECONDS[0] + _PREPARE_SECONDS[1] * share, other + search + train, _REPORT_SECONDS)
