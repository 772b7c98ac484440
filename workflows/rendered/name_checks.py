"""Checks the names in a rendered workflow against the rules of Kubernetes and Argo.

The workflow may come from another tool, so nothing about its names is assumed.
"""

from __future__ import annotations

import re
import zoneinfo
from typing import TYPE_CHECKING, Any

from workflows.settings import names, schedules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from workflows.rendered.document import Document, Slots

_ZONE = re.compile(r"(CRON_)?TZ=(\S+) +")


def name_problems(rendered: Mapping[str, Any], document: Document) -> Iterator[str]:
    """Yield each problem with the names of a workflow, in one line.

    Args:
        rendered: the workflow as plain values, of any kind.
        document: the same workflow as ``read_workflow`` returns it.
    """
    yield from _metadata_problems(rendered["kind"], rendered["metadata"])
    spec = rendered["spec"]
    if rendered["kind"] == "CronWorkflow":
        yield from _schedule_problems(spec)
        spec = spec["workflowSpec"]
    for field in ("podMetadata", "workflowMetadata"):
        yield from _label_problems(field, spec.get(field) or {})
    yield from _value_problems("serviceAccountName", spec.get("serviceAccountName"), names.subdomain)
    for template in spec["templates"]:
        yield from _pod_problems(template)
    yield from _slot_problems("arguments", document.arguments)
    for template in document.templates.values():
        where = f"template {template.name!r}"
        yield from _value_problems(where, template.name, names.field)
        yield from _slot_problems(where, template.inputs)
        yield from _slot_problems(where, template.outputs)
        task_rule = names.depending_task if any(task.depends for task in template.tasks) else names.field
        for task in template.tasks:
            yield from _value_problems(f"{where}, task", task.name, task_rule)
            yield from _slot_problems(f"{where}, task {task.name!r}", task.arguments)


def _metadata_problems(kind: str, metadata: Mapping[str, Any]) -> Iterator[str]:
    if "name" in metadata or "generateName" not in metadata:
        yield from _value_problems(
            "metadata.name", metadata.get("name") or "", lambda name: names.object_name(kind, name)
        )
    yield from _value_problems("metadata.generateName", metadata.get("generateName"), names.generate_name)
    yield from _value_problems("metadata.namespace", metadata.get("namespace"), names.dns_label)
    yield from _label_problems("metadata", metadata)


def _schedule_problems(spec: Mapping[str, Any]) -> Iterator[str]:
    zone, given = spec.get("timezone"), spec.get("schedules") or []
    if not given:
        yield "spec.schedules: there is none"
    for schedule in given:
        prefix = None if zone else _ZONE.match(schedule)
        yield from _value_problems("spec.schedules", schedule[prefix.end() if prefix else 0 :], schedules.problem)
        yield from _value_problems("spec.schedules", prefix[2] if prefix else None, _zone_problem)
    yield from _value_problems("spec.timezone", zone, _zone_problem)


def _zone_problem(zone: str) -> str | None:
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return f"{zone!r} is no time zone"
    return None


def _pod_problems(template: Mapping[str, Any]) -> Iterator[str]:
    where = f"template {template.get('name')!r}"
    yield from _label_problems(where, template.get("metadata") or {})
    yield from _value_problems(f"{where}: serviceAccountName", template.get("serviceAccountName"), names.subdomain)
    image = (template.get("container") or {}).get("image")
    yield from _value_problems(f"{where}: image", image, names.image)


def _label_problems(where: str, metadata: Mapping[str, Any]) -> Iterator[str]:
    for what, rule in (("labels", names.label_value), ("annotations", None)):
        for key, value in (metadata.get(what) or {}).items():
            yield from _value_problems(f"{where}: {what}", key, names.label_key)
            if rule:
                yield from _value_problems(f"{where}: {what}: {key}", value, rule)


def _slot_problems(where: str, slots: Slots) -> Iterator[str]:
    for name in (*slots.parameters, *slots.artifacts):
        yield from _value_problems(f"{where}, parameter or artifact", name, names.parameter)


def _value_problems(where: str, value: str | None, rule: names.Rule) -> Iterator[str]:
    """Yield the problem that a rule finds in a value. Values that are absent or contain a variable are not checked."""
    if value is not None and "{{" not in value and (problem := rule(value)):
        yield f"{where}: {problem}"
