"""What is registered, from the files of a run; the command line is in tests/steps/test_register.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steps.core import storage
from steps.core.errors import UsageError
from steps.io import open_destination
from steps.models import bundle
from steps.registry import publishing, registration

if TYPE_CHECKING:
    from pathlib import Path

from tests.steps.test_register import FILES, Run, Runs


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    return tmp_path / "registry"


def test_the_lineage(runs: Runs, registry: Path) -> None:
    run = runs(seed=3)
    run.register(registry, "--code-revision", "abc123")
    lineage = publishing.read_manifest(open_destination(str(registry / "versions" / "a"))).metadata
    metadata = bundle.read(run.folder / "aspen").metadata
    model = lineage.pop("cover_types")["aspen"]
    assert lineage == {
        "version": "a",
        "source": "builtin:",
        "source_sha256": "s" * 64,
        "data_sha256": "d" * 64,
        "code_revision": "abc123",
        "datasets": {},
        "images": [],
        "parameters": {},
        "accuracy": None,
        "macro_f1": 0.5,
    }
    assert model == {
        "label": 5,
        "seed": 3,
        "threshold": 0.25,
        "rows": 50,
        "support": 5,
        "pr_auc": 0.9,
        "code_sha256": bundle.code_sha256(),
        "libraries": metadata["libraries"],
    }


def test_the_registration(runs: Runs, registry: Path) -> None:
    run = runs()
    run.register(registry)
    found = run.registration()
    version = registry / "versions" / "a"
    assert found["manifest"] == {"uri": f"{version}/manifest.json", "generation": None}
    assert [entry["name"] for entry in found["files"]] == FILES
    sha256 = storage.sha256_file(run.folder / "aspen" / "metadata.json")
    uri = f"{version}/models/aspen/metadata.json"
    expected = {"name": "models/aspen/metadata.json", "uri": uri, "generation": None, "sha256": sha256}
    assert found["files"][1] == expected
    assert found["aliases"]["champion"] == {
        "version": "a",
        "previous": None,
        "moved": True,
        "reason": "there was no champion",
        "decision": "decisions/a/1.json",
        "uri": f"{registry}/aliases/champion.json",
        "generation": None,
    }
    assert (found["version"], found["registry"], found["already"]) == ("a", str(registry), False)


def broken(run: Run, what: str) -> None:
    """Spoil one thing."""
    if what == "model":
        (run.folder / "aspen" / "model.ubj").write_bytes(b"x")
    elif what == "slug":
        run.change(run.folder / "aspen" / "metadata.json", cover_type="krummholz")
    elif what == "data":
        run.change(run.folder / "aspen" / "metadata.json", data_sha256="x")
    elif what == "threshold":
        run.change(run.metrics("aspen"), threshold=0.5)
    elif what == "metrics":
        run.metrics("aspen").write_text("[]")
    elif what == "missing":
        run.change(run.folder / "report.json", missing=["aspen"])
    elif what == "report":
        run.change(run.folder / "report.json", cover_types={"aspen": {}})
    elif what == "profile":
        run.change(run.folder / "profile.json", data_sha256="x")


@pytest.mark.parametrize("what", ["model", "slug", "data", "threshold", "metrics", "missing", "report", "profile"])
def test_files_that_do_not_belong_together(runs: Runs, registry: Path, what: str) -> None:
    run = runs()
    broken(run, what)
    result = run.register(registry)
    assert (result.code, len(result.errors)) == (65, 1), result.log
    assert not registry.exists()
    assert not (run.folder / "registration").exists()


def test_the_line_about_a_registration() -> None:
    champion = {"version": "a", "moved": True, "reason": "there was no champion"}
    found = {"version": "a", "registry": "gs://b/r", "already": False, "aliases": {"champion": champion}}
    assert registration.summarise(found) == "a registered in gs://b/r, is now champion: there was no champion"
    champion |= {"moved": False, "reason": "unchanged"}
    assert registration.summarise(found | {"already": True}).endswith(
        "was registered already in gs://b/r, is champion: unchanged"
    )
    champion |= {"version": "b", "reason": "worse"}
    assert registration.summarise(found) == "a registered in gs://b/r, not champion, b stays: worse"


def test_each_model_needs_its_metrics(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'krummholz' is not in both, in --model and --metrics"):
        registration.collect_release("a", {"krummholz": tmp_path}, {}, {}, "")
