"""Open sources and destinations by URI. Only this package knows which client belongs to which scheme.

- ``sources``: open a source; re-exported here.
- ``destinations``: open a destination; re-exported here.
- ``stores``: connect to the store of a bucket; re-exported here.
"""

from steps.io.destinations import open_destination
from steps.io.sources import open_exported, open_source, version_of
from steps.io.stores import connect_to_bucket

__all__ = ["connect_to_bucket", "open_destination", "open_exported", "open_source", "version_of"]
