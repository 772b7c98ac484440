"""The files of a version or of a run, with what is wrong with each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from steps.bundles import folder as bundle
from steps.comparison.scores import FILE as SCORES
from steps.comparison.scores import assemble_test_scores, read_test_scores
from steps.core import storage
from steps.core.errors import BadDataError, NoInputError
from steps.registry.paths import REPORT_JSON, version_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from steps.comparison.scores import TestScores
    from steps.registry.destinations import Destination
    from steps.registry.manifest import Manifest

# Files of a run that a version does not have: the scores of one model, and its dataset.
MODEL_SCORES, DATASET = "scores/{slug}", "datasets/{slug}"

# Beside the folders of the models there is their prepared forest, models/forest.bin.
_DEPTH_OF_FOREST = 2


@dataclass(frozen=True)
class Evidence:
    """What is known about a version or a run.

    Attributes:
        name: The name of the version or run.
        lineage: The lineage of a version; empty for a run.
        paths: The local path of each file that is there and undamaged, by its name in a version.
        problems: What is wrong with the other files, by name.
        registered: Whether this is a version of a registry.
    """

    name: str
    lineage: Mapping[str, Any]
    paths: Mapping[str, Path]
    problems: Mapping[str, str] = field(default_factory=dict)
    registered: bool = True

    def document(self, name: str) -> dict[str, Any]:
        """Return a JSON object; an empty one if the file is missing or damaged, which :meth:`wrong` reports."""
        try:
            found = storage.read_json(self.paths[name])
        except (KeyError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def wrong(self, *names: str) -> Iterator[str]:
        """Yield what is wrong with files that must be there."""
        for name in names:
            if name in self.problems:
                yield f"{name}: {self.problems[name]}"
            elif name not in self.paths:
                yield f"{name} is missing"
            elif name.endswith(".json") and not self.document(name):
                yield f"{name} is not a JSON object"

    @property
    def slugs(self) -> list[str]:
        """The cover types with a model, sorted."""
        names = [name.split("/") for name in (*self.paths, *self.problems)]
        return sorted({parts[1] for parts in names if parts[0] == "models" and len(parts) > _DEPTH_OF_FOREST})

    def metadata(self, slug: str) -> dict[str, Any]:
        """Return ``metadata.json`` of a model; empty if it is missing or damaged."""
        return self.document(f"models/{slug}/{bundle.METADATA}")

    def usages(self) -> dict[str, dict[str, Any]]:
        """Return the usage of each step by its name in the run, as the report has them."""
        return {use["name"]: use for use in self.document(REPORT_JSON).get("steps", [])}

    def test_scores(self) -> TestScores | None:
        """Return the scores of all models on the test rows; None if they are not stored.

        Raises:
            BadDataError: They are damaged, or do not belong together.
        """
        if SCORES in self.paths:
            return read_test_scores(self.paths[SCORES])
        scores = {slug: MODEL_SCORES.format(slug=slug) for slug in self.slugs}
        if SCORES in self.problems or not scores or not self.paths.keys() >= set(scores.values()):
            return None
        models = {slug: self.paths[f"models/{slug}/{bundle.MODEL}"].parent for slug in scores}
        return assemble_test_scores(models, {slug: self.paths[name] for slug, name in scores.items()})


def collect_version(registry: Destination, version: str, manifest: Manifest, folder: Path) -> Evidence:
    """Fetch the files of a version one by one, and note which of them are not the published ones.

    Args:
        registry: The registry.
        version: The name of the version.
        manifest: Its manifest.
        folder: An empty folder for the files.
    """
    destination, paths, problems = registry.below(version_path(version)), {}, {}
    for entry in manifest.files:
        try:
            destination.download(entry, folder / entry.name)
        except BadDataError as error:
            problems[entry.name] = error.what
        except NoInputError:
            problems[entry.name] = "it is listed in the manifest and missing"
        else:
            paths[entry.name] = folder / entry.name
    return Evidence(version, manifest.metadata, paths, problems)
