"""Checks rendered workflows: types, names and references, and ``argo lint`` where that tool is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from steps.core import runtime, textfile
from steps.core.errors import BadConfigurationError, NoInputError
from workflows import rendering
from workflows.argo import yaml_text
from workflows.rendered import name_checks, references
from workflows.rendered.reader import read_workflow
from workflows.settings import strict_yaml

if TYPE_CHECKING:
    from workflows.settings import Settings


def lint(settings: Settings, file: Path | None) -> int:
    """Check a rendered workflow, or the pipeline rendered as each kind.

    Args:
        settings: settings of the pipeline.
        file: YAML file with a workflow; None checks the pipeline.

    Returns:
        Exit code: 1 if problems were found and printed, otherwise 0.
    """
    rendered = [_read_file(file)] if file else [rendering.render(settings, kind) for kind in rendering.KINDS]
    bad = 0
    for workflow in rendered:
        label = f"{workflow['kind']} {workflow['metadata'].get('name') or workflow['metadata'].get('generateName')}"
        read = read_workflow(as_workflow(workflow))
        found = [
            *name_checks.name_problems(workflow, read),
            *references.reference_problems(read),
            *_argo_problems(workflow),
        ]
        for problem in found:
            runtime.log(f"error: {problem}, in {label}")
        bad += bool(found)
        if not found:
            tools = "references and argo lint" if argo_tool() else "references (no argo command line tool found)"
            print(f"ok: {label}: {tools}")
    return int(bad > 0)


def as_workflow(rendered: dict[str, Any]) -> dict[str, Any]:
    """Return the Workflow that a WorkflowTemplate or a CronWorkflow starts."""
    spec = rendered["spec"]
    if rendered["kind"] == "CronWorkflow":
        spec = spec["workflowSpec"]
    return {**rendered, "kind": "Workflow", "spec": spec}


def argo_tool() -> str | None:
    """Return the argo command line tool: ``$ARGO``, or the one on the path; None where there is none."""
    return os.environ.get("ARGO") or shutil.which("argo")


def _argo_problems(workflow: dict[str, Any]) -> list[str]:
    tool = argo_tool()
    if tool is None:
        return []
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".yaml") as file:
        file.write(yaml_text.to_yaml(workflow))
        file.flush()
        command = [tool, "lint", "--offline", "--no-color", file.name]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    if done.returncode == 0:
        return []
    text = " ".join((done.stdout + done.stderr).replace(file.name, "").split())
    return [f"argo lint: {text}"]


def _read_file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise NoInputError("no such file", where=str(path), fix="render one with `render -o FILE`")
    try:
        workflow = strict_yaml.load_as_argo(textfile.read(path))
    except (
        yaml.YAMLError,
        ValueError,
        RecursionError,
    ) as error:  # dates, nesting
        raise BadConfigurationError(f"not valid YAML: {' '.join(str(error).split())}", where=str(path)) from None
    if not isinstance(workflow, dict) or workflow.get("kind") not in rendering.KINDS or "metadata" not in workflow:
        raise BadConfigurationError(
            "not a workflow", where=str(path), fix=f"give one of kind {', '.join(rendering.KINDS)}"
        )
    check_types(workflow, str(path))
    plain: dict[str, Any] = _without_nulls(workflow)
    return plain


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 - plain values of any depth
    """Return a value without the fields that are null, as Kubernetes reads it."""
    if isinstance(value, dict):
        return {key: _without_nulls(entry) for key, entry in value.items() if entry is not None}
    return [_without_nulls(entry) for entry in value] if isinstance(value, list) else value


def check_types(workflow: dict[str, Any], where: str) -> None:
    """Raise BadConfigurationError where a field does not have the type of Argo's specification.

    Args:
        workflow: the workflow as plain values.
        where: its path, for the message.
    """
    from hera.workflows import models
    from pydantic import ValidationError

    try:
        getattr(models, workflow["kind"]).model_validate(workflow)
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise BadConfigurationError(f"{field}: {problem['msg']}", where=where, fix="quote names and strings") from None
