"""What ``serve`` is compared with: the predictor without a server, XGBoost's boosters, and ``mlflow models serve``."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, redirect_stderr, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from benchmarks.http_load import process_tree
from steps.bundles import folder as bundle
from steps.datasets import canonical
from steps.prediction.models import read_ensemble
from steps.sources import layouts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from steps.prediction.models import Ensemble


class Predictor:
    """Scores rows in one thread from features that are there already.

    Args:
        models: The folder of bundles.
        table: The rows.
    """

    def __init__(self, models: Path, table: pa.Table) -> None:
        self.ensemble: Ensemble = read_ensemble(models)
        layout = layouts.recognise_features(self.ensemble.schema, table.column_names, "table")
        batch = table.combine_chunks().to_batches()[0]
        arrays = canonical.canonical_columns(self.ensemble.schema, layout, batch, 0, "table")
        fields = pa.schema(layouts.feature_fields(self.ensemble.schema))
        self.features = self.ensemble.features(pa.RecordBatch.from_arrays(arrays, schema=fields))
        self._models = models

    def seconds(self, rows: int, seconds: float) -> tuple[float, float]:
        """Return wall and CPU time of the forest for some rows, the medians of some time."""
        return _medians(lambda part: self.ensemble.scores_of_features(part, 1), self._parts(rows), seconds)

    def booster_seconds(self, rows: int, seconds: float) -> tuple[float, float]:
        """Return wall and CPU time of XGBoost: a DMatrix for the request, and each of the boosters in one thread."""
        import xgboost

        boosters = []
        for cover_type in self.ensemble.cover_types:
            booster = xgboost.Booster({"nthread": 1})
            booster.load_model(self._models / cover_type.slug / bundle.MODEL)
            boosters.append((booster, booster.feature_names, booster.feature_types))

        def predict(part: list[NDArray[np.float32]]) -> None:
            _, names, types = boosters[0]
            matrix = xgboost.DMatrix(
                part[0], feature_names=names, feature_types=types, nthread=1, enable_categorical=True
            )
            for booster, _, _ in boosters:
                booster.predict(matrix)

        return _medians(predict, self._parts(rows), seconds)

    def _parts(self, rows: int) -> Iterator[list[NDArray[np.float32]]]:
        at = 0
        while True:
            yield [values[at : at + rows] for values in self.features]
            at = (at + rows) % (len(self.features[0]) - rows)


def _medians(
    call: Callable[[list[NDArray[np.float32]]], object], parts: Iterator[list[NDArray[np.float32]]], seconds: float
) -> tuple[float, float]:
    """Return the medians of wall and CPU time of calls."""
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        part = next(parts)
        wall, cpu = time.perf_counter(), time.process_time()
        call(part)
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    middle = np.median(np.array(times), axis=0)
    return float(middle[0]), float(middle[1])


@contextmanager
def serve(models: Path, words: Sequence[str]) -> Iterator[tuple[int, int, float]]:
    """Start ``serve``, and yield port, process id, and the seconds until it was ready."""
    port = _free_port()
    command = [sys.executable, "-m", "steps.serve", f"--models={models}", f"--port={port}", *words]
    with _running(command, port, "/v2/health/ready", {}) as (pid, seconds):
        yield port, pid, seconds


@contextmanager
def serve_mlflow(models: Path, ensemble: Ensemble, folder: Path) -> Iterator[tuple[int, int, float]]:
    """Save the models as MLflow's pyfunc model as ``log-mlflow`` does, and serve it in this environment."""
    import mlflow

    from workflows.tracking.model_packaging import packaged

    with packaged(models, ensemble.schema) as arguments, redirect_stderr(io.StringIO()):
        mlflow.pyfunc.save_model(str(folder / "model"), **arguments)
    port = _free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", f"--model-uri={folder / 'model'}"]
    command += ["--env-manager=local", "--workers=1", "--host=127.0.0.1", f"--port={port}"]
    more = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    with _running(command, port, "/ping", more) as (pid, seconds):
        yield port, pid, seconds


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def _running(command: Sequence[str], port: int, path: str, more: dict[str, str]) -> Iterator[tuple[int, float]]:
    """Start a server, and yield its process id and the seconds until it was ready."""
    begun = time.monotonic()
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env={**os.environ, **more})
    try:
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5):
                    break
            except OSError:
                if server.poll() is not None:
                    sys.exit(f"error: the server ended with code {server.returncode}: {' '.join(command)}")
                time.sleep(0.02)
        yield server.pid, time.monotonic() - begun
    finally:
        for pid in process_tree(server.pid):  # MLflow leaves its server behind
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        server.wait(30)
