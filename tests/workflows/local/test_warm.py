from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from workflows.local.worker import PRELOAD_VARIABLE

ROOT = Path(__file__).parents[3]


def imported_by_warm(preload: str) -> set[str]:
    """Return the modules that are loaded after the fork server's module was imported."""
    program = "import sys, workflows.local.warm; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={PRELOAD_VARIABLE: preload},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_what_steps_import_is_imported_and_so_is_the_parser_of_command_lines() -> None:
    loaded = imported_by_warm("steps.split,steps.report")
    assert {"steps.datasets.splitting", "steps.reporting.page", "pyarrow", "typer"} <= loaded
    assert not {"steps.split", "steps.report", "optuna"} & loaded
    assert "pyarrow" not in imported_by_warm("")


def test_what_steps_import_in_functions_is_not_imported() -> None:
    loaded = imported_by_warm("steps.prepare")
    assert "steps.io" in loaded
    assert not {"google.cloud.bigquery", "botocore"} & loaded


def test_a_module_that_cannot_be_imported_is_skipped() -> None:
    assert "pyarrow" in imported_by_warm("no.such.module,steps.split")
