"""Artifacts straight from an S3 store, with the keys that the artifact repository names: signed GET requests.

Signature: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as ET

from steps.core import storage
from steps.core.errors import BadConfigurationError, DeniedError, NoInputError, PipelineError, UnavailableError
from workflows.cluster.forward import reachable
from workflows.cluster.http import Session, check_address, credential

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Secrets = Callable[[str], Mapping[str, str]]

_EMPTY = hashlib.sha256(b"").hexdigest()
_BY_SERVER = "set ARGO_SERVER: argo-server brings artifacts through"


@dataclass(frozen=True)
class Bucket:
    """A bucket: its address from here, the host that requests are signed for, and the keys to it."""

    url: str
    host: str
    name: str
    region: str
    access_key: str
    secret_key: str

    def get(self, key: str, query: Mapping[str, str] | None = None) -> bytes:
        """Return an object's bytes, or with an empty key and a ``query`` what the bucket answers."""
        path = "/" + quote(f"{self.name}/{key}" if key else self.name)
        encoded = urlencode(sorted((query or {}).items()), quote_via=quote)
        headers = sign(self, path, encoded, dt.datetime.now(dt.UTC))
        try:
            with Session(self.url, login=_BY_SERVER) as session:
                session.secrets |= {self.access_key, self.secret_key}
                answer = session.get(f"{self.url}{path}" + (f"?{encoded}" if encoded else ""), headers=headers)
        except (UnavailableError, DeniedError) as error:
            raise type(error)(error.what, where=f"artifact repository {self.url}", fix=_BY_SERVER) from None
        return answer.content

    def keys(self, prefix: str) -> list[str]:
        """Return the keys that begin with a prefix, at most a thousand."""
        listing = ET.fromstring(self.get("", {"list-type": "2", "prefix": prefix}))  # noqa: S314 - of our store
        return [element.text or "" for element in listing.iter() if element.tag.rpartition("}")[2] == "Key"]


def sign(bucket: Bucket, path: str, query: str, now: dt.datetime) -> dict[str, str]:
    """Return the headers of a signed GET request; ``path`` and ``query`` are encoded, the latter sorted."""
    stamp, day = f"{now:%Y%m%dT%H%M%SZ}", f"{now:%Y%m%d}"
    signed = {"host": bucket.host, "x-amz-content-sha256": _EMPTY, "x-amz-date": stamp}
    names = ";".join(signed)
    lines = [f"{name}:{value}" for name, value in signed.items()]
    request = "\n".join(["GET", path, query, *lines, "", names, _EMPTY])
    scope = f"{day}/{bucket.region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{bucket.secret_key}".encode()
    for part in (day, bucket.region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"Credential={bucket.access_key}/{scope}"
    return {**signed, "Authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"}


def place_of(workflow: dict[str, Any], artifact: Mapping[str, Any]) -> dict[str, Any]:
    """Return where an artifact is: the workflow's repository, as Argo found it, and what the artifact itself says."""
    reference = (workflow.get("status") or {}).get("artifactRepositoryRef") or {}
    place = {**((reference.get("artifactRepository") or {}).get("s3") or {}), **(artifact.get("s3") or {})}
    if not place.get("bucket") or not place.get("accessKeySecret") or not place.get("key"):
        raise PipelineError("the artifact repository is no S3 store with keys in a secret", fix=_BY_SERVER)
    return place


def _value(selector: Mapping[str, str], secret: Secrets) -> str:
    values = secret(selector["name"])
    if selector["key"] not in values:
        raise NoInputError(f"secret {selector['name']!r} has no key {selector['key']!r}", fix=_BY_SERVER)
    where = f"key {selector['key']!r} of secret {selector['name']!r}"
    try:
        return credential(base64.b64decode(values[selector["key"]], validate=True).decode("ascii"), where)
    except ValueError:  # its text shows a part of the value
        raise BadConfigurationError("not ASCII text in base64", where=where, fix=_BY_SERVER) from None


def download(workflow: dict[str, Any], artifact: Mapping[str, Any], target: Path, secret: Secrets) -> None:
    """Bring an artifact here: a file, or a folder, whose files are the keys below its own.

    Args:
        workflow: with its status.
        artifact: an output artifact of a node.
        target: the file or the folder.
        secret: reads a secret by name, its values in base64.
    """
    place = place_of(workflow, artifact)
    host = check_address(place.get("endpoint") or "s3.amazonaws.com", "the endpoint of the artifact repository")
    with reachable(host, _BY_SERVER) as here:
        bucket = Bucket(
            url=f"{'http' if place.get('insecure') else 'https'}://{here}",
            host=host,
            name=place["bucket"],
            region=place.get("region") or "us-east-1",
            access_key=_value(place["accessKeySecret"], secret),
            secret_key=_value(place["secretKeySecret"], secret),
        )
        _bring(bucket, place["key"], target)


def _bring(bucket: Bucket, key: str, target: Path) -> None:
    below = [found for found in bucket.keys(f"{key}/") if not found.endswith("/")]
    if not below:
        storage.write_bytes(target, bucket.get(key))
        return
    with storage.atomic_folder(target) as folder:
        for found in below:
            (folder / found.rpartition("/")[2]).write_bytes(bucket.get(found))
