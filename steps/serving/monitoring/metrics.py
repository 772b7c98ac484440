"""Metrics for Prometheus.

With several workers each writes its numbers to files in the folder of ``PROMETHEUS_MULTIPROC_DIR``, which the library
adds up, so that it does not matter which worker is asked.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)

from steps.serving.monitoring.drift_metrics import DriftMetrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

# The kinds of files whose numbers stay when their worker has ended, and the size of a file, enough for 1,000 series.
_SUMS = ("counter", "histogram")
_RESERVED_BYTES = 256 << 10
_EMPTY_BYTES = 8

# The time at which each counter was made would double the number of lines, and several workers have none.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The counters of one worker.

    Attributes:
        drift: The metrics of drift.
    """

    def __init__(self) -> None:
        if folder := os.environ.get(FOLDER):
            _reserve_files(Path(folder))
        self._registry = own = CollectorRegistry()
        text = "Time from the header of a request to the end of its answer."
        self._seconds = Histogram("covertype_request_seconds", text, ["route"], registry=own, buckets=_BUCKETS)
        self._requests = Counter(
            "covertype_requests", "Requests by route and status.", ["route", "status"], registry=own
        )
        self._rows = Counter("covertype_rows", "Rows that were scored.", ["version"], registry=own)
        self._refused = Counter("covertype_refused", "Requests that were refused.", ["reason"], registry=own)
        self._reloads = Counter("covertype_reloads", "Attempts to load another version.", ["result"], registry=own)
        text = "1 for the version that answers."
        self._version = _gauge("covertype_model_version_info", text, ["version"], "livemax", own)
        text = "When the version was loaded, in seconds since 1970."
        self._loaded = _gauge("covertype_model_loaded_seconds", text, [], "livemin", own)
        text = "1 for a version that was refused."
        self._broken = _gauge("covertype_refused_version_info", text, ["version"], "livemax", own)
        self.drift = DriftMetrics(own)
        self._latencies: dict[str, Histogram] = {}
        self._counts: dict[tuple[str, int], Counter] = {}
        self._rows_of: dict[str, Counter] = {}

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        latency, count = self._latencies.get(route), self._counts.get((route, status))
        if latency is None:
            latency = self._latencies[route] = self._seconds.labels(route)
        if count is None:
            count = self._counts[route, status] = self._requests.labels(route, status)
        latency.observe(seconds)
        count.inc()

    def count_rows(self, version: str, rows: int) -> None:
        """Count rows that were scored."""
        counter = self._rows_of.get(version)
        if counter is None:
            counter = self._rows_of[version] = self._rows.labels(version)
        counter.inc(rows)

    def count_refusal(self, reason: str) -> None:
        """Count a request that was refused; the reason is one of a few words."""
        self._refused.labels(reason).inc()

    def show_version(self, version: str, loaded: float, previous: str | None = None) -> None:
        """Show the version that answers from now on, and since when (seconds since 1970)."""
        if previous is not None:
            self._version.labels(previous).set(0)
            self._reloads.labels("loaded").inc()
        self._version.labels(version).set(1)
        self._loaded.set(loaded)

    def show_refused_version(self, version: str | None, *, failed: bool = True) -> None:
        """Show a version that was refused, None for an alias that could not be read; not ``failed``: no longer."""
        if failed:
            self._reloads.labels("failed").inc()
        if version is not None:
            self._broken.labels(version).set(int(failed))

    def text(self) -> bytes:
        """Return all metrics in the format of Prometheus."""
        registry = self._registry
        if os.environ.get(FOLDER):
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        families = list(registry.collect())
        self.drift.keep_version(families)
        return generate_latest(_Collected([*families, *self.drift.gauges(families)]))


class _Collected(CollectorRegistry):
    """A registry of metrics whose values are known."""

    def __init__(self, families: list[Metric]) -> None:
        super().__init__()
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        yield from self._families


def forget_worker(pid: int, folder: str) -> None:
    """Remove the numbers of a worker that has ended, as far as they are no sums, and the unused part of its files."""
    multiprocess.mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]
    for kind in _SUMS:
        path = Path(folder) / f"{kind}_{pid}.db"
        with suppress(OSError), path.open("rb") as file:
            used = int.from_bytes(file.read(4), sys.byteorder)  # the library's number of used bytes
            os.truncate(path, max(used, _EMPTY_BYTES))


def _reserve_files(folder: Path) -> None:
    """Write the files of this worker with zeros, which the library fills.

    It would make files with holes. If the disk is full, the kernel ends a process that writes to a hole (SIGBUS).
    """
    for kind in (*_SUMS, "gauge_livemax", "gauge_livemin"):
        path = folder / f"{kind}_{os.getpid()}.db"
        if path.exists():  # of an ended worker with the same number
            continue
        partial = path.with_suffix(".partial")  # another worker may read at any moment
        try:
            partial.write_bytes(bytes(_RESERVED_BYTES))
            partial.rename(path)
        except OSError:
            partial.unlink(missing_ok=True)


def _gauge(
    name: str, text: str, labels: list[str], mode: Literal["livemax", "livemin"], registry: CollectorRegistry
) -> Gauge:
    return Gauge(name, text, labels, registry=registry, multiprocess_mode=mode)
