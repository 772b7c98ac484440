"""A registry in a bucket, for every kind of store, by the command line of ``register``."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING

import pytest

from steps.core.errors import TransientError
from steps.io import open_destination
from steps.registry import publishing
from steps.registry.manifest import MANIFEST
from tests.emulators.bucket_faults import Fault
from tests.emulators.buckets import LONG, SHORT, UPLOADS
from tests.emulators.test_bucket_publishing import interrupted
from tests.steps.test_register import FILES, Runs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulators.buckets import Bucket


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def alias(bucket: Bucket, name: str) -> str:
    found: bytes = bucket.store.read(bucket.store.get(bucket.uri(f"models/aliases/{name}.json")))
    return str(json.loads(found)["version"])


def test_a_registry(bucket: Bucket, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.use(monkeypatch, LONG)
    registry = bucket.uri("models")
    first, second = runs(), runs(pr_auc=0.8)
    result = first.register(registry)
    line = f"a registered in {registry}, is now champion: there was no champion\n"
    assert (result.code, result.log) == (0, line)
    manifest = publishing.read_manifest(open_destination(f"{registry}/versions/a", lambda: bucket.store))
    assert [entry.name for entry in manifest.files] == FILES
    found = first.registration()
    assert found["manifest"] == {"uri": f"{registry}/versions/a/{MANIFEST}", "generation": manifest.generation}
    for entry in (*found["files"], *found["aliases"].values()):
        assert bucket.store.get(entry["uri"]).generation == entry["generation"]
    assert second.register(registry).code == 0
    assert (alias(bucket, "candidate"), alias(bucket, "champion")) == ("b", "a")
    assert first.register(registry).code == 0
    assert first.registration()["already"]
    assert (alias(bucket, "candidate"), alias(bucket, "champion")) == ("a", "a")


@pytest.mark.parametrize(("status", "code"), [(403, 77), (404, 66), (429, 75), (503, 75)])
def test_a_registry_in_trouble(
    bucket: Bucket, runs: Runs, status: int, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version is all there or not at all; the next attempt completes it, aliases included."""
    # What is not asked again is not limited in time: a busy machine needs more than the short one.
    bucket.use(monkeypatch, SHORT if code == TransientError.exit_code else LONG)
    run = runs()
    for target in (MANIFEST, "candidate.json", "champion.json"):
        bucket.proxy.faults = [Fault(UPLOADS, f"models/.*{target}", status=status)]
        result = run.register(bucket.uri("models"))
        assert (result.code, len(result.errors)) == (code, 1), result.log
        assert "Traceback" not in result.log
        assert not (run.folder / "registration").exists()
    bucket.proxy.faults.clear()
    assert run.register(bucket.uri("models")).code == 0
    assert (alias(bucket, "candidate"), alias(bucket, "champion")) == ("a", "a")


def test_a_champion_that_changes_meanwhile(bucket: Bucket, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The better one moves the alias between the other's look and its write: 412, and the other is judged again."""
    bucket.use(monkeypatch)
    registry = bucket.uri("models")
    first, good, better = runs(pr_auc=0.7), runs(pr_auc=0.8), runs(pr_auc=0.95)
    first.register(registry)
    stores = iter([interrupted(bucket, "aliases/champion.json", lambda: better.register(registry))])
    client = importlib.import_module(bucket.server.module)
    real = client.connect
    monkeypatch.setattr(client, "connect", lambda: next(stores, None) or real())
    assert good.register(registry).code == 0
    assert alias(bucket, "champion") == "c"
    champion = good.registration()["aliases"]["champion"]
    assert champion["reason"].startswith("worse: ")
    assert (champion["moved"], champion["version"]) == (False, "c")


def test_two_runs_with_one_name(bucket: Bucket, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.use(monkeypatch)
    registry = bucket.uri("models")
    runs().register(registry)
    result = runs(pr_auc=0.99).register(registry, version="a")
    assert (result.code, len(result.errors)) == (2, 1)
    assert "other content is already published" in result.log
    assert alias(bucket, "champion") == "a"


def test_a_registry_without_credentials(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STORAGE_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    result = runs().register("gs://bucket/models")
    assert (result.code, len(result.errors)) == (77, 1)
    assert "gcloud auth application-default login" in result.log
