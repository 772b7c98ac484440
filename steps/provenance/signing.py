"""Sign the files of a version and its lineage with a key, and verify the signature.

The signature is made by ``model-signing`` (https://github.com/sigstore/model-transparency), an optional library. It is
a Sigstore bundle over the SHA-256 of each file of the version, and of ``lineage.json``, a copy of the manifest's
metadata. It is stored as ``signature.json`` beside the manifest, once. Whoever changes files and manifest consistently
cannot change the signature.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steps.core import storage
from steps.core.errors import AlreadyExistsError, BadDataError, DeniedError, NoInputError, UnavailableError
from steps.provenance.links import Link, State
from steps.registry import publishing
from steps.registry.paths import version_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from steps.provenance.evidence import Evidence
    from steps.registry.destinations import Destination

SIGNATURE, LINEAGE = "signature.json", "lineage.json"
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_INSTALL = "python -m pip install --no-deps --require-hashes -r requirements/signing.txt"
# How model-signing 1.1.1 names the files of a mismatch, in the text of a list.
_CHANGED = re.compile(r"Hash mismatch for '([^']+)'|files (?:found )?in model '[^']*': ([^\"]+)")


@dataclass(frozen=True)
class Signer:
    """Who signs, or whose signature is expected.

    Attributes:
        key: A file with an elliptic-curve key (PEM): the private key to sign, the public key to verify.
        identity: Without a key: the expected identity of a keyless signature, such as an e-mail address.
        issuer: The OpenID Connect issuer of that identity.
    """

    key: Path | None = None
    identity: str = ""
    issuer: str = ""


def sign_version(registry: Destination, version: str, signer: Signer, password: str = "") -> str:
    """Sign a version and store the signature, which is never replaced. Return its address.

    Args:
        registry: The registry.
        version: The name of the version.
        signer: The private key. Without one, the identity of the environment signs (Sigstore, keyless).
        password: The password of the key; empty if it has none.

    Raises:
        AlreadyExistsError: The version is signed already.
        NoInputError: There is no such version, or no such key.
        BadDataError: A file of the version is damaged, or the file of the key has no key of an elliptic curve.
        DeniedError: The password is missing or wrong.
        UnavailableError: ``model-signing`` is not installed.
    """
    name = f"{version_path(version)}/{SIGNATURE}"
    where = f"{registry.location}/{name}"
    if registry.read(name) is not None:
        raise AlreadyExistsError("this version is signed already", where=where, fix="a signature is never replaced")
    config = _signing_config(signer, password)
    with tempfile.TemporaryDirectory(prefix="covertype-sign-") as temporary:
        folder, target = Path(temporary) / version, Path(temporary) / SIGNATURE
        manifest = publishing.fetch(registry.below(version_path(version)), folder)
        write_lineage(folder, manifest.metadata)
        with _quiet():
            config.sign(folder, target)
        registry.write(name, target.read_bytes(), None)
    return where


def require_signature(registry: Destination, version: str, signer: Signer, folder: Path) -> None:
    """Fetch all files of a version, and verify its signature. The folder then has the files that were signed.

    Args:
        registry: The registry.
        version: The name of the version.
        signer: Whose signature is expected.
        folder: The folder to make. It gets the files of the version and ``lineage.json``.

    Raises:
        NoInputError: The version is not signed, or there is no such key.
        BadDataError: The signature is damaged, of another key, or of other files; or the key is none.
        UnavailableError: ``model-signing`` is not installed.
    """
    name = f"{version_path(version)}/{SIGNATURE}"
    stored = registry.read(name)
    if stored is None:
        what, fix = f"version {version} is not signed", "sign it with `sign`, or leave out --require-signature"
        raise NoInputError(what, where=registry.location, fix=fix)
    manifest = publishing.fetch(registry.below(version_path(version)), folder)
    write_lineage(folder, manifest.metadata)
    if problem := find_problem(stored.data, folder, signer):
        fix = "use another version, or check --require-signature"
        raise BadDataError(f"version {version}: {problem}", where=f"{registry.location}/{name}", fix=fix)


def read_public_key(file: Path) -> str:
    """Return the public key in a file as PEM, and nothing else that the file holds.

    Raises:
        NoInputError: There is no such file.
        BadDataError: It has no public key of an elliptic curve.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    _require_file(file)
    try:
        key = serialization.load_pem_public_key(file.read_bytes())
    except (ValueError, UnsupportedAlgorithm):
        raise _not_a_key(file, "public") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in _CURVES:
        raise _not_a_key(file, "public")
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def signature_link(registry: Destination, evidence: Evidence, signer: Signer | None, folder: Path) -> Link:
    """Return the link of the signature.

    Args:
        registry: The registry.
        evidence: The files of the version.
        signer: Whose signature is expected; None if that is not known.
        folder: The folder with the files, which gets ``lineage.json``.
    """
    stored = registry.read(f"{version_path(evidence.name)}/{SIGNATURE}")
    if stored is None:
        state = State.BROKEN if signer else State.UNCHECKED
        return Link("signature", state, "not signed: a manifest that was changed consistently would not be noticed")
    try:
        if signer is None:
            why = "signed; give --key to check by whom"
            problem = "" if _is_bundle(stored.data) else "the signature is damaged"
            return Link("signature", State.BROKEN if problem else State.UNCHECKED, problem or why)
        if evidence.problems:
            return Link("signature", State.BROKEN, f"{next(iter(evidence.problems))} is not the file that was signed")
        write_lineage(folder, evidence.lineage)
        problem = find_problem(stored.data, folder, signer)
    except UnavailableError as error:
        return Link("signature", State.UNCHECKED, f"{error.what}: {error.fix}")
    signed_by = signer.key or signer.identity
    return Link("signature", State.BROKEN if problem else State.OK, problem or f"files and lineage, by {signed_by}")


def write_lineage(folder: Path, lineage: Mapping[str, Any]) -> None:
    """Write the copy of the lineage that is signed; equal lineages give equal bytes."""
    text = json.dumps(lineage, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    storage.write_text(folder / LINEAGE, text + "\n")


def find_problem(signature: bytes, folder: Path, signer: Signer) -> str:
    """Return why a signature is not one of this signer over the files in a folder; an empty text if it is.

    Raises:
        NoInputError: There is no such key.
        BadDataError: The file has no public key of an elliptic curve.
        UnavailableError: ``model-signing`` is not installed.
    """
    config = _verifying_config(signer)
    with tempfile.TemporaryDirectory(prefix="covertype-signature-") as temporary:
        path = Path(temporary) / SIGNATURE
        path.write_bytes(signature)
        try:
            with _quiet():
                config.verify(folder, path)
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - json, pydantic, cryptography and model-signing have no common class
            return _describe(str(error))
    return ""


def _describe(message: str) -> str:
    if "Key mismatch" in message:
        return "it is signed with another key"
    if "Signature mismatch" in message:
        names = ", ".join(
            dict.fromkeys(match[1] or match[2] for match in _CHANGED.finditer(message.replace("\\'", "'")))
        )
        return f"these are not the files that were signed ({names or 'their list differs'})"
    return "the signature is damaged, or of another kind than the key"


def _is_bundle(data: bytes) -> bool:
    try:
        return "dsseEnvelope" in storage.parse_json(data)
    except (ValueError, TypeError):
        return False


def _library() -> Any:  # noqa: ANN401 - a module without types
    try:
        import model_signing.signing
        import model_signing.verifying
    except ImportError as error:
        what = f"signatures need the library model-signing ({error})"
        raise UnavailableError(what, fix=f"install it with `{_INSTALL}`") from None
    return model_signing


def _hashing(library: Any) -> Any:  # noqa: ANN401 - a module without types
    """Return how files are hashed: all of them, also those whose names begin with ``.git``."""
    return library.hashing.Config().set_ignored_paths(paths=[], ignore_git_paths=False)


def _signing_config(signer: Signer, password: str) -> Any:  # noqa: ANN401 - without types
    library = _library()
    config = library.signing.Config().set_hashing_config(_hashing(library))
    if signer.key is None:
        return config.use_sigstore_signer(use_ambient_credentials=True)
    _require_file(signer.key)
    try:
        # Its type is documented as a text, but cryptography takes bytes only (model-signing 1.1.1).
        return config.use_elliptic_key_signer(private_key=signer.key, password=password.encode() or None)
    except TypeError:
        if password:
            what, fix = "the key has no password", "leave out COVERTYPE_SIGNING_PASSWORD and --password-file"
        else:
            what, fix = "the key needs a password", "set COVERTYPE_SIGNING_PASSWORD or --password-file"
        raise DeniedError(what, where=str(signer.key), fix=fix) from None
    except Exception as error:  # noqa: BLE001 - cryptography has no common class of errors
        if password and "password" in str(error):
            what, fix = "the password of the key is wrong", "correct COVERTYPE_SIGNING_PASSWORD or --password-file"
            raise DeniedError(what, where=str(signer.key), fix=fix) from None
        raise _not_a_key(signer.key, "private") from None


def _verifying_config(signer: Signer) -> Any:  # noqa: ANN401 - without types
    library = _library()
    config = library.verifying.Config().set_hashing_config(_hashing(library))
    if signer.key is None:
        return config.use_sigstore_verifier(identity=signer.identity, oidc_issuer=signer.issuer)
    _require_file(signer.key)
    try:
        return config.use_elliptic_key_verifier(public_key=signer.key)
    except Exception:  # noqa: BLE001 - cryptography has no common class of errors
        raise _not_a_key(signer.key, "public") from None


def _require_file(key: Path) -> None:
    if not key.is_file():
        raise NoInputError("no such file", where=str(key), fix="check the path of the key")


def _not_a_key(key: Path, kind: str) -> BadDataError:
    fix = "make one with `openssl ecparam -name prime256v1 -genkey -noout -out key.pem`"
    fix += "" if kind == "private" else ", and `openssl ec -in key.pem -pubout -out key.pub`"
    return BadDataError(f"not a {kind} key of the curve P-256, P-384 or P-521 (PEM)", where=str(key), fix=fix)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Drop what the library prints."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
