"""Cloud Storage: list, download and upload objects with checksums, and a prefix as a destination.

- ``store``: the client; re-exported here.
- ``transfer``: the time limits and the progress of a transfer.
- ``destination``: a prefix as a destination of published files.
- ``errors``: the translation of the client's errors.
"""

from steps.google.gcs.store import (
    CREATE,
    DELETE,
    GET,
    LIST,
    SCHEME,
    Object,
    Store,
    connect,
    split_uri,
    wildcard_pattern,
)

__all__ = [
    "CREATE",
    "DELETE",
    "GET",
    "LIST",
    "SCHEME",
    "Object",
    "Store",
    "connect",
    "split_uri",
    "wildcard_pattern",
]
