"""Cloud Storage as a store of objects, see ``steps.buckets``.

- ``store``: the store; re-exported here.
- ``errors``: the translation of the client's errors.
"""

from steps.buckets import Object
from steps.google.gcs.store import CREATE, DELETE, GET, LIST, SCHEME, Store, connect, split_uri

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
]
