"""Read what was fitted from a preprocessor file, without skops.

A preprocessor file is a zip file of skops with one JSON document, a tree of nodes. This reads the nodes that a
transformer consists of: dictionaries, lists, and strings.
"""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

from steps.bundles.columns import FeatureColumns

if TYPE_CHECKING:
    from pathlib import Path

# The name of the transformer's format, stored in a file instead of the name of its module, which may change. Use a new
# name when the attributes of the transformer change.
FORMAT = "covertype.features.v1"
_DOCUMENT, _CLASS, _PROTOCOL = "schema.json", "FeatureTransformer", 2


def read(path: Path) -> FeatureColumns | None:
    """Return what was fitted, None for a file that is damaged or not exactly of this kind: let skops judge it."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.namelist() != [_DOCUMENT]:
                return None
            node = json.loads(archive.read(_DOCUMENT))
        if (node["__module__"], node["__class__"], node["protocol"]) != (FORMAT, _CLASS, _PROTOCOL):
            return None
        values = _value(node["content"])
        return FeatureColumns(values["numeric"], values["categories"] or {}, values["derived"], values["seen_"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, zipfile.BadZipFile):
        return None


def _value(node: Any) -> Any:  # noqa: ANN401 - a tree of JSON
    """Return the value of a node; ValueError for a node of another kind."""
    kind = node["__loader__"], node["__class__"]
    if kind == ("DictNode", "dict"):
        if any(key["__class__"] != "str" for key in node["key_types"]["content"]):
            raise ValueError("a key is not a string")
        return {key: _value(value) for key, value in node["content"].items()}
    if kind == ("ListNode", "list"):
        return [_value(value) for value in node["content"]]
    if kind == ("JsonNode", "str"):
        return json.loads(node["content"])
    raise ValueError(f"a {kind}")
