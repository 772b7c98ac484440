"""Metrics of all one-vs-rest models together: accuracy of the highest score, confusion matrix, and macro F1.

| metric | 95% interval |
|---|---|
| accuracy | Wilson score, as for one model |
| macro F1 | percentile bootstrap over rows |

The macro F1 of a sample depends only on the number of rows with each pattern, which is the true cover type together
with the predictions of all models. Drawing these counts from a multinomial distribution is therefore equal to drawing
rows, and takes only a few hundred patterns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from steps.core.errors import BadDataError
from steps.models.intervals import RESAMPLES, Estimate, wilson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray


# The number of models whose predictions are packed into one integer. The other bits number the patterns so far.
_BITS = 32
# The largest number of counts of the bootstrap in memory, 8 bytes each.
_MOST_COUNTS = 1 << 24
_SAME_ROWS = "evaluate every cover type on the test rows of one prepared table"


class Scored(NamedTuple):
    """The rows that one model scored: ids (int64), labels 0 or 1 (uint8), probabilities (float32), shape (rows,)."""

    rows: NDArray[np.int64]
    labels: NDArray[np.uint8]
    scores: NDArray[np.float32]


@dataclass(frozen=True)
class Joined:
    """The scores of all models for the same rows.

    Attributes:
        slugs: The cover types of the models.
        truth: The position of each row's cover type in ``slugs``, ``len(slugs)`` for another cover type (int64, shape
            (rows,)).
        scores: The scores (float32, shape (models, rows)).
    """

    slugs: tuple[str, ...]
    truth: NDArray[np.int64]
    scores: NDArray[np.float32]


def join(scored: Mapping[str, Scored], *, complete: bool) -> Joined:
    """Join the scores of one or more models.

    Args:
        scored: The scored rows by slug, for all models the same rows in the same order.
        complete: Whether there are no other cover types, so that each row must be of one of them.

    Raises:
        BadDataError: The rows differ, a row is of two cover types, or it is of none although ``complete`` is set.
    """
    return join_each(tuple(scored), scored.values(), complete=complete)[0]


def join_each(slugs: tuple[str, ...], scored: Iterable[Scored], *, complete: bool) -> tuple[Joined, NDArray[np.int64]]:
    """Join the scores of one or more models, of which one at a time is in memory, and return them and the rows' ids.

    Args:
        slugs: The cover types of the models.
        scored: The scored rows of each model.
        complete: As for :func:`join`, with its errors.
    """
    rows = truth = np.empty(0, np.int64)
    positives, scores = np.empty(0, np.int32), np.empty((0, 0), np.float32)
    for at, table in enumerate(scored):
        if not at:
            rows, count = table.rows, len(table.rows)
            truth, positives = np.full(count, len(slugs), np.int64), np.zeros(count, np.int32)
            scores = np.empty((len(slugs), count), np.float32)
        elif not np.array_equal(table.rows, rows):
            where = f"scores of {slugs[at]!r}"
            raise BadDataError(f"the rows are not those of {slugs[0]!r}", where=where, fix=_SAME_ROWS)
        positives += table.labels
        truth[table.labels > 0] = at
        scores[at] = table.scores
        del table  # it would stay in memory beside the next one
    wrong = positives != 1 if complete else positives > 1
    if wrong.any():
        at = int(np.argmax(wrong))
        what = f"row {int(rows[at])} is of {int(positives[at])} cover types and must be of one"
        raise BadDataError(what, where="the scores' labels", fix=_SAME_ROWS)
    return Joined(slugs, truth, scores), rows


def accuracy(joined: Joined) -> Estimate:
    """Return the share of rows whose highest score is that of their cover type. Of equal scores the first counts."""
    return wilson(int((joined.scores.argmax(axis=0) == joined.truth).sum()), len(joined.truth))


def confusion(joined: Joined) -> NDArray[np.int64]:
    """Return the number of rows by true cover type (first axis) and highest score (int64, shape (models, models)).

    Rows of other cover types are left out.
    """
    count = len(joined.slugs)
    known = joined.truth < count
    cells = joined.truth[known] * count + joined.scores.argmax(axis=0)[known]
    return np.bincount(cells, minlength=count * count).reshape(count, count)


def macro_f1(joined: Joined, thresholds: Sequence[float], seed: int = 0) -> Estimate:
    """Return the mean of the F1 of all models.

    The F1 of a model is 0 if it predicts no positive row and no row is positive, as in ``metrics.f1``.

    Args:
        joined: The scores of all models.
        thresholds: The threshold of each model. A row with this score or more is predicted positive.
        seed: The seed of the bootstrap.
    """
    if not len(joined.truth):
        return Estimate(None)
    return macro_f1_of_patterns(*count_patterns(joined, thresholds), seed)


def macro_f1_of_patterns(
    predicted: NDArray[np.bool_], truths: NDArray[np.bool_], counts: NDArray[np.int64], seed: int = 0
) -> Estimate:
    """Return the mean of the F1 of all models; the first three arguments are the result of :func:`count_patterns`."""
    total = int(counts.sum())
    value = float(_macro_f1(counts[np.newaxis], predicted, truths)[0])
    random, shares = np.random.default_rng(seed), counts / total
    at_once = max(1, _MOST_COUNTS // len(counts))
    sizes = [min(at_once, RESAMPLES - done) for done in range(0, RESAMPLES, at_once)]
    draws = [_macro_f1(random.multinomial(total, shares, size=size), predicted, truths) for size in sizes]
    low, high = (float(end) for end in np.percentile(np.concatenate(draws), [2.5, 97.5]))
    return Estimate(value, min(value, low), max(value, high))


def count_patterns(
    joined: Joined, thresholds: Sequence[float]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64]]:
    """Return the predictions and the truth of each distinct pattern, and the number of its rows.

    The first two are bool of shape (patterns, models), the numbers are int64 of shape (patterns,).
    """
    # Thresholds are Python floats, one at a time: NumPy then compares in float32, exactly as evaluate did.
    predicted = np.stack([scores >= threshold for scores, threshold in zip(joined.scores, thresholds, strict=True)])
    codes = joined.truth
    for first in range(0, len(predicted), _BITS):
        bits = np.zeros(len(codes), np.int64)
        for i, positive in enumerate(predicted[first : first + _BITS]):
            bits |= positive.astype(np.int64) << i
        _, rows, codes, counts = np.unique(
            codes << _BITS | bits, return_index=True, return_inverse=True, return_counts=True
        )
    truths = joined.truth[rows][:, np.newaxis] == np.arange(len(predicted))
    return predicted[:, rows].T, truths, counts


def _macro_f1(
    counts: NDArray[np.int64], predicted: NDArray[np.bool_], truths: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the macro F1 of each sample of pattern counts (float64, shape (samples,)).

    Args:
        counts: The number of rows of each pattern, shape (samples, patterns).
        predicted: The predictions of each pattern, shape (patterns, models).
        truths: The truth of each pattern, shape (patterns, models).
    """
    samples = counts.astype(np.float64)  # exact up to 2**53 rows; BLAS multiplies floats only
    masks = (predicted & truths, predicted, truths)
    hits, predictions, positives = (samples @ mask.astype(np.float64) for mask in masks)
    return np.asarray((2 * hits / np.maximum(predictions + positives, 1)).mean(axis=1))
