"""What proves and repeats a version from this machine: git, the source, the files of a run."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from steps.core.errors import NoInputError, PipelineError
from steps.io import open_destination
from steps.models import bundle
from steps.provenance.evidence import Evidence, collect_version
from steps.registry import publishing
from tests.registered_run import SLUGS, VERSION
from workflows.argo.revision import git_revision
from workflows.runs import origins

ROOT = Path(__file__).parents[3]


@pytest.fixture
def evidence(registered: Path, tmp_path: Path) -> Evidence:
    destination = open_destination(str(registered))
    manifest = publishing.read_manifest(destination.below(f"versions/{VERSION}"))
    return collect_version(destination, VERSION, manifest, tmp_path / "files")


def test_the_code_of_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = tmp_path / "steps"
    for name, text in {"b.py": "x", "a/c.py": "y", "a.py": "z", "data/t.toml": "t", "data/x/u.toml": "u"}.items():
        (steps / name).parent.mkdir(parents=True, exist_ok=True)
        (steps / name).write_text(text)

    def git(*words: str) -> str:
        command = [shutil.which("git") or "git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message=m"]):
        git(*words)
    head = git("rev-parse", "HEAD")
    monkeypatch.setattr(bundle, "__file__", str(steps / "models" / "bundle.py"))
    assert origins.code_of_revision(head[:12], tmp_path) == bundle.code_sha256()
    assert origins.code_of_revision(f"{head[:12]}-dirty", tmp_path) == bundle.code_sha256()
    (steps / "a.py").write_text("changed")
    assert origins.code_of_revision(head[:12], tmp_path) != bundle.code_sha256()
    assert origins.code_of_revision("unknown", tmp_path) is None


def test_the_code_of_this_checkout() -> None:
    revision = git_revision()
    if revision.endswith(("-dirty", "unknown")):
        pytest.skip("the checkout has changes")
    assert origins.code_of_revision(revision) == bundle.code_sha256()


def test_the_source_again(evidence: Evidence, finished: Path, tmp_path: Path) -> None:
    found = origins.read_source_again(evidence, str(finished / "table.csv"), "")
    assert found.profile["datasets"] == evidence.document("profile.json")["datasets"]
    broken = tmp_path / "table.csv"
    broken.write_text((finished / "table.csv").read_text().replace(",", ";", 3))
    assert origins.read_source_again(evidence, str(broken), "").problem
    with pytest.raises(PipelineError, match="no such file") as raised:
        origins.read_source_again(evidence, str(tmp_path / "nothing.csv"), "")
    assert raised.value.exit_code == NoInputError.exit_code


def test_training_that_fails_again(evidence: Evidence, tmp_path: Path) -> None:
    """Training that succeeds is in tests/workflows/cli/test_verify_verbs.py."""
    with pytest.raises(PipelineError, match="the models cannot be trained again: step prepare failed") as raised:
        origins.train_again(evidence, tmp_path / "again", str(tmp_path / "nothing.csv"), "", 1)
    assert raised.value.exit_code == NoInputError.exit_code


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A folder like that of a run on this machine."""
    folder = tmp_path / "runs" / "run-1"
    copies = {
        "report.json": "report.json",
        "report.html": "report.html",
        "nodes/prepare/out/profile/profile": "profile.json",
    }
    for slug in SLUGS:
        copies |= {f"models/{slug}/{name}": f"{slug}/model/{name}" for name in ("model.ubj", "metadata.json")}
        copies[f"nodes/{slug}-evaluate/out/metrics/metrics"] = f"{slug}/metrics"
        copies[f"nodes/prepare/out/dataset-{slug}/dataset-{slug}"] = f"{slug}/dataset"
    for target, source in copies.items():
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        (folder / target).write_bytes((finished / source).read_bytes())
    (folder / "workflow.yaml").write_text("metadata: {labels: {covertype/revision: 0123456789ab}}\n")
    return folder


def test_the_files_of_a_run(run: Path) -> None:
    found = origins.run_files(run)
    assert found["profile.json"] == run / "nodes/prepare/out/profile/profile"
    assert found["models/aspen/metrics.json"] == run / "nodes/aspen-evaluate/out/metrics/metrics"
    assert found["datasets/krummholz"].is_file()
    assert "scores/aspen" not in found
    assert origins.run_revision(run) == "0123456789ab"
    with pytest.raises(NoInputError, match="there is no run 'other'"):
        origins.run_files(run.parent / "other")
