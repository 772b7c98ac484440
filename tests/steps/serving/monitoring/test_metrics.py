from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from steps.serving.monitoring.metrics import FOLDER, Metrics, forget_worker

ROOT = Path(__file__).parents[4]
WORKER = """
import os
from steps.serving.monitoring.metrics import Metrics
metrics = Metrics()
metrics.count_rows("v", 3)
metrics.count_request("/predict", 200, 1.0)
print(os.getpid(), metrics.text().count(b"covertype_rows_total{version=\\"v\\"} 3.0"))
"""


def test_everything_that_is_counted_is_shown() -> None:
    metrics = Metrics()
    metrics.show_version("first", 1.0)
    metrics.count_request("/predict", 200, 0.003)
    metrics.count_request("/predict", 200, 0.2)
    metrics.count_rows("first", 12)
    metrics.count_refusal("token")
    metrics.show_refused_version("second")
    text = metrics.text().decode()
    for line in (
        'covertype_request_seconds_bucket{le="0.005",route="/predict"} 1.0',
        'covertype_request_seconds_count{route="/predict"} 2.0',
        'covertype_requests_total{route="/predict",status="200"} 2.0',
        'covertype_rows_total{version="first"} 12.0',
        'covertype_refused_total{reason="token"} 1.0',
        'covertype_model_version_info{version="first"} 1.0',
        'covertype_refused_version_info{version="second"} 1.0',
        'covertype_reloads_total{result="failed"} 1.0',
    ):
        assert line in text, line
    metrics.show_refused_version("second", failed=False)
    assert 'covertype_refused_version_info{version="second"} 0.0' in metrics.text().decode()


def test_files_of_a_worker_have_no_holes_and_those_of_an_ended_one_are_small(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WORKER]
    environment = {**os.environ, FOLDER: str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    pid, found = map(int, done.stdout.split())
    assert found == 1
    stored = [path.stat() for path in tmp_path.iterdir()]
    assert len(stored) == 4
    assert all(each.st_blocks * 512 >= each.st_size >= 1 << 16 for each in stored)
    forget_worker(pid, str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {f"counter_{pid}.db", f"histogram_{pid}.db"}
    assert all(path.stat().st_size < 1 << 14 for path in tmp_path.iterdir())
    for kind in ("counter", "histogram"):  # of a worker that ended before it counted
        (tmp_path / f"{kind}_1.db").write_bytes(bytes(1 << 16))
    forget_worker(1, str(tmp_path))
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.endswith(" 0\n")  # 6 rows now: those of the ended worker stay
