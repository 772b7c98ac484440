"""The revision of the code is that of the repository that tracks it, with a mark for changes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from workflows import settings
from workflows.argo.revision import git_revision, read_archive
from workflows.rendering import render

if TYPE_CHECKING:
    from collections.abc import Callable

FILES = ("workflows/argo/revision.py", "steps/a.py", "README.md")


@pytest.fixture
def git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., str]:
    """Return a function that runs git in a folder, without the configuration of the user."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "n")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "e")

    def run(folder: Path, *words: str) -> str:
        command = ["git", "-C", str(folder), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    return run


def project(root: Path) -> Path:
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("a\n")
    return root


def commit(git: Callable[..., str], repository: Path) -> str:
    git(repository, "init", "--quiet")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "m")
    return git(repository, "rev-parse", "--short=12", "HEAD")


@pytest.mark.parametrize("folder", [".", "projects/covertype"])
def test_the_repository_that_tracks_the_project(git: Callable[..., str], tmp_path: Path, folder: str) -> None:
    root = project(tmp_path / folder)
    revision = commit(git, tmp_path)
    (root / "runs").mkdir()
    (root / "runs" / "new.csv").touch()
    assert git_revision(root) == revision
    (root / "steps/new.py").touch()
    assert git_revision(root) == f"{revision}-dirty"
    (root / "steps/new.py").unlink()
    (root / "README.md").write_text("b\n")
    assert git_revision(root) == f"{revision}-dirty"
    git(root, "add", ".")
    assert git_revision(root) == f"{revision}-dirty"


def test_a_repository_that_does_not_is_not_the_code_s(git: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "notes").touch()
    commit(git, tmp_path)
    root = project(tmp_path / "unpacked")
    assert git_revision(root) == "unknown"
    assert git_revision(project(tmp_path / ".git")) == "unknown"


def test_no_repository_no_commit_no_git(
    git: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = project(tmp_path / "unpacked")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert git_revision(root) == "unknown"
    git(root, "init", "--quiet")
    git(root, "add", ".")
    assert git_revision(root) == "unknown"
    commit(git, root)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_revision(root) == "unknown"


def test_variables_of_another_repository_have_no_say(
    git: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, other = project(tmp_path / "mine"), project(tmp_path / "other")
    revision = commit(git, root)
    (other / "README.md").write_text("other\n")
    commit(git, other)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
    assert git_revision(root) == revision


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_repository_that_git_does_not_trust(git: Callable[..., str], tmp_path: Path) -> None:
    root = project(tmp_path / "mine")
    commit(git, root)
    os.chown(root, 12345, 12345)
    os.chown(root / ".git", 12345, 12345)
    assert git_revision(root) == "unknown"


def test_a_rendered_workflow_has_it() -> None:
    found = render(settings.load({}), "Workflow")["metadata"]["labels"]["covertype/revision"]
    assert found == git_revision()
    assert git_revision(Path("/")) == "unknown"


def test_a_folder_at_a_revision(tmp_path: Path, git: Callable[..., str]) -> None:
    root = project(tmp_path / "p")
    found = read_archive(commit(git, root), "steps", root)
    assert found is not None
    assert b"steps/a.py" in found
    assert read_archive("0123456789ab", "steps", root) is None
    for word in ("HEAD", "unknown", "", "--output=x", "main"):
        assert read_archive(word, "steps", root) is None
