"""Steps of the pipeline: each module is one container's work, and knows no Argo."""

import sys
from pathlib import Path

if sys.argv[:1] == ["-m"] and not sys.flags.safe_path:
    # Started as `python -m steps.NAME`: import from the project's folder, never from the current one.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

# The modules that are steps, in the order in which the pipeline uses them.
NAMES = ("prepare", "split", "preprocess", "tune", "train", "evaluate", "report", "register")
# Runs several of them in one process.
CHAIN = "chain"
