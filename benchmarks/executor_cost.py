"""Measure the overhead of the local executor: ``python -m benchmarks.executor_cost [--others PYTHON] [--repeat 3]``.

It prints two tables: the time per step of 7 chains of 5 empty steps, compared with kfp.local and Metaflow, and the
executor's share of real runs of the pipeline. The measurements alternate and are repeated, because other load slows
down whatever runs at that moment. A figure is the median, with the smallest and the largest in brackets. ``PYTHON`` is
an interpreter with both packages:

    python3 -m venv /tmp/others && /tmp/others/bin/pip install kfp metaflow
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.chains import CHAINS, LENGTH
from benchmarks.replay import Cost, cost_of

HERE = Path(__file__).parent
ROOT = HERE.parent
OTHERS = HERE / "other_executors"
STEPS = CHAINS * LENGTH
# Metaflow also requires a first step, a join and a last step.
METAFLOW_STEPS = STEPS + 3
TARGET_STEP_SECONDS, TARGET_SHARE = 0.050, 0.05

Times = dict[str, float]
Measurement = Callable[[Path], Times]


def called(command: list[str], folder: Path, **environment: str) -> tuple[float, str]:
    """Run a command in a folder; return its seconds, start and end of the process included, and what it printed.

    Output goes to a file: a pipe would also wait for a fork server that outlives the command for a moment.
    """
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with (folder / "stdout").open("w+") as output, (folder / "stderr").open("w+") as errors:
        begun = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": paths, **environment},
            stdout=output,
            stderr=errors,
            check=False,
        )
        seconds = time.perf_counter() - begun
        output.seek(0)
        errors.seek(0)
        if done.returncode:
            sys.exit(f"error: {' '.join(command)} ended with {done.returncode}:\n{errors.read()[-2000:]}")
        return seconds, output.read()


def ours(module: str, cores: int, label: str) -> Measurement:
    """Measure the local executor in a new process, which runs the chains twice."""

    def measure(folder: Path) -> Times:
        command = [sys.executable, "-m", "benchmarks.chains", str(folder / "run"), module, str(cores)]
        seconds, printed = called(command, folder)
        inside = json.loads(printed)
        return {
            f"{label}, cold": (seconds - inside["again"]) / STEPS,
            f"{label}, fork server running": inside["again"] / STEPS,
        }

    return measure


def kfp(python: Path, *flags: str, label: str) -> Measurement:
    """Return a measurement of kfp.local."""
    command = [str(python), str(OTHERS / "kfp_chains.py")]
    return lambda folder: {label: called([*command, str(folder), *flags], folder)[0] / STEPS}


def metaflow(python: Path, cores: int, label: str) -> Measurement:
    """Return a measurement of Metaflow."""
    command = [str(python), str(OTHERS / "metaflow_chains.py"), "--quiet", "run", f"--max-workers={cores}"]

    def measure(folder: Path) -> Times:
        places = {"METAFLOW_HOME": str(folder), "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder)}
        return {label: called(command, folder, METAFLOW_USER="nobody", **places)[0] / METAFLOW_STEPS}

    return measure


def contenders(others: Path | None, cores: int) -> list[Measurement]:
    """Return the measurements that alternate."""
    mine = [
        ours("benchmarks.empty_step", cores, "this executor"),
        ours("benchmarks.heavy_step", cores, "this executor, steps dressed as the pipeline's"),
    ]
    if others is None:
        print("kfp.local and Metaflow are skipped: set --others to the Python of an environment with both\n")
        return mine
    versions = {name: _version(others, name) for name in ("kfp", "metaflow")}
    return [
        *mine,
        kfp(others, label=f"kfp.local {versions['kfp']}, components as by default"),
        kfp(others, "bare", label=f"kfp.local {versions['kfp']}, install_kfp_package=False"),
        metaflow(others, cores, label=f"Metaflow {versions['metaflow']}"),
    ]


def _version(python: Path, package: str) -> str:
    command = [str(python), "-c", f"from importlib.metadata import version; print(version('{package}'))"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def run_pipeline(folder: Path, preset: str, cores: int) -> Cost:
    """Run the pipeline once by its command line, and return the overhead of the executor."""
    flags = ["--preset", preset, "--parallel", str(cores), "--no-cache", "--output", str(folder), "--json"]
    began = time.time()
    seconds, printed = called([sys.executable, str(ROOT / "workflows" / "covertype.py"), "run", *flags], folder)
    return cost_of(Path(json.loads(printed)["directory"]), began, began + seconds, cores)


def spread(values: Iterable[float], scale: float, digits: int) -> str:
    """Return median, smallest and largest of some values as text."""
    low, middle, high = (scale * f(values) for f in (min, statistics.median, max))
    return f"{middle:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def step_table(rounds: list[Times]) -> str:
    """Return a table of milliseconds per step. Ratios are medians of the ratios to the first line in each round."""
    first = next(iter(rounds[0]))
    lines = ["| executor | ms a step | ratio |", "|---|---|---|"]
    for label in rounds[0]:
        ratios = [times[label] / times[first] for times in rounds]
        lines.append(f"| {label} | {spread([t[label] for t in rounds], 1000, 0)} | {statistics.median(ratios):.1f} |")
    return "\n".join(lines)


def cost_table(costs: list[Cost]) -> str:
    """Return a table of the times of real runs."""
    parts = {
        "wall": [cost.wall for cost in costs],
        "steps alone, replayed": [cost.replayed for cost in costs],
        "start to rendered workflow": [cost.until_rendered for cost in costs],
        "rendered to first step": [cost.until_first_step for cost in costs],
        "between steps": [cost.between for cost in costs],
        "after the last step": [cost.after for cost in costs],
    }
    lines = ["| part of a run | s | % of wall |", "|---|---|---|"]
    for label, seconds in parts.items():
        shares = [value / cost.wall for value, cost in zip(seconds, costs, strict=True)]
        lines.append(f"| {label} | {spread(seconds, 1, 2)} | {spread(shares, 100, 1)} |")
    return "\n".join([*lines, f"| **executor's cost** | | {spread([cost.share for cost in costs], 100, 1)} |"])


def main(
    *,
    others: Annotated[Path | None, typer.Option(help="Python of an environment with kfp and metaflow.")] = None,
    repeat: Annotated[int, typer.Option(min=1, help="Rounds.")] = 3,
    preset: Annotated[str, typer.Option(help="Preset of the real runs.")] = "fast",
    cores: Annotated[int, typer.Option(min=1, help="Cores to use; kfp.local always uses two.")] = 2,
) -> None:
    """Measure alternately and print two tables."""
    measurements = contenders(others and others.absolute(), cores)
    rounds, costs = list[Times](), list[Cost]()
    print(f"{os.cpu_count()} cores, load before: {os.getloadavg()[0]:.1f}, {repeat} rounds\n", flush=True)
    for i in range(repeat):
        times: Times = {}
        for measurement in measurements:
            with tempfile.TemporaryDirectory() as folder:
                times |= measurement(Path(folder))
        rounds.append(times)
        with tempfile.TemporaryDirectory() as folder:
            costs.append(run_pipeline(Path(folder), preset, cores))
        print(f"round {i + 1}: load {os.getloadavg()[0]:.1f}, run {costs[-1].wall:.1f} s", file=sys.stderr, flush=True)
    print(step_table(rounds), f"\ntarget: at most {1000 * TARGET_STEP_SECONDS:.0f} ms a step\n", sep="\n")
    print(cost_table(costs), f"\ntarget: at most {TARGET_SHARE:.0%} of the wall", sep="\n")


if __name__ == "__main__":
    typer.run(main)
