"""Writes plain values as YAML that Argo's reader, and any other YAML reader, reads as the same values."""

from __future__ import annotations

import codecs
import re
import sys
from typing import Any

import yaml


def to_yaml(rendered: dict[str, Any], *, ascii_only: bool = False) -> str:
    """Return plain values as YAML.

    Args:
        rendered: the values.
        ascii_only: escape all characters outside ASCII, which changes no value.
    """
    return yaml.dump(_ordered(rendered), Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=not ascii_only)


def print_yaml(rendered: dict[str, Any]) -> None:
    """Print plain values as YAML. YAML must be UTF-8, so only ASCII is printed where standard output is not UTF-8."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    sys.stdout.write(to_yaml(rendered, ascii_only=codecs.lookup(encoding).name != "utf-8"))


# Keys that come first in a mapping, so that a reader sees the name of a thing before its contents.
_FIRST = ("apiVersion", "kind", "metadata", "spec", "name", "template", "depends", "entrypoint", "arguments", "inputs")


def _ordered(value: Any) -> Any:  # noqa: ANN401 - plain values of any depth
    """Return a value with the keys of ``_FIRST`` first in each mapping, and the others in alphabetical order."""
    if isinstance(value, list):
        return [_ordered(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    keys = [key for key in _FIRST if key in value] + sorted(key for key in value if key not in _FIRST)
    return {key: _ordered(value[key]) for key in keys}


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # the one in C where PyYAML has it
    """Writes multi-line strings as blocks, and no aliases, because Argo's reader does not support merging them."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - yaml's signature
        """Write equal values in full each time."""
        return True


# Strings that some reader would not read as strings. PyYAML quotes those of YAML 1.1. These are the numbers and times
# of YAML 1.2 and of Argo's reader (go-yaml), such as 1e5, 0o17, 0B1 and 2026-1-2, and the words of both.
_NUMBER_LIKE = re.compile(r"(?=.*[0-9])[-+.0-9][-+.0-9_:a-fobx \ttz]*", re.IGNORECASE)
_WORDS = re.compile(r"[-+]?\.?(y|n|yes|no|on|off|true|false|null|nan|inf)|~|=|<<|", re.IGNORECASE)
# Line breaks of YAML 1.1 that are not line breaks in YAML 1.2. Only escapes have the same meaning in both.
_BREAKS = re.compile("[\r\x85\u2028\u2029]")


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if _BREAKS.search(text):
        style = '"'
    elif "\n" in text:
        style = "|"
    elif _NUMBER_LIKE.fullmatch(text) or _WORDS.fullmatch(text):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)
