"""An open reference table, and the scores of versions on its rows.

The table is read once, and all versions score the same batches with the code of ``predict``. The scores of all rows are
in memory: four bytes for each row, model and version.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from steps.comparison.reference import ReferenceScores, ReferenceUse, UnusableReferenceError
from steps.comparison.score_table import Slice, TestScores
from steps.comparison.scores import first_rows
from steps.core import quantities
from steps.core.errors import BadDataError, NoInputError, TransientError
from steps.io import open_source
from steps.prediction.models import read_ensemble
from steps.reference.fitted_rows import read_fitted_rows
from steps.reference.rows import Counts, LabelledRows, RowFacts, read_labelled_rows, require_labels
from steps.sources.reading import Reading
from steps.tables.slices import part_names, slices_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from steps.comparison.reference import VersionFiles
    from steps.prediction.models import Ensemble
    from steps.reference.fitted_rows import FittedRows
    from steps.schema import Schema
    from steps.sources.files import Source


@dataclass(frozen=True)
class OpenTable:
    """An open reference table; it is one of ``steps.comparison.reference.ReferenceTable``.

    Attributes:
        location: The address.
        source: The rows.
        label_offset: The number to add to its labels.
    """

    location: str
    source: Source
    label_offset: int

    @cached_property
    def sha256(self) -> str:
        """The digest of the file, or of the digests of several files."""
        return self.source.sha256()

    def score(self, versions: Sequence[VersionFiles], minimum_positive: int) -> ReferenceScores:
        """Score the rows that no version was fitted on; see ``steps.comparison.reference.ReferenceTable``."""
        ensembles = [read_ensemble(version.models) for version in versions]
        for version, ensemble in zip(versions, ensembles, strict=True):
            if _layout(ensemble.schema) != _layout(self.source.schema):
                names = " and ".join(each.name for each in versions)
                what = f"version {version.name} has other columns or cover types"
                raise UnusableReferenceError(what, where=names, fix="compare versions with the same schema")
        fitted = [read_fitted_rows(version) for version in versions]
        counts = Counts([0] * len(versions))
        scores = self._score_rows(ensembles, fitted, counts)
        use = ReferenceUse(
            self.location,
            self.sha256,
            counts.rows,
            len(scores[0].rows),
            counts.without_label,
            counts.left_out,
            {
                version.name: None if known is None else count
                for version, known, count in zip(versions, fitted, counts.fitted, strict=True)
            },
        )
        _require_positive(scores[0], use, minimum_positive)
        return ReferenceScores(scores, use)

    def check_rows(self, ensemble: Ensemble) -> None:
        """Read every row and compute its features, so that a row that cannot be scored is found early.

        Half a million rows take a third of a second.

        Args:
            ensemble: The models that will score the rows.

        Raises:
            BadDataError: A row has an unusable value, or there is no row.
        """
        self._read_rows([], Counts([]), lambda rows: ensemble.features(rows.features))

    def _read_rows(
        self, fitted: Sequence[FittedRows | None], counts: Counts, use: Callable[[LabelledRows], object]
    ) -> None:
        """Call ``use`` with each batch of rows that no version was fitted on."""
        for rows in read_labelled_rows(self.source, self.label_offset, fitted, counts):
            try:
                use(rows)
            except OverflowError as error:
                fix = "correct the reference table: its values are far from those of the training data"
                raise BadDataError(str(error), where=self.source.name, fix=fix) from None
        if not counts.rows:
            raise BadDataError("the reference table has no rows", where=self.source.name, fix="give a table with rows")

    def _score_rows(
        self, ensembles: Sequence[Ensemble], fitted: Sequence[FittedRows | None], counts: Counts
    ) -> tuple[TestScores, ...]:
        threads, parts = quantities.available_cores(), list[RowFacts]()
        scores: list[list[NDArray[np.float32]]] = [[] for _ in ensembles]

        def score(rows: LabelledRows) -> None:
            for own, ensemble in zip(scores, ensembles, strict=True):
                own.append(ensemble.scores(rows.features, threads))
            parts.append(rows.facts)

        digest = self.sha256
        self._read_rows(fitted, counts, score)
        if self.source.sha256() != digest:
            what = "the reference table changed while it was read"
            raise TransientError(what, where=self.source.name, fix="run again")
        return tuple(self._to_scores(ensemble, parts, scores[at]) for at, ensemble in enumerate(ensembles))

    def _to_scores(
        self, ensemble: Ensemble, parts: Sequence[RowFacts], scores: list[NDArray[np.float32]]
    ) -> TestScores:
        """Return the scores of a version. The digest of the table stands for that of the data."""
        schema = ensemble.schema
        slugs = tuple(cover_type.slug for cover_type in ensemble.cover_types)
        truths = np.array([slugs.index(slug) if slug in slugs else len(slugs) for slug in schema.slugs], np.int64)
        rows = np.concatenate([part.positions for part in parts])
        joined = np.concatenate(scores, axis=1)
        scores.clear()
        return TestScores(
            slugs=slugs,
            rows=rows,
            truth=truths[np.concatenate([part.codes for part in parts])],
            scores=joined,
            groups=first_rows(np.concatenate([part.hashes for part in parts]), rows),
            thresholds=ensemble.thresholds,
            calibrations=tuple((float(slope), float(intercept)) for slope, intercept in ensemble.calibrations),
            data_sha256=self.sha256,
            seed=0,
            slices={
                each.name: Slice(part_names(schema, each), np.concatenate([part.parts[at] for part in parts]))
                for at, each in enumerate(slices_of(schema))
            },
        )


@contextmanager
def open_table(location: str, schema: Schema) -> Iterator[OpenTable]:
    """Open a reference table by its address, which is one that ``predict`` reads.

    Args:
        location: The address.
        schema: The schema of the versions.

    Raises:
        BadDataError: The table has no labels, or not the columns of the schema.
        PipelineError: As for ``steps.io.open_source``.
    """
    with ExitStack() as stack:
        try:
            source = stack.enter_context(open_source(location, schema, Reading(), labelled=False))
        except NoInputError as error:
            raise NoInputError(error.what, where=error.where, fix="check the address of the reference table") from None
        yield OpenTable(location, source, require_labels(source))


def _layout(schema: Schema) -> tuple[object, ...]:
    """Return what two versions must have in common to score the same rows."""
    columns = [(column.name, column.dtype, column.values) for column in schema.columns]
    return schema.target, columns, schema.slugs, [cover_type.label for cover_type in schema.cover_types]


def _require_positive(scores: TestScores, use: ReferenceUse, minimum: int) -> None:
    """Raise UnusableReferenceError if a cover type has fewer rows than ``minimum``."""
    counts = np.bincount(scores.truth, minlength=len(scores.slugs))
    for slug, count in zip(scores.slugs, counts, strict=False):  # a cover type without a model may come after them
        if count < minimum:
            what = f"the reference table has {count:,} usable rows of {slug}, at least {minimum:,} are needed"
            fix = "take a larger table, with rows that no version was fitted on"
            raise UnusableReferenceError(what, where=use.describe(), fix=fix)
