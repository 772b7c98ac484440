"""Score the rows of a pandas data frame, with the checks and the results of ``predict``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from steps.core import quantities
from steps.core.errors import BadDataError
from steps.datasets import canonical
from steps.prediction import output
from steps.prediction.reading import Rows
from steps.prediction.rejects import Rejects, TooManyRejectsError
from steps.sources import layouts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steps.prediction.models import Ensemble

PROBLEM = "problem"
# The name of a data frame in messages.
_NAME = "the data frame"


def score_frame(ensemble: Ensemble, frame: pd.DataFrame, max_rejects: int = 0) -> pd.DataFrame:
    """Return the scores of the rows of a data frame, equal to those that ``predict`` writes bit for bit.

    Args:
        ensemble: The models.
        frame: The feature columns of the schema in any order and in any layout that ``predict`` reads. Other columns
            and the index are not read.
        max_rejects: The largest number of rows with an unusable value. They stay in the result without scores.

    Returns:
        One row for each row of the input, with its index: ``row``, the position; ``score_SLUG``, float32, for each
        cover type; ``cover_type``; ``probability``, float32; and ``problem``, why the row has no scores, otherwise
        None. Where a row is rejected, integer labels are ``Int64``, because they can be missing.

    Raises:
        BadDataError: A column is missing or has the wrong type, or more rows are rejected than are allowed.
    """
    schema = ensemble.schema
    layout = layouts.recognise_features(schema, [str(name) for name in frame.columns], _NAME)
    raw = _to_batch(frame, layout.feature_columns(schema))
    rejects = Rejects(max_rejects)
    try:
        arrays = canonical.canonical_columns(schema, layout, raw, 0, _NAME, rejects.add)
        rejects.require_few()
    except TooManyRejectsError as error:
        fix = "correct them, or allow some by params={'max_rejects': N}"
        raise BadDataError(error.what, where=error.where, fix=fix) from None
    good = rejects.good_rows(_NAME, 0, raw.num_rows)
    features = pa.RecordBatch.from_arrays(arrays, schema=pa.schema(layouts.feature_fields(schema)))
    rows = Rows(features.filter(pa.array(good)), np.flatnonzero(good), [], None)
    try:
        scores = ensemble.scores(rows.features, quantities.available_cores())
    except OverflowError as error:
        fix = "correct it: its values are far from those of the training data"
        raise BadDataError(str(error), where=_NAME, fix=fix) from None
    scored: pd.DataFrame = output.to_batch(ensemble, rows, (), scores, output.find_best(scores)).to_pandas()
    scored[PROBLEM] = pd.Series([None] * len(scored), dtype=object)
    if len(rejects):
        scored = _with_rejects(scored, rejects, raw.num_rows)
    return scored.set_index(frame.index)


def _to_batch(frame: pd.DataFrame, names: Sequence[str]) -> pa.RecordBatch:
    """Return columns of a data frame; BadDataError for a column whose values are of different types."""
    arrays = []
    for name in names:
        try:
            values = pa.array(frame[name], from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            fix = "convert the column to one type"
            raise BadDataError(f"column {name!r} has values of several types", where=_NAME, fix=fix) from None
        arrays.append(values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values)
    return pa.RecordBatch.from_arrays(arrays, names=list(names))


def _with_rejects(scored: pd.DataFrame, rejects: Rejects, count: int) -> pd.DataFrame:
    """Return the scored rows together with the rejected ones, which have a problem instead of scores."""
    if pd.api.types.is_integer_dtype(scored[output.COVER_TYPE]):
        scored = scored.astype({output.COVER_TYPE: "Int64"})
    every = scored.set_index(output.ROW).reindex(pd.RangeIndex(count, name=output.ROW))
    problems: dict[int, str] = {}
    for (_, row, _), reason in sorted(rejects.reasons.items()):
        problems[row] = "; ".join(filter(None, (problems.get(row), reason)))
    every[PROBLEM] = pd.Series([problems.get(row) for row in range(count)], index=every.index, dtype=object)
    return every.reset_index()
