"""Files in the artifact repository of a cluster, straight from its store, with the keys that the repository names."""

from __future__ import annotations

import base64
import hashlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol

import yaml

from steps import s3
from steps.buckets import Patience
from steps.core import storage
from steps.core.crc32c import Crc32c
from steps.core.errors import BadConfigurationError, BadDataError, DeniedError, NoInputError, PipelineError
from steps.core.runtime import log
from steps.io import connect_to_bucket
from workflows.cluster.http import check_address, credential
from workflows.cluster.port_forward import local_address
from workflows.settings import strict_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from steps.buckets import Store

    Secrets = Callable[[str], Mapping[str, str]]

# Kinds of artifact stores, as Argo names them.
_CHUNK_BYTES = 1 << 20
STORES = ("s3", "gcs", "azure", "oss")
_CONFIG_MAP = "artifact-repositories"
_ADVICE = "set ARGO_SERVER to download artifacts through argo-server"
_UPLOAD_ADVICE = "upload the file yourself, and name it with --source s3://BUCKET/OBJECT"
_AMAZON = "s3.amazonaws.com"
_SELECTORS = ("accessKeySecret", "secretKeySecret")
# Somebody waits for a download.
PATIENCE = Patience(seconds=10, first_wait=0.5, connect=5, silence=10)
# Until a part of an upload has arrived.
_UPLOAD_PATIENCE = Patience(seconds=60, first_wait=0.5, connect=5, silence=30)


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
    access = access_of(settings, secret)
    uri = f"s3://{settings['bucket']}/{settings['key']}"
    with _open_store(settings, access, PATIENCE, _ADVICE) as store:
        try:
            below = store.objects(f"{uri}/**")
        except NoInputError:  # it is a file, or does not exist
            store.download(store.get(uri), target)
            return
        with storage.atomic_folder(target) as folder:
            for each in below:
                store.download(each, _inside(folder, PurePosixPath(each.uri).relative_to(PurePosixPath(uri))))


class Kubernetes(Protocol):
    """What is read from the Kubernetes API."""

    namespace: str

    def config_map(self, name: str) -> dict[str, Any]:
        """Return a ConfigMap; NoInputError if there is none."""

    def secret(self, name: str) -> Mapping[str, str]:
        """Return the values of a Secret, in base64."""


@dataclass(frozen=True)
class LocalFile:
    """A file of this machine with the checksums of its content, which were computed in one reading.

    Attributes:
        path: the file.
        size: size in bytes.
        sha256: SHA-256, hexadecimal.
        crc32c: CRC32C in base64.
    """

    path: Path
    size: int
    sha256: str
    crc32c: str

    @classmethod
    def read(cls, path: Path) -> LocalFile:
        """Return a file with its checksums; memory use does not depend on its size."""
        sha256, crc32c, size = hashlib.sha256(), Crc32c(), 0
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                sha256.update(chunk)
                crc32c.update(chunk)
                size += len(chunk)
        return cls(path, size, sha256.hexdigest(), crc32c.base64)

    @property
    def key(self) -> str:
        """Key of the object with this content in the artifact repository."""
        return f"sources/{self.sha256}"


def upload(client: Kubernetes, file: LocalFile, report: Callable[[int], None]) -> None:
    """Upload a file to the default artifact repository, unless it is there already.

    Args:
        client: client of the cluster.
        file: the file.
        report: called with the number of bytes of each part that has arrived.

    Raises:
        PipelineError: there is no repository, or it cannot be written; no message shows a key.
    """
    kind, settings = writable_repository(client)
    uri = f"{kind.replace('gcs', 'gs')}://{settings['bucket']}/{file.key}"
    if kind == "gcs":
        _send(connect_to_bucket(uri), file, uri, report)
        return
    access = _upload_access(settings, client.secret)
    with _open_store(settings, access, _UPLOAD_PATIENCE, _UPLOAD_ADVICE) as store:
        if "createBucketIfNotPresent" in settings:  # Argo would make it with the first output
            store.create_bucket(settings["bucket"])
        _send(store, file, uri, report)


def writable_repository(client: Kubernetes) -> tuple[str, dict[str, Any]]:
    """Return the kind and the settings of the default artifact repository, to which files can be uploaded.

    Raises:
        NoInputError: there is none.
        BadConfigurationError: it is of another kind, or its settings cannot be read.
    """
    where = f"namespace {client.namespace}"
    try:
        name, repository = default_repository(client)
    except (NoInputError, BadConfigurationError) as error:
        what = f"the cluster has no artifact repository ({error.what})"
        raise type(error)(what, where=where, fix="see `doctor`") from None
    for kind in ("s3", "gcs"):
        if (repository.get(kind) or {}).get("bucket"):
            return kind, repository[kind]
    what = f"the artifact repository {name!r} is neither S3 nor Cloud Storage"
    raise BadConfigurationError(what, where=where, fix=_UPLOAD_ADVICE)


def _send(store: Store, file: LocalFile, uri: str, report: Callable[[int], None]) -> None:
    """Upload a file, unless it is there. A key has one content, so that it does no harm to replace the object."""
    with suppress(NoInputError):
        found = store.get(uri)
        if (found.size, found.crc32c) == (file.size, file.crc32c):
            return
    log(f"uploading {file.path}, {file.size:,} bytes, to {uri}")
    store.upload(file.path, uri, if_absent=False, crc32c=file.crc32c, report_progress=report)


def default_repository(client: Kubernetes) -> tuple[str, dict[str, Any]]:
    """Return the name and the settings of the default artifact repository of a namespace.

    Raises:
        NoInputError: there is none.
        BadConfigurationError: its settings cannot be read.
    """
    try:
        found = client.config_map(_CONFIG_MAP)
    except NoInputError:
        raise NoInputError(f"no ConfigMap {_CONFIG_MAP}") from None
    annotations = found["metadata"].get("annotations") or {}
    name = annotations.get("workflows.argoproj.io/default-artifact-repository", "")
    text = (found.get("data") or {}).get(name)
    if text is None:
        raise NoInputError(f"no entry {name!r}" if name else "the ConfigMap names no default")
    try:
        document = strict_yaml.load(text)
    except yaml.YAMLError:
        document = None
    stores = [document.get(kind, {}) for kind in STORES] if isinstance(document, dict) else [None]
    if not all(isinstance(store, dict) for store in stores):
        raise BadConfigurationError(f"the entry {name!r} describes none")
    return name, document


def settings_of(workflow: dict[str, Any], artifact: Mapping[str, Any]) -> dict[str, Any]:
    """Return the S3 settings of an artifact: those of the workflow's repository, and the artifact's own."""
    reference = (workflow.get("status") or {}).get("artifactRepositoryRef") or {}
    repository = (reference.get("artifactRepository") or {}).get("s3") or {}
    settings = {**repository, **(artifact.get("s3") or {})}
    if not all(settings.get(name) for name in ("bucket", "key", *_SELECTORS)):
        raise PipelineError("the artifact repository is not an S3 store with keys in a Secret", fix=_ADVICE)
    return settings


def access_of(settings: Mapping[str, Any], secret: Secrets) -> s3.Access:
    """Return how to reach the store of a repository, with the keys in its Secret."""
    keys = [_value(settings[name], secret) for name in _SELECTORS]
    return s3.Access(region=settings.get("region") or "us-east-1", access_key=keys[0], secret_key=keys[1])


def _upload_access(settings: Mapping[str, Any], secret: Secrets) -> s3.Access:
    """Return the same with the keys of the environment where the account may not read the Secret."""
    if all(settings.get(name) for name in _SELECTORS):
        try:
            return access_of(settings, secret)
        except DeniedError as denied:
            try:
                s3.connect()
            except DeniedError:
                fix = "have it granted, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to keys of the store"
                raise DeniedError(denied.what, where=denied.where, fix=fix) from None
    return s3.Access(region=settings.get("region") or "us-east-1")


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


@contextmanager
def _open_store(settings: Mapping[str, Any], access: s3.Access, patience: Patience, advice: str) -> Iterator[s3.Store]:
    """Yield the store of a repository, by a forwarded port if its address exists inside the cluster only.

    Its errors name the repository, and what to do instead.
    """
    host = check_address(settings.get("endpoint") or _AMAZON, "the endpoint of the artifact repository")
    scheme = "http" if settings.get("insecure") else "https"
    with local_address(host, advice) as address:
        where = f"{scheme}://{address}"
        endpoint = "" if address == _AMAZON else where
        try:
            yield s3.connect(replace(access, endpoint=endpoint), patience)
        except PipelineError as error:
            if not (error.where or "").startswith(("s3://", "S3", "AWS_ENDPOINT_URL")):
                raise
            place = f"artifact repository {where}"
            place += f", {error.where}" if (error.where or "").startswith("s3://") else ""
            raise type(error)(error.what, where=place, fix=advice) from None
