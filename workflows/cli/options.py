"""The flags that every verb about a run shares, written once; a flag that is not given leaves the setting alone."""

from __future__ import annotations

import inspect
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from steps.core import uris
from workflows.settings import overrides

if TYPE_CHECKING:
    from collections.abc import Callable

    from workflows.settings import Settings


def _folder(text: str) -> Path:
    """Return the folder of this machine that an address names."""
    return uris.parse(text, (uris.PATH, uris.FILE), what="folder", where="--output").path


Output = Annotated[
    Path | None, typer.Option(metavar="FOLDER", parser=_folder, help="Folder of runs and cache. (default: runs)")
]
Destination = Annotated[
    str | None, typer.Option(help="Folder of runs and cache, or gs://BUCKET/PREFIX to publish there. (default: runs)")
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, all else on stderr.")]

_JOB, _PLACE = "Job", "Where it runs"

# Flag by the name of its setting: annotation as typer reads it; every default is None, which is "not given".
_FLAGS: dict[str, Any] = {
    "source": Annotated[
        str | None,
        typer.Option(
            help="builtin:, a path, gs://BUCKET/OBJECT or bq://PROJECT.DATASET.TABLE. (default: builtin:)",
            rich_help_panel=_JOB,
        ),
    ],
    "query": Annotated[
        str | None,
        typer.Option(metavar="FILE", help="SQL for BigQuery, with --source bq://PROJECT.", rich_help_panel=_JOB),
    ],
    "snapshot_time": Annotated[
        str | None, typer.Option(metavar="TIME", help="Read BigQuery as it was then.", rich_help_panel=_JOB)
    ],
    "location": Annotated[str | None, typer.Option(help="Where BigQuery runs a query.", rich_help_panel=_JOB)],
    "maximum_bytes_billed": Annotated[
        int | None,
        typer.Option(
            metavar="BYTES", help="Refuse a query that bills more, 0: never. (default: 100 GiB)", rich_help_panel=_JOB
        ),
    ],
    "cover_types": Annotated[
        str | None, typer.Option(help="Labels or slugs, by commas. (default: all)", rich_help_panel=_JOB)
    ],
    "rows": Annotated[
        int | None,
        typer.Option(help="Proportional sample of so many rows, 0: all. (default: 0)", rich_help_panel=_JOB),
    ],
    "seed": Annotated[
        int | None, typer.Option(help="Of split, search and training. (default: 0)", rich_help_panel=_JOB)
    ],
    "preset": Annotated[
        Literal["fast", "default", "thorough"] | None,
        typer.Option(help="Features and hyperparameters. (default: default)", rich_help_panel=_JOB),
    ],
    "trials": Annotated[
        int | None, typer.Option(help="Trials per cover type, 0: no search. (default: 0)", rich_help_panel=_JOB)
    ],
    "timeout": Annotated[
        int | None,
        typer.Option(help="Seconds, above 0, after which no trial starts. (default: no limit)", rich_help_panel=_JOB),
    ],
    "objective": Annotated[
        Literal["pr_auc", "f1", "logloss"] | None,
        typer.Option(help="What trials improve. (default: pr_auc)", rich_help_panel=_JOB),
    ],
    "sampler": Annotated[
        Literal["tpe", "random"] | None,
        typer.Option(help="How the next trial is chosen. (default: tpe)", rich_help_panel=_JOB),
    ],
    "space": Annotated[
        str | None, typer.Option(metavar="FILE", help="Search space of the trials (TOML).", rich_help_panel=_JOB)
    ],
    "warm_start": Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Earlier run or search, its best points first.", rich_help_panel=_JOB),
    ],
    "refit": Annotated[
        Literal["none", "validation"] | None,
        typer.Option(help="Rows the final model is trained on again besides. (default: none)", rich_help_panel=_JOB),
    ],
    "labels": Annotated[
        Literal["auto", "zero", "one"] | None,
        typer.Option(help="Where labels start. (default: auto)", rich_help_panel=_JOB),
    ],
    "on_missing": Annotated[
        Literal["fail", "drop", "keep"] | None,
        typer.Option(help="Rows with a missing value. (default: fail)", rich_help_panel=_JOB),
    ],
    "max_dropped": Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Most rows that may be dropped for a missing value. (default: 0.5)",
            rich_help_panel=_JOB,
        ),
    ],
    "duplicates": Annotated[
        Literal["keep", "drop"] | None,
        typer.Option(help="Rows equal to an earlier one. (default: keep)", rich_help_panel=_JOB),
    ],
    "schema": Annotated[str | None, typer.Option(help="Schema file of another table (TOML).", rich_help_panel=_JOB)],
    "set": Annotated[
        list[str] | None,
        typer.Option(
            metavar="STEP[.SLUG].OPTION=VALUE",
            help="An option of a step, e.g. train.max_leaves=512.",
            rich_help_panel=_JOB,
        ),
    ],
    "registry": Annotated[
        str | None,
        typer.Option(
            metavar="URI", help="Register the models there: gs://BUCKET/PREFIX or a folder.", rich_help_panel=_JOB
        ),
    ],
    "config": Annotated[
        Path | None, typer.Option(help="YAML file with any of these settings.", rich_help_panel=_JOB, readable=False)
    ],
    "pods": Annotated[
        Literal["step", "cover-type"] | None,
        typer.Option(
            help="A pod for each step, or for each cover type's chain. (default: step)", rich_help_panel=_PLACE
        ),
    ],
    "image": Annotated[str | None, typer.Option(help="Image of the steps.", rich_help_panel=_PLACE)],
    "namespace": Annotated[str | None, typer.Option(help="Kubernetes namespace.", rich_help_panel=_PLACE)],
    "study_volume": Annotated[
        str | None,
        typer.Option(
            metavar="CLAIM", help="Volume claim that keeps trials for a pod that is lost.", rich_help_panel=_PLACE
        ),
    ],
    "study_name": Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Whose trials on it to go on with. (default: the run's)",
            rich_help_panel=_PLACE,
        ),
    ],
    "service_account": Annotated[str | None, typer.Option(help="Service account of the pods.", rich_help_panel=_PLACE)],
}


def finite(value: float | None) -> float | None:
    """Refuse what is no finite number: every comparison with it is false, so that it passes any limit."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number")
    return value


def limit(value: float | None) -> float | None:
    """Refuse a limit that is not above zero: leaving the option out is the way to say that there is none."""
    if value is not None and finite(value) is not None and value <= 0:
        raise typer.BadParameter(f"{value:g} is not above 0; leave it out for no limit")
    return value


def with_settings(verb: Callable[..., int]) -> Callable[..., int]:
    """Give a verb the shared flags; it is called with ``settings`` in their place, and its own flags by name."""

    def wrapper(**values: Any) -> int:  # noqa: ANN401 - whatever the flags are
        shared = {name: values.pop(name) for name in _FLAGS}
        own_settings = {name: values.pop(name) for name in _OWN_SETTINGS if name in values}
        return verb(settings=_load({**shared, **own_settings}), **values)

    own = [parameter for parameter in inspect.signature(verb).parameters.values() if parameter.name != "settings"]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in _FLAGS.items()
    ]
    wrapper.__name__, wrapper.__doc__ = verb.__name__, verb.__doc__
    wrapper.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *shared]}
    return wrapper


# Settings that only some verbs have a flag for.
_OWN_SETTINGS = ("output", "parallel", "cache")


def _load(flags: dict[str, Any]) -> Settings:
    from workflows import settings

    config = flags.pop("config")
    if flags["set"]:
        flags["set"] = dict(overrides.split_entry(entry) for entry in flags["set"])
    return settings.load(flags, config)
