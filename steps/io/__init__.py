"""Open sources and destinations by URI: the one place that knows which client serves which scheme."""

from steps.io.destinations import open_destination
from steps.io.sources import open_exported, open_source, version_of

__all__ = ["open_destination", "open_exported", "open_source", "version_of"]
