"""Connect to the store of a bucket by the scheme of its address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steps.buckets.address import split_uri
from steps.core import uris

if TYPE_CHECKING:
    from steps.buckets import Store


def connect_to_bucket(uri: str) -> Store:
    """Return the store of an address ``gs://bucket/name`` or ``s3://bucket/name``, without making a request.

    The client of the other store is not imported.

    Raises:
        UsageError: The address is not valid. That is reported before missing credentials.
        DeniedError: There are no credentials.
    """
    address = uris.parse(uri, uris.BUCKETS, what="bucket", where="")
    split_uri(address.text, address.kind)
    if address.kind == uris.S3:
        from steps import s3

        return s3.connect()
    from steps.google import gcs

    return gcs.connect()
