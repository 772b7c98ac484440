"""YAML in which a key may be given once: PyYAML would keep the last one and say nothing."""

from __future__ import annotations

import re
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which refuses a mapping with a key twice; what ``<<`` merges in may be overridden."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:  # noqa: ANN401 - as the stubs have it
        """Compose a mapping as PyYAML does, before anything is merged in, and look at its keys."""
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is there twice", key.start_mark)
            seen.add(key.value)
        return node


class _ArgoLoader(_Loader):
    """Reads numbers as Argo's YAML reader (go-yaml) does, where PyYAML sees texts, such as ``1e5``."""


_ArgoLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)


def load_as_argo(text: str) -> Any:  # noqa: ANN401 - whatever YAML gives
    """Return what a YAML text says to Argo; errors as :func:`load`."""
    return yaml.load(text, _ArgoLoader)  # noqa: S506 - a safe loader


def load(text: str) -> Any:  # noqa: ANN401 - whatever YAML gives
    """Return what a YAML text says.

    Raises:
        yaml.YAMLError: it is no YAML, or has a key twice.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a safe loader
    except (ValueError, RecursionError) as error:  # for dates that are none, numbers of too many digits, and nesting
        raise yaml.YAMLError(str(error)) from None
