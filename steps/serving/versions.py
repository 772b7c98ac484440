"""The models that answer: loaded from a run or a version, checked and warm, and replaced when an alias moves.

Each worker reads the alias by itself. A version is loaded in a thread while the one before still answers, its files
are compared with their checksums, and a row is scored. Then one assignment makes it the version that answers. A
version that cannot be loaded is refused, and tried again later.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from steps.bundles import folder as bundle
from steps.core import storage
from steps.core.errors import BadDataError, PipelineError, renamed
from steps.core.redaction import redact
from steps.prediction import output
from steps.prediction.models import read_ensemble
from steps.registry import aliases, publishing
from steps.registry.paths import version_path
from steps.schema.dtypes import value_range
from steps.serving import documents
from steps.serving.documents import Documents
from steps.serving.encoding.plain_rows import PlainRows
from steps.serving.encoding.plain_tables import PlainTables
from steps.serving.explainer import Explainer
from steps.serving.schema_changes import find_changes
from steps.sources import layouts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from steps.prediction.models import Ensemble
    from steps.registry.destinations import Destination
    from steps.schema import Column, Schema
    from steps.serving.monitoring.metrics import Metrics

    Fetch = Callable[[Destination, str, Path], None]
    Load = Callable[[Destination, str], "ServedModel"]

_LONGEST_PAUSE = 300.0


@dataclass(frozen=True, eq=False)
class ServedModel:
    """The models that answer, which never change: a new version is another object.

    Attributes:
        version: The name of the version or run.
        ensemble: The models.
        digests: The SHA-256 of each model file by slug.
        plain: The fast path from JSON rows to features.
        tables: The fast path from tables to features.
        loaded: When they were ready, in seconds since 1970.
        seconds: How long loading took.
        documents: The report, the model card and the training profile.
        explainer: What explains scores; None if that is not switched on.
    """

    version: str
    ensemble: Ensemble
    digests: Mapping[str, str]
    plain: PlainRows
    tables: PlainTables
    seconds: float
    loaded: float = field(default_factory=time.time)
    documents: Documents = field(default_factory=Documents)
    explainer: Explainer | None = None

    @property
    def name(self) -> str:
        """The name of the model in URLs: that of the schema."""
        return self.ensemble.schema.name

    @property
    def schema(self) -> Schema:
        """The schema of the table that the models were trained on."""
        return self.ensemble.schema

    @property
    def drift(self) -> str:
        """Whether drift can be measured, for the log."""
        known = self.documents.reference is not None
        return "measured" if known else "not measured: there is no profile of the training rows beside the models"

    def facts(self) -> dict[str, Any]:
        """Return what is known about the models, as plain JSON values."""
        return {"version": self.version, "engine": self.ensemble.engine, "sha256": dict(self.digests)}


def load_folder(folder: Path, version: str, explained_rows: int = 0) -> ServedModel:
    """Load the models in a folder of bundles, compare their checksums, and score a row with them.

    Args:
        folder: The folder.
        version: The name of the version or run.
        explained_rows: The largest number of rows of a request to explain; 0: scores are not explained.

    Raises:
        NoInputError: There is no bundle.
        BadDataError: A bundle is damaged, or the models cannot score a row.
    """
    begun = time.monotonic()
    ensemble = read_ensemble(folder)
    digests = {
        cover_type.slug: storage.read_json(folder / cover_type.slug / bundle.METADATA)["sha256"][bundle.MODEL]
        for cover_type in ensemble.cover_types
    }
    _warm(ensemble, folder)
    explainer = Explainer(folder, ensemble, explained_rows) if explained_rows else None
    beside = documents.read_documents(folder, ensemble)
    fast_paths = PlainRows(ensemble), PlainTables(ensemble)
    return ServedModel(
        version, ensemble, digests, *fast_paths, time.monotonic() - begun, documents=beside, explainer=explainer
    )


def load_version(
    registry: Destination, version: str, fetch: Fetch | None = None, explained_rows: int = 0
) -> ServedModel:
    """Load a version of a registry. Its files are compared with the checksums of its manifest.

    Args:
        registry: The registry.
        version: The name of the version.
        fetch: What writes the files; None for :func:`fetch_files`.
        explained_rows: As for :func:`load_folder`.

    Raises:
        NoInputError: There is no such version.
        BadDataError: A file is not the one that was published, or as for :func:`load_folder`.
    """
    with tempfile.TemporaryDirectory(prefix="covertype-serve-") as temporary:
        folder = Path(temporary) / "version"
        (fetch or fetch_files)(registry, version, folder)
        with renamed(folder, registry.below(version_path(version)).location):
            return load_folder(folder / "models", version, explained_rows)


def fetch_files(registry: Destination, version: str, folder: Path) -> None:
    """Write the files of a version that a server needs to a new folder: the bundles, and the documents beside them."""
    wanted = registry.below(version_path(version))
    published = {each.name for each in publishing.read_manifest(wanted).files}
    names = {name for name in published if bundle.is_scoring_file(name) or name in documents.NAMES}
    publishing.fetch(wanted, folder, names)


def _warm(ensemble: Ensemble, folder: Path) -> None:
    """Score a row of ordinary values, so that the first request finds everything compiled and imported."""
    row = {column.name: ordinary_value(column) for column in ensemble.schema.columns}
    fields = pa.schema(layouts.feature_fields(ensemble.schema))
    scores = ensemble.scores(pa.RecordBatch.from_pylist([row], schema=fields), 1)
    probability = output.find_probability(ensemble, scores, output.find_best(scores))
    if not (np.isfinite(scores).all() and np.isfinite(probability).all()):
        raise BadDataError("the models give no number for a row", where=str(folder), fix="train again")


def ordinary_value(column: Column) -> float | str:
    """Return a value in the middle of a column's range, or its first category."""
    if column.categorical:
        return column.values[0]
    low, high = value_range(column.dtype)
    least = low if column.minimum is None else column.minimum
    most = high if column.maximum is None else column.maximum
    whole = not column.dtype.startswith("float")
    if column.minimum is None or column.maximum is None:
        return min(max(0, least), most)
    return (int(least) + int(most)) // 2 if whole else (least + most) / 2


@dataclass(frozen=True)
class Refused:
    """A version that was refused.

    Attributes:
        version: Its name; None if the alias could not be read.
        reason: Why, in one line without secrets.
        when: When, in seconds since 1970.
        failures: How often in a row.
    """

    version: str | None
    reason: str
    when: float
    failures: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return {"version": self.version, "reason": self.reason, "when": self.when, "failures": self.failures}


class Holder:
    """The models that answer.

    Args:
        model: The models to begin with.
        metrics: The metrics that show them.

    Attributes:
        model: The models. A request takes them once, and uses them to its end.
        refused: The version that was refused last, None after a success.
    """

    def __init__(self, model: ServedModel, metrics: Metrics) -> None:
        self.model, self._metrics = model, metrics
        self.refused: Refused | None = None
        metrics.show_version(model.version, model.loaded)

    def swap(self, model: ServedModel) -> str:
        """Let other models answer, and return the version that answered before."""
        previous, self.model = self.model.version, model
        self.forget_refusal()
        self._metrics.show_version(model.version, model.loaded, previous)
        return previous

    def refuse(self, version: str | None, reason: str) -> Refused:
        """Record a version that was refused, and return the record, whose reason shows no secret."""
        again = self.refused is not None and self.refused.version == version
        failures = self.refused.failures + 1 if again and self.refused else 1
        if not again:
            self.forget_refusal()
        self.refused = Refused(version, redact(" ".join(reason.split())), time.time(), failures)
        self._metrics.show_refused_version(version)
        return self.refused

    def forget_refusal(self) -> None:
        """Record that the alias names a version that answers."""
        if self.refused is not None:
            self._metrics.show_refused_version(self.refused.version, failed=False)
            self.refused = None


class Reloader:
    """Reads an alias again and again, and loads the version that it names.

    Args:
        holder: The models that answer.
        registry: The registry.
        alias: The name of the alias.
        seconds: The time between two reads.
        log: Called with what happened.
        load: What loads a version; None for :func:`load_version`.
        accept_columns: Whether a version may answer to which clients must send other columns.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a reload needs
        self,
        holder: Holder,
        registry: Destination,
        alias: str,
        seconds: float,
        log: Callable[..., None],
        load: Load | None = None,
        *,
        accept_columns: bool = False,
    ) -> None:
        self._holder, self._registry, self._alias, self._accept_columns = holder, registry, alias, accept_columns
        self._seconds, self._log, self._load = seconds, log, load or load_version

    async def run(self) -> None:
        """Read the alias until the task is cancelled."""
        while True:
            await asyncio.sleep(self._pause())
            await self.look()

    def _pause(self) -> float:
        """Return how long to wait; longer and longer while a version is refused."""
        refused = self._holder.refused
        doubled = self._seconds * 2 ** min(refused.failures - 1, 20) if refused else self._seconds
        return max(self._seconds, min(doubled, _LONGEST_PAUSE))

    async def look(self) -> None:
        """Load the version that the alias names, unless it answers already."""
        version: str | None = None
        try:
            version = await asyncio.to_thread(aliases.resolve, self._registry, self._alias)
            if version == self._holder.model.version:
                self._holder.forget_refusal()
                return
            model = await asyncio.to_thread(self._load, self._registry, version)
            changes = find_changes(self._holder.model.schema, model.schema)
            if not self._accept_columns:
                changes.require_compatible(version)
        except Exception as error:  # noqa: BLE001 - whatever a broken version does, the one before answers
            expected = isinstance(error, (PipelineError, OSError))
            reason = str(error) if expected else f"unexpected {type(error).__name__}: {error}"
            refused = self._holder.refuse(version, reason)
            self._log("version refused", version=version, reason=refused.reason, answers=self._holder.model.version)
            return
        before = self._holder.swap(model)
        if changed := changes.every:
            self._log("columns changed", level="warning", version=version, before=before, changes=changed)
        self._log("version loaded", version=version, before=before, seconds=round(model.seconds, 3), drift=model.drift)
