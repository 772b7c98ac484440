"""Open a predictor for the models of a run: the forest, or XGBoost where the forest is not certain to be equal."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

import numpy as np

from steps.core import runtime, storage
from steps.core.errors import UnavailableError
from steps.forest import check_rows, prepared, trees
from steps.forest.packing import pack
from steps.forest.trees import UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from steps.forest.packing import PackedTrees


class Predictor(Protocol):
    """What computes the probabilities of rows: the forest or XGBoost, with equal results.

    Attributes:
        engine: ``forest`` or ``xgboost``.
        models: The number of models.
        features: The number of features of a row.
    """

    engine: str
    models: int
    features: int

    def margins(self, rows: NDArray[np.float32], threads: int = 1) -> NDArray[np.float32]:
        """Return the margin of each row in each model: arguments and result as for :meth:`scores`."""

    def scores(self, rows: NDArray[np.float32], threads: int = 1) -> NDArray[np.float32]:
        """Return the probability of each row in each model.

        Args:
            rows: The features (float32 in C order, shape (rows, features)), with NaN for a missing value.
            threads: The number of threads, which does not change the result.

        Returns:
            float32, shape (models, rows).
        """


def open_predictor(
    paths: Sequence[Path], *, prepared_file: Path | None = None, digests: Sequence[str] | None = None
) -> Predictor:
    """Return a predictor for models.

    The forest is compared with XGBoost on some rows, bit for bit. If they differ, or if the forest cannot hold the
    models, XGBoost predicts, and a warning says why.

    Args:
        paths: The model file of each model, at least one, all with the same features. Their checksums were compared
            before, because XGBoost does not validate model files.
        prepared_file: The file of the prepared forest. It is used if it was made from these models, and written if
            not. A file that cannot be written is not an error.
        digests: The SHA-256 of each model file; None to compute them.

    Raises:
        BadDataError: A model is damaged, or the models have different numbers of features.
        UnavailableError: There is no prepared forest of these models, and XGBoost is not installed.
    """
    digests = digests or [storage.sha256_file(path) for path in paths]
    if prepared_file is not None and (found := prepared.read(prepared_file, digests)) is not None:
        forest = _grow(found.packed)
        if forest is not None and _same_bits(forest.scores(found.rows), found.scores):
            return forest
    return _open_unprepared([(str(path), path.read_bytes()) for path in paths], digests, prepared_file)


def _open_unprepared(
    models: Sequence[tuple[str, bytes]], digests: Sequence[str], prepared_file: Path | None
) -> Predictor:
    boosters_of = _import_boosters()
    try:
        packed = pack(trees.read(models))  # before XGBoost reads them: it ends the process if a model is damaged
    except UnsupportedModelError as error:
        return _fall_back(boosters_of(models), str(error))
    boosters, forest = boosters_of(models), _grow(packed)
    if forest is None:
        return _fall_back(boosters, "its kernels cannot be compiled for this processor")
    rows = check_rows.make(packed)
    scores = boosters.scores(rows)
    if not (_same_bits(forest.margins(rows), boosters.margins(rows)) and _same_bits(forest.scores(rows), scores)):
        return _fall_back(boosters, "its scores differ from XGBoost's")
    if prepared_file is not None:
        with suppress(OSError):
            prepared.write(prepared_file, prepared.Prepared(packed, rows, scores), digests)
    return forest


def _import_boosters() -> Callable[[Sequence[tuple[str, bytes]]], Predictor]:
    """Return what opens models by XGBoost; UnavailableError if it is not installed."""
    try:
        from steps.forest.boosters import Boosters
    except ModuleNotFoundError as error:
        if error.name != "xgboost":
            raise
        what = "these models have no prepared forest for this version of the code, and XGBoost is not installed"
        fix = (
            "register the run again as a new version, or use an installation with XGBoost, as in the image of the steps"
        )
        raise UnavailableError(what, where=sys.executable, fix=fix) from None
    return Boosters


def _grow(packed: PackedTrees) -> Predictor | None:
    """Return the forest of packed trees, or None if its kernels cannot be compiled."""
    try:
        from steps.forest.scoring import Forest

        return Forest(packed)
    except (ImportError, OSError, RuntimeError):  # llvmlite is missing, or raises for an unknown processor
        return None


def _fall_back(boosters: Predictor, reason: str) -> Predictor:
    runtime.log(f"warning: the forest is not used, predictions take longer: {reason}")
    return boosters


def _same_bits(values: NDArray[np.float32], others: NDArray[np.float32]) -> bool:
    return values.shape == others.shape and bool((values.view(np.uint32) == others.view(np.uint32)).all())
