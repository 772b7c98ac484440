"""The verb ``rollout``: another version of the models for the service on a cluster."""

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steps.core.errors import DeniedError, PipelineError, UsageError
from workflows.cli.cluster.cluster_verbs import Namespace, with_argo_namespace
from workflows.cli.options import CLUSTER, JsonFlag, examples, limit

if TYPE_CHECKING:
    from workflows.cluster.serving.deployment import Service, ServingClient, Target

app = typer.Typer()


@app.command(rich_help_panel=CLUSTER, epilog=examples("rollout candidate"))
def rollout(  # noqa: PLR0913 - one argument a flag
    version: Annotated[
        str, typer.Argument(help="Version to serve, or the alias that each pod follows: champion, candidate.")
    ] = "champion",
    namespace: Namespace = None,
    *,
    image: Annotated[str | None, typer.Option(help="Image to change to. (default: keep it)")] = None,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", callback=limit, help="Seconds in which all pods must be ready.")
    ] = 300.0,
    row: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Row of the smoke prediction (JSON). (default: an example of the service)"),
    ] = None,
    expect: Annotated[
        str | None, typer.Option(metavar="COVER_TYPE", help="Cover type that the smoke prediction must give.")
    ] = None,
    registry: Annotated[
        str | None,
        typer.Option(metavar="URI", help="Registry in which to look up the version first, from this machine."),
    ] = None,
    as_json: JsonFlag = False,
) -> int:
    """Let the service on the cluster use another version; go back if it is not ready or predicts wrongly.

    COVERTYPE_SERVE_TOKEN is the token of the service, for the smoke prediction.
    """
    from workflows import settings
    from workflows.cluster.serving.deployment import ServingClient, Target
    from workflows.cluster.serving.rollout import NotRolledOutError, Rollout
    from workflows.cluster.serving.smoke import Expected, Smoke, read_row

    known_row = read_row(row.read_text(encoding="utf-8"), str(row)) if row else None
    expected = Expected(known_row, _expected_version(version, registry), expect)
    client = ServingClient(with_argo_namespace(settings.load({"namespace": namespace})).namespace, os.environ)
    rolling, smoke = Rollout(client, timeout), Smoke(client, os.environ.get("COVERTYPE_SERVE_TOKEN", "").strip())
    before = rolling.read().target
    target = Target(version, image or before.image)
    smoke.require_access()

    def check(service: "Service") -> str:
        try:
            # The proxy chooses a pod each time.
            return [smoke.check(expected) for _ in range(max(1, service.pods))][-1]
        except DeniedError as error:
            raise NotRolledOutError(error.what, where=error.where) from None

    start = time.monotonic()
    try:
        answers, failure = rolling.run(target, check), None
    except NotRolledOutError as error:
        answers, failure = None, error
    seconds = time.monotonic() - start
    if as_json:
        print(json.dumps(_document(client, before, target, answers, failure, seconds)))
    if failure:
        raise failure
    if not as_json:
        print(f"{answers} answers in namespace {client.namespace} after {seconds:.0f} s: {target}, before {before}")
    return 0


def _expected_version(version: str, registry: str | None) -> str | None:
    """Return the version that must answer; None for an alias that is not looked up here.

    Raises:
        UsageError: the name is not valid.
        NoInputError: the registry has no such version or alias.
    """
    from steps.registry import aliases
    from steps.registry.paths import is_valid_name

    if not is_valid_name(version):
        raise UsageError(f"{version!r} is not a version", where="VERSION", fix="`versions` lists the existing ones")
    if registry:
        from steps.io import open_destination

        return aliases.resolve(open_destination(registry), version)
    return None if version in {aliases.CHAMPION, aliases.CANDIDATE} else version


def _document(  # noqa: PLR0913, PLR0917 - the facts of a rollout
    client: "ServingClient",
    before: "Target",
    target: "Target",
    answers: str | None,
    failure: PipelineError | None,
    seconds: float,
) -> dict[str, Any]:
    return {
        "namespace": client.namespace,
        "before": {"version": before.version, "image": before.image},
        "wanted": {"version": target.version, "image": target.image},
        "rolled_out": failure is None,
        "answers": answers,
        "reason": failure.what if failure else None,
        "seconds": round(seconds, 1),
    }
