"""All models' scores on the test rows of one version, as one table with the truth and the slices of each row."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from steps.core.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


# The rows of which a result of all models is computed at once: with all of them it would be larger than the scores.
BLOCK = 1 << 17


class NoCommonRowsError(BadDataError):
    """Two versions have no test row, or no cover type, in common."""


@dataclass(frozen=True)
class Slice:
    """A column that divides the test rows, such as the wilderness area.

    Attributes:
        values: The values of the column.
        codes: The position of each row's value in ``values``, -1 for another or a missing value (int16, shape (rows,)).
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
        groups: The first row with the same feature values. The split keeps these rows together, and so does a
            comparison (int64, shape (rows,)).
        thresholds: The threshold of each model.
        calibrations: Slope and intercept of each model's calibration.
        data_sha256: The digest of the canonical data.
        seed: The seed of training, which is also that of the split unless a setting says otherwise.
        slices: The slice columns by name.
    """

    __test__: ClassVar[bool] = False  # pytest would otherwise take the class for tests

    slugs: tuple[str, ...]
    rows: NDArray[np.int64]
    truth: NDArray[np.int64]
    scores: NDArray[np.float32]
    groups: NDArray[np.int64]
    thresholds: tuple[float, ...]
    calibrations: tuple[tuple[float, float], ...]
    data_sha256: str
    seed: int
    slices: Mapping[str, Slice] = field(default_factory=dict)

    @cached_property
    def test_rows_sha256(self) -> str:
        """The digest of ``data_sha256`` and the rows. It is equal if and only if the test rows are the same."""
        digest = hashlib.sha256(self.data_sha256.encode() + b"\0")
        digest.update(np.ascontiguousarray(self.rows, "<i8").data)
        return digest.hexdigest()

    @property
    def complete(self) -> bool:
        """Whether each test row is of a cover type with a model, so that metrics of all models are defined."""
        return len(self.slugs) > 1 and bool((self.truth < len(self.slugs)).all())

    def find_right(self) -> NDArray[np.bool_]:
        """Return whether the highest score of each row is that of its cover type. Of equal scores the first counts."""
        right = np.empty(len(self.rows), np.bool_)
        for start in range(0, len(right), BLOCK):
            part = slice(start, start + BLOCK)
            right[part] = self.scores[:, part].argmax(axis=0) == self.truth[part]
        return right

    def take(self, index: NDArray[np.int64], slugs: Sequence[str]) -> TestScores:
        """Return the scores of some rows and models.

        Args:
            index: The positions of the rows, ascending (int64).
            slugs: The models, which must exist.
        """
        kept = [self.slugs.index(slug) for slug in slugs]
        position = np.full(len(self.slugs) + 1, len(kept), np.int64)
        position[kept] = np.arange(len(kept))
        scores = np.empty((len(kept), len(index)), np.float32)
        for values, at in zip(scores, kept, strict=True):
            values[:] = self.scores[at][index]
        return replace(
            self,
            slugs=tuple(slugs),
            rows=self.rows[index],
            truth=position[self.truth[index]],
            scores=scores,
            groups=self.groups[index],
            thresholds=tuple(self.thresholds[at] for at in kept),
            calibrations=tuple(self.calibrations[at] for at in kept),
            slices={name: Slice(each.values, each.codes[index]) for name, each in self.slices.items()},
        )


def common_rows(first: TestScores, second: TestScores) -> tuple[TestScores, TestScores]:
    """Return both with the rows and the cover types that they share, in the same order.

    Rows are the same if the data are the same (``data_sha256``) and their position is. A row of both test parts was
    in the training rows of neither version.

    Raises:
        NoCommonRowsError: There is no common test row, or no common cover type (exit code 65).
        BadDataError: A row has two cover types.
    """
    fix = "compare on a reference table, --on URI"
    if first.data_sha256 != second.data_sha256:
        digests = f"data_sha256 {first.data_sha256[:12]} and {second.data_sha256[:12]}"
        raise NoCommonRowsError(f"no test rows in common: the data differ ({digests})", fix=fix)
    slugs = [slug for slug in first.slugs if slug in second.slugs]
    if not slugs:
        raise NoCommonRowsError("no cover type in common", fix=fix)
    if first.slugs == second.slugs and np.array_equal(first.rows, second.rows):
        found = first, second
    else:
        one, other = _match_rows(first.rows, second.rows)
        if not len(one):
            what = f"no test rows in common: the splits differ (seeds {first.seed} and {second.seed})"
            raise NoCommonRowsError(what, fix="compare versions of the same seed")
        found = first.take(one, slugs), second.take(other, slugs)
    differing = np.flatnonzero(found[0].truth != found[1].truth)
    if len(differing):
        what = f"row {int(found[0].rows[differing[0]])} has another cover type in each version"
        raise BadDataError(what, where="test scores", fix="one of the two was damaged, register it again")
    return found


def _match_rows(first: NDArray[np.int64], second: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the positions of the rows that are in both, in the first and in the second; both must be ascending."""
    if not len(second):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    at = np.searchsorted(second[:-1], first)  # a row after the last one is compared with the last one
    found = np.flatnonzero(second[at] == first)
    return found, at[found]
