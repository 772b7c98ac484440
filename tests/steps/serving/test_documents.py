from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from steps.core import storage
from steps.prediction.models import read_ensemble
from steps.registry.destinations import Folder
from steps.serving.documents import Documents, read_documents
from steps.serving.versions import load_version
from tests.registered_run import VERSION

if TYPE_CHECKING:
    from steps.prediction.models import Ensemble


@pytest.fixture(scope="module")
def ensemble(folder: Path) -> Ensemble:
    return read_ensemble(folder)


@pytest.fixture
def run(tmp_path: Path, folder: Path, training_profile_file: Path) -> Path:
    """The folder ``models`` of a run with a report and a profile."""
    shutil.copytree(folder, tmp_path / "models")
    (tmp_path / "report.html").write_bytes(b"<h1>Report</h1>")
    place = tmp_path / "nodes" / "prepare" / "out" / "profile"
    place.mkdir(parents=True)
    shutil.copy(training_profile_file, place / "profile")
    return tmp_path / "models"


def test_a_version_has_report_card_and_profile(registered: Path) -> None:
    found = load_version(Folder(registered), VERSION).documents
    assert found.report == (registered / "versions" / VERSION / "report.html").read_bytes()
    assert found.card == (registered / "versions" / VERSION / "model_card.md").read_text()
    assert found.reference is not None
    assert found.reference.columns.keys() >= {"Elevation", "Soil_Type"}


def test_a_run_has_report_and_profile(run: Path, ensemble: Ensemble) -> None:
    found = read_documents(run, ensemble)
    assert (found.report, found.card) == (b"<h1>Report</h1>", None)
    assert found.reference is not None


def test_a_folder_of_another_name_is_no_run(run: Path, ensemble: Ensemble) -> None:
    assert read_documents(run.rename(run.parent / "bundles"), ensemble) == Documents()


@pytest.mark.parametrize("change", [{"data_sha256": "0" * 64}, {"columns": {}}, None])
def test_a_profile_that_is_not_that_of_the_models_is_left_out(
    run: Path, ensemble: Ensemble, change: dict[str, object] | None
) -> None:
    (path,) = run.parent.glob("nodes/*/out/profile/profile")
    if change is None:
        path.write_text("{")
    else:
        storage.write_json(path, storage.read_json(path) | change)
    assert read_documents(run, ensemble) == Documents(b"<h1>Report</h1>")


def test_documents_that_are_no_files_are_left_out(run: Path, ensemble: Ensemble) -> None:
    (run.parent / "report.html").unlink()
    (run.parent / "report.html").mkdir()
    assert read_documents(run, ensemble).report is None
