"""The command line that makes the datasets or the models of a version again, and the comparison of the models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from steps import schema as schemas
from steps import tables
from steps.bundles import folder as bundle
from steps.core import storage
from steps.core.errors import BadDataError, UsageError
from steps.core.options import declared
from steps.options.train import Hyperparameters
from steps.registry.paths import PROFILE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from steps.provenance.evidence import Evidence

# Options of ``prepare`` that have effects outside of its files, or name a file that is not there any more.
_NOT_REPEATED = frozenset({"output", "inside-bigquery"})


@dataclass(frozen=True)
class Comparison:
    """A model that was trained again, beside the registered one.

    Attributes:
        slug: The cover type.
        booster: Whether ``model.ubj`` has the same bytes.
        preprocessor: Whether ``preprocessor.skops`` has the same bytes.
        threshold: Whether the threshold is the same.
    """

    slug: str
    booster: bool
    preprocessor: bool
    threshold: bool

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return self.booster and self.preprocessor and self.threshold


def prepare_words(evidence: Evidence, folder: Path, *, source: str, schema: str) -> list[str]:
    """Return the options of ``prepare`` that make the datasets again, below ``folder``.

    Args:
        evidence: The files of the version or run.
        folder: The folder for the datasets and ``profile.json``.
        source: The address of the source; empty for the recorded one.
        schema: The schema file, or ``covertype``.

    Raises:
        BadDataError: The options of the run were not recorded.
        UsageError: The rows came from a query, which was not recorded.
    """
    options = dict(_recorded(evidence, "prepare"))
    options["source"] = source or options["source"]
    profile = evidence.document(PROFILE)
    if options.get("inside-bigquery") or "query_sha256" in profile:
        what = "this version was made by a query or inside BigQuery, which cannot be repeated here"
        raise UsageError(what, where=evidence.name, fix="prepare the same rows as a file and give it as --source")
    return [
        *(f"--dataset={slug}={dataset_of(folder, slug)}" for slug in profile.get("datasets", evidence.slugs)),
        f"--profile={folder / PROFILE}",
        f"--schema={schema}",
        *_words({name: text for name, text in options.items() if name not in _NOT_REPEATED}),
    ]


def training_words(evidence: Evidence, folder: Path, *, source: str, schema: str) -> list[str]:
    """Return the arguments of ``steps.pipeline`` that train all models again; arguments as for :func:`prepare_words`.

    A search is not repeated: the models are trained with the hyperparameters that it found.
    """
    words = ["--", "prepare", *prepare_words(evidence, folder, source=source, schema=schema)]
    for slug in evidence.slugs:
        own = folder / slug
        parts = {part: own / f"{part}.parquet" for part in tables.SPLITS}
        features = {f"{part}-features": own / f"{part}-features.parquet" for part in tables.SPLITS}
        fitted = own / bundle.PREPROCESSOR
        training = {name: features[name] for name in ("train-features", "validation-features")}
        ends = {"preprocessor": fitted, "model": model_of(folder, slug), "learning-curve": own / "learning-curve.json"}
        files: dict[str, Mapping[str, Path]] = {
            "split": {"dataset": dataset_of(folder, slug), **parts},
            "preprocess": {**parts, "preprocessor": fitted, **features},
            "train": {**training, **ends},
        }
        for step, paths in files.items():
            options = dict(_recorded(evidence, f"{slug}-{step}"))
            if step == "train":
                options |= _hyperparameters(evidence.metadata(slug))
            words += [
                "--",
                f"{slug}/{step}",
                *_words({name: str(path) for name, path in paths.items()}),
                *_words(options),
            ]
    return words


def dataset_of(folder: Path, slug: str) -> Path:
    """Return the path of a dataset that is made again."""
    return folder / "datasets" / f"{slug}.parquet"


def model_of(folder: Path, slug: str) -> Path:
    """Return the folder of a bundle that is made again."""
    return folder / slug / "model"


def compare_models(evidence: Evidence, folder: Path) -> list[Comparison]:
    """Compare the models that were trained again below ``folder`` with those of the version."""
    found = []
    for slug in evidence.slugs:
        stated, made = evidence.metadata(slug), bundle.check(model_of(folder, slug))
        same = {
            name: storage.sha256_file(evidence.paths[f"models/{slug}/{name}"]) == made["sha256"][name]
            for name in (bundle.MODEL, bundle.PREPROCESSOR)
        }
        same_threshold = stated["threshold"] == made["threshold"]
        found.append(Comparison(slug, same[bundle.MODEL], same[bundle.PREPROCESSOR], same_threshold))
    return found


def differing_libraries(evidence: Evidence, folder: Path) -> list[str]:
    """Return the libraries whose versions differ from the registered ones, as text, and ``code`` if that differs."""
    slug = evidence.slugs[0]
    then, now = evidence.metadata(slug), bundle.check(model_of(folder, slug))
    libraries = now["libraries"].items()
    found = [
        f"{name} {then['libraries'].get(name)} then, {it} now"
        for name, it in libraries
        if then["libraries"].get(name) != it
    ]
    return found + (["other code"] if then["code_sha256"] != now["code_sha256"] else [])


def schema_reference(evidence: Evidence, given: str) -> str:
    """Return the schema to prepare with: the given file, or ``covertype`` if that is the schema of the models.

    Raises:
        BadDataError: There is no model that can be read.
        UsageError: The models have another schema.
    """
    metadata = next((found for slug in evidence.slugs if (found := evidence.metadata(slug))), None)
    if metadata is None:
        raise BadDataError("there is no model that can be read", where=evidence.name)
    stated, trained = schemas.load(given or schemas.BUILTIN), bundle.schema_of(metadata)
    if replace(stated, slices=()) != replace(trained, slices=()):  # slices divide the test rows, and train nothing
        what = "the models were trained on a table with another schema"
        raise UsageError(what, where=f"--schema {given or schemas.BUILTIN}", fix="give the schema file of that table")
    return given or schemas.BUILTIN


def _recorded(evidence: Evidence, step: str) -> Mapping[str, str]:
    options: Mapping[str, str] | None = evidence.lineage.get("parameters", {}).get(step)
    options = options or evidence.usages().get(step, {}).get("options")
    if not options:
        what = f"the options of the step {step} were not recorded"
        raise BadDataError(
            what, where=evidence.name, fix="versions of before cannot be repeated: train and register again"
        )
    return options


def _hyperparameters(metadata: Mapping[str, Any]) -> dict[str, str]:
    stated = metadata["parameters"]
    return {each.name: each.text(stated[each.attribute]) for each in declared(Hyperparameters)}


def _words(options: Mapping[str, str]) -> Sequence[str]:
    return [f"--{name}={text}" for name, text in options.items()]
