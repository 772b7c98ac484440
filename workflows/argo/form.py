"""The workflow's parameters: what a person chooses for a run, here by flags and in the Argo UI by its form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hera.workflows import Parameter

if TYPE_CHECKING:
    from workflows.settings import Settings

# In the order of the Argo UI's form: name, allowed values, description.
FORM: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("source", (), "Source table: builtin:, gs://bucket/object, bq://project.dataset.table, or a path in the pods."),
    ("snapshot-time", (), "Read BigQuery as it was then, such as 2026-11-21T09:30:00Z; empty for now."),
    ("location", (), "Where BigQuery runs a query, such as EU; empty for the table's."),
    ("maximum-bytes-billed", (), "A query that bills more bytes is refused, 0 for no limit."),
    ("rows", (), "Size of a proportional sample, 0 for all rows."),
    ("seed", (), "Seed of the split, the search and the training."),
    ("preset", ("fast", "default", "thorough"), "How much time to spend for how good a model."),
    ("trials", (), "Hyperparameter trials per cover type, 0 for the preset's parameters."),
    ("timeout", (), "Seconds of trials after which no new one starts; empty for no limit."),
    ("objective", ("pr_auc", "f1", "logloss"), "What the trials improve on the validation rows."),
    ("sampler", ("tpe", "random"), "How the next trial is chosen."),
    ("refit", ("none", "validation"), "Rows that the final model is trained on again besides the training rows."),
    ("labels", ("auto", "zero", "one"), "Where the source's labels start counting."),
    ("on-missing", ("fail", "drop", "keep"), "What to do with a row that has a missing value."),
    ("max-dropped", (), "Largest share of the rows that may be dropped for a missing value, 0 to 1."),
    ("duplicates", ("keep", "drop"), "What to do with a row that is equal to an earlier one."),
)


def parameters(settings: Settings) -> list[Parameter]:
    """Return the parameters with the values of the settings."""
    values = {name: "" if value is None else str(value) for name, value in settings.model_dump(mode="json").items()}
    return [
        Parameter(name=name, value=values[name.replace("-", "_")], enum=list(enum) or None, description=description)
        for name, enum, description in FORM
    ]
