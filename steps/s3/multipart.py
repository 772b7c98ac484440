"""Upload a large file in parts. Nobody sees the object before the last request, which completes it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from steps.buckets.store import CHUNK_BYTES, Upload
from steps.core.crc32c import Crc32c
from steps.core.errors import NoInputError, TransientError
from steps.s3.requests import GET, PUT, Requests, body_arguments

if TYPE_CHECKING:
    from collections.abc import Mapping

# The most parts that S3 accepts.
_PARTS = 10_000


def part_bytes(size: int) -> int:
    """Return the size of a part, in bytes, for a file of ``size`` bytes; one part is in memory at a time."""
    return max(CHUNK_BYTES, -(-size // _PARTS))


def send(
    requests: Requests,
    upload: Upload,
    where: str,
    description: Mapping[str, Any],
    condition: Mapping[str, str],
) -> dict[str, Any]:
    """Upload a file in parts, and return the store's description of the object.

    Parts of an upload that fails are removed. Those of a process that is killed remain, but nobody can read them.

    Args:
        requests: The requests to the store.
        upload: The file.
        where: The address of the object, for error messages.
        description: The arguments that name and describe the object.
        condition: The argument with the condition under which the object is written.

    Raises:
        AlreadyExistsError: The condition does not hold.
        TransientError: The file changed meanwhile, or the upload failed until the time limit.
    """
    started = requests.call("create_multipart_upload", where, PUT, **description)
    parts = {"Bucket": description["Bucket"], "Key": description["Key"], "UploadId": started["UploadId"]}
    try:
        sent = _send_parts(requests, upload, where, parts)
        return _complete(requests, upload, where, {**parts, "MultipartUpload": {"Parts": sent}, **condition})
    except BaseException:  # Ctrl-C included
        with suppress(Exception):
            requests.client.abort_multipart_upload(**parts)
        raise


def _send_parts(requests: Requests, upload: Upload, where: str, parts: Mapping[str, str]) -> list[dict[str, Any]]:
    checksum, length = Crc32c(), part_bytes(upload.size)
    sent: list[dict[str, Any]] = []
    with upload.path.open("rb") as file:
        while data := file.read(length):
            number = len(sent) + 1
            answer = requests.call("upload_part", where, PUT, **parts, PartNumber=number, **body_arguments(data))
            checksum.update(data)
            upload.report_progress(len(data))
            sent.append({"PartNumber": number, "ETag": answer["ETag"]})
    upload.require_unchanged(checksum)
    return sent


def _complete(requests: Requests, upload: Upload, where: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Make the object of its parts. If there are none any more, the answer of an earlier attempt was lost."""
    try:
        return requests.call("complete_multipart_upload", where, PUT, **arguments)
    except NoInputError:
        named = {name: arguments[name] for name in ("Bucket", "Key")}
        with suppress(NoInputError):
            found = requests.call("head_object", where, GET, **named)
            if found.get("Metadata", {}).get("crc32c") == upload.crc32c:
                return found
        raise TransientError("the upload was aborted by someone else", where=where, fix="run again") from None
