"""Signatures of versions in a bucket: signed, verified and required there, and what is refused."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from steps import predict
from steps.core import storage
from steps.core.errors import AlreadyExistsError, BadDataError, NoInputError
from steps.io import connect_to_bucket, open_destination
from steps.provenance import signing
from steps.provenance.signing import SIGNATURE, Signer
from steps.registry import aliases, publishing
from steps.registry.manifest import MANIFEST, Manifest, decode_manifest
from steps.registry.paths import version_path
from tests.registered_run import VERSION, register_run
from tests.support import Result, call, real_rows, write_table
from tests.workflows.command_line import invoke

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from steps.registry.destinations import Destination
    from tests.emulators.buckets import Bucket

pytest.importorskip("model_signing", exc_type=ImportError)
NAME = f"{version_path(VERSION)}/{SIGNATURE}"


@pytest.fixture(autouse=True)
def _found(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process find the bucket."""
    bucket.use(monkeypatch)


@pytest.fixture
def registry(bucket: Bucket, registered: Path, tmp_path: Path) -> Destination:
    """A registry in a bucket, with a version that is champion."""
    found = open_destination(bucket.uri("models"))
    source = open_destination(str(registered)).below(version_path(VERSION))
    manifest = publishing.fetch(source, tmp_path / "version")
    files = {entry.name: tmp_path / "version" / entry.name for entry in manifest.files}
    publishing.publish(files, found.below(version_path(VERSION)), manifest.metadata)
    aliases.move_alias(found, "champion", VERSION)
    return found


def scored(registry: str, folder: Path, *words: str) -> Result:
    source = folder / "table.parquet"
    if not source.exists():
        write_table(source, real_rows(70))
    return call(predict.main, f"--input={source}", f"--output={folder}/scores.csv", f"--registry={registry}", *words)


def test_a_registered_version_is_signed_once_and_then_scores(
    bucket: Bucket, finished: Path, keys: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    address = bucket.uri("models")
    register_run(finished, address)
    required = f"--require-signature={keys / 'own.pub'}"

    def refused(code: int, words: str, *options: str) -> None:
        result = scored(address, tmp_path, *(options or (required,)))
        assert (result.code, len(result.errors)) == (code, 1), result.log
        assert words in result.log
        assert not (tmp_path / "scores.csv").exists()

    refused(66, f"version {VERSION} is not signed, in {address}")
    assert invoke("verify", "champion", "--registry", address, "--key", keys / "own.pub") == 65
    assert invoke("sign", "champion", "--registry", address, "--key", keys / "own.pem") == 0
    assert f"signed {VERSION}: {address}/{NAME}\n" in capfd.readouterr().out
    stored = open_destination(address).read(NAME)
    assert stored is not None
    for key in ("own.pem", "other.pem"):
        assert invoke("sign", VERSION, "--registry", address, "--key", keys / key) == 2
    assert open_destination(address).read(NAME) == stored
    assert invoke("verify", VERSION, "--registry", address, "--key", keys / "own.pub") == 0
    assert invoke("verify", VERSION, "--registry", address, "--key", keys / "other.pub") == 65
    assert "it is signed with another key" in capfd.readouterr().err
    refused(65, "it is signed with another key", f"--require-signature={keys / 'other.pub'}")
    result = scored(address, tmp_path, required)
    assert (result.code, "70 rows scored" in result.log) == (0, True), result.log
    signed = (tmp_path / "scores.csv").read_bytes()
    assert scored(address, tmp_path, "--overwrite").code == 0
    assert (tmp_path / "scores.csv").read_bytes() == signed


def require(registry: Destination, key: Path, folder: Path) -> None:
    signing.require_signature(registry, VERSION, Signer(key), folder / "fetched")


def object_of(registry: Destination, name: str) -> str:
    manifest = publishing.read_manifest(registry.below(version_path(VERSION)))
    [uri] = [manifest.uri(entry) for entry in manifest.files if entry.name == name]
    return uri


def replace_object(registry: Destination, folder: Path) -> None:
    """Replace the object of a file by another."""
    storage.write_text(folder / "other", "<h1>Good</h1>")
    uri = object_of(registry, "report.html")
    connect_to_bucket(uri).upload(folder / "other", uri, if_absent=False)


def replace_consistently(registry: Destination, folder: Path) -> None:
    """Replace the object of a file, its entry in the manifest, and the manifest's own digest."""
    replace_object(registry, folder)
    uri = object_of(registry, "report.html")
    there = connect_to_bucket(uri).get(uri)
    version = registry.below(version_path(VERSION))
    stored = version.read(MANIFEST)
    assert stored is not None
    manifest = decode_manifest(stored.data, version.location, stored.generation)
    changed: dict[str, Any] = {
        "sha256": storage.sha256_file(folder / "other"),
        "size": there.size,
        "crc32c": there.crc32c,
        "generation": there.generation,
    }
    entries = [
        dataclasses.replace(entry, **changed) if entry.name == "report.html" else entry for entry in manifest.files
    ]
    version.write(MANIFEST, Manifest(manifest.location, tuple(entries), manifest.metadata).encode(), stored)


def delete_signature(registry: Destination, _: Path) -> None:
    store = connect_to_bucket(registry.location)
    store.delete(store.get(f"{registry.location}/{NAME}"))


def sign_again(registry: Destination, folder: Path) -> None:
    """Delete the signature, and sign with a key of one's own, as somebody does who may write to the bucket."""
    delete_signature(registry, folder)
    signing.sign_version(registry, VERSION, Signer(folder / "other.pem"))


@pytest.mark.parametrize(
    ("spoil", "kinds", "words"),
    [
        # The generation that was published is gone; a store that replaces in place has another content.
        (replace_object, (NoInputError, BadDataError), r"report-[0-9a-f]+\.html"),
        (replace_consistently, (BadDataError,), r"not the files that were signed \(report.html\)"),
        (delete_signature, (NoInputError,), "is not signed"),
        (sign_again, (BadDataError,), "it is signed with another key"),
    ],
)
def test_what_was_changed_in_the_bucket(  # noqa: PLR0913, PLR0917 - fixtures
    registry: Destination,
    keys: Path,
    tmp_path: Path,
    spoil: Callable[[Destination, Path], None],
    kinds: tuple[type[Exception], ...],
    words: str,
) -> None:
    signing.sign_version(registry, VERSION, Signer(keys / "own.pem"))
    storage.copy_file(keys / "other.pem", tmp_path / "other.pem")
    spoil(registry, tmp_path)
    with pytest.raises(kinds, match=words) as raised:
        require(registry, keys / "own.pub", tmp_path)
    assert "\n" not in str(raised.value)


def test_of_two_signers_the_first_to_write_wins(
    registry: Destination, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = signing.write_lineage

    def interrupted(folder: Path, lineage: Mapping[str, Any]) -> None:
        write(folder, lineage)
        with monkeypatch.context() as inner:
            inner.setattr(signing, "write_lineage", write)
            signing.sign_version(registry, VERSION, Signer(keys / "other.pem"))

    with monkeypatch.context() as patch:
        patch.setattr(signing, "write_lineage", interrupted)
        with pytest.raises(AlreadyExistsError):
            signing.sign_version(registry, VERSION, Signer(keys / "own.pem"))
    require(registry, keys / "other.pub", tmp_path)
