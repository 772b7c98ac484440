"""Cloud Storage: objects found, downloaded and uploaded with checksums, and a prefix as a destination."""

from steps.google.gcs.store import CREATE, DELETE, GET, LIST, PATIENCE, SCHEME, Object, Store, connect, pattern, split

__all__ = [
    "CREATE",
    "DELETE",
    "GET",
    "LIST",
    "PATIENCE",
    "SCHEME",
    "Object",
    "Store",
    "connect",
    "pattern",
    "split",
]
