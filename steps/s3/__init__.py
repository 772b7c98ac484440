"""S3 as a store of objects, see ``steps.buckets``: Amazon's, and every store with the same interface, such as MinIO.

- ``store``: the store; re-exported here.
- ``requests``: requests that are repeated while they may succeed.
- ``multipart``: the upload of a large file in parts.
- ``errors``: the translation of the client's errors.
"""

from steps.s3.store import Access, Store, connect

__all__ = ["Access", "Store", "connect"]
