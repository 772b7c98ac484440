"""The verbs ``versions``, ``promote`` and ``rollback``, about a registry of models."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steps.core import uris
from steps.core.errors import BadDataError, PipelineError, UsageError
from workflows.cli.options import VERSIONS, JsonFlag, examples
from workflows.cli.registry_flag import Registry, open_registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steps.registry.champion import Outcome

app = typer.Typer()


@app.command(rich_help_panel=VERSIONS, epilog=examples("versions --registry ./registry"))
def versions(registry: Registry = None, *, as_json: JsonFlag = False) -> int:
    """List the versions of a registry with their metrics, aliases and latest decisions, oldest first."""
    from steps.registry.versions import list_versions
    from workflows.terminal.display import make_console
    from workflows.terminal.registry_tables import versions_table

    found = list_versions(open_registry(registry))
    if as_json:
        print(json.dumps([each.to_dict() for each in found.versions]))
    else:
        make_console().print(versions_table(found.versions))
    if found.damaged:
        raise _damage(found.damaged)
    return 0


def _damage(found: "Sequence[BadDataError]") -> BadDataError:
    """Return the error for the aliases and decisions that the list leaves out."""
    first, *others = found
    if not others:
        return first
    what = f"{len(found)} files of this registry are damaged"
    return BadDataError(what, where=", ".join(str(each.where) for each in found), fix=f"each of them: {first.fix}")


@app.command(rich_help_panel=VERSIONS, epilog=examples("promote candidate --registry ./registry"))
def promote(  # noqa: PLR0913 - one argument a flag
    version: Annotated[str, typer.Argument(help="Version or alias, such as candidate.")],
    registry: Registry = None,
    *,
    policy: Annotated[Path | None, typer.Option(metavar="FILE", help="Conditions for a new champion (TOML).")] = None,
    on: Annotated[
        str, typer.Option(metavar="URI", help="Table with labels on whose rows the gate compares, as in the policy.")
    ] = "",
    force: Annotated[
        str | None, typer.Option(metavar="REASON", help="Promote whatever the gate decides; the reason is stored.")
    ] = None,
    as_json: JsonFlag = False,
) -> int:
    """Make a version the champion if the gate finds it better than the present one on the same rows."""
    from steps.comparison.policy import Reference, read_policy
    from steps.reference.registered import open_for_version
    from steps.registry import champion
    from steps.registry.aliases import resolve
    from steps.registry.decisions import PROMOTE

    if force is not None and not force.strip():
        raise UsageError("a reason is needed", where="--force", fix='write it as --force "why"')
    forced = _reason(force or "", "--force")
    conditions, opened = read_policy(policy), open_registry(registry)
    if on:
        conditions = replace(conditions, reference=Reference(uris.parse(on, where="--on").text))
    name = resolve(opened, version)
    with open_for_version(conditions.reference.table, opened, name) as table:
        request = champion.Request(name, conditions, PROMOTE, forced, reference=table)
        outcome = champion.promote(opened, request)
    _print_outcome(opened.location, outcome, as_json=as_json)
    if outcome.move.version != request.version:
        raise PipelineError(
            f"{request.version} is not promoted: {outcome.move.reason}",
            where=opened.location,
            fix="read the decision, and use --force REASON to promote it all the same",
        )
    return 0


@app.command(
    rich_help_panel=VERSIONS, epilog=examples('rollback --registry ./registry --reason "too many false alarms"')
)
def rollback(
    registry: Registry = None,
    *,
    reason: Annotated[str, typer.Option(help="Why; it is stored.")] = "",
    as_json: JsonFlag = False,
) -> int:
    """Make the champion before the present one the champion again; several rollbacks walk back."""
    from steps.registry import champion

    why, opened = _reason(reason, "--reason"), open_registry(registry)
    _print_outcome(opened.location, champion.rollback(opened, why), as_json=as_json)
    return 0


def _reason(text: str, flag: str) -> str:
    """Return a reason that can be stored; UsageError for one with bytes that are not UTF-8."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError("the reason is not UTF-8", where=flag, fix="write it in UTF-8")
    return text.strip()


def _print_outcome(registry: str, outcome: "Outcome", *, as_json: bool) -> None:
    """Print the champion and the decision, as a JSON object or as lines."""
    move, decision = outcome.move, outcome.decision
    if as_json:
        document: dict[str, Any] = {"registry": registry, "champion": move.to_dict()}
        print(json.dumps({**document, "decision": decision.to_dict() if decision else None}))
        return
    if move.moved:
        before = move.previous or "there was none"
        print(f"{move.version} is now champion in {registry}, before {before}: {move.reason}")
    else:  # the error says why
        print(f"{move.version or 'no version'} is still champion in {registry}")
    if decision:
        print(f"decision {registry}/{decision.path}")
