"""Inputs and outputs of each step: its artifacts and parameters, by the names of the options of its command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steps import PREDICT
from steps.core import uris
from steps.options import Scope, options_of
from steps.registry.paths import METRICS, PROFILE, REPORT_HTML, REPORT_JSON
from workflows.argo.step import Slot, Step
from workflows.contract import CREATED, task_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from steps.options.predict import PredictOptions

CHAIN = ("split", "preprocess", "tune", "train", "evaluate")


def form_parameters(step: str) -> dict[str, None]:
    """Return the parameters of a step that its task takes from the parameters of the workflow; None: no default."""
    return dict.fromkeys(option.name for option in options_of(step, Scope.FORM))


# Fixed, not a guess from the machine: the number of cover types at work is what fills the cores.
THREADS = "1"
USAGE = Slot("usage", "usage.json")
_SCORES = "scores.parquet"
# The record of the rows that a run uses, from which a comparison on a reference table knows them.
FINGERPRINTS = Slot("fingerprints", "row-fingerprints.parquet")
# The finished trials of a search, from which an interrupted search is resumed.
STUDY = Slot("study", "study.jsonl")


def source_file(name: str, stored: Mapping[str, Mapping[str, str]]) -> Slot:
    """Return the input of ``prepare`` for a source that is a file in the artifact repository.

    Args:
        name: name of the file, whose ending tells its kind.
        stored: its place, see ``Slot``.
    """
    return Slot("source-file", name, stored=stored)


def prepare(slugs: Sequence[str], table_schema: Slot, files: Sequence[Slot] = ()) -> Step:
    """Return the step that makes one dataset per cover type.

    Args:
        slugs: the cover types.
        table_schema: the schema of the source.
        files: the SQL that selects the rows, the file of a source that was uploaded.
    """
    return Step(
        "prepare",
        inputs=[table_schema, *files],
        outputs=[
            *(Slot(f"dataset-{slug}", f"{slug}.parquet", option="dataset", key=slug) for slug in slugs),
            Slot("profile", PROFILE),
            FINGERPRINTS,
            USAGE,
        ],
        parameters=form_parameters("prepare"),
        values=["summary"],
        source_parameters=["source"],
    )


CHAIN_STEPS = {
    "split": Step(
        "split",
        inputs=[Slot("dataset", "dataset.parquet")],
        outputs=[
            Slot("train", "train.parquet"),
            Slot("validation", "validation.parquet"),
            Slot("test", "test.parquet"),
            USAGE,
        ],
        parameters=form_parameters("split"),
    ),
    "preprocess": Step(
        "preprocess",
        inputs=[Slot("train", "train.parquet"), Slot("validation", "validation.parquet"), Slot("test", "test.parquet")],
        outputs=[
            Slot("preprocessor", "preprocessor.skops"),
            Slot("train-features", "train.parquet"),
            Slot("validation-features", "validation.parquet"),
            Slot("test-features", "test.parquet"),
            USAGE,
        ],
        parameters=form_parameters("preprocess"),
    ),
    "tune": Step(
        "tune",
        inputs=[Slot("train-features", "train.parquet"), Slot("validation-features", "validation.parquet")],
        outputs=[Slot("best-parameters", "best-parameters.json"), Slot("trial-table", "trials.json"), STUDY, USAGE],
        parameters={**form_parameters("tune"), "threads": THREADS},
        # A run that asks for more trials or more time resumes the study.
        continues=[STUDY.name],
        continues_despite=["trials", "timeout"],
        values=["outcome"],
        on_gpu={"device": "cuda"},
    ),
    "train": Step(
        "train",
        inputs=[
            Slot("train-features", "train.parquet"),
            Slot("validation-features", "validation.parquet"),
            Slot("preprocessor", "preprocessor.skops"),
            Slot("parameters", "parameters.json", optional=True),
        ],
        outputs=[Slot("model", "model"), Slot("learning-curve", "learning-curve.json"), USAGE],
        parameters={**form_parameters("train"), "threads": THREADS},
        values=["fit"],
        on_gpu={"device": "cuda"},
    ),
    "evaluate": Step(
        "evaluate",
        inputs=[Slot("model", "model"), Slot("test-features", "test.parquet")],
        outputs=[Slot("metrics", METRICS), Slot("scores", _SCORES), USAGE],
        parameters={"threads": THREADS},
        values=["summary", "f1", "pr-auc"],
    ),
}
# Outputs of a per-cover-type pipeline that the report reads, each with the option of the report that takes it.
REPORTED = {name: name for name in ("metrics", "scores", "learning-curve", "trial-table")} | {
    f"usage-{step}": "step-usage" for step in CHAIN
}


def report(slugs: Sequence[str], table_schema: Slot) -> Step:
    """Return the step that reports on all cover types; it fails if one of them is missing."""
    per_cover_type = [
        Slot(
            f"{name}-{slug}",
            f"{name}.json" if name != "scores" else _SCORES,
            option=option,
            key=task_name(slug, name.removeprefix("usage-")) if option == "step-usage" else slug,
            optional=True,
        )
        for slug in slugs
        for name, option in REPORTED.items()
    ]
    return Step(
        "report",
        inputs=[
            table_schema,
            Slot("profile", PROFILE),
            Slot("usage-prepare", USAGE.file, option="step-usage", key="prepare"),
            *per_cover_type,
        ],
        outputs=[
            Slot("report", REPORT_HTML, option="html", drawn=True),
            Slot("json", REPORT_JSON, drawn=True),
            USAGE,
        ],
        parameters={"seed": None, "preset": None},
        fixed=[f"--cover-type={slug}" for slug in slugs],
        values=["summary", "accuracy", "macro-f1", "worst-class"],
    )


def register(slugs: Sequence[str], registry: str, revision: str, policy: Slot | None = None) -> Step:
    """Return the step that registers the models of a finished run as a new version.

    Args:
        slugs: the cover types.
        registry: address of the registry.
        revision: git revision of the code.
        policy: the conditions for a new champion; None for the default ones.
    """
    return Step(
        "register",
        inputs=[
            # A report that succeeded implies that all are there. Argo knows only that a failed pipeline has none.
            *(Slot(f"model-{slug}", "model", option="model", key=slug, optional=True) for slug in slugs),
            *(Slot(f"metrics-{slug}", METRICS, option="metrics", key=slug, optional=True) for slug in slugs),
            *(Slot(f"scores-{slug}", _SCORES, option="scores", key=slug, optional=True) for slug in slugs),
            Slot("profile", PROFILE),
            Slot("report-html", REPORT_HTML),
            Slot("report-json", REPORT_JSON),
            FINGERPRINTS,
            *([policy] if policy else []),
        ],
        outputs=[
            Slot("registration", "registration.json"),
            Slot("decision", "decision.html", drawn=True),
            USAGE,
        ],
        parameters={"registry": registry, "code-revision": revision},
        values=["summary"],
        publishes=True,
    )


# Output artifacts of ``predict``, which `fetch` downloads. Those of a training run have other names.
PREDICTION_FILES = PREDICTIONS, REJECTS, PREDICTION_METRICS, DRIFT = (
    "predictions",
    "rejects",
    "prediction-metrics",
    "drift",
)


def input_file(name: str, stored: Mapping[str, Mapping[str, str]]) -> Slot:
    """Return the input of ``predict`` for a table that is a file in the artifact repository.

    Args:
        name: name of the file, whose ending tells its kind.
        stored: its place, see ``Slot``.
    """
    return Slot("input", name, stored=stored)


def predict(options: PredictOptions, *, threads: str, input_file: Slot | None = None, public_key: str = "") -> Step:
    """Return the step that scores a table.

    Scores and rejects whose address is a path become artifacts, because nothing else of the pod is kept.

    Args:
        options: options of the step.
        threads: number of threads.
        input_file: the file of the input, if it was uploaded.
        public_key: key that must have signed the version, as PEM; empty for none. It is part of the template and no
            parameter, so that whoever starts the workflow cannot leave it out.
    """
    parameters = form_parameters(PREDICT)
    inputs: list[Slot] = []
    outputs = [
        Slot(PREDICTION_METRICS, "metrics.json", option="metrics", drawn=True),
        Slot(DRIFT, "drift.html", optional=True, drawn=True),
        USAGE,
    ]
    if input_file:
        inputs.append(input_file)
        del parameters["input"]
    if public_key:
        inputs.append(Slot("require-signature", "key.pub", raw=public_key))
    name = options.output.rpartition("/")[2]
    if uris.parse(options.output, uris.DESTINATIONS).local:
        outputs.insert(0, Slot(PREDICTIONS, name, option="output", drawn=True))
        del parameters["output"]
    fixed = [f"--created={{{{{CREATED}}}}}", *(["--overwrite"] if options.overwrite else [])]
    if options.rejects and not uris.parse(options.rejects, uris.DESTINATIONS).local:
        fixed.append(f"--rejects={options.rejects}")
    else:
        outputs.insert(-1, Slot(REJECTS, f"{name}.rejects.csv", optional=True, drawn=True))
    return Step(
        PREDICT,
        inputs=inputs,
        outputs=outputs,
        parameters={**parameters, "threads": threads},
        fixed=fixed,
        values=["summary"],
        # A cached result must not replace it either: an alias such as the champion names another version in time.
        publishes=True,
    )
