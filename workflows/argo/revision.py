"""The git revision of this code, for the labels of workflows and the lineage of registered models."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

UNKNOWN, DIRTY = "unknown", "-dirty"
_ROOT = Path(__file__).parents[2]
_CODE = ("steps", "workflows")
_TIMEOUT_SECONDS = 10
_HEXADECIMAL = re.compile(r"[0-9a-f]{7,64}")


def git_revision(root: Path = _ROOT) -> str:
    """Return the revision of the repository that tracks the project in ``root``.

    Returns:
        12 hexadecimal digits, followed by ``-dirty`` if a tracked file has changed or the code contains an untracked
        file. ``unknown`` if no repository tracks the code, or if git is missing or fails.
    """
    git = shutil.which("git")
    code = _git_lines(git, root, "ls-files", "-t", "--cached", "--others", "--exclude-standard", "--", *_CODE)
    revision = _git_lines(git, root, "rev-parse", "--short=12", "HEAD")
    changes = _git_lines(git, root, "status", "--porcelain", "--untracked-files=no", "--", ".")
    if revision is None or changes is None or f"H {Path(__file__).relative_to(_ROOT).as_posix()}" not in (code or ()):
        return UNKNOWN
    new = any(line.startswith("? ") for line in code or ())
    return revision[0] + (DIRTY if changes or new else "")


def read_archive(revision: str, folder: str, root: Path = _ROOT) -> bytes | None:
    """Return a folder at a revision as a tar file; None if git does not have the revision, or is missing.

    Args:
        revision: Hexadecimal digits of a commit.
        folder: The folder, relative to ``root``.
        root: The folder of the repository.
    """
    if not _HEXADECIMAL.fullmatch(revision):  # a name or an option of git is none
        return None
    return _git(shutil.which("git"), root, "archive", "--format=tar", revision, folder)


def _git_lines(git: str | None, root: Path, *words: str) -> list[str] | None:
    """Return the output of a git command as lines; None if it fails."""
    output = _git(git, root, *words)
    return None if output is None else output.decode(errors="replace").splitlines()


def _git(git: str | None, root: Path, *words: str) -> bytes | None:
    """Return the output of a git command; None if it fails."""
    if git is None:
        return None
    # In a hook or a rebase, variables name the repository of that hook. Reading must not wait for a lock.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or "CONFIG" in name}
    environment = {**inherited, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            [git, "-C", str(root), *words], capture_output=True, check=True, timeout=_TIMEOUT_SECONDS, env=environment
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
