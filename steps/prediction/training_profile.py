"""The profile of the rows that the models were trained on, beside them in a run or in a version of a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from steps.core import runtime, storage
from steps.core.errors import BadDataError, NoInputError
from steps.drift.counting import Counter
from steps.drift.reference import from_profile
from steps.registry.paths import PROFILE

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from steps.prediction.models import Ensemble

_UNKNOWN = "drift is not measured"


def find_profile(models: Path) -> Path | None:
    """Return the profile beside the folder ``models`` of a run or of a version, None if there is none."""
    folder = models.absolute().parent
    places = [folder / PROFILE, *sorted(folder.glob("nodes/*/out/profile/profile*"))]
    return next((path for path in places if path.is_file()), None)


def make_counter(ensemble: Ensemble, models: Path, given: Path | None) -> Counter | None:
    """Return a counter of the rows to score, or None, with a line that says why drift cannot be measured.

    Args:
        ensemble: The models.
        models: Their folder.
        given: The file of the profile; None to look for it beside the models.

    Raises:
        NoInputError: The file that was given does not exist.
        BadDataError: It is not a profile, or that of other rows.
    """
    if given is not None and not given.is_file():
        raise NoInputError("no such file", where=f"--profile {given}", fix="check the path")
    path = given or find_profile(models)
    if path is None:
        runtime.log(f"there is no profile beside the models: {_UNKNOWN}")
        return None
    try:
        profile = storage.read_json(path)
        same = profile["data_sha256"] == ensemble.data_sha256
    except (OSError, ValueError, KeyError, TypeError):
        profile, same = {}, False
    reference = from_profile(profile, ensemble.schema) if same else None
    if reference is not None:
        return Counter(reference)
    what = "an earlier version wrote the profile" if same else "the profile is not that of the models"
    if given is not None:
        raise BadDataError(what, where=str(given), fix="give `profile.json` of their run")
    runtime.log(f"{what}: {_UNKNOWN}")
    return None


def positions_in_schema(ensemble: Ensemble) -> NDArray[np.int64]:
    """Return the position of each model's cover type among those of the schema (int64, shape (models,))."""
    slugs = ensemble.schema.slugs
    return np.array([slugs.index(cover_type.slug) for cover_type in ensemble.cover_types], np.int64)
