"""Checks that Argo and Kubernetes read a rendered workflow as this project does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from tests.fuzz.promises import breaks

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_TEMPLATE_NAME = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]*")
# Where tasks have `depends`, names begin with a letter: they are identifiers of an expression.
_TASK_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
_CRON = re.compile(
    r"@(yearly|annually|monthly|weekly|daily|midnight|hourly|every \S+)|[-\d*/,?a-zA-Z]+( +[-\d*/,?a-zA-Z#]+){4}"
)
# The cron controller appends eleven characters to the name.
_LONGEST = {"CronWorkflow": 52}


class _Core(yaml.SafeLoader):
    """Reads YAML 1.2's core schema with the additions of Go's readers; PyYAML reads YAML 1.1."""


_Core.yaml_implicit_resolvers = {}


for _tag, _pattern in (
    ("null", r"~|null|Null|NULL|"),
    ("bool", r"true|True|TRUE|false|False|FALSE"),
    ("int", r"[-+]?(0|[1-9]\d*)|0[0-7]+|0o[0-7]+|0x[0-9a-fA-F]+|0b[01]+|[-+]?\d[\d_]*"),
    ("float", r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
):
    _Core.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), None)


def _as_written(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> tuple[str, str]:
    return node.tag, loader.construct_scalar(node)


for _tag in ("int", "float"):
    _Core.add_constructor(f"tag:yaml.org,2002:{_tag}", _as_written)


def check_manifest(text: str, schema: bytes) -> None:
    """Check a document that was rendered for the schema with these bytes."""
    document = yaml.safe_load(text)
    _check_scalars(document, yaml.load(text, _Core))  # noqa: S506 - a safe loader
    kind, name = document["kind"], document["metadata"].get("name", "generated")
    if not _NAME.fullmatch(name) or len(name) > _LONGEST.get(kind, 63):
        breaks("manifest", f"name of a {kind}", repr(name))
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", document["metadata"].get("namespace", "a")):
        breaks("manifest", "namespace", repr(document["metadata"]["namespace"]))
    for value in document["metadata"].get("labels", {}).values():
        if not _LABEL_VALUE.fullmatch(value) or len(value) > 63:
            breaks("manifest", "value of a label", repr(value))
    for schedule in document["spec"].get("schedules", ()):
        if not _CRON.fullmatch(schedule):
            breaks("manifest", "schedule", repr(schedule))
    spec = document["spec"].get("workflowSpec", document["spec"])
    _check_templates(spec["templates"])
    raws = [artifact["raw"]["data"] for artifact in _artifacts(spec["templates"]) if artifact["name"] == "schema"]
    if any(raw != schema.decode("utf-8-sig") for raw in raws):
        breaks("manifest", "the schema in it is another", f"{raws[0]!r}\n{schema!r}")


def _check_scalars(one: Any, other: Any, place: str = "") -> None:
    """Check that texts and numbers are the same in YAML 1.1 and YAML 1.2."""
    if isinstance(one, dict):
        for (key, value), (other_key, other_value) in zip(one.items(), other.items(), strict=True):
            _check_scalars(key, other_key, place)
            _check_scalars(value, other_value, str(key))
    elif isinstance(one, list):
        for value, other_value in zip(one, other, strict=True):
            _check_scalars(value, other_value, place)
    elif isinstance(one, str) and one != other:
        breaks("manifest", f"a text that YAML 1.2 takes for something else, in {place}", repr(other))


def _check_templates(templates: list[dict[str, Any]]) -> None:
    names = [template["name"] for template in templates]
    if len(set(names)) < len(names) or any(not _TEMPLATE_NAME.fullmatch(name) or len(name) > 128 for name in names):
        breaks("manifest", "names of templates", str(names))
    for template in templates:
        tasks = [task["name"] for task in template.get("dag", {}).get("tasks", ())]
        if len(set(tasks)) < len(tasks):
            breaks("manifest", "two tasks of one name", str(tasks))
        if odd := [name for name in tasks if not _TASK_NAME.fullmatch(name) or len(name) > 63]:
            breaks("manifest", "name of a task", str(odd))


def _artifacts(templates: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for template in templates:
        yield from (artifact for artifact in template.get("inputs", {}).get("artifacts", ()) if "raw" in artifact)
