"""A registered version of a small run, and keys, for the tests of this folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.registered_run import make_run, register_run
from tests.support import real_rows, write_table

PASSWORD = "correct horse"  # noqa: S105 - a test's


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run, with its source as ``table.csv``."""
    folder = tmp_path_factory.mktemp("run")
    make_run(folder, str(write_table(folder / "table.csv", real_rows(1400))))
    return folder


@pytest.fixture(scope="session")
def registered(tmp_path_factory: pytest.TempPathFactory, finished: Path) -> Path:
    registry = tmp_path_factory.mktemp("registry")
    register_run(finished, registry)
    return registry


@pytest.fixture
def registry(tmp_path: Path, registered: Path) -> Path:
    """A copy of a registry with one version, for a test that changes it."""
    shutil.copytree(registered, tmp_path / "registry")
    return tmp_path / "registry"


def write_keys(folder: Path, name: str) -> None:
    """Write the private keys ``NAME.pem`` and ``NAME-locked.pem`` and the public key ``NAME.pub``."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    locked = serialization.BestAvailableEncryption(PASSWORD.encode())
    for ending, encryption in (("", plain), ("-locked", locked)):
        data = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, encryption)
        (folder / f"{name}{ending}.pem").write_bytes(data)
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / f"{name}.pub").write_bytes(public)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    write_keys(folder, "own")
    write_keys(folder, "other")
    return folder
