"""A small real run that is registered, for tests of what a registered version proves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from steps import pipeline, register
from steps.core import runtime, storage
from steps.registry.manifest import Manifest, decode_manifest
from steps.tables.fingerprints import FILE as FINGERPRINTS
from tests.support import Result, call

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SLUGS = ("aspen", "krummholz")
VERSION = "v1"
PASSWORD = "correct horse"  # noqa: S105 - a test's
IMAGE = "registry.example/steps@sha256:" + "ab" * 32
FEATURES = ("train-features", "validation-features", "test-features")


def run_words(folder: Path, source: str, rows: int = 900, rounds: int = 4) -> list[str]:
    """Return the arguments of ``steps.pipeline`` for a run of two cover types with the usage of each step."""
    found = ["--", "prepare", f"--source={source}", f"--rows={rows}", f"--profile={folder}/profile.json"]
    found += [f"--dataset={slug}={folder}/{slug}/dataset" for slug in SLUGS] + [f"--usage={folder}/usage/prepare"]
    found.append(f"--fingerprints={folder}/{FINGERPRINTS}")
    for slug in SLUGS:
        path = {name: f"--{name}={folder}/{slug}/{name}" for name in ("train", "validation", "test", *FEATURES)}
        path |= {name: f"--{name}={folder}/{slug}/{name}" for name in ("preprocessor", "model", "learning-curve")}
        path |= {name: f"--{name}={folder}/{slug}/{name}" for name in ("metrics", "scores", "dataset")}
        train, validation, test = (path[name] for name in FEATURES)
        commands = {
            "split": [path["dataset"], path["train"], path["validation"], path["test"], "--seed=3"],
            "preprocess": [*(path[name] for name in ("train", "validation", "test", "preprocessor", *FEATURES))],
            "train": [
                train,
                validation,
                path["preprocessor"],
                path["model"],
                path["learning-curve"],
                f"--rounds={rounds}",
            ],
            "evaluate": [path["model"], test, path["metrics"], path["scores"]],
        }
        for step, options in commands.items():
            fast = ["--preset=fast"] if step in {"preprocess", "train"} else []
            seed = ["--seed=3"] if step == "train" else []
            usage = f"--usage={folder}/usage/{slug}-{step}"
            found += ["--", f"{slug}/{step}", *options, *fast, *seed, usage]
    found += ["--", "report", f"--profile={folder}/profile.json", f"--html={folder}/report.html"]
    found += [
        f"--json={folder}/report.json",
        "--preset=fast",
        "--seed=3",
        f"--step-usage=prepare={folder}/usage/prepare",
    ]
    for slug in SLUGS:
        found += [f"--cover-type={slug}", f"--learning-curve={slug}={folder}/{slug}/learning-curve"]
        found += [f"--{kind}={slug}={folder}/{slug}/{kind}" for kind in ("metrics", "scores")]
        found += [
            f"--step-usage={slug}-{step}={folder}/usage/{slug}-{step}" for step in ("split", "train", "preprocess")
        ]
    return found


def make_run(folder: Path, source: str, rows: int = 900, rounds: int = 4) -> None:
    """Run all steps in this process, as in pods of ``IMAGE``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(runtime.IMAGE, IMAGE)
        ended = call(pipeline.main, *run_words(folder, source, rows, rounds))
    assert ended.code == 0, ended.log


def register_run(
    folder: Path, registry: Path | str, version: str = VERSION, revision: str = "", more: tuple[object, ...] = ()
) -> Result:
    """Register a run that :func:`make_run` made, with further options, and return how that ended."""
    options: list[object] = [f"--registry={registry}", f"--version={version}", f"--code-revision={revision}"]
    for slug in SLUGS:
        options += [f"--{kind}={slug}={folder}/{slug}/{kind}" for kind in ("model", "metrics", "scores")]
    options += [f"--profile={folder}/profile.json", f"--report-html={folder}/report.html"]
    options += [f"--report-json={folder}/report.json", f"--registration={folder}/registration.json"]
    ended = call(register.main, *options, f"--fingerprints={folder}/{FINGERPRINTS}", *more)
    assert more or ended.code == 0, ended.log
    return ended


def change_manifest(version: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the metadata of a manifest consistently, as somebody would who may write to the registry."""
    path = version / "manifest.json"
    found = decode_manifest(path.read_bytes(), str(version), None)
    metadata = json.loads(json.dumps(found.metadata))
    change(metadata)
    path.write_bytes(Manifest(found.location, found.files, metadata).encode())


def flip_byte(path: Path, at: int = -20) -> None:
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def change_json(path: Path, **values: Any) -> None:
    """Change entries of a JSON object in a file."""
    storage.write_json(path, storage.read_json(path) | values)


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


def change_entry(version: Path, name: str, write: Callable[[Path], object]) -> None:
    """Change a published file together with its digest in the manifest."""
    write(version / name)
    document = json.loads((version / "manifest.json").read_bytes())
    for entry in document["files"]:
        if entry["name"] == name:
            entry |= {"sha256": storage.sha256_file(version / name), "size": (version / name).stat().st_size}
    del document["content_sha256"]
    (version / "manifest.json").write_text(json.dumps(document))
