"""The schema of a table as data: columns, dtypes, ranges, cover types and derived features, from one TOML file.

Another table is another file; nothing else in the project names a column. The package imports the standard library
only, because the workflow side uses it for the slugs of the cover types.
"""

from steps.schema.model import Column, CoverType, Derived, Schema
from steps.schema.reader import BUILTIN, DATA, OPERATIONS, from_json, load, parse, read_text

__all__ = [
    "BUILTIN",
    "DATA",
    "OPERATIONS",
    "Column",
    "CoverType",
    "Derived",
    "Schema",
    "from_json",
    "load",
    "parse",
    "read_text",
]
