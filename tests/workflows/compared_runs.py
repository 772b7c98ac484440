"""Runs on this machine and versions in a registry of one real model each, for tests of comparisons."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from steps.comparison.scores import FILE, assemble_test_scores, write_test_scores
from steps.registry import publishing
from steps.registry.destinations import Folder
from tests.conftest import SLUG
from tests.support import Chain
from workflows.runs import results

if TYPE_CHECKING:
    from pathlib import Path

DATA = {"source": "builtin:", "data_sha256": "d", "rows": 3000}


def retrained(chain: Chain, folder: Path, **options: object) -> Chain:
    """Return a copy of a chain whose model is trained again with other options."""
    shutil.copytree(chain.folder, folder)
    made = Chain(folder)
    made.train(**options)
    made.evaluate()
    return made


def make_run(output: Path, name: str, chain: Chain, place: str = f"{SLUG}-evaluate/out/scores", **data: Any) -> Path:
    """Write the files of a run that a comparison reads, and return its folder."""
    folder = output / name
    shutil.copytree(chain["model"], folder / "models" / SLUG)
    (folder / results.NODES / place).mkdir(parents=True)
    shutil.copy(chain["scores"], folder / results.NODES / place / "scores")
    report = {
        "data": {**DATA, **data},
        "steps": [{"wall_seconds": 1.25}, {"wall_seconds": 2}],
        "cover_types": {SLUG: {}},
    }
    (folder / "report.json").write_text(json.dumps(report))
    (folder / results.RESULT).write_text(json.dumps({"run": name, "seconds": 2.5, "cover_types": {}}))
    return folder


def write_scores(run: Path) -> None:
    """Write the scores of a run as one file, as ``register`` does."""
    model, scores = run / "models" / SLUG, next((run / results.NODES).rglob("scores/scores"))
    write_test_scores(run / FILE, assemble_test_scores({SLUG: model}, {SLUG: scores}))


def make_version(registry: Path, run: Path, without: str = "") -> None:
    """Publish a run as a version of a registry, without one of its files."""
    model = run / "models" / SLUG
    write_scores(run)
    files = {f"models/{SLUG}/{path.name}": path for path in model.iterdir()}
    files |= {name: run / name for name in (FILE, "report.json") if name != without}
    lineage = {"version": run.name, "cover_types": {SLUG: {}}}
    publishing.publish(files, Folder(registry).below(f"versions/{run.name}"), lineage)
