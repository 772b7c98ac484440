"""The names in a rendered workflow, also one of another tool, against the rules of Kubernetes and Argo."""

from __future__ import annotations

import re
import zoneinfo
from typing import TYPE_CHECKING, Any

from workflows.settings import names, schedules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from workflows.rendered.document import Document, Slots

_ZONE = re.compile(r"(CRON_)?TZ=(\S+) +")


def problems(rendered: Mapping[str, Any], document: Document) -> Iterator[str]:
    """Yield what is wrong with the names of a workflow, given as plain values and as it was read; one line each."""
    yield from _metadata_problems(rendered["kind"], rendered["metadata"])
    spec = rendered["spec"]
    if rendered["kind"] == "CronWorkflow":
        yield from _schedule_problems(spec)
        spec = spec["workflowSpec"]
    yield from _labelled("podMetadata", spec.get("podMetadata") or {})
    yield from _said("serviceAccountName", spec.get("serviceAccountName"), names.subdomain)
    for template in spec["templates"]:
        yield from _pod_problems(template)
    yield from _slot_problems("arguments", document.arguments)
    for template in document.templates.values():
        place = f"template {template.name!r}"
        yield from _said(place, template.name, names.field)
        yield from _slot_problems(place, template.inputs)
        yield from _slot_problems(place, template.outputs)
        depending = any(task.depends for task in template.tasks)
        for task in template.tasks:
            yield from _said(f"{place}, task", task.name, names.depending_task if depending else names.field)
            yield from _slot_problems(f"{place}, task {task.name!r}", task.arguments)


def _metadata_problems(kind: str, metadata: Mapping[str, Any]) -> Iterator[str]:
    if "name" in metadata or "generateName" not in metadata:
        yield from _said("metadata.name", metadata.get("name") or "", lambda name: names.object_name(kind, name))
    yield from _said("metadata.generateName", metadata.get("generateName"), names.generate_name)
    yield from _said("metadata.namespace", metadata.get("namespace"), names.dns_label)
    yield from _labelled("metadata", metadata)


def _schedule_problems(spec: Mapping[str, Any]) -> Iterator[str]:
    zone, given = spec.get("timezone"), spec.get("schedules") or []
    if not given:
        yield "spec.schedules: there is none"
    for schedule in given:
        prefix = None if zone else _ZONE.match(schedule)
        yield from _said("spec.schedules", schedule[prefix.end() if prefix else 0 :], schedules.problem)
        yield from _said("spec.schedules", prefix[2] if prefix else None, _zone_problem)
    yield from _said("spec.timezone", zone, _zone_problem)


def _zone_problem(zone: str) -> str | None:
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return f"{zone!r} is no time zone"
    return None


def _pod_problems(template: Mapping[str, Any]) -> Iterator[str]:
    place = f"template {template.get('name')!r}"
    yield from _labelled(place, template.get("metadata") or {})
    yield from _said(f"{place}: serviceAccountName", template.get("serviceAccountName"), names.subdomain)
    image = (template.get("container") or {}).get("image")
    yield from _said(f"{place}: image", image, names.image)


def _labelled(place: str, metadata: Mapping[str, Any]) -> Iterator[str]:
    for what, rule in (("labels", names.label_value), ("annotations", None)):
        for key, value in (metadata.get(what) or {}).items():
            yield from _said(f"{place}: {what}", key, names.label_key)
            if rule:
                yield from _said(f"{place}: {what}: {key}", value, rule)


def _slot_problems(place: str, slots: Slots) -> Iterator[str]:
    for name in (*slots.parameters, *slots.artifacts):
        yield from _said(f"{place}, parameter or artifact", name, names.parameter)


def _said(place: str, value: str | None, rule: names.Rule) -> Iterator[str]:
    """Yield what a rule says of a value that is given and is known before the run."""
    if value is not None and "{{" not in value and (problem := rule(value)):
        yield f"{place}: {problem}"
