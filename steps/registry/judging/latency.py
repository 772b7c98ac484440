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
from steps.core.errors import renamed
from steps.registry.paths import version_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from steps.forest import Predictor
    from steps.registry.destinations import Destination
    from steps.registry.manifest import Manifest

ROWS, REPEATS = 4096, 9


def open_predictors(registry: Destination, manifest: Manifest, folder: Path) -> list[Predictor]:
    """Fetch the models of a version, and return a predictor for each set of features that they have.

    Args:
        registry: The registry.
        manifest: The manifest of the version.
        folder: An empty folder for the models.

    Raises:
        NoInputError: A file is not in the registry.
        BadDataError: A model is damaged.
    """
    source = registry.below(version_path(manifest.metadata["version"]))
    for entry in manifest.files:
        if bundle.is_bundle_file(entry.name):
            (folder / entry.name).parent.mkdir(parents=True, exist_ok=True)
            source.download(entry, folder / entry.name)
    groups: dict[str, list[Path]] = {}
    with renamed(folder, source.location):
        for path in sorted(folder.glob(f"**/{bundle.MODEL}")):
            groups.setdefault(repr(bundle.check(path.parent)["features"]), []).append(path)
        return [forest.open_predictor(paths) for paths in groups.values()]


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
