"""The two builds of XGBoost: the one with CUDA gives the same model bytes on the CPU as the one that is installed here.

Needs the other build in a folder of its own: ``make test-builds`` fetches it and says where it is.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from steps.core import storage

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Chain

OTHER_BUILD = os.environ.get("COVERTYPE_OTHER_XGBOOST", "")
PROGRAM = (
    "import xgboost; print(xgboost.__file__); from steps import train; from steps.core import runtime;"
    " runtime.run_and_exit(train.main)"
)
INPUTS = ("train_features", "validation_features", "preprocessor", "learning_curve")


def trained(chain: Chain, model: Path, path: str) -> tuple[str, str]:
    """Train in a process of its own with ``path`` first; return where XGBoost was found, and the model's SHA-256."""
    options = {**chain.options(*INPUTS), "parameters": chain["best_parameters"], "model": model, "rounds": 40}
    words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    environment = {**os.environ, "PYTHONPATH": path}
    command = [sys.executable, "-c", PROGRAM, *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0], storage.sha256_file(model / "model.ubj")


@pytest.mark.skipif(not OTHER_BUILD, reason="needs the other build of XGBoost: make test-builds")
@pytest.mark.parametrize("preset", ["fast", "default", "thorough"])
def test_both_builds_give_the_same_model(tmp_path: Path, own_chain: Chain, preset: str) -> None:
    own_chain.tune(preset=preset)
    here, mine = trained(own_chain, tmp_path / "here", "")
    there, other = trained(own_chain, tmp_path / "there", OTHER_BUILD)
    assert there.startswith(OTHER_BUILD)
    assert not here.startswith(OTHER_BUILD)
    assert mine == other
