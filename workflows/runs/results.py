"""The results of runs: the report and the models in the folder of a run, its ``result.json``, and the list of runs."""

from __future__ import annotations

import datetime as dt
import errno
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from steps.core import storage
from steps.core.errors import DOCUMENTED_EXIT_CODES, RUN_FAILED, BadDataError, NoInputError
from steps.registry.aliases import CANDIDATE, CHAMPION
from steps.registry.paths import REPORT_HTML, REPORT_JSON
from workflows.contract import REPORT_FILES, model_of
from workflows.local.nodes import Phase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workflows.local.nodes import Node

T = TypeVar("T")

RESULT = "result.json"
WORKFLOW = "workflow.yaml"
NODES = "nodes"
DEFAULT_FOLDER = Path("runs")
# Longest part of a name that no run can have in a message, in characters.
_SHOWN = 40
# Keys of each cover type that the result copies from report.json.
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


def new_run_name(prefix: str) -> str:
    """Return the name of a new run: the prefix, the time in UTC, and four random characters."""
    now = dt.datetime.now(dt.UTC)
    return f"{prefix}-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def copy_results(folder: Path, root: Node) -> None:
    """Copy the report and the models of a run from its nodes to ``report.html``, ``report.json`` and ``models/SLUG``.

    They are copies, not links, because users edit them, and the cache and other runs share the files in ``nodes/``.

    Args:
        folder: folder of the run.
        root: its root node.
    """
    for node in root.children.values():
        decided = "decision" in root.outputs.artifacts
        for name, path in node.outputs.artifacts.items():
            slug = model_of(name, node.cover_type)
            # The steps of all cover types are one node, which fails where one of them does.
            if slug and (node.phase is Phase.SUCCEEDED or node.cover_type is None):
                with storage.atomic_folder(folder / "models" / slug) as temporary:
                    for file in filter(Path.is_file, path.iterdir()):
                        shutil.copyfile(file, temporary / file.name)
            elif name in REPORT_FILES and not (decided and name == "report"):
                storage.copy_file(path, folder / REPORT_FILES[name])


def write_result(folder: Path, root: Node, seconds: float) -> dict[str, Any]:
    """Write ``result.json`` and return its content, which is also the output of ``run --json``.

    The metrics are those of ``report.json``. Without a report they are null, and no cover type is listed.

    Args:
        folder: folder of the run.
        root: its root node.
        seconds: duration of the run.
    """
    document = folder / REPORT_JSON
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
        "report": str(folder / REPORT_HTML) if (folder / REPORT_HTML).exists() else None,
        "models": str(folder / "models") if (folder / "models").exists() else None,
        "notes": report.get("data", {}).get("notes", []),
        "failed_steps": {leaf.name: leaf.message for leaf in leaves if leaf.phase.unsuccessful},
        "cover_types": {
            slug: {key: entry[key] for key in COVER_TYPE_KEYS} for slug, entry in report["cover_types"].items()
        },
    }
    storage.write_json(folder / RESULT, result)
    return result


def root_failures(failed: Mapping[str, T]) -> Mapping[str, T]:
    """Return the failed steps without the report, which fails when any other step fails.

    Args:
        failed: anything about each failed step, by its name. Where only the report failed, it is returned.
    """
    return {name: value for name, value in failed.items() if name != "report"} or failed


def _exit_code(root: Node) -> int:
    """Return the exit code of a run: the documented code that all root failures have in common, otherwise 1."""
    if root.phase is Phase.SUCCEEDED:
        return 0
    failed = {leaf.name: leaf.exit_code or RUN_FAILED for leaf in root.leaves() if leaf.phase.unsuccessful}
    codes = set(root_failures(failed).values())
    return codes.pop() if len(codes) == 1 and codes <= DOCUMENTED_EXIT_CODES else RUN_FAILED


def missing_run_fix(name: str) -> str:
    """Return how to fix the name of a run that does not exist: an alias names a version only with ``--registry``."""
    fix = "`runs` lists the existing ones"
    return f"{fix}; {name!r} is an alias, which needs --registry" if name in {CANDIDATE, CHAMPION} else fix


def run_folder(output: Path, name: str) -> Path:
    """Return the folder that a run of a name has; it may not exist.

    Args:
        output: folder of the runs.
        name: name of the run.

    Raises:
        NoInputError: no folder can have this name: it is too long, or has a null character.
    """
    folder = output / name
    try:
        folder.stat()
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError) or error.errno == errno.ENAMETOOLONG:
            what = f"there is no run {name[:_SHOWN]!r}{'...' if name[_SHOWN:] else ''}, which cannot be a name"
            raise NoInputError(what, where=str(output), fix=missing_run_fix(name)) from None
    return folder


def read_result(output: Path, name: str) -> dict[str, Any]:
    """Return the result of a run.

    Args:
        output: folder of the runs.
        name: name of the run.

    Raises:
        NoInputError: there is no such run, or it has no result.
        BadDataError: its result is damaged.
    """
    path = run_folder(output, name) / RESULT
    if not path.is_file():
        state = "it did not finish" if path.parent.is_dir() else "there is no such run"
        raise NoInputError(f"run {name!r} has no result, {state}", where=str(output), fix=missing_run_fix(name))
    result = _read_result_file(path)
    if result is None:
        raise BadDataError("not the result of a run", where=str(path), fix="run again")
    return result


def find_models(output: Path, name: str) -> Path:
    """Return the folder with the models of a run.

    Args:
        output: folder of the runs.
        name: name of the run; empty for the newest one that succeeded.

    Raises:
        NoInputError: there is no such run, or it has no models.
    """
    if not name:
        done = [result["run"] for result in list_results(output) if result["status"] == "Succeeded"]
        if not done:
            raise NoInputError("there is no run that succeeded", where=str(output), fix="start one with `run`")
        name = done[-1]
    folder = run_folder(output, name) / "models"
    if not folder.is_dir():
        state = "it has no models" if folder.parent.is_dir() else "there is no such run"
        raise NoInputError(f"run {name!r}: {state}", where=str(output), fix=missing_run_fix(name))
    return folder


def _read_result_file(path: Path) -> dict[str, Any] | None:
    """Return the result in a file; None where the file is missing or damaged."""
    try:
        result = storage.read_json(path)
    except (FileNotFoundError, ValueError):
        return None
    return result if isinstance(result, dict) and "cover_types" in result else None


def list_results(output: Path) -> list[dict[str, Any]]:
    """Return the results of all runs in a folder, oldest first. A run without a valid result is ``Unfinished``."""
    folders = sorted(path.parent for path in output.glob(f"*/{WORKFLOW}"))
    missing: dict[str, Any] = {
        "status": "Unfinished",
        "seconds": None,
        "accuracy": None,
        "macro_f1": None,
        "cover_types": {},
    }
    return [_read_result_file(folder / RESULT) or {"run": folder.name, **missing} for folder in folders]
