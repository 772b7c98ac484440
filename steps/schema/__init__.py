"""The schema of a table as data: columns, dtypes, ranges, cover types and derived features, read from a TOML file.

A new table needs a new schema file and no new code: no other part of the project names a column. The package imports
the standard library only, because ``workflows`` uses it for the slugs of the cover types.

- ``model``: the dataclasses ``Schema``, ``Column``, ``CoverType``, ``Derived`` and ``Slice``.
- ``reader``: read a schema from TOML or JSON, and check it.
- ``dtypes``: the dtypes of columns and their ranges.
- ``column_checks``: checks of the columns of a schema.
- ``cover_type_checks``: checks of the labels, slugs and titles of the cover types.
- ``slice_checks``: checks of the slices.

The first two are re-exported here. Import the others as modules.
"""

from steps.schema.model import Column, CoverType, Derived, Schema, Slice
from steps.schema.reader import BUILTIN, DATA, OPERATIONS, from_json, load, parse, read_text

__all__ = [
    "BUILTIN",
    "DATA",
    "OPERATIONS",
    "Column",
    "CoverType",
    "Derived",
    "Schema",
    "Slice",
    "from_json",
    "load",
    "parse",
    "read_text",
]
