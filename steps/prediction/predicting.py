"""Score the rows of an input and write them, in bounded memory."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steps.core import runtime
from steps.core.errors import BadDataError
from steps.drift import findings
from steps.prediction import output, reading
from steps.prediction.training_profile import positions_in_schema

if TYPE_CHECKING:
    from pathlib import Path

    from steps.drift.counting import Counter
    from steps.prediction.judging import Judge
    from steps.prediction.models import Ensemble
    from steps.prediction.rejects import Rejects
    from steps.sources.files import Source

_SECONDS_BETWEEN_LINES = 10


@dataclass(frozen=True)
class Job:
    """What to score and how.

    Attributes:
        source: The input.
        ensemble: The models.
        keep: The columns to copy to the output, separated by commas.
        first_label: How the labels of the input are counted, see ``labels.find_offset``.
        threads: The number of threads.
        facts: Metadata of the output.
        counter: Counts the rows to find drift; None if it is not measured.
    """

    source: Source
    ensemble: Ensemble
    keep: str
    first_label: str
    threads: int
    facts: dict[str, str]
    counter: Counter | None = None


def predict(job: Job, target: Path, rejects: Rejects) -> dict[str, Any]:
    """Score all rows of an input, and write them to a file.

    Args:
        job: What to score and how.
        target: The file to write; it appears whole or not at all.
        rejects: Receives the rows that cannot be scored.

    Returns:
        The numbers of rows that were read, scored and rejected, metrics if the input has labels, and drift if it is
        measured, each None if not.

    Raises:
        BadDataError: The input is damaged, or more rows are rejected than are allowed. Nothing is written.
        UsageError: A column to copy does not exist, or has the name of a column of the output.
    """
    source, ensemble = job.source, job.ensemble
    kept = reading.kept_columns(source, job.keep)
    output.check_names(ensemble, kept)
    reading.log_unused_columns(source, kept)
    offset = reading.label_offset(source, job.first_label)
    positions = positions_in_schema(ensemble)
    judge, progress, scored = _make_judge(ensemble) if offset is not None else None, _Progress(), 0
    with ExitStack() as stack:
        writer: output.Writer | None = None
        for rows in reading.read_rows(source, kept, offset, rejects):
            try:
                scores = ensemble.scores(rows.features, job.threads)
            except OverflowError as error:
                fix = "correct the source: its values are far from those of the training data"
                raise BadDataError(str(error), where=source.name, fix=fix) from None
            best = output.find_best(scores)
            if judge and rows.codes is not None:
                judge.add(rows.codes, scores, best)
            if job.counter:
                job.counter.add(rows.features, positions[best])
            batch = output.to_batch(ensemble, rows, kept, scores, best)
            writer = writer or stack.enter_context(output.open_output(target, batch, job.facts))
            writer.write_batch(batch)
            scored += batch.num_rows
            progress.show(scored)
        if writer is None:
            raise BadDataError("there are no rows to score", where=source.name, fix="check --input")
        rejects.require_few()
    metrics = judge.metrics() if judge else None
    complete = len(positions) == len(ensemble.schema.slugs)
    drift = findings.measure(job.counter, complete=complete) if job.counter else None
    counts = {"rows": scored + len(rejects), "scored": scored, "rejected": len(rejects)}
    return {**counts, "metrics": metrics, "drift": drift}


def _make_judge(ensemble: Ensemble) -> Judge:
    from steps.prediction.judging import Judge  # imports SciPy, which a table without labels does not need

    return Judge(ensemble)


class _Progress:
    """Logs now and then how many rows are scored."""

    def __init__(self) -> None:
        self._start = self._last = time.monotonic()

    def show(self, rows: int) -> None:
        now = time.monotonic()
        if now - self._last > _SECONDS_BETWEEN_LINES:
            runtime.log(f"{rows:,} rows, {rows / (now - self._start):,.0f} rows/s")
            self._last = now
