"""Plain values as YAML that Argo's reader, and any other, takes for the same values."""

from __future__ import annotations

import codecs
import re
import sys
from typing import Any

import yaml


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
