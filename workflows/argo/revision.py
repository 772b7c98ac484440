"""The git revision of this code, as labels and the lineage of registered models show it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

UNKNOWN, DIRTY = "unknown", "-dirty"
_ROOT = Path(__file__).parents[2]
_CODE = ("steps", "workflows")
_SECONDS = 10


def git_revision(root: Path = _ROOT) -> str:
    """Return the revision (12 digits) of the repository that tracks the project in ``root``.

    Returns:
        With ``-dirty`` at its end where a tracked file has changed or a new one lies beside the code; ``unknown``
        where no repository tracks the code, an enclosing one included, or git is missing or refuses to look.
    """
    git = shutil.which("git")
    code = _ask(git, root, "ls-files", "-t", "--cached", "--others", "--exclude-standard", "--", *_CODE)
    revision = _ask(git, root, "rev-parse", "--short=12", "HEAD")
    changes = _ask(git, root, "status", "--porcelain", "--untracked-files=no", "--", ".")
    if revision is None or changes is None or f"H {Path(__file__).relative_to(_ROOT).as_posix()}" not in (code or ()):
        return UNKNOWN
    new = any(line.startswith("? ") for line in code or ())
    return revision[0] + (DIRTY if changes or new else "")


def _ask(git: str | None, root: Path, *words: str) -> list[str] | None:
    """Return the lines that a git command prints, None where it fails."""
    if git is None:
        return None
    # A hook, or a rebase, has variables that name its own repository; looking must not wait for a lock.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or "CONFIG" in name}
    environment = {**inherited, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            [git, "-C", str(root), *words], capture_output=True, check=True, timeout=_SECONDS, env=environment
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").splitlines()
