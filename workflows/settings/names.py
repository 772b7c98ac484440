"""Check names of Kubernetes and Argo objects by the rules of the cluster, before anything is rendered.

Each function returns the problem with a name as a clause, or None. Sources: Kubernetes' "Object Names and IDs" and
"Labels and Selectors", Argo's ``workflow/validate/validate.go``, and the grammar of image references in
https://github.com/distribution/reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from steps.core import texts

Rule = Callable[[str], str | None]

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN_PATTERN = rf"^{_LABEL}(\.{_LABEL})*$"
LABEL_PATTERN = rf"^{_LABEL}$"
LONGEST_SUBDOMAIN, LONGEST_LABEL, LONGEST_FIELD = 253, 63, 128
# Argo's limits. The name becomes the value of a label; a CronWorkflow appends the time of each run to its name.
LONGEST_BY_KIND = {"Workflow": 63, "WorkflowTemplate": 63, "CronWorkflow": 52}
# Kubernetes appends as many characters to a generateName, which it shortens if necessary.
_GENERATED = "xxxxx"

_SUBDOMAIN, _DNS_LABEL = re.compile(SUBDOMAIN_PATTERN), re.compile(LABEL_PATTERN)
_QUALIFIED = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_FIELD = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]*")
_PARAMETER = re.compile(r"[-a-zA-Z0-9_]+")
_HOST = r"(?:[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?P<name>(?:{_HOST}(?::[0-9]+)?/)?{_PART}(?:/{_PART})*)"
    r"(?::\w[\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)
_LONGEST_IMAGE = 255


def subdomain(name: str, longest: int = LONGEST_SUBDOMAIN) -> str | None:
    """Check the name of an object (RFC 1123 subdomain)."""
    return _checked(
        name, _SUBDOMAIN, longest, "lower-case letters, digits, '-' and '.', a letter or digit at both ends"
    )


def dns_label(name: str) -> str | None:
    """Check the name of a namespace (RFC 1123 label)."""
    return _checked(
        name, _DNS_LABEL, LONGEST_LABEL, "lower-case letters, digits and '-', a letter or digit at both ends"
    )


def object_name(kind: str, name: str) -> str | None:
    """Check the name of one of Argo's kinds."""
    return subdomain(name, LONGEST_BY_KIND[kind])


def generate_name(prefix: str) -> str | None:
    """Check the prefix of a generated name (generateName)."""
    return subdomain(prefix[: LONGEST_LABEL - len(_GENERATED)] + _GENERATED)


def field(name: str) -> str | None:
    """Check the name of a template or a task."""
    return _checked(name, _FIELD, LONGEST_FIELD, "letters, digits and '-', a letter or digit first")


def depending_task(name: str) -> str | None:
    """Check the name of a task in a DAG that has dependencies."""
    return field(name) or (f"{name!r} begins with a digit" if name[0].isdigit() else None)


def parameter(name: str) -> str | None:
    """Check the name of a parameter or an artifact."""
    return _checked(name, _PARAMETER, None, "letters, digits, '-' and '_'")


def label_key(key: str) -> str | None:
    """Check the key of a label or an annotation: ``name`` or ``subdomain/name``."""
    prefix, slash, name = key.rpartition("/")
    return (subdomain(prefix) if slash else None) or _checked(
        name, _QUALIFIED, LONGEST_LABEL, "letters, digits, '-', '_' and '.', a letter or digit at both ends"
    )


def label_value(value: str) -> str | None:
    """Check the value of a label, which may be empty."""
    return (
        _checked(value, _QUALIFIED, LONGEST_LABEL, "letters, digits, '-', '_' and '.', a letter or digit at both ends")
        if value
        else None
    )


def image(reference: str) -> str | None:
    """Check the reference of an image: ``registry:port/name:tag@digest``."""
    found = _IMAGE.fullmatch(reference)
    if found is None or len(found["name"]) > _LONGEST_IMAGE:
        return f"{_shown(reference)} is not a reference to an image, such as registry.example/team/covertype-steps:1.0"
    return None


def one_line(text: str) -> str | None:
    """Check a text that becomes part of the workflow or of messages."""
    problem = texts.find_problem(text)
    return f"{_shown(text)} {problem}" if problem else None


def no_variable(text: str) -> str | None:
    """Check a text that becomes part of the workflow, in which Argo replaces ``{{...}}``."""
    return one_line(text) or (
        f"{_shown(text)} contains '{{{{', with which a variable of Argo begins" if "{{" in text else None
    )


def _checked(name: str, pattern: re.Pattern[str], longest: int | None, rule: str) -> str | None:
    if not pattern.fullmatch(name):
        return f"{_shown(name)} must be {rule}" if name else "it is empty"
    if longest is not None and len(name) > longest:
        return f"{_shown(name)} has {len(name)} characters, at most {longest} are allowed"
    return None


def _shown(name: str) -> str:
    """Return a name for a message, shortened if it is very long."""
    return repr(name if len(name) <= 80 else name[:77] + "...")  # noqa: PLR2004 - a line's width
