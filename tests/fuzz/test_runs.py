"""For any schema, table and command line, a run keeps its guarantees and uses the rows that it reports."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fuzz import drawn_commands, manifests, meaning, promises
from tests.fuzz.drawn_commands import PROFILE, SCHEMA
from tests.fuzz.explore import explore
from tests.fuzz.nursery import ROOT, run_alone

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fuzz.drawn_commands import Case
    from tests.fuzz.nursery import Ended, Nursery

# Drawn inputs are not what coverage is about, and measuring it doubles their time.
pytestmark = pytest.mark.no_cover


def checked(case: Case, execute: Callable[[Path], Ended]) -> str:
    """Run a case in a new folder, check the guarantees, and return its outcome in one word."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    try:
        for name, data in case.files.items():
            (folder / name).write_bytes(data)
        ended = execute(folder)
        promises.check_end(ended, folder)
        result = promises.result_of(folder)
        if ended.code == 0 and result:
            meaning.check_run(case, result[0])
        elif ended.code == 0 and (folder / PROFILE).exists():
            slugs = [entry["slug"] for entry in case.document["cover_types"]]
            datasets = {slug: folder / drawn_commands.dataset_name(at) for at, slug in enumerate(slugs)}
            meaning.check_datasets(case, datasets, folder / PROFILE)
        return str(ended.code)
    finally:
        shutil.rmtree(folder)


def test_runs_end_as_promised(nursery: Nursery) -> None:
    def check(case: Case) -> str:
        return checked(case, lambda folder: nursery.run("cli", case.words, folder, seconds=60, encoding=case.encoding))

    ends = explore(drawn_commands.runs(), check, examples=10)
    assert ends["0"], ends


def test_preparations_end_as_promised(nursery: Nursery) -> None:
    def check(case: Case) -> str:
        return checked(case, lambda folder: nursery.run("step", case.words, folder, encoding=case.encoding))

    ends = explore(drawn_commands.preparations(), check, examples=30)
    assert ends["0"] > 1, ends


def test_renderings_end_as_promised(nursery: Nursery) -> None:
    def execute(case: Case, folder: Path) -> Ended:
        ended = nursery.run("cli", case.words, folder, encoding=case.encoding)
        if ended.code == 0 and case.verb == "render":
            made = next(folder.rglob("made.yaml"), folder / "stdout")
            text = made.read_bytes().decode(case.encoding if made.name == "stdout" else "utf-8")
            manifests.check_manifest(text, case.files[SCHEMA])
        return ended

    def check(case: Case) -> str:
        return checked(case, lambda folder: execute(case, folder))

    ends = explore(drawn_commands.renderings(), check, examples=15)
    assert ends["0"] > 1, ends


def test_runs_in_processes_of_their_own_end_as_promised() -> None:
    def check(case: Case) -> str:
        environment = {"PYTHONIOENCODING": case.encoding} if case.encoding != "utf-8" else {}
        program = ROOT / "workflows" / "covertype.py"
        return checked(case, lambda folder: run_alone([program, *case.words], folder, environment=environment))

    explore(drawn_commands.runs(), check, examples=1)
