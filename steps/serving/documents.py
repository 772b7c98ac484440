"""Files beside the models that the page of the service shows: the report, the model card and the training profile."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps.core import storage
from steps.drift.reference import from_profile
from steps.prediction.training_profile import find_profile
from steps.registry.paths import CARD, PROFILE, REPORT_HTML

if TYPE_CHECKING:
    from pathlib import Path

    from steps.drift.reference import Reference
    from steps.prediction.models import Ensemble

# The files of a version to fetch besides the bundles.
NAMES = frozenset({REPORT_HTML, CARD, PROFILE})


@dataclass(frozen=True)
class Documents:
    """What is known about models besides their bundles.

    Attributes:
        report: The report page (HTML); None if there is none.
        card: The model card (Markdown); None if there is none, as for a run.
        reference: The distribution of each column in the training rows; None if it is unknown.
    """

    report: bytes | None = None
    card: str | None = None
    reference: Reference | None = None


def read_documents(models: Path, ensemble: Ensemble) -> Documents:
    """Return the documents of a run or of a version. One that is missing or damaged is left out: models need none.

    Args:
        models: The folder of the bundles. Only one named ``models`` is part of a run or of a version.
        ensemble: The models.
    """
    if models.name != "models":
        return Documents()
    report = card = None
    with suppress(OSError):
        report = (models.parent / REPORT_HTML).read_bytes()
    with suppress(OSError):
        card = (models.parent / CARD).read_text(encoding="utf-8", errors="replace")
    return Documents(report, card, _read_reference(models, ensemble))


def _read_reference(models: Path, ensemble: Ensemble) -> Reference | None:
    path = find_profile(models)
    if path is None:
        return None
    try:
        profile = storage.read_json(path)
        same = profile["data_sha256"] == ensemble.data_sha256
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return from_profile(profile, ensemble.schema) if same else None
