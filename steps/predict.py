"""Score the rows of a table with the models of a run, or with a version in a registry."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steps.core import quantities, runtime, storage, uris
from steps.core.errors import AlreadyExistsError, NoInputError, UsageError, renamed
from steps.core.times import parse_time
from steps.options.predict import PredictOptions, RegistryOptions, with_date
from steps.prediction import startup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steps.prediction.rejects import Rejects


def main(  # noqa: PLR0913 - one argument a file
    *,
    options: PredictOptions,
    registered: RegistryOptions,
    models: Annotated[Path | None, typer.Option(help="Folder of model bundles, such as `models` of a run.")] = None,
    require_signature: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Public key (PEM) that must have signed the version.")
    ] = None,
    metrics: Annotated[Path | None, typer.Option(help="Where the counts and metrics go (JSON).")] = None,
    summary: Annotated[Path | None, typer.Option(help="Where a line with the counts goes.")] = None,
    drift: Annotated[
        Path | None, typer.Option(help="Where a page with the drift against the training rows goes (HTML).")
    ] = None,
    profile: Annotated[
        Path | None, typer.Option(help="Profile of the training rows; default: the one beside the models.")
    ] = None,
    created: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help="When the workflow was created (RFC 3339): its day is {date}. An output that is there already may be "
            "that of an earlier attempt, and is no error if it has the same content.",
        ),
    ] = "",
    usage: runtime.UsageOption = None,
) -> None:
    """Score the rows of a table."""
    from steps.drift import findings
    from steps.io import open_source
    from steps.prediction import predicting, reading
    from steps.prediction.models import read_ensemble
    from steps.prediction.rejects import Rejects
    from steps.prediction.training_profile import make_counter
    from steps.sources.reading import Reading

    moment = parse_time(created, "--created")
    options = _with_dates(options, moment or datetime.now(UTC))
    output = _Output(options.output, options.overwrite, repeated=moment is not None)
    output.check()
    with ExitStack() as stack, runtime.record_usage(usage, "predict") as use:
        name, folder = stack.enter_context(_open_models(models, registered, require_signature))
        ensemble = read_ensemble(folder)
        others = reading.split_names(options.keep)
        with renamed("--source", "--input"):
            source = stack.enter_context(
                open_source(options.input, ensemble.schema, Reading(), labelled=False, others=others)
            )
        target = stack.enter_context(output.open())
        threads = options.threads or quantities.available_cores()
        facts = {"covertype.models": name, "covertype.input": options.input}
        counter = make_counter(ensemble, folder, profile)
        job = predicting.Job(source, ensemble, options.keep, options.first_label.value, threads, facts, counter)
        rejects, begun = Rejects(options.max_rejects), time.monotonic()
        try:
            result = predicting.predict(job, target, rejects)
        finally:
            if len(rejects):
                _write_rejects(rejects, options)
        seconds = time.monotonic() - begun
        use.rows_in, use.rows_out = result["rows"], result["scored"]
    if metrics:
        storage.write_json(metrics, {"models": name, "engine": ensemble.engine, **result})
    if drift and result["drift"]:
        _write_drift_page(drift, result["drift"], facts)
    line = _line(result)
    runtime.record_values((summary, line))
    runtime.log(f"{line}; {result['rows'] / max(seconds, 1e-9):,.0f} rows/s with {threads} threads")
    if result["drift"] and (drifted := findings.summary_line(result["drift"])):
        runtime.log(f"{drifted}{f'; see {drift}' if drift else ''}")
    runtime.log(f"scores: {options.output}")


def _write_drift_page(path: Path, document: dict[str, Any], facts: dict[str, str]) -> None:
    from steps.reporting import drift_page

    page = drift_page.render(document, models=facts["covertype.models"], source=facts["covertype.input"])
    storage.write_text(path, page)


def _line(result: dict[str, Any]) -> str:
    line = f"{result['scored']:,} rows scored, {result['rejected']:,} rejected"
    if found := result["metrics"]:
        parts = []
        for key, words in (("accuracy", "accuracy"), ("macro_f1", "macro F1")):
            value, low, high = (found[key][part] for part in ("value", "low", "high"))
            parts.append(f"{words} {value:.4f} ({low:.4f} to {high:.4f})")
        line += f"; {found['rows']:,} labelled rows: {', '.join(parts)}"
    return line


@contextmanager
def _open_models(models: Path | None, registered: RegistryOptions, key: Path | None) -> Iterator[tuple[str, Path]]:
    """Yield the name of the models and a folder with their bundles, which is temporary for a version of a registry.

    With a key, the signature of the version is verified before any of its files is read as a model.
    """
    from steps.bundles import folder as bundle
    from steps.io import open_destination
    from steps.registry import aliases, publishing
    from steps.registry.paths import PROFILE, version_path

    registry = registered.registry
    if (models is None) == (not registry):
        raise UsageError("one of them is needed", where="--models and --registry", fix="give one of them")
    if models is not None and key is not None:
        what = "only versions of a registry are signed"
        raise UsageError(what, where="--require-signature", fix="give --registry, or leave it out")
    if models is not None:
        runtime.log(f"models: {models}")
        yield str(models), models
        return
    destination = open_destination(registry)
    version = aliases.resolve(destination, registered.version)
    wanted = destination.below(version_path(version))
    published = publishing.read_manifest(wanted).files
    names = {each.name for each in published if bundle.is_scoring_file(each.name) or each.name == PROFILE}
    with tempfile.TemporaryDirectory(prefix="covertype-models-") as temporary:
        folder = Path(temporary) / "version"
        if key is not None:
            from steps.provenance import signing

            signing.require_signature(destination, version, signing.Signer(key), folder)
        else:
            publishing.fetch(wanted, folder, names)
        runtime.log(f"models: version {version} of {registry}")
        with renamed(folder, wanted.location):
            yield wanted.location, folder / "models"


def _with_dates(options: PredictOptions, moment: datetime) -> PredictOptions:
    output, rejects = (with_date(text, moment) for text in (options.output, options.rejects))
    return dataclasses.replace(options, output=output, rejects=rejects)


@dataclass(frozen=True)
class _Output:
    """A file that is published whole.

    Attributes:
        uri: Its address.
        overwrite: Whether to replace an existing one.
        repeated: Whether an existing one may be that of an earlier attempt: it is kept if it has the same content.
    """

    uri: str
    overwrite: bool
    repeated: bool = False

    @property
    def _path(self) -> Path | None:
        """The path of an output on this machine, None for one in a bucket."""
        address = uris.parse(self.uri, uris.DESTINATIONS, what="destination", where="")
        return address.path if address.local else None

    def check(self) -> None:
        """Raise AlreadyExistsError if there is an output that must not be there, and UsageError if it is a folder."""
        path = self._path
        if path and path.is_dir():
            raise UsageError("this is a folder", where=f"--output {self.uri}", fix="name a file")
        if self.overwrite or not (path.exists() if path else _exists(self.uri)):
            return
        if not self.repeated:
            raise self._refusal()
        runtime.log(f"{self.uri}: there is an output already, maybe of an earlier attempt: its content is compared")

    def _refusal(self) -> AlreadyExistsError:
        return AlreadyExistsError("there is an output already", where=self.uri, fix="give another name, or --overwrite")

    @contextmanager
    def open(self) -> Iterator[Path]:
        """Yield a local path to write, and publish the file when the block ends without an error."""
        path = self._path
        if path and (self.overwrite or not path.exists()):
            yield path
            return
        beside = {"prefix": storage.PARTIAL, "dir": path.parent} if path else {"prefix": "covertype-scores-"}
        with tempfile.TemporaryDirectory(**beside) as temporary:
            written = Path(temporary) / Path(self.uri).name
            yield written
            if path:
                if storage.sha256_file(written) != storage.sha256_file(path):
                    raise self._refusal()
                return
            from steps.io import connect_to_bucket

            connect_to_bucket(self.uri).upload(written, self.uri, if_absent=not self.overwrite)


def _exists(uri: str) -> bool:
    from steps.io import connect_to_bucket

    try:
        connect_to_bucket(uri).get(uri)
    except NoInputError:
        return False
    return True


def _write_rejects(rejects: Rejects, options: PredictOptions) -> None:
    """Write the rows that could not be scored, and say where they are."""
    uri = options.rejects or f"{options.output}.rejects.csv"
    with _Output(uri, overwrite=True).open() as path:
        rejects.write(path)
    runtime.log(f"{len(rejects):,} rows rejected: {uri}")


if __name__ == "__main__":
    startup.keep_pandas_out_of_arrow()
    runtime.run_and_exit(main)
