"""Download artifacts from an S3 store, with the keys that the artifact repository names, by Arrow's S3 client."""

from __future__ import annotations

import base64
import os
import re
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from requests.utils import get_environ_proxies, select_proxy

from steps.core import storage
from steps.core.errors import (
    BadConfigurationError,
    BadDataError,
    DeniedError,
    NoInputError,
    PipelineError,
    TransientError,
    UnavailableError,
)
from steps.core.redaction import redact
from workflows.cluster.http import check_address, credential
from workflows.cluster.port_forward import local_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    Secrets = Callable[[str], Mapping[str, str]]

_ADVICE = "set ARGO_SERVER to download artifacts through argo-server"
_AMAZON = "s3.amazonaws.com"
# Seconds to connect, and without a byte of the answer, for each attempt of a request. Ctrl-C waits until the request,
# which runs outside Python, has ended: half a minute where the store hangs.
_TIMEOUT = (5.0, 10.0)
_ATTEMPTS = 3
# Bytes of a request, and of what is in memory at a time.
_CHUNK = 8 << 20
# As Arrow words an error of the AWS client; the HTTP status is there where the client does not know the error's code.
_ERROR = re.compile(
    r"AWS Error (?P<code>\w+)(?: \(HTTP status (?P<status>\d+)\))? during \w+ operation: (?P<message>.*)"
)
_KINDS: dict[str, type[PipelineError]] = {
    "ACCESS_DENIED": DeniedError,
    "INVALID_ACCESS_KEY_ID": DeniedError,
    "REQUEST_TIME_TOO_SKEWED": DeniedError,
    "SIGNATURE_DOES_NOT_MATCH": DeniedError,
    "NO_SUCH_KEY": NoInputError,
    "RESOURCE_NOT_FOUND": NoInputError,
    "INTERNAL_FAILURE": TransientError,
    "SERVICE_UNAVAILABLE": TransientError,
    "SLOW_DOWN": TransientError,
    "THROTTLING": TransientError,
    "NETWORK_CONNECTION": UnavailableError,
    "REQUEST_TIMEOUT": UnavailableError,
    "401": DeniedError,
    "403": DeniedError,
    "404": NoInputError,
    "429": TransientError,
}
_SHOWN = 300


def download(workflow: dict[str, Any], artifact: Mapping[str, Any], target: Path, secret: Secrets) -> None:
    """Download an artifact: a file, or a folder, whose files are the keys below its own.

    Args:
        workflow: the workflow with its status, which names the artifact repository.
        artifact: an output artifact of a node.
        target: path of the file or folder to write, whole or not at all.
        secret: returns the values of a secret by its name, in base64.

    Raises:
        PipelineError: the repository is no S3 store, or cannot be read; no message shows a key.
    """
    settings = settings_of(workflow, artifact)
    host = check_address(settings.get("endpoint") or _AMAZON, "the endpoint of the artifact repository")
    keys = [_value(settings[name], secret) for name in ("accessKeySecret", "secretKeySecret")]
    with local_address(host, _ADVICE) as address:
        store = _Store(settings, address, keys)
        path = f"{settings['bucket']}/{settings['key']}"
        below = store.files_below(path)
        if not below:
            with storage.atomic_path(target) as temporary:
                store.copy(path, temporary)
            return
        with storage.atomic_folder(target) as folder:
            for file in below:
                store.copy(file, _inside(folder, PurePosixPath(file).relative_to(path)))


def settings_of(workflow: dict[str, Any], artifact: Mapping[str, Any]) -> dict[str, Any]:
    """Return the S3 settings of an artifact: those of the workflow's repository, and the artifact's own."""
    reference = (workflow.get("status") or {}).get("artifactRepositoryRef") or {}
    repository = (reference.get("artifactRepository") or {}).get("s3") or {}
    settings = {**repository, **(artifact.get("s3") or {})}
    if not all(settings.get(name) for name in ("bucket", "key", "accessKeySecret", "secretKeySecret")):
        raise PipelineError("the artifact repository is not an S3 store with keys in a Secret", fix=_ADVICE)
    return settings


def _value(selector: Mapping[str, str], secret: Secrets) -> str:
    values = secret(selector["name"])
    if selector["key"] not in values:
        raise NoInputError(f"Secret {selector['name']!r} has no key {selector['key']!r}", fix=_ADVICE)
    where = f"key {selector['key']!r} of Secret {selector['name']!r}"
    try:
        return credential(base64.b64decode(values[selector["key"]], validate=True).decode("ascii"), where)
    except ValueError:  # its text shows a part of the value
        raise BadConfigurationError("not ASCII text in base64", where=where, fix=_ADVICE) from None


def _inside(folder: Path, relative: PurePosixPath) -> Path:
    """Return the path of a file below a folder, whose parent exists."""
    if ".." in relative.parts:
        raise BadDataError("the key of a file leads out of its folder", where=f"artifact repository, {relative}")
    path = folder / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


class _Store:
    """An S3 store. Paths begin with the bucket.

    Args:
        settings: as Argo has them in an artifact repository.
        address: host and port to connect to.
        keys: access key and secret key.
    """

    def __init__(self, settings: Mapping[str, Any], address: str, keys: list[str]) -> None:
        from pyarrow import fs

        scheme = "http" if settings.get("insecure") else "https"
        self._address, self._keys = f"{scheme}://{address}", keys
        connect, read = _TIMEOUT
        options = {
            "region": settings.get("region") or "us-east-1",
            "scheme": scheme,
            "endpoint_override": None if address == _AMAZON else address,
            "connect_timeout": connect,
            "request_timeout": read,
            "retry_strategy": fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
            "proxy_options": select_proxy(self._address, get_environ_proxies(self._address)),
        }
        if certificates := os.environ.get("REQUESTS_CA_BUNDLE"):
            options["tls_ca_file_path"] = certificates
        try:
            self._files = fs.S3FileSystem(access_key=keys[0], secret_key=keys[1], **options)
        except (ValueError, OSError):  # its text shows the address of the proxy, which may hold a password
            raise BadConfigurationError(
                "the S3 client rejects these settings", where=self._where, fix="check the endpoint and HTTPS_PROXY"
            ) from None

    @property
    def _where(self) -> str:
        return f"artifact repository {self._address}"

    def files_below(self, path: str) -> list[str]:
        """Return the paths of all files below a folder; none where it is a file, or does not exist."""
        from pyarrow import fs

        with self._explained(path):
            found = self._files.get_file_info(fs.FileSelector(path, recursive=True, allow_not_found=True))
        return [info.path for info in found if info.type == fs.FileType.File]

    def copy(self, path: str, target: Path) -> None:
        """Write the bytes of an object to a local file, a chunk at a time."""
        with self._explained(path):
            source = self._files.open_input_stream(path, compression=None)
        with source, target.open("wb") as sink:
            while chunk := self._read(source, path):
                sink.write(chunk)

    def _read(self, source: Any, path: str) -> bytes:  # noqa: ANN401 - pyarrow has no types
        with self._explained(path):
            chunk: bytes = source.read(_CHUNK)
        return chunk

    @contextmanager
    def _explained(self, path: str) -> Iterator[None]:
        """Turn an error of Arrow's in the block into one of ours, without the keys."""
        try:
            yield
        except FileNotFoundError:
            raise NoInputError(f"no such object {path}", where=self._where, fix="it may have been deleted") from None
        except (OSError, ValueError) as error:
            raise self._error(" ".join(str(error).split())) from None

    def _error(self, text: str) -> PipelineError:
        found = _ERROR.search(text)
        if not found:
            return BadConfigurationError(self._shown(text), where=self._where, fix=_ADVICE)
        code, status = found["code"], found["status"] or ""
        unknown = TransientError if status.startswith("5") else BadConfigurationError
        kind = _KINDS.get(code) or _KINDS.get(status, unknown)
        reason = status if code == "UNKNOWN" else code.lower().replace("_", " ")
        message = found["message"].rpartition("Details: ")[2].removesuffix("No response body.")
        return kind(self._shown(": ".join(filter(None, (reason, message)))), where=self._where, fix=_ADVICE)

    def _shown(self, text: str) -> str:
        return redact(text, self._keys)[:_SHOWN]
