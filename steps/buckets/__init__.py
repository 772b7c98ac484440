"""Buckets of any kind: one interface of their stores, and a prefix in a bucket as a destination.

- ``store``: the interface of a store of objects; ``steps.google.gcs`` and ``steps.s3`` implement it.
- ``address``: the parts and the wildcards of an object's address.
- ``transfer``: the time limits and the progress of a transfer.
- ``destination``: a prefix as a destination of published files.
"""

from steps.buckets.destination import Prefix
from steps.buckets.store import Object, Store
from steps.buckets.transfer import Patience

__all__ = ["Object", "Patience", "Prefix", "Store"]
