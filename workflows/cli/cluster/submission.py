"""Checks the names, labels and addresses of a request to a cluster before anything is sent, and sends it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steps import schema as schemas
from steps.core import runtime, uris
from steps.core.errors import BadConfigurationError, NoInputError, UsageError
from workflows.settings import names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steps.options.predict import PredictOptions, RegistryOptions
    from workflows.cluster.artifact_store import LocalFile
    from workflows.cluster.client import Client
    from workflows.settings import Settings


def checked_run_name(name: str | None) -> str | None:
    """Return a name that can be that of a run. It becomes part of a URL and of a path.

    Raises:
        UsageError: no run can have this name.
    """
    if name is not None and (problem := names.object_name("Workflow", name)):
        raise UsageError(problem, where="the name of a run", fix="`status` lists the existing ones")
    return name


def check_argo_namespace(namespace: str) -> None:
    """Raise BadConfigurationError unless the value of ARGO_NAMESPACE can be a namespace."""
    if problem := names.dns_label(namespace):
        raise BadConfigurationError(problem, where="ARGO_NAMESPACE", fix="name a namespace of the cluster")


def parse_labels(entries: Sequence[str]) -> dict[str, str]:
    """Return the labels in ``KEY=VALUE`` entries.

    Raises:
        UsageError: an entry is not a label, or a label has two values.
    """
    found: dict[str, str] = {}
    for entry in entries:
        key, separator, value = entry.partition("=")
        if not key or not separator:
            raise UsageError(f"{entry!r} is not a label", where="--label", fix="write KEY=VALUE")
        if problem := names.label_key(key) or names.label_value(value):
            raise UsageError(f"{entry!r} is not a label: {problem}", where="--label", fix="write KEY=VALUE")
        if found.setdefault(key, value) != value:
            raise UsageError(f"label {key!r} has two values", where="--label", fix="give one value")
    return found


def find_source_file(settings: Settings) -> LocalFile | None:
    """Return the file of this machine that is the source of a run, None if pods can read the source themselves.

    The file is checked before it is uploaded: its kind, its columns and its layout.

    Raises:
        NoInputError: there is no such file.
        UsageError: it is not one file, or not of a known kind.
        BadDataError: its columns are not those of the schema.
    """
    address = uris.parse(settings.source)
    if address.kind != uris.PATH:
        return None
    from steps import schema
    from steps.sources import files
    from workflows.cluster.artifact_store import LocalFile

    source = files.open_source(settings.source, schema.load(settings.table_schema))
    if len(source.files) > 1 or source.files[0].path != address.path:
        fix = "name one file, or upload them and use --source s3://BUCKET/*.parquet"
        raise UsageError("several files cannot be uploaded", where=f"--source {settings.source}", fix=fix)
    return LocalFile.read(address.path)


def find_input_file(uri: str) -> LocalFile | None:
    """Return the file of this machine that `predict` reads, None if a pod can read the input itself.

    Only its kind is checked: its columns depend on the models.

    Raises:
        NoInputError: there is no such file.
        UsageError: it is not one file, or not of a known kind.
        BadDataError: it is empty.
    """
    address = uris.parse(uri, where="--input")
    if address.kind != uris.PATH:
        return None
    from steps.sources import files
    from workflows.cluster.artifact_store import LocalFile

    path = address.path
    if path.is_dir():
        raise NoInputError("this is a folder, a file is needed", where=uri, fix="name one CSV or parquet file")
    if not path.is_file():
        fix = "check --input; several files cannot be uploaded, but read from s3://BUCKET/*.parquet"
        raise NoInputError("no such file", where=uri, fix=fix)
    files.check_kind(path)
    return LocalFile.read(path)


class Progress:
    """Logs how much of a file has arrived, at every tenth of it."""

    def __init__(self, file: LocalFile) -> None:
        self._name, self._size, self._done = file.path.name, file.size, 0

    def add(self, count: int) -> None:
        """Take note of ``count`` further bytes."""
        before, self._done = self._done, self._done + count
        if self._done * 10 // self._size > before * 10 // self._size:
            runtime.log(f"{self._name}: {self._done * 100 // self._size}% uploaded")


def with_chosen_pods(settings: Settings) -> tuple[Settings, str]:
    """Return the settings with a way to divide the steps among pods, and a line that says why.

    The line is empty where the settings state a way.
    """
    if settings.pods != "auto":
        return settings, ""
    from workflows import pipeline, pod_plan

    schema = schemas.load(settings.table_schema)
    plan = pod_plan.choose_pods(settings, len(pipeline.chosen_cover_types(settings, schema)))
    return settings.model_copy(update={"pods": plan.pods}), plan.line


def check_addresses_for_pods(settings: Settings, *, with_source: bool = True) -> None:
    """Raise UsageError where a source, a registry or a reference table is on this machine: pods cannot access it.

    Args:
        settings: settings of the run.
        with_source: whether to check the source too, which `submit` can upload.
    """
    if with_source and uris.parse(settings.source).kind == uris.PATH:
        raise UsageError(
            f"a path on this machine is not visible to the pods ({settings.source})",
            where="--source",
            fix="`submit` uploads it; or add the table to the image (FROM the steps' image, COPY table.parquet /data/) "
            "and use --source file:///data/table.parquet --image YOURS, or run locally with `run`",
        )
    if settings.registry and uris.parse(settings.registry).local:
        raise UsageError(
            f"the pods cannot write to a folder ({settings.registry})",
            where="--registry",
            fix="use gs://BUCKET/PREFIX or s3://BUCKET/PREFIX, or run locally with `run`",
        )
    if settings.policy:
        from steps.comparison.policy import read_policy

        table = read_policy(Path(settings.policy)).reference.table
        if table and uris.parse(table).kind == uris.PATH:
            what = f"a path on this machine is not visible to the pods ({table})"
            fix = "use gs:// or s3://, or add the table to the image of the steps, and name it by file:///PATH"
            raise UsageError(what, where="reference.table of --policy", fix=fix)


def check_prediction_for_pods(options: PredictOptions, registered: RegistryOptions, *, with_input: bool = True) -> None:
    """Raise UsageError where an address of a prediction is on this machine, which pods cannot access.

    Args:
        options: options of `predict`.
        registered: the version in the registry.
        with_input: whether to check the input too, which `submit-predict` can upload.
    """
    in_image = "or add it to the image of the steps, and name it by file:///PATH"
    if with_input and uris.parse(options.input).kind == uris.PATH:
        what = f"a path on this machine is not visible to the pod ({options.input})"
        fix = f"`submit-predict` uploads it; use gs://, s3:// or bq://, {in_image}"
        raise UsageError(what, where="--input", fix=fix)
    registry = registered.registry
    if registry and uris.parse(registry, uris.DESTINATIONS).kind == uris.PATH:
        what = f"a folder on this machine is not visible to the pod ({registry})"
        raise UsageError(what, where="--registry", fix=f"use gs://BUCKET/PREFIX or s3://BUCKET/PREFIX, {in_image}")
    output = uris.parse(options.output, uris.DESTINATIONS)
    if output.local and (output.kind == uris.FILE or output.path.name != options.output):
        what = f"the pod cannot write to a folder of this machine ({options.output})"
        fix = f"use gs:// or s3://, or the name {output.path.name} alone: `fetch` downloads the file of this name"
        raise UsageError(what, where="--output", fix=fix)
    if options.rejects and uris.parse(options.rejects, uris.DESTINATIONS, where="--rejects").local:
        what = f"the pod cannot write to a folder of this machine ({options.rejects})"
        raise UsageError(what, where="--rejects", fix="use gs:// or s3://, or leave it out: `fetch` downloads the rows")


def check_schedule(kind: str, schedule: str | None) -> None:
    """Raise UsageError where a schedule is given for a kind that has none."""
    if schedule is not None and kind != "CronWorkflow":
        raise UsageError(f"a {kind} has no schedule", where="--schedule", fix="add --kind CronWorkflow")


def write_workflow(rendered: dict[str, Any], file: Path | None) -> None:
    """Write a workflow as YAML to a file, or to standard output."""
    from steps.core import storage
    from workflows.argo import yaml_text

    if file is None:
        yaml_text.print_yaml(rendered)
    else:
        storage.write_text(file, yaml_text.to_yaml(rendered))


@dataclass(frozen=True)
class Following:
    """What a verb shows of the run that it starts.

    Attributes:
        watch: show the run until it ends.
        wait: wait until it ends.
        timeout: most seconds to wait; None for no limit.
        as_json: print one JSON object.
    """

    watch: bool
    wait: bool
    timeout: float | None
    as_json: bool


def start_workflow(  # noqa: PLR0913 - what is sent, and what is shown of it
    client: Client,
    workflow: dict[str, Any],
    file: LocalFile | None,
    following: Following,
    *,
    dry_run: bool,
    note: str = "",
) -> int:
    """Start a workflow, and follow the run if that is wanted; return the exit code.

    Args:
        client: client of the cluster.
        workflow: the workflow.
        file: file that it reads from the artifact repository, which is uploaded first.
        following: what to show of the run.
        dry_run: let the cluster check the workflow, print it, and start nothing.
        note: line for the user, printed when the cluster has accepted the workflow.
    """
    from workflows.argo import yaml_text
    from workflows.cluster.watch import follow_to_end, print_lines

    as_json = following.as_json
    if dry_run:
        client.create(workflow, dry_run=True)
        print(json.dumps(workflow)) if as_json else yaml_text.print_yaml(workflow)
        _log_note(note)
        runtime.log(f"{client.server} accepts this workflow in namespace {client.namespace}; nothing was started")
        return 0
    if file:
        client.upload(file, Progress(file).add)
    run = client.create(workflow)["metadata"]["name"]
    _log_note(note)
    submitted = f"submitted {run} to namespace {client.namespace}"
    print_lines(submitted, f"Argo UI  {client.link(run)}", as_json=as_json)
    if following.watch or following.wait:
        return follow_to_end(client, run, watch=following.watch, timeout=following.timeout, as_json=as_json)
    if as_json:
        print(json.dumps({"run": run, "namespace": client.namespace, "link": client.link(run)}))
    else:
        print(f"status   python workflows/covertype.py status {run}")
    return 0


def _log_note(note: str) -> None:
    if note:
        runtime.log(note)


def apply_documents(client: Client, documents: Sequence[dict[str, Any]]) -> None:
    """Create or update resources on a cluster."""
    for document in documents:
        client.apply(document)
        print(f"{document['kind']} {document['metadata']['name']} is in namespace {client.namespace}")
