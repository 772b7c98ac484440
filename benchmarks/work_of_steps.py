"""Measure the CPU seconds of the steps, one at a time, beside the estimates of ``steps.estimates``.

    python -m benchmarks.work_of_steps "--preset fast" "--preset default --rows 60000 --trials 4"

Each argument is a run with these flags. ``--no-cache`` and ``--parallel 1`` are added.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from steps import estimates
from steps.core import storage
from steps.options.shared import Preset
from workflows import settings

if TYPE_CHECKING:
    from collections.abc import Sequence

_RUN = (sys.executable, "workflows/covertype.py", "run", "--no-cache", "--parallel", "1", "--json")


def measure(flags: str, folder: str) -> dict[str, float]:
    """Run the pipeline with these flags, and return the CPU seconds of each step, of all cover types together."""
    words = [*_RUN, "--output", folder, *shlex.split(flags)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    report = storage.read_json(Path(json.loads(done.stdout)["directory"]) / "report.json")
    found: dict[str, float] = {}
    for entry in report["steps"]:
        found[entry["step"]] = found.get(entry["step"], 0.0) + entry["cpu_seconds"]
    return found


def estimate(flags: str) -> float:
    """Return the estimate for the flags of a preset, rows and trials."""
    words = shlex.split(flags)
    given = settings.load(dict(zip((word.removeprefix("--") for word in words[::2]), words[1::2], strict=True)))
    rows = given.rows or estimates.BUILTIN_ROWS
    cover_types = estimates.BUILTIN_COVER_TYPES
    return estimates.estimate_work(Preset(given.preset), rows, cover_types, trials=given.trials).total


def main(runs: Sequence[str]) -> None:
    """Print a line for each run."""
    for flags in runs:
        with tempfile.TemporaryDirectory() as folder:
            found = measure(flags, folder)
        steps = ", ".join(f"{step} {seconds:.1f}" for step, seconds in found.items())
        print(f"{flags}: {sum(found.values()):.1f} s of CPU ({steps}), estimate {estimate(flags):.0f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
