"""Counts of rows by column and group of values, and the PSI computed from them, as metrics for Prometheus.

Workers count by themselves, and a PSI cannot be added up. So the counts are metrics, which the library adds up, and the
PSI is computed from their sums when the metrics are asked for.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from prometheus_client import Counter
from prometheus_client.core import GaugeMetricFamily

from steps.drift.grouping import compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

    from steps.drift.grouping import GroupCounter, Groups

_ROWS, _UNSEEN = "covertype_drift_rows", "covertype_drift_unseen_rows"
_MISSING = "missing"


class DriftMetrics:
    """The metrics of drift.

    Args:
        registry: The registry of this worker's counters.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        text = "Scored rows by column and group of values."
        self._rows = Counter(_ROWS, text, ["version", "column", "group"], registry=registry)
        text = "Scored rows with a category that the models have not seen."
        self._unseen = Counter(_UNSEEN, text, ["version", "column"], registry=registry)
        self._version, self._groups = "", dict[str, "Groups"]()

    def show(self, version: str, groups: Mapping[str, Groups]) -> None:
        """Show the drift of a version, and no other one; no groups: it is not known."""
        if version != self._version:
            with warnings.catch_warnings():
                # The files of several workers keep what is removed; it is not shown.
                warnings.simplefilter("ignore", UserWarning)
                self._rows.clear()
                self._unseen.clear()
        self._version, self._groups = version, dict(groups)

    def count(self, version: str, counter: GroupCounter) -> None:
        """Add the rows of a counter, and clear it."""
        for column, counts in counter.counts.items():
            names = counter.groups[column].names
            for at in np.flatnonzero(counts).tolist():
                self._rows.labels(version, column, names[at]).inc(int(counts[at]))
        for column, count in counter.unseen.items():
            self._unseen.labels(version, column).inc(count)
        counter.clear()

    def keep_version(self, families: Iterable[Metric]) -> None:
        """Remove the counts of versions that do not answer: each has some hundred series."""
        for family in families:
            if family.name in {_ROWS, _UNSEEN}:
                family.samples = [each for each in family.samples if each.labels["version"] == self._version]

    def gauges(self, families: Iterable[Metric]) -> list[GaugeMetricFamily]:
        """Return the metrics that are computed from the counts of all workers, for the version that answers.

        Args:
            families: The metrics with the counts.
        """
        if not self._groups:
            return []
        counts, unseen = self._counts(families)
        text = "Population stability index of all counted rows of the version."
        psi = GaugeMetricFamily("covertype_drift_psi", text, None, ["column"])
        text = "PSI that chance exceeds once in 1,000 times."
        noise = GaugeMetricFamily("covertype_drift_psi_noise", text, None, ["column"])
        missing = GaugeMetricFamily("covertype_drift_missing_share", "Share of missing values.", None, ["column"])
        new = GaugeMetricFamily("covertype_drift_unseen_share", "Share of unseen categories.", None, ["column"])
        text = "Share of the training rows by column and group of values."
        training = GaugeMetricFamily("covertype_drift_training_share", text, None, ["column", "group"])
        for column, groups in self._groups.items():
            for name, share in zip(groups.names, groups.training / max(groups.training.sum(), 1), strict=True):
                training.add_metric([column, name], float(share))
            given = counts[column]
            rows = max(int(given.sum()), 1)
            if (found := compare(groups.training, given)) is not None:
                psi.add_metric([column], found.psi)
                noise.add_metric([column], found.noise)
            if groups.names[-1] == _MISSING:
                missing.add_metric([column], int(given[-1]) / rows)
            if column in unseen:
                new.add_metric([column], unseen[column] / rows)
        return [psi, noise, missing, new, training]

    def _counts(self, families: Iterable[Metric]) -> tuple[dict[str, NDArray[np.int64]], dict[str, int]]:
        """Return the numbers of rows by column, and those with unseen categories."""
        counts = {column: np.zeros(len(groups.names), np.int64) for column, groups in self._groups.items()}
        unseen: dict[str, int] = {}
        for sample in (sample for family in families for sample in family.samples):
            labels = sample.labels
            if labels.get("version") != self._version or labels.get("column") not in counts:
                continue
            column = labels["column"]
            if sample.name == f"{_ROWS}_total" and labels["group"] in self._groups[column].names:
                counts[column][self._groups[column].names.index(labels["group"])] += int(sample.value)
            elif sample.name == f"{_UNSEEN}_total":
                unseen[column] = unseen.get(column, 0) + int(sample.value)
        return counts, unseen
