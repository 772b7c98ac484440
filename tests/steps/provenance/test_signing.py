"""Signatures of a version: who signed what, and what is left when signing is interrupted."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from steps.core import storage
from steps.core.errors import AlreadyExistsError, BadDataError, DeniedError, NoInputError, UnavailableError
from steps.io import open_destination
from steps.provenance import signing
from steps.provenance.signing import Signer
from tests.registered_run import PASSWORD, VERSION, change_entry, change_manifest, flip_byte, register_run
from tests.support import leftovers

if TYPE_CHECKING:
    from collections.abc import Callable

pytest.importorskip("model_signing", exc_type=ImportError)
ROOT = Path(__file__).parents[3]


def sign(registry: Path, key: Path, password: str = "") -> str:
    return signing.sign_version(open_destination(str(registry)), VERSION, Signer(key), password)


def require(registry: Path, key: Path, folder: Path) -> None:
    signing.require_signature(open_destination(str(registry)), VERSION, Signer(key), folder / "fetched")


def test_a_signature_is_verified_by_its_public_key(registry: Path, keys: Path, tmp_path: Path) -> None:
    where = sign(registry, keys / "own.pem")
    assert where == f"{registry}/versions/{VERSION}/signature.json"
    require(registry, keys / "own.pub", tmp_path)
    assert (tmp_path / "fetched" / "models" / "aspen" / "model.ubj").is_file()


def test_a_signature_is_never_replaced(registry: Path, keys: Path) -> None:
    where = Path(sign(registry, keys / "own.pem"))
    before = where.read_bytes()
    with pytest.raises(AlreadyExistsError, match="signed already"):
        sign(registry, keys / "other.pem")
    assert where.read_bytes() == before


def spoil_file(version: Path) -> None:
    """Change a file, its digest in the manifest and the manifest's own."""
    change_entry(version, "report.html", lambda path: path.write_text("<h1>Good</h1>"))


@pytest.mark.parametrize(
    ("spoil", "key", "kind", "words"),
    [
        (lambda _: None, "other.pub", BadDataError, "signed with another key"),
        (lambda version: flip_byte(version / "signature.json", -60), "own.pub", BadDataError, "is damaged"),
        (lambda version: (version / "signature.json").write_text("{"), "own.pub", BadDataError, "is damaged"),
        (lambda version: (version / "signature.json").unlink(), "own.pub", NoInputError, "is not signed"),
        (
            lambda version: flip_byte(version / "report.html"),
            "own.pub",
            BadDataError,
            "not the file that was published",
        ),
        (spoil_file, "own.pub", BadDataError, r"not the files that were signed \(report.html\)"),
        (
            lambda version: change_manifest(version, lambda lineage: lineage.update(code_revision="x")),
            "own.pub",
            BadDataError,
            r"not the files that were signed \(lineage.json\)",
        ),
        (lambda _: None, "own.pem", BadDataError, "not a public key"),
        (lambda _: None, "nothing.pub", NoInputError, "no such file"),
    ],
)
def test_what_is_not_signed_by_that_key(  # noqa: PLR0913, PLR0917 - fixtures
    registry: Path,
    keys: Path,
    tmp_path: Path,
    spoil: Callable[[Path], object],
    key: str,
    kind: type[Exception],
    words: str,
) -> None:
    sign(registry, keys / "own.pem")
    spoil(registry / "versions" / VERSION)
    with pytest.raises(kind, match=words) as raised:
        require(registry, keys / key, tmp_path)
    assert "\n" not in str(raised.value)


def test_a_signature_of_another_version(registry: Path, keys: Path, finished: Path, tmp_path: Path) -> None:
    register_run(finished, registry, "v2")
    signing.sign_version(open_destination(str(registry)), "v2", Signer(keys / "own.pem"))
    versions = registry / "versions"
    storage.copy_file(versions / "v2" / "signature.json", versions / VERSION / "signature.json")
    with pytest.raises(BadDataError, match=r"not the files that were signed"):
        require(registry, keys / "own.pub", tmp_path)


def test_the_password_of_a_key(registry: Path, keys: Path, tmp_path: Path) -> None:
    for password, words in (
        ("", "needs a password"),
        ("wrong pass", "password of the key is wrong.*: correct COVERTYPE_SIGNING_PASSWORD"),
    ):
        with pytest.raises(DeniedError, match=words) as raised:
            sign(registry, keys / "own-locked.pem", password)
        assert not password or password not in str(raised.value)
    with pytest.raises(DeniedError, match=r"the key has no password.*: leave out COV"):
        sign(registry, keys / "own.pem", PASSWORD)
    sign(registry, keys / "own-locked.pem", PASSWORD)
    require(registry, keys / "own.pub", tmp_path)


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_key(registry: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key.pem").write_bytes(content)
    with pytest.raises(BadDataError, match="not a private key"):
        sign(registry, tmp_path / "key.pem")
    with pytest.raises(NoInputError, match="check the path of the key"):
        sign(registry, tmp_path / "nothing.pem")


def test_a_public_key_is_read_without_what_else_is_in_its_file(keys: Path, tmp_path: Path) -> None:
    public = (keys / "own.pub").read_text()
    (tmp_path / "both").write_text(public + (keys / "own.pem").read_text())
    assert signing.read_public_key(tmp_path / "both") == public


def public_text(key: object) -> bytes:
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, public)  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n",
        public_text(ed25519.Ed25519PrivateKey.generate()),
        public_text(ec.generate_private_key(ec.SECP256K1())),
    ],
)
def test_what_is_no_public_key_for_signatures(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key.pub").write_bytes(content)
    with pytest.raises(BadDataError, match="not a public key of the curve P-256"):
        signing.read_public_key(tmp_path / "key.pub")


def test_a_private_key_is_no_public_key(keys: Path, tmp_path: Path) -> None:
    for name in ("own.pem", "own-locked.pem"):
        with pytest.raises(BadDataError, match="not a public key"):
            signing.read_public_key(keys / name)
    with pytest.raises(NoInputError, match="check the path of the key"):
        signing.read_public_key(tmp_path / "nothing.pub")


def test_a_damaged_version_is_not_signed(registry: Path, keys: Path) -> None:
    flip_byte(registry / "versions" / VERSION / "report.json")
    with pytest.raises(BadDataError):
        sign(registry, keys / "own.pem")
    assert not (registry / "versions" / VERSION / "signature.json").exists()


def test_without_the_library(registry: Path, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "model_signing.signing", None)
    with pytest.raises(UnavailableError, match=r"requirements/signing\.txt") as raised:
        sign(registry, keys / "own.pem")
    assert raised.value.exit_code == 69


def test_a_full_disk_leaves_no_signature(registry: Path, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [name for name in leftovers(registry) if name != ".lock"]
    write = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        if "signature" in self.name:
            write(self, data[:10])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        sign(registry, keys / "own.pem")
    monkeypatch.undo()
    assert [name for name in leftovers(registry) if name != ".lock"] == before
    sign(registry, keys / "own.pem")


@pytest.mark.kills
@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.3])
def test_a_hard_kill_leaves_no_half_signature(registry: Path, keys: Path, tmp_path: Path, seconds: float) -> None:
    code = (
        "import sys; from pathlib import Path; from steps.io import open_destination;"
        f"from steps.provenance import signing; import model_signing.signing; print('ready', flush=True);"
        f"signing.sign_version(open_destination({str(registry)!r}), {VERSION!r}, "
        f"signing.Signer(Path({str(keys / 'own.pem')!r})))"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
    path = registry / "versions" / VERSION / "signature.json"
    if not path.exists():
        sign(registry, keys / "own.pem")
    require(registry, keys / "own.pub", tmp_path)
