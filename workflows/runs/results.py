"""What a run leaves behind: its folder with the report, the models and ``result.json``, and the list of runs."""

from __future__ import annotations

import datetime as dt
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from steps.core import storage
from steps.core.errors import DOCUMENTED_EXIT_CODES, RUN_FAILED, BadDataError, NoInputError
from workflows.local.nodes import Phase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workflows.local.nodes import Node

T = TypeVar("T")

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
    """Copy the report and the models of a run to where a person finds them: ``report.html report.json models/SLUG``.

    Copies, not links: people edit them, and the files of ``nodes/`` are also the cache's and other runs'.
    """
    for name, node in root.children.items():
        if "model" in node.outputs.artifacts:
            with storage.atomic_folder(folder / "models" / name) as temporary:
                for file in filter(Path.is_file, node.outputs.artifacts["model"].iterdir()):
                    shutil.copyfile(file, temporary / file.name)
    report = root.children.get("report")
    if report:
        for artifact in ("html", "json"):
            if artifact in report.outputs.artifacts:
                storage.copy_file(report.outputs.artifacts[artifact], folder / f"report.{artifact}")


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
        "exit_code": _exit_code(root),
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
        "notes": report.get("data", {}).get("notes", []),
        "failed_steps": {leaf.name: leaf.message for leaf in leaves if leaf.phase.bad},
        "cover_types": {
            slug: {key: entry[key] for key in COVER_TYPE_KEYS} for slug, entry in report["cover_types"].items()
        },
    }
    storage.write_json(folder / RESULT, result)
    return result


def causes(failed: Mapping[str, T]) -> Mapping[str, T]:
    """Return the steps that failed by themselves, by name: without a report that failed because others did."""
    return {name: value for name, value in failed.items() if name != "report"} or failed


def _exit_code(root: Node) -> int:
    """Return the code a run ends with: the documented one that all its own failures have in common, else 1."""
    if root.phase is Phase.SUCCEEDED:
        return 0
    failed = {leaf.name: leaf.exit_code or RUN_FAILED for leaf in root.leaves() if leaf.phase.bad}
    codes = set(causes(failed).values())
    return codes.pop() if len(codes) == 1 and codes <= DOCUMENTED_EXIT_CODES else RUN_FAILED


def find(output: Path, name: str) -> dict[str, Any]:
    """Return the result of a run by its name; NoInputError where there is none, BadDataError where it is damaged."""
    path = output / name / RESULT
    if not path.is_file():
        state = "it did not finish" if path.parent.is_dir() else "there is no such run"
        raise NoInputError(
            f"run {name!r} has no result, {state}", where=str(output), fix="see `runs` for those there are"
        )
    result = _read(path)
    if result is None:
        raise BadDataError("not the result of a run", where=str(path), fix="run again")
    return result


def _read(path: Path) -> dict[str, Any] | None:
    """Return a run's result, None where there is none or it is damaged."""
    try:
        result = storage.read_json(path)
    except (FileNotFoundError, ValueError):
        return None
    return result if isinstance(result, dict) and "cover_types" in result else None


def listing(output: Path) -> list[dict[str, Any]]:
    """Return the results of all runs below a folder, oldest first; a run without a whole one is Unfinished."""
    folders = sorted(path.parent for path in output.glob(f"*/{WORKFLOW}"))
    missing: dict[str, Any] = {
        "status": "Unfinished",
        "seconds": None,
        "accuracy": None,
        "macro_f1": None,
        "cover_types": {},
    }
    return [_read(folder / RESULT) or {"run": folder.name, **missing} for folder in folders]
