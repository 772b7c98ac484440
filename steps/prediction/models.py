"""The models of a run or of a registered version, ready to score rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from steps import forest
from steps.bundles import FeatureColumns, stored, to_array
from steps.bundles import folder as bundle
from steps.core import storage
from steps.core.errors import BadDataError, NoInputError
from steps.models import metrics

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from steps.forest import Predictor
    from steps.schema import CoverType, Schema


@dataclass(frozen=True)
class _Group:
    """Models with the same features.

    Attributes:
        members: The positions of the models among all.
        columns: The computation of the features.
        features: The names of the features in order.
        predictor: The predictor of these models.
    """

    members: list[int]
    columns: FeatureColumns
    features: list[str]
    predictor: Predictor


@dataclass(frozen=True)
class Ensemble:
    """The models of all cover types of a run.

    Attributes:
        schema: The schema of the table that they were trained on.
        cover_types: The cover type of each model, in the order of the schema.
        thresholds: The smallest score with which a row is predicted positive, by model.
        calibrations: Slope and intercept of each model's calibration (float64, shape (models, 2)).
        groups: The models by their features.
        data_sha256: The digest of the rows that they were trained, validated and tested on; None if it is unknown.
    """

    schema: Schema
    cover_types: tuple[CoverType, ...]
    thresholds: tuple[float, ...]
    calibrations: NDArray[np.float64]
    groups: tuple[_Group, ...]
    data_sha256: str | None = None

    @property
    def engine(self) -> str:
        """What computes the scores: ``forest``, or ``xgboost`` if a forest cannot be used."""
        engines = {group.predictor.engine for group in self.groups}
        return engines.pop() if len(engines) == 1 else "xgboost"

    def scores(self, rows: pa.RecordBatch, threads: int) -> NDArray[np.float32]:
        """Return the scores of rows, equal to those of ``evaluate`` bit for bit.

        Args:
            rows: The canonical feature columns.
            threads: The number of threads, which does not change the result.

        Returns:
            Probabilities, float32, shape (models, rows).

        Raises:
            OverflowError: A derived feature is too large for float32.
        """
        return self.scores_of_features(self.features(rows), threads)

    def features(self, rows: pa.RecordBatch) -> list[NDArray[np.float32]]:
        """Return the features of rows for each group of models: float32, shape (rows, features of the group).

        Args:
            rows: The canonical feature columns.

        Raises:
            OverflowError: A derived feature is too large for float32.
        """
        columns = dict(zip(rows.schema.names, rows.columns, strict=True))
        return [
            to_array(pa.RecordBatch.from_pydict(group.columns.compute(columns)), group.features)
            for group in self.groups
        ]

    def scores_of_features(self, features: Sequence[NDArray[np.float32]], threads: int) -> NDArray[np.float32]:
        """Return the scores of rows by the result of :meth:`features`; arguments and result as for :meth:`scores`."""
        result = np.empty((len(self.cover_types), len(features[0])), np.float32)
        for group, values in zip(self.groups, features, strict=True):
            result[group.members] = group.predictor.scores(values, threads)
        return result


def read_ensemble(folder: Path) -> Ensemble:
    """Read the bundles in a folder, after comparing their checksums, and prepare them to score rows.

    The prepared forest is kept beside the bundles if the folder can be written.

    Args:
        folder: A folder with a folder for each model, such as ``models`` of a run.

    Raises:
        NoInputError: There is no bundle.
        BadDataError: A bundle is damaged, or two of them are not of one run.
    """
    found = _read_bundles(folder)
    schemas = {facts["schema"] for _, facts in found.values()}
    data = {facts.get("data_sha256") for _, facts in found.values()}
    if len(schemas) > 1 or len(data) > 1:
        fix = "give the models of one run"
        raise BadDataError("the models were trained on different tables", where=str(folder), fix=fix)
    schema = bundle.schema_of(next(iter(found.values()))[1])
    order = [slug for slug in schema.slugs if slug in found]
    if strange := sorted(found.keys() - set(order)):
        raise BadDataError(f"the schema has no cover type {strange[0]!r}", where=str(folder / strange[0]))
    groups = bundle.group_by_features({slug: found[slug][1] for slug in order})
    return Ensemble(
        schema,
        tuple(schema.cover_type(slug) for slug in order),
        tuple(float(found[slug][1]["threshold"]) for slug in order),
        np.array([metrics.calibration_of(found[slug][1]) for slug in order]),
        tuple(
            _open_group(
                [order.index(slug) for slug in group],
                [found[slug] for slug in group],
                folder / bundle.prepared_name(number),
            )
            for number, group in enumerate(groups)
        ),
        data.pop(),
    )


def _read_bundles(folder: Path) -> dict[str, tuple[Path, dict[str, Any]]]:
    """Return the folder and the checked metadata of each bundle by slug."""
    if not folder.is_dir():
        raise NoInputError("no such folder of models", where=str(folder), fix="check --models")
    names = sorted(path.name for path in folder.iterdir() if path.is_dir() and storage.PARTIAL not in path.name)
    found = {name: (folder / name, bundle.check(folder / name)) for name in names}
    if not found:
        raise NoInputError("there is no model in this folder", where=str(folder), fix="give `models` of a run")
    return {facts["cover_type"]: (path, facts) for path, facts in found.values()}


def _open_group(members: list[int], bundles: list[tuple[Path, dict[str, Any]]], prepared: Path) -> _Group:
    path, facts = bundles[0]
    for other, others in bundles[1:]:
        if others["features"] != facts["features"]:
            what = f"its features are not those of {path.name}, although they have the same preprocessor"
            raise BadDataError(what, where=str(other), fix="train or fetch again")
    predictor = forest.open_predictor(
        [each / bundle.MODEL for each, _ in bundles],
        prepared_file=prepared,
        digests=[others["sha256"][bundle.MODEL] for _, others in bundles],
    )
    return _Group(members, _read_columns(path / bundle.PREPROCESSOR), facts["features"], predictor)


def _read_columns(path: Path) -> FeatureColumns:
    """Return the computation of the features. skops, which imports scikit-learn, reads files of an older format."""
    if (found := stored.read(path)) is not None:
        return found
    from steps.models.bundle import read_preprocessor

    return read_preprocessor(path).columns


def names_of(ensemble: Ensemble) -> Iterator[str]:
    """Yield the names of the columns with the scores, in the order of the models."""
    for cover_type in ensemble.cover_types:
        yield f"score_{cover_type.slug}"
