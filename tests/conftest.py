"""Fixtures that tests of the steps share; what they hold is never written to by a test."""

from __future__ import annotations

import functools
import gc
import os
import shutil
import sys
import tempfile
from typing import TYPE_CHECKING

import pytest
import typer
from hypothesis import settings

from steps.options import STEP_OPTIONS
from tests.nights import Nights, make_nights
from tests.registered_run import make_run, register_run, write_keys
from tests.support import Chain, prepared, real_rows, write_table
from workflows.local import processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The same examples in every run: a failure is one of the code, and shows again. No deadline: machines differ.
settings.register_profile("pipeline", deadline=None, derandomize=True, database=None)
settings.load_profile("pipeline")

# Tests start hundreds of Python processes, each of which would compile the modules of the project again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

SLUG = "lodgepole-pine"


def pytest_collection_finish() -> None:
    """Exempt modules and collected tests from garbage collection.

    The steps collect after each step, in a process that holds thousands of tests: .3 s each time.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder for temporary files of this process and its children, which pytest removes in a later session."""
    before, folder = os.environ.get("TMPDIR"), tmp_path_factory.mktemp("temporary")
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    yield folder
    tempfile.tempdir = None
    del os.environ["TMPDIR"]
    if before is not None:
        os.environ["TMPDIR"] = before


@pytest.fixture(autouse=True)
def _no_temporary_file_is_left(temporary_files: Path, request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves temporary files, unless it kills the process that would remove them."""
    before = set(temporary_files.iterdir())
    yield
    # The folder of a fork server is there as long as the process that started it, which may be that of the tests.
    left = {path for path in temporary_files.iterdir() if not path.name.startswith("pymp-")} - before
    for path in left:
        shutil.rmtree(path, ignore_errors=True)
    assert not left or request.node.get_closest_marker("kills"), sorted(path.name for path in left)


@pytest.fixture(scope="session", autouse=True)
def _commands_are_built_once() -> Iterator[None]:
    """Let typer build the commands of the command line once. Building them is most of the time of a short call."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", functools.lru_cache(typer.main.get_command))
        yield


@pytest.fixture(scope="session")
def fork_server(temporary_files: Path) -> None:  # noqa: ARG001 - its socket is there
    """Start the fork server with the modules of the real steps.

    It lives as long as the tests. If it was started for something else, every real step would import XGBoost and pandas
    by itself, which takes seconds.
    """
    processes.start_fork_server(f"steps.{name}" for name in (*STEP_OPTIONS, "report"))


@pytest.fixture(scope="session")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with all seven datasets of a 3,000-row sample of the bundled table."""
    return prepared("builtin:", tmp_path_factory.mktemp("datasets"), rows=3000)[1]


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory, datasets: Path) -> Chain:
    """One cover type's way through all steps on that sample, with few rounds."""
    made = Chain(tmp_path_factory.mktemp("chain"))
    shutil.copy(datasets / f"{SLUG}.parquet", made["dataset"])
    made.run(rounds=12, max_leaves=64)
    return made


@pytest.fixture
def own_chain(tmp_path: Path, chain: Chain) -> Chain:
    """A copy of that way, for a test that changes a file."""
    shutil.copytree(chain.folder, tmp_path / "chain")
    return Chain(tmp_path / "chain")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of two cover types, with its source as ``table.csv``."""
    folder = tmp_path_factory.mktemp("run")
    make_run(folder, str(write_table(folder / "table.csv", real_rows(1400))))
    return folder


@pytest.fixture(scope="session")
def registered(tmp_path_factory: pytest.TempPathFactory, finished: Path) -> Path:
    """A registry with that run as its only version."""
    registry = tmp_path_factory.mktemp("registry")
    register_run(finished, registry)
    return registry


@pytest.fixture(scope="session")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """Runs and a registry of two nights, and a reference table."""
    return make_nights(tmp_path_factory.mktemp("nights"))


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with keys for signatures, see ``write_keys``."""
    folder = tmp_path_factory.mktemp("keys")
    write_keys(folder, "own")
    write_keys(folder, "other")
    return folder
