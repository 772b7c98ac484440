"""Read and write ``test-scores.parquet``, and make it from the files of a run.

| column | content |
|---|---|
| ``row`` | position in the canonical data |
| ``cover_type`` | slug of the row's cover type; null for one without a model |
| ``score_SLUG`` | score of each model before calibration |
| ``group`` | first row with the same feature values; absent if no two rows are equal |
| others | the part of each row for every slice of the schema (``steps.tables.slices``) |

The footer has the digest of the data and of the test rows, the seed, and threshold and calibration of each model.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from steps import tables
from steps.bundles import folder as bundle
from steps.comparison.score_table import NoCommonRowsError, Slice, TestScores, common_rows
from steps.core import storage
from steps.core.errors import BadDataError
from steps.models import metrics, multiclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow.parquet as pq
    from numpy.typing import NDArray


__all__ = [
    "FILE",
    "NoCommonRowsError",
    "Slice",
    "TestScores",
    "assemble_test_scores",
    "common_rows",
    "first_rows",
    "read_test_scores",
    "write_test_scores",
]

FILE = "test-scores.parquet"
_KEY = b"covertype-test-scores"
_FORMAT = 1
_TRUTH, _SCORE = "cover_type", "score_"
_CATEGORY = pa.dictionary(pa.int16(), pa.string())


def assemble_test_scores(models: Mapping[str, Path], scores: Mapping[str, Path]) -> TestScores:
    """Return the scores of a run as one table.

    Args:
        models: The folder of each bundle by slug. Its metadata has threshold, calibration, seed and schema.
        scores: The scores of each model by slug, from ``evaluate``. Those of an earlier release have neither groups nor
            slices; every row is then a group of its own.

    Raises:
        BadDataError: The files do not belong together.
        NoInputError: A file does not exist.
    """
    facts = {slug: bundle.check(folder) for slug, folder in models.items()}
    schema = bundle.schema_of(next(iter(facts.values())))
    slugs = tuple(slug for slug in schema.slugs if slug in facts)
    joined, rows = multiclass.join_each(
        slugs,
        (_read_scored(scores[slug], slug, facts[slug]["data_sha256"]) for slug in slugs),
        complete=slugs == schema.slugs,
    )
    ours = (tables.ROW, tables.LABEL, tables.SCORE, tables.GROUP)
    with tables.open_parquet(scores[slugs[0]]) as file:
        names = file.schema_arrow.names
        slices = {name: _decode_slice(_read_column(file, name)) for name in names if name not in ours}
        groups = first_rows(_read_column(file, tables.GROUP).to_numpy(), rows) if tables.GROUP in names else rows
    found = TestScores(
        slugs=slugs,
        rows=rows,
        truth=joined.truth,
        scores=joined.scores,
        groups=groups,
        thresholds=tuple(float(facts[slug]["threshold"]) for slug in slugs),
        calibrations=tuple(metrics.calibration_of(facts[slug]) for slug in slugs),
        data_sha256=facts[slugs[0]]["data_sha256"],
        seed=int(facts[slugs[0]].get("seed", 0)),
        slices=slices,
    )
    if (rows[1:] > rows[:-1]).all():
        return found
    return found.take(np.argsort(rows, kind="stable"), slugs)


def _read_column(file: pq.ParquetFile, name: str) -> pa.ChunkedArray:
    """Read one column: all of them at once, and as they are needed, would be in memory twice."""
    return file.read(columns=[name], use_threads=False).column(name)


def first_rows(hashes: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the smallest row with the same hash, for each row. Few rows have one, and only these are grouped."""
    ordered = np.sort(hashes)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    del ordered
    if not len(repeated):
        return rows
    repeated = np.unique(repeated)
    group = np.searchsorted(repeated[:-1], hashes)  # a hash after the last one is compared with the last one
    shared = np.flatnonzero(repeated[group] == hashes)
    group = group[shared]
    first = np.full(len(repeated), np.iinfo(np.int64).max)
    np.minimum.at(first, group, rows[shared])
    found = rows.copy()
    found[shared] = first[group]
    return found


def _read_scored(path: Path, slug: str, data_sha256: str) -> multiclass.Scored:
    metadata = tables.read_metadata(path)
    if (metadata.cover_type, metadata.data_sha256) != (slug, data_sha256):
        fix = "give the files of one run"
        raise BadDataError(f"these are not scores of the model of {slug!r}", where=str(path), fix=fix)
    table = tables.read_table(path, [tables.ROW, tables.LABEL, tables.SCORE])
    return multiclass.Scored(*(column.to_numpy() for column in table.columns))


def write_test_scores(path: Path, scores: TestScores) -> None:
    """Write ``test-scores.parquet``; equal scores give equal bytes. The file appears whole or not at all."""
    columns: dict[str, pa.Array] = {
        tables.ROW: pa.array(scores.rows),
        _TRUTH: _to_dictionary(scores.slugs, np.where(scores.truth < len(scores.slugs), scores.truth, -1)),
        **{f"{_SCORE}{slug}": pa.array(values) for slug, values in zip(scores.slugs, scores.scores, strict=True)},
    }
    if not np.array_equal(scores.groups, scores.rows):
        columns[tables.GROUP] = pa.array(scores.groups)
    columns |= {name: _to_dictionary(each.values, each.codes) for name, each in scores.slices.items()}
    facts = {
        "format": _FORMAT,
        "data_sha256": scores.data_sha256,
        "test_rows_sha256": scores.test_rows_sha256,
        "seed": scores.seed,
        "thresholds": dict(zip(scores.slugs, scores.thresholds, strict=True)),
        "calibrations": dict(zip(scores.slugs, scores.calibrations, strict=True)),
    }
    batch = pa.RecordBatch.from_pydict(columns)
    fields = batch.schema.with_metadata({_KEY: json.dumps(facts).encode()})
    with tables.open_writer(path, fields) as writer:
        writer.write(batch.cast(fields))


def _to_dictionary(values: tuple[str, ...], codes: NDArray[Any]) -> pa.Array:
    indices = pa.array(codes.astype(np.int16), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(values, pa.string()))


def read_test_scores(path: Path) -> TestScores:
    """Read ``test-scores.parquet``.

    Raises:
        NoInputError: The file does not exist.
        BadDataError: The file is damaged, or it is not a table of test scores.
    """
    with tables.open_parquet(path) as file:
        raw = (file.schema_arrow.metadata or {}).get(_KEY)
        try:
            if raw is None:
                raise ValueError(f"the footer has no {_KEY.decode()}")  # noqa: TRY301 - one message for all problems
            found, digest = _decode(file, storage.parse_json(raw))
            if problem := _find_problem(found, digest):
                raise ValueError(problem)  # noqa: TRY301 - as above
        except (ValueError, KeyError, TypeError, AttributeError, pa.ArrowException) as error:
            fix = "run `verify` on this version, or register the run again"
            text = " ".join(str(error).split())  # Arrow passes on messages of several lines
            raise BadDataError(f"not a table of test scores ({text})", where=str(path), fix=fix) from None
    return found


def _decode(file: pq.ParquetFile, facts: dict[str, Any]) -> tuple[TestScores, str]:
    """Return the scores and the digest of the test rows that the footer states."""
    if facts["format"] != _FORMAT:
        raise ValueError(f"format {facts['format']!r} is unknown")
    slugs, names = tuple(facts["thresholds"]), file.schema_arrow.names
    rows = _read_column(file, tables.ROW).cast(pa.int64()).to_numpy()
    truth = _to_codes(_read_column(file, _TRUTH), slugs).astype(np.int64)
    truth[truth < 0] = len(slugs)
    values = np.empty((len(slugs), len(rows)), np.float32)
    for row, slug in zip(values, slugs, strict=True):
        row[:] = _read_column(file, f"{_SCORE}{slug}").cast(pa.float32()).to_numpy()
    ours = {tables.ROW, _TRUTH, tables.GROUP, *(f"{_SCORE}{slug}" for slug in slugs)}
    scores = TestScores(
        slugs=slugs,
        rows=rows,
        truth=truth,
        scores=values,
        groups=_read_column(file, tables.GROUP).cast(pa.int64()).to_numpy() if tables.GROUP in names else rows,
        thresholds=tuple(float(facts["thresholds"][slug]) for slug in slugs),
        calibrations=tuple((float(a), float(b)) for a, b in (facts["calibrations"][slug] for slug in slugs)),
        data_sha256=str(facts["data_sha256"]),
        seed=int(facts["seed"]),
        slices={name: _decode_slice(_read_column(file, name)) for name in names if name not in ours},
    )
    return scores, facts["test_rows_sha256"]


def _decode_slice(column: pa.ChunkedArray) -> Slice:
    whole = column.cast(_CATEGORY).combine_chunks()
    values = tuple(whole.dictionary.to_pylist()) if isinstance(whole, pa.DictionaryArray) else ()
    return Slice(values, whole.indices.fill_null(-1).to_numpy().astype(np.int16))


def _to_codes(column: pa.ChunkedArray, values: tuple[str, ...]) -> NDArray[np.int16]:
    """Return the position of each value in ``values``, -1 for null; ValueError for another value."""
    found = _decode_slice(column)
    if strange := set(found.values) - set(values):
        raise ValueError(f"{min(strange)!r} is not a cover type of the footer")
    position = np.array([*(values.index(value) for value in found.values), -1], np.int16)
    return position[found.codes]


def _find_problem(scores: TestScores, digest: str) -> str:
    """Return what is wrong with scores that were read; an empty string if nothing is."""
    if not len(scores.rows):
        return "there are no rows"
    if (scores.rows[1:] <= scores.rows[:-1]).any():
        return "the rows are not in ascending order"
    if not all(((values >= 0) & (values <= 1)).all() for values in scores.scores):
        return "a score is not between 0 and 1"
    return "" if scores.test_rows_sha256 == digest else "the digest of the test rows does not match"
