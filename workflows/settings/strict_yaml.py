"""Read YAML and refuse duplicate keys, of which PyYAML silently keeps the last one."""

from __future__ import annotations

import re
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader without duplicate keys; a key that ``<<`` merges in may be overridden."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:  # noqa: ANN401 - as the stubs have it
        """Compose a mapping as PyYAML does, and check its keys before others are merged in."""
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is given twice", key.start_mark)
            seen.add(key.value)
        return node


class _ArgoLoader(_Loader):
    """Reads numbers such as ``1e5``, which are strings to PyYAML, as Argo's YAML reader (go-yaml) does."""


_ArgoLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)


# PyYAML's exceptions for impossible dates, numbers of too many digits, deep nesting, and values that do not fit their
# tag, such as `!!bool 7`.
_UNREADABLE = (ValueError, RecursionError, LookupError, AttributeError, TypeError)


def load_as_argo(text: str) -> Any:  # noqa: ANN401 - whatever YAML gives
    """Return a YAML document as Argo reads it; errors as :func:`load`."""
    return _load(text, _ArgoLoader)


def load(text: str) -> Any:  # noqa: ANN401 - whatever YAML gives
    """Return a YAML document.

    Raises:
        yaml.YAMLError: The text is not YAML, or has a duplicate key.
    """
    return _load(text, _Loader)


def _load(text: str, loader: type[_Loader]) -> Any:  # noqa: ANN401 - whatever YAML gives
    try:
        return yaml.load(text, loader)  # noqa: S506 - a safe loader
    except _UNREADABLE as error:
        raise yaml.YAMLError(str(error)) from None
