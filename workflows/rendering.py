"""The pipeline rendered as one of Argo's kinds, as plain values and as YAML."""

from __future__ import annotations

import codecs
import re
import sys
from typing import TYPE_CHECKING, Any

import yaml
from hera.workflows import CronWorkflow, Workflow, WorkflowTemplate

from steps.errors import UsageError
from workflows import names, pipeline, schedules
from workflows.revision import git_revision

if TYPE_CHECKING:
    from workflows.settings import Settings

WEEKLY = "0 3 * * 1"
KINDS = ("Workflow", "WorkflowTemplate", "CronWorkflow")


def render(
    settings: Settings,
    kind: str,
    *,
    name: str | None = None,
    schedule: str | None = None,
    revision: str | None = None,
) -> dict[str, Any]:
    """Return the pipeline as a kind of Argo's, as plain values.

    Args:
        settings: what to run, and where.
        kind: one of ``KINDS``.
        name: of a run, a template or a cron workflow; only a run may do without.
        schedule: when a CronWorkflow runs, as five cron fields or ``@daily``; Mondays at three by default.
        revision: git revision to label it with; None takes this checkout's.

    Raises:
        UsageError: the name or the schedule is none that Argo accepts.
        PipelineError: as ``pipeline.build``.
    """
    _check(kind, name, schedule)
    built = pipeline.build(settings, name=name, revision=git_revision() if revision is None else revision)
    if kind == "Workflow":
        return _plain(built)
    fields = {name: value for name, value in vars(built).items() if name in _SHARED and value is not None}
    named = name or pipeline.NAME
    if kind == "WorkflowTemplate":
        return _plain(WorkflowTemplate(**{**fields, "name": named}))
    return _plain(
        CronWorkflow(
            **{**fields, "name": named}, schedules=[schedule or WEEKLY], concurrency_policy="Forbid", timezone="UTC"
        )
    )


def _check(kind: str, name: str | None, schedule: str | None) -> None:
    if name is not None and (problem := names.object_name(kind, name)):
        raise UsageError(problem, where=f"--name of a {kind}", fix="give another name")
    if schedule is not None and (problem := schedules.problem(schedule)):
        raise UsageError(problem, where="--schedule", fix="write five cron fields such as '0 3 * * 1', or @daily")


# What the three kinds have in common.
_SHARED = (
    "namespace",
    "entrypoint",
    "service_account_name",
    "arguments",
    "labels",
    "annotations",
    "pod_metadata",
    "pod_spec_patch",
    "archive_logs",
    "pod_gc",
    "ttl_strategy",
    "security_context",
    "templates",
)


def _plain(workflow: Workflow) -> dict[str, Any]:
    plain: dict[str, Any] = workflow.to_dict()
    return plain


def to_yaml(rendered: dict[str, Any], *, ascii_only: bool = False) -> str:
    """Return plain values as YAML: what names a thing comes first, and long texts stay readable.

    With ``ascii_only`` other characters are escaped, which changes no value.
    """
    return yaml.dump(_ordered(rendered), Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=not ascii_only)


def print_yaml(rendered: dict[str, Any]) -> None:
    """Print plain values as YAML, which is UTF-8 by its definition: in ASCII where standard output is not."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    sys.stdout.write(to_yaml(rendered, ascii_only=codecs.lookup(encoding).name != "utf-8"))


_FIRST = ("apiVersion", "kind", "metadata", "spec", "name", "template", "depends", "entrypoint", "arguments", "inputs")


def _ordered(value: Any) -> Any:  # noqa: ANN401 - plain values of any depth
    """Put the keys that name a thing before the others, which stay in alphabetical order."""
    if isinstance(value, list):
        return [_ordered(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    keys = [key for key in _FIRST if key in value] + sorted(key for key in value if key not in _FIRST)
    return {key: _ordered(value[key]) for key in keys}


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and never an alias, which Argo's reader does not merge."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - yaml's signature
        """Repeat equal values."""
        return True


# What some reader takes for something else than a string, besides what PyYAML, which reads YAML 1.1, knows of: numbers
# and times of YAML 1.2 and of Argo's reader (go-yaml), such as 1e5, 0o17, 0B1 and 2026-1-2, and the words of both.
_NUMBER_LIKE = re.compile(r"(?=.*[0-9])[-+.0-9][-+.0-9_:a-fobx \ttz]*", re.IGNORECASE)
_WORDS = re.compile(r"[-+]?\.?(y|n|yes|no|on|off|true|false|null|nan|inf)|~|=|<<|", re.IGNORECASE)
# Characters that are line breaks in YAML 1.1 and none in YAML 1.2: only escapes say the same in both.
_BREAKS = re.compile("[\r\x85\u2028\u2029]")


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if _BREAKS.search(text):
        style = '"'
    elif "\n" in text:
        style = "|"
    elif _NUMBER_LIKE.fullmatch(text) or _WORDS.fullmatch(text):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
