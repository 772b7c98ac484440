"""Small workflows for tests, as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workflows.contract import RETRY_EXPRESSION

if TYPE_CHECKING:
    from pathlib import Path

MODULE = "tests.workflows.fake_step"


def workflow(templates: list[dict[str, Any]], parameters: dict[str, str] | None = None) -> dict[str, Any]:
    """Return a workflow whose entrypoint is the first template."""
    given = [{"name": name, "value": value} for name, value in (parameters or {}).items()]
    spec = {"entrypoint": templates[0]["name"], "templates": templates, "arguments": {"parameters": given}}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "w"}, "spec": spec}


def dag(name: str, *tasks: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a DAG template."""
    return {"name": name, "dag": {"failFast": False, "tasks": list(tasks)}, **fields}


def task(name: str, template: str | None = None, depends: str = "", **arguments: Any) -> dict[str, Any]:
    """Return a task; ``arguments`` are parameters by name, or ``artifacts`` as a list."""
    artifacts = arguments.pop("artifacts", [])
    parameters = [{"name": key.replace("_", "-"), "value": value} for key, value in arguments.items()]
    entry: dict[str, Any] = {
        "name": name,
        "template": template or name,
        "arguments": {"parameters": parameters, "artifacts": artifacts},
    }
    return {**entry, "depends": depends} if depends else entry


def leaf(  # noqa: PLR0913 - a template has so many parts
    name: str,
    trace: Path | None = None,
    *options: str,
    reads: tuple[str, ...] = (),
    writes: tuple[str, ...] = ("out",),
    parameters: dict[str, str | None] | None = None,
    retries: int = 0,
    **fields: Any,
) -> dict[str, Any]:
    """Return a container template that runs the fake step."""
    given = [{"name": key, **({} if value is None else {"value": value})} for key, value in (parameters or {}).items()]
    retry = {
        "limit": retries,
        "retryPolicy": "Always",
        "expression": RETRY_EXPRESSION,
        "backoff": {"duration": "0s", "factor": 1, "cap": "1s"},
    }
    return {
        "name": name,
        "inputs": {"parameters": given, "artifacts": [{"name": slot, "path": f"/in/{slot}.txt"} for slot in reads]},
        "outputs": {"artifacts": [{"name": slot, "path": f"/out/{slot}.txt"} for slot in writes]},
        "container": {
            "command": ["python", "-m", MODULE],
            "args": [
                f"--name={name}",
                *([f"--trace={trace}"] if trace else []),
                *(f"--read={{{{inputs.artifacts.{slot}.path}}}}" for slot in reads),
                *(f"--write={{{{outputs.artifacts.{slot}.path}}}}" for slot in writes),
                *options,
            ],
        },
        **({"retryStrategy": retry} if retries else {}),
        **fields,
    }


def artifact(name: str, source: str, *, optional: bool = False) -> dict[str, Any]:
    """Return an artifact argument."""
    return {"name": name, "from": f"{{{{{source}}}}}", **({"optional": True} if optional else {})}
