"""What a run leaves behind: its folder with the report, the models and ``result.json``, and the list of runs."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import TYPE_CHECKING, Any

from steps import storage
from steps.errors import NoInputError
from workflows.local.cache import place

if TYPE_CHECKING:
    from pathlib import Path

    from workflows.local.nodes import Node

RESULT = "result.json"
WORKFLOW = "workflow.yaml"
# Keys of each cover type in the result, as report.json has them.
COVER_TYPE_KEYS = (
    "label",
    "support",
    "accuracy",
    "accuracy_interval",
    "f1",
    "f1_interval",
    "precision",
    "recall",
    "pr_auc",
    "threshold",
)


def new_name(prefix: str) -> str:
    """Return a run's name: the prefix, the time in UTC, and four random characters."""
    now = dt.datetime.now(dt.UTC)
    return f"{prefix}-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def publish(folder: Path, root: Node) -> None:
    """Put the report and the models of a run where a person finds them: ``report.html report.json models/SLUG``."""
    for name, node in root.children.items():
        if node.template.container is None and "model" in node.outputs.artifacts:
            place(node.outputs.artifacts["model"], folder / "models" / name)
    report = root.children.get("report")
    if report:
        for artifact in ("html", "json"):
            if artifact in report.outputs.artifacts:
                place(report.outputs.artifacts[artifact], folder / f"report.{artifact}")


def summarise(folder: Path, root: Node, seconds: float) -> dict[str, Any]:
    """Write ``result.json`` and return it: what ``run --json`` prints.

    The numbers are those of ``report.json``; without a report they are null and no cover type is listed.
    """
    document = folder / "report.json"
    report = storage.read_json(document) if document.exists() else {"cover_types": {}}
    leaves = root.leaves()
    result = {
        "run": folder.name,
        "status": root.phase.value,
        "seconds": round(seconds, 2),
        "accuracy": report.get("accuracy"),
        "accuracy_interval": report.get("accuracy_interval"),
        "macro_f1": report.get("macro_f1"),
        "macro_f1_interval": report.get("macro_f1_interval"),
        "executed_steps": sum(leaf.attempts > 0 for leaf in leaves),
        "cached_steps": sum(leaf.cached for leaf in leaves),
        "directory": str(folder),
        "report": str(folder / "report.html") if (folder / "report.html").exists() else None,
        "models": str(folder / "models") if (folder / "models").exists() else None,
        "failed_steps": {leaf.name: leaf.message for leaf in leaves if leaf.phase.bad},
        "cover_types": {
            slug: {key: entry[key] for key in COVER_TYPE_KEYS} for slug, entry in report["cover_types"].items()
        },
    }
    storage.write_json(folder / RESULT, result)
    return result


def find(output: Path, name: str) -> dict[str, Any]:
    """Return the result of a run by its name; NoInputError where there is none."""
    path = output / name / RESULT
    if not path.is_file():
        state = "it did not finish" if path.parent.is_dir() else "there is no such run"
        raise NoInputError(
            f"run {name!r} has no result, {state}", where=str(output), fix="see `runs` for those there are"
        )
    result: dict[str, Any] = storage.read_json(path)
    return result


def listing(output: Path) -> list[dict[str, Any]]:
    """Return the results of all runs below a folder, oldest first; a run without a result has the status Unfinished."""
    folders = sorted(path.parent for path in output.glob(f"*/{WORKFLOW}"))
    missing: dict[str, Any] = {
        "status": "Unfinished",
        "seconds": None,
        "accuracy": None,
        "macro_f1": None,
        "cover_types": {},
    }
    return [
        storage.read_json(folder / RESULT) if (folder / RESULT).is_file() else {"run": folder.name, **missing}
        for folder in folders
    ]
