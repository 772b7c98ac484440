"""Code is imported from the folder of the project; errors where a library cannot be loaded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from steps import module_path

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]
SMALL = ("--rows", "600", "--preset", "fast", "--cover-types", "1", "--parallel", "1", "--set", "train.rounds=2")
# The error of an installed library that needs a missing shared library.
NO_OPENMP = 'raise OSError("libgomp.so.1: cannot open shared object file: No such file or directory")\n'


def covertype(root: Path, *arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line of the project in ``root`` from another current folder."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [sys.executable, root / "workflows/covertype.py", *arguments],
        cwd=folder,
        env={**known, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def copy_of_project(folder: Path) -> Path:
    for package in ("steps", "workflows"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_another_interpreter_gets_the_project_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["/a", "/b"]))
    assert module_path().split(os.pathsep) == [str(ROOT), "/a", "/b"]
    monkeypatch.setenv("PYTHONPATH", "")  # an empty part would be the current folder
    assert module_path() == str(ROOT)


def test_the_current_folder_is_never_imported_from(tmp_path: Path) -> None:
    for name in ("queue", "selectors", "xgboost", "numpy", "steps", "typer", "runpy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the current folder')\n")
    done = covertype(ROOT, "run", *SMALL, "--output", "runs", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "current folder" not in done.stdout + done.stderr


def test_a_part_of_pythonpath_that_names_no_folder_is_not_the_current_one(tmp_path: Path) -> None:
    path = ":/nowhere::.:/nowhere"
    for name in ("json", "typing", "random", "pathlib", "queue", "numpy", "steps", "typer"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the current folder')\n")
    done = covertype(ROOT, "render", folder=tmp_path, PYTHONPATH=path)
    assert (done.returncode, done.stderr) == (0, "")
    done = covertype(ROOT, "run", "--source", "nothing.csv", folder=tmp_path, PYTHONPATH=path)
    assert (done.returncode, "no such file" in done.stderr) == (66, True)


def test_a_copied_folder_runs_its_own_code(tmp_path: Path) -> None:
    copy = copy_of_project(tmp_path / "copy")
    step = copy / "steps/prepare.py"
    step.write_text(step.read_text().replace("rows kept", "rows kept by the copy"))
    # An editable installation of the original would put it on the path.
    done = covertype(copy, "run", *SMALL, "--output", "runs", folder=tmp_path, PYTHONPATH=str(ROOT))
    assert done.returncode == 0, done.stderr
    [log] = tmp_path.glob("runs/*/nodes/prepare/log.txt")
    assert "rows kept by the copy" in log.read_text()


def test_a_step_started_by_itself_takes_modules_from_the_project(tmp_path: Path) -> None:
    (tmp_path / "queue.py").write_text("raise SystemExit('imported from the current folder')\n")
    done = subprocess.run(
        [sys.executable, "-m", "steps.train", "--help"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_library_that_cannot_be_loaded_is_one_line(tmp_path: Path) -> None:
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    (libraries / "xgboost.py").write_text(NO_OPENMP)
    done = covertype(ROOT, "run", *SMALL, "--output", "runs", folder=tmp_path, PYTHONPATH=str(libraries))
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("error: cannot load steps."), line
    assert "libgomp.so.1: cannot open shared object file" in line
    assert "make run" in line


def test_a_python_without_the_libraries_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-S", ROOT / "workflows/covertype.py", "run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("error: No module named 'typer'")
    assert "make run" in line
