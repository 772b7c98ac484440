"""Open a destination of published files by its URI: a prefix in a bucket or a folder on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steps.buckets import Prefix
from steps.core import uris
from steps.io.stores import connect_to_bucket
from steps.registry.destinations import Folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from steps.buckets import Store
    from steps.registry.destinations import Destination


def open_destination(uri: str, connect: Callable[[], Store] | None = None) -> Destination:
    """Return the destination that a URI names.

    Args:
        uri: ``gs://bucket/prefix``, ``s3://bucket/prefix``, a path, or ``file://``.
        connect: Returns the store of a destination in a bucket; None for the default credentials.

    Raises:
        UsageError: The URI is of another kind or not valid.
        DeniedError: There are no credentials.
    """
    address = uris.parse(uri, uris.DESTINATIONS, what="destination", where="")
    if address.local:
        return Folder(address.path)
    return Prefix(connect() if connect else connect_to_bucket(address.text), address.text)
