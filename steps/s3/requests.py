"""Requests to S3: each is repeated while it may succeed, and every failure is an error of :mod:`steps.core.errors`."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import TYPE_CHECKING, Any

from steps.buckets.transfer import Patience, is_transient
from steps.s3.errors import is_unexplained, translate_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steps.core.errors import PipelineError

# The permissions that requests need, as policies name them.
GET, LIST, PUT, DELETE = "s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:DeleteObject"


class Requests:
    """The requests of one client.

    Args:
        client: A client of botocore, which makes one attempt for each call.
        patience: The time limits.
        secrets: The keys of the client, which no message shows.
    """

    def __init__(self, client: Any, patience: Patience, secrets: Sequence[str]) -> None:  # noqa: ANN401 - made at run time
        self.client, self._patience, self._secrets = client, patience, secrets

    def call(self, operation: str, where: str, permission: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - as botocore has them
        """Make a request, and repeat it while it may succeed and the time limits allow it.

        Args:
            operation: The name of the client's method.
            where: The address, for error messages.
            permission: The permission that is needed.
            **arguments: The arguments of the method.

        Raises:
            PipelineError: The translation of the client's error.
        """
        end, wait = time.monotonic() + self._patience.seconds, self._patience.first_wait
        while True:
            try:
                answer: dict[str, Any] = getattr(self.client, operation)(**arguments)
            except Exception as error:
                known = self.translate(error, where, permission)
                if known is None:
                    raise
                if operation == "head_object" and is_unexplained(error):
                    known = self._explain(known, where, arguments)
                if not is_transient(known) or time.monotonic() + wait > end:
                    raise known from None
            else:
                return answer
            time.sleep(wait)
            wait = min(2 * wait, self._patience.longest_wait)

    def translate(self, error: Exception, where: str, permission: str) -> PipelineError | None:
        """Return the translation of an error, None if it is not an error of the client."""
        return translate_error(error, where, permission, self._secrets)

    def _explain(self, known: PipelineError, where: str, arguments: dict[str, Any]) -> PipelineError:
        """Return the reason of an answer to a HEAD request, which has none, by asking for a byte of the object."""
        try:
            self.client.get_object(**arguments, Range="bytes=0-0")["Body"].close()
        except Exception as error:  # noqa: BLE001 - what is not the client's says no more than the first error
            return self.translate(error, where, GET) or known
        return known


def body_arguments(data: bytes) -> dict[str, Any]:
    """Return the arguments for the body of a request, with an MD5 that the store compares."""
    return {"Body": data, "ContentMD5": base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()}
