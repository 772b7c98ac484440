"""Open sources and destinations by URI. Only this package knows which client belongs to which scheme.

- ``sources``: open a source; re-exported here.
- ``destinations``: open a destination; re-exported here.
"""

from steps.io.destinations import open_destination
from steps.io.sources import open_exported, open_source, version_of

__all__ = ["open_destination", "open_exported", "open_source", "version_of"]
