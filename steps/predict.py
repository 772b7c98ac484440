"""Score the rows of a table with the models of a run, or with a version in a registry."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steps.core import quantities, runtime, storage, uris
from steps.core.errors import AlreadyExistsError, NoInputError, UsageError
from steps.io import connect_to_bucket, open_destination, open_source
from steps.models import bundle
from steps.options.predict import PredictOptions, RegistryOptions
from steps.prediction import predicting
from steps.prediction.models import read_ensemble
from steps.prediction.reading import split_names
from steps.prediction.rejects import Rejects
from steps.registry import aliases, publishing
from steps.sources.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator


def main(  # noqa: PLR0913 - one argument a file
    *,
    options: PredictOptions,
    registered: RegistryOptions,
    models: Annotated[Path | None, typer.Option(help="Folder of model bundles, such as `models` of a run.")] = None,
    metrics: Annotated[Path | None, typer.Option(help="Where the counts and metrics go (JSON).")] = None,
    summary: Annotated[Path | None, typer.Option(help="Where a line with the counts goes.")] = None,
    usage: runtime.UsageOption = None,
) -> None:
    """Score the rows of a table."""
    _require_absent(options.output, overwrite=options.overwrite)
    with ExitStack() as stack, runtime.record_usage(usage, "predict") as use:
        name, folder = stack.enter_context(_open_models(models, registered))
        ensemble = read_ensemble(folder)
        others = split_names(options.keep)
        source = stack.enter_context(
            open_source(options.input, ensemble.schema, Reading(), labelled=False, others=others)
        )
        target = stack.enter_context(_local_file(options.output, overwrite=options.overwrite))
        threads = options.threads or quantities.available_cores()
        facts = {"covertype.models": name, "covertype.input": options.input}
        job = predicting.Job(source, ensemble, options.keep, options.first_label.value, threads, facts)
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
    line = _line(result)
    runtime.record_values((summary, line))
    runtime.log(f"{line}; {result['rows'] / max(seconds, 1e-9):,.0f} rows/s with {threads} threads")
    runtime.log(f"scores: {options.output}")


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
def _open_models(models: Path | None, registered: RegistryOptions) -> Iterator[tuple[str, Path]]:
    """Yield the name of the models and a folder with their bundles, which is temporary for a version of a registry."""
    registry = registered.registry
    if (models is None) == (not registry):
        raise UsageError("one of them is needed", where="--models and --registry", fix="give one of them")
    if models is not None:
        yield str(models), models
        return
    destination = open_destination(registry)
    version = aliases.resolve(destination, registered.version)
    wanted = destination.below(f"versions/{version}")
    files = (bundle.METADATA, bundle.MODEL, bundle.PREPROCESSOR)
    names = {each.name for each in publishing.read_manifest(wanted).files if Path(each.name).name in files}
    with tempfile.TemporaryDirectory(prefix="covertype-models-") as temporary:
        folder = Path(temporary) / "version"
        publishing.fetch(wanted, folder, names)
        runtime.log(f"models: version {version} of {registry}")
        yield f"{destination.location}/versions/{version}", folder / "models"


def _require_absent(uri: str, *, overwrite: bool) -> None:
    """Raise AlreadyExistsError if there is an output already, and UsageError if it is a folder."""
    address = uris.parse(uri, uris.DESTINATIONS, what="destination", where="")
    if address.local:
        if address.path.is_dir():
            raise UsageError("this is a folder", where=f"--output {uri}", fix="name a file")
        exists = address.path.exists()
    else:
        exists = _exists(address.text)
    if exists and not overwrite:
        raise AlreadyExistsError("there is an output already", where=uri, fix="give another name, or --overwrite")


def _exists(uri: str) -> bool:
    try:
        connect_to_bucket(uri).get(uri)
    except NoInputError:
        return False
    return True


@contextmanager
def _local_file(uri: str, *, overwrite: bool) -> Iterator[Path]:
    """Yield a local path for an output, and upload the file when the block ends without an error."""
    address = uris.parse(uri, uris.DESTINATIONS, what="destination", where="")
    if address.local:
        yield address.path
        return
    with tempfile.TemporaryDirectory(prefix="covertype-scores-") as temporary:
        path = Path(temporary) / Path(address.text).name
        yield path
        connect_to_bucket(address.text).upload(path, address.text, if_absent=not overwrite)


def _write_rejects(rejects: Rejects, options: PredictOptions) -> None:
    """Write the rows that could not be scored, and say where they are."""
    uri = options.rejects or f"{options.output}.rejects.csv"
    with _local_file(uri, overwrite=True) as path:
        rejects.write(path)
    runtime.log(f"{len(rejects):,} rows rejected: {uri}")


if __name__ == "__main__":
    runtime.run_and_exit(main)
