"""The entry point: help, unknown verbs, and what all verbs share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflows.command_line import invoke

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("words", [(), ("cache",)])
def test_without_a_verb_there_is_the_help_and_no_error_line(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(*words) == 2
    printed = capsys.readouterr()
    assert "Usage:" in printed.out
    assert printed.err == ""


@pytest.mark.parametrize(
    "words",
    [
        (), ("run",), ("train",), ("render",), ("lint",), ("show",), ("runs",), ("submit",), ("status",), ("logs",),
        ("stop",), ("retry",), ("fetch",), ("deploy",), ("doctor",), ("cache",), ("load-bigquery",),
        ("predict",), ("submit-predict",), ("render-predict",), ("deploy-predict",),
    ],
)  # fmt: skip
def test_help_imports_nothing_heavy(words: tuple[str, ...]) -> None:
    program = (
        "import runpy, sys\n"
        f"sys.argv = {['covertype.py', *words, '--help']!r}\n"
        "try:\n    runpy.run_path('workflows/covertype.py', run_name='__main__')\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "heavy = {'pandas', 'sklearn', 'xgboost', 'hera', 'google', 'pyarrow', 'numpy', 'kubernetes', 'requests'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def test_debug_is_set_for_this_process_and_its_children(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COVERTYPE_DEBUG", "")
    assert invoke("--debug", "show", "nowhere") == 66
    assert os.environ["COVERTYPE_DEBUG"] == "1"
    assert "Traceback" in capsys.readouterr().err
