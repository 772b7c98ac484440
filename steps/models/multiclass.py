"""Judge one-vs-rest models together: the accuracy of the highest score, its confusion matrix, and the macro F1.

| metric | 95% interval |
|---|---|
| accuracy | Wilson score, as for one model |
| macro F1 | percentile bootstrap over rows |

The macro F1 of a sample depends only on how often each pattern (true cover type, the models' yes or no) occurs in it.
Drawing those counts from a multinomial is therefore the same as drawing rows, at the price of a few hundred patterns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from steps.core.errors import BadDataError
from steps.models.metrics import RESAMPLES, Estimate, wilson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


# Models whose answers are packed into one integer; the other bits number the patterns of the models before them.
_BITS = 32
# Counts that the bootstrap holds at once, 8 bytes each.
_MOST_COUNTS = 1 << 24
_SAME_ROWS = "evaluate every cover type on the test rows of one prepared table"


class Scored(NamedTuple):
    """The rows one model scored: ids (int64), 0/1 labels (uint8), probabilities (float32), each of shape (rows,)."""

    rows: NDArray[np.int64]
    labels: NDArray[np.uint8]
    scores: NDArray[np.float32]


@dataclass(frozen=True)
class Joined:
    """The same rows as all models saw them.

    ``truth`` (int64, shape (rows,)) is the position in ``slugs`` of each row's cover type, ``len(slugs)`` where it is
    none of them; ``scores`` is float32 of shape (models, rows).
    """

    slugs: tuple[str, ...]
    truth: NDArray[np.int64]
    scores: NDArray[np.float32]


def join(scored: Mapping[str, Scored], *, complete: bool) -> Joined:
    """Join the tables of at least one cover type (slug to rows).

    Args:
        scored: rows by slug; all must hold the same rows in the same order.
        complete: whether these are all cover types there are, so that each row must be one of them.

    Raises:
        BadDataError: the rows differ, a row is of two cover types, or ``complete`` and it is of none.
    """
    slugs = tuple(scored)
    first = scored[slugs[0]]
    for slug, table in scored.items():
        if not np.array_equal(table.rows, first.rows):
            raise BadDataError(f"the rows are not those of {slugs[0]!r}", where=f"scores of {slug!r}", fix=_SAME_ROWS)
    labels = np.stack([table.labels for table in scored.values()])
    positives = labels.sum(axis=0, dtype=np.int64)
    wrong = positives != 1 if complete else positives > 1
    if wrong.any():
        at = int(np.argmax(wrong))
        what = f"row {int(first.rows[at])} is of {int(positives[at])} cover types and must be of one"
        raise BadDataError(what, where="the scores' labels", fix=_SAME_ROWS)
    truth = np.where(positives == 0, len(slugs), labels.argmax(axis=0))
    return Joined(slugs, truth, np.stack([table.scores for table in scored.values()]))


def accuracy(joined: Joined) -> Estimate:
    """Return the share of rows whose highest score is their own cover type's; of equal scores the first counts."""
    return wilson(int((joined.scores.argmax(axis=0) == joined.truth).sum()), len(joined.truth))


def confusion(joined: Joined) -> NDArray[np.int64]:
    """Return the counts of rows by true (first axis) and highest-scored cover type, shape (models, models).

    Rows of no cover type of ``joined`` are left out.
    """
    count = len(joined.slugs)
    known = joined.truth < count
    cells = joined.truth[known] * count + joined.scores.argmax(axis=0)[known]
    return np.bincount(cells, minlength=count * count).reshape(count, count)


def macro_f1(joined: Joined, thresholds: Sequence[float], seed: int = 0) -> Estimate:
    """Return the mean of the models' F1, each at its own threshold (a score of the threshold or more is a yes).

    A model's F1 counts as 0 where it says yes to nothing and nothing is positive, as in ``metrics.f1``.
    """
    total = len(joined.truth)
    if not total:
        return Estimate(None)
    said, truths, counts = _patterns(joined, thresholds)
    value = float(_macro_f1(counts[np.newaxis], said, truths)[0])
    random, shares = np.random.default_rng(seed), counts / total
    at_once = max(1, _MOST_COUNTS // len(counts))
    sizes = [min(at_once, RESAMPLES - done) for done in range(0, RESAMPLES, at_once)]
    draws = [_macro_f1(random.multinomial(total, shares, size=size), said, truths) for size in sizes]
    low, high = (float(end) for end in np.percentile(np.concatenate(draws), [2.5, 97.5]))
    return Estimate(value, min(value, low), max(value, high))


def _patterns(
    joined: Joined, thresholds: Sequence[float]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64]]:
    """Return the distinct patterns: what models said and what is true, shape (patterns, models), and their counts."""
    # One threshold at a time, as a Python float: NumPy then compares in float32, exactly as evaluate did.
    said = np.stack([scores >= threshold for scores, threshold in zip(joined.scores, thresholds, strict=True)])
    codes = joined.truth
    for first in range(0, len(said), _BITS):
        bits = np.zeros(len(codes), np.int64)
        for i, yes in enumerate(said[first : first + _BITS]):
            bits |= yes.astype(np.int64) << i
        _, rows, codes, counts = np.unique(
            codes << _BITS | bits, return_index=True, return_inverse=True, return_counts=True
        )
    truths = joined.truth[rows][:, np.newaxis] == np.arange(len(said))
    return said[:, rows].T, truths, counts


def _macro_f1(counts: NDArray[np.int64], said: NDArray[np.bool_], truths: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the macro F1 of each sample of pattern counts, ``counts`` being of shape (samples, patterns)."""
    samples = counts.astype(np.float64)  # exact up to 2**53 rows, and floats multiply in BLAS
    hits, yes, positive = (samples @ mask.astype(np.float64) for mask in (said & truths, said, truths))
    return np.asarray((2 * hits / np.maximum(yes + positive, 1)).mean(axis=1))
