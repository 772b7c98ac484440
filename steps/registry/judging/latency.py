"""Measure the time that versions of a registry take to score a row, for the limits of the gate.

All models of a version score the same rows, with the predictor of ``predict`` and one thread; reading a table and
computing features are not included. The versions take turns in one process, so that a machine that becomes slower
becomes so for both, and the median of each counts. Times of different machines cannot be compared: a relative limit
is therefore judged by times measured together.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import numpy as np

from steps import forest
from steps.bundles import folder as bundle

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from steps.forest import Predictor

ROWS, REPEATS = 4096, 9


def open_predictors(models: Path) -> list[Predictor]:
    """Return a predictor for each set of features that the models of a version have.

    Args:
        models: The folder of the bundles. The prepared forests beside them are used if they are of these models, and
            written if not.

    Raises:
        NoInputError: A file of a bundle is missing.
        BadDataError: A model is damaged.
    """
    checked = {path.name: bundle.check(path) for path in models.iterdir() if path.is_dir()}
    schema = bundle.schema_of(next(iter(checked.values())))
    facts = {slug: checked[slug] for slug in schema.slugs if slug in checked}
    return [
        forest.open_predictor(
            [models / slug / bundle.MODEL for slug in group],
            prepared_file=models / bundle.prepared_name(number),
            digests=[facts[slug]["sha256"][bundle.MODEL] for slug in group],
        )
        for number, group in enumerate(bundle.group_by_features(facts))
    ]


def measure_seconds_per_row(versions: Sequence[Sequence[Predictor]]) -> list[float]:
    """Return the CPU seconds that all models of each version take for a row: the median of ``REPEATS`` turns.

    Args:
        versions: The predictors of each version.
    """
    random = np.random.default_rng(0)
    inputs = [[random.normal(0, 1000, (ROWS, each.features)).astype(np.float32) for each in own] for own in versions]
    times: list[list[float]] = [[] for _ in versions]
    for turn in range(REPEATS + 1):
        for own, rows, found in zip(versions, inputs, times, strict=True):
            start = time.process_time()
            for predictor, values in zip(own, rows, strict=True):
                predictor.scores(values, 1)
            if turn:  # the first turn compiles, and fills the caches
                found.append((time.process_time() - start) / ROWS)
    return [statistics.median(found) for found in times]
