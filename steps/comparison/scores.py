"""All models' scores on the test rows of one version, as one table with the truth and the slices of each row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Slice:
    """A column that divides the test rows, such as the wilderness area.

    Attributes:
        values: The values of the column.
        codes: The position of each row's value in ``values``, -1 for a missing value (int16, shape (rows,)).
    """

    values: tuple[str, ...]
    codes: NDArray[np.int16]


@dataclass(frozen=True)
class TestScores:
    """The scores of all models of a version on its test rows, in ascending order of ``rows``.

    Attributes:
        slugs: The cover types of the models, in the order of the schema.
        rows: The position of each row in the canonical data (int64, shape (rows,)).
        truth: The position of each row's cover type in ``slugs``, ``len(slugs)`` for another one (int64, shape
            (rows,)).
        scores: The scores before calibration (float32, shape (models, rows)).
        groups: A hash of the feature values; equal rows are in one group and are resampled together (uint64, shape
            (rows,)).
        thresholds: The threshold of each model.
        calibrations: Slope and intercept of each model's calibration.
        data_sha256: The digest of the canonical data.
        seed: The seed of the split.
        slices: The slice columns by name.
    """

    slugs: tuple[str, ...]
    rows: NDArray[np.int64]
    truth: NDArray[np.int64]
    scores: NDArray[np.float32]
    groups: NDArray[np.uint64]
    thresholds: tuple[float, ...]
    calibrations: tuple[tuple[float, float], ...]
    data_sha256: str
    seed: int
    slices: Mapping[str, Slice] = field(default_factory=dict)

    @property
    def test_rows_sha256(self) -> str:
        """The digest of ``data_sha256`` and the rows. It is equal if and only if the test rows are the same."""
        raise NotImplementedError


def assemble_test_scores(
    models: Mapping[str, Path], scores: Mapping[str, Path], features: Path | None = None
) -> TestScores:
    """Return the scores of a run as one table.

    Args:
        models: The folder of each bundle by slug. Its metadata has threshold, calibration, seed and schema.
        scores: The scores of each model by slug, from ``evaluate``.
        features: The test features of one cover type, from ``preprocess``. They have the slices and the groups; without
            them there are no slices, and every row is a group of its own.

    Raises:
        BadDataError: The files do not belong together.
    """
    raise NotImplementedError


def write_test_scores(path: Path, scores: TestScores) -> None:
    """Write ``test-scores.parquet``; equal scores give equal bytes. The file appears whole or not at all."""
    raise NotImplementedError


def read_test_scores(path: Path) -> TestScores:
    """Read ``test-scores.parquet``.

    Raises:
        NoInputError: The file does not exist.
        BadDataError: The file is damaged, or it is not a table of test scores.
    """
    raise NotImplementedError


def common_rows(first: TestScores, second: TestScores) -> tuple[TestScores, TestScores]:
    """Return both with the rows and the cover types that they share, in the same order.

    Rows are the same if the data are the same (``data_sha256``) and their position is. A row of both test parts was
    in the training rows of neither version.

    Raises:
        NoCommonRowsError: There is no common test row, or no common cover type (exit code 65).
    """
    raise NotImplementedError
