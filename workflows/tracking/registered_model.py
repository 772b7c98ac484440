"""Mirror a registry in MLflow: its versions and aliases become those of a registered model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steps.core.errors import NoInputError
from steps.registry import aliases, decisions
from steps.registry.paths import CARD
from workflows.tracking import records
from workflows.tracking.run_log import log_run

if TYPE_CHECKING:
    from steps.registry.destinations import Destination
    from workflows.tracking.connection import Connection
    from workflows.tracking.records import Record
    from workflows.tracking.run_log import LoggedRun

ALIASES = ("champion", "candidate")
_VERSION = "covertype.version"


@dataclass(frozen=True)
class MirroredVersion:
    """A version of a registry in MLflow.

    Attributes:
        version: The name of the version in the registry.
        model: The name of the registered model in MLflow.
        number: The number of the version in MLflow.
        aliases: The aliases that name it.
        already: Whether MLflow had it before.
        run: The run of MLflow that it belongs to.
    """

    version: str
    model: str
    number: str
    aliases: tuple[str, ...]
    already: bool
    run: LoggedRun


def mirror_registry(connection: Connection, registry: Destination, wanted: str = "") -> list[MirroredVersion]:
    """Log the versions that the aliases of a registry name, and set these aliases in MLflow.

    Args:
        connection: The connection to MLflow.
        registry: The registry.
        wanted: A version or alias to log as well.

    Returns:
        The versions, those without an alias first.

    Raises:
        NoInputError: The registry has no alias, or no version of the wanted name.
        BadDataError: A file of a version is damaged, or the version has no complete set of models.
    """
    extra = [aliases.resolve(registry, wanted)] if wanted else []
    present = {alias: aliases.read_alias(registry, alias) for alias in ALIASES}
    named = {alias: found.version for alias, found in present.items() if found}
    if not named and not extra:
        what = "this registry has neither a champion nor a candidate"
        raise NoInputError(what, where=registry.location, fix="register a version, or check --registry")
    versions = dict.fromkeys([*extra, *named.values()])
    found = [_mirror_version(connection, registry, version, named) for version in versions]
    for model in {each.model for each in found}:
        _remove_aliases(connection, model, named, {each.number: each.version for each in found if each.model == model})
    return found


def _mirror_version(
    connection: Connection, registry: Destination, version: str, named: dict[str, str]
) -> MirroredVersion:
    with records.fetched_version(registry, version) as record:
        run = log_run(connection, record)
        if record.schema is None or run.model_id is None:
            raise NoInputError(f"version {version!r} has no models", where=registry.location, fix="register it again")
        model = records.model_name(record.schema)
        number, already = _register(connection, registry, record, run, model)
    mine = tuple(alias for alias, name in named.items() if name == version)
    for alias in mine:
        connection.client.set_registered_model_alias(model, alias, number)
    return MirroredVersion(version, model, number, mine, already, run)


def _register(
    connection: Connection, registry: Destination, record: Record, run: LoggedRun, model: str
) -> tuple[str, bool]:
    """Return the number of the version of a registered model, and whether it was there before."""
    from mlflow.exceptions import MlflowException

    client = connection.client
    try:
        client.create_registered_model(model, description="One model per cover type, in one model.")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    present = client.search_model_versions(f"name = '{model}' and run_id = '{run.run_id}'")
    if present:
        return str(min(present, key=lambda each: int(each.version)).version), True
    tags = {_VERSION: record.name, "covertype.registry": registry.location}
    for decision in decisions.list_decisions(registry, record.name)[:1]:  # the one at its registration
        tags |= {f"covertype.{key}": str(decision.document[key]) for key in ("verdict", "reason")}
    card = next((path for path in record.files if path.name == CARD), None)
    made = client.create_model_version(
        model,
        f"models:/{run.model_id}",
        run.run_id,
        tags=tags,
        description=card.read_text(encoding="utf-8") if card else None,
        model_id=run.model_id,
    )
    return str(made.version), False


def _remove_aliases(connection: Connection, model: str, named: dict[str, str], mirrored: dict[str, str]) -> None:
    """Remove the aliases that the registry does not have, and those that name a version of another table."""
    present: dict[str, Any] = connection.client.get_registered_model(model).aliases
    for alias in ALIASES:
        if alias in present and mirrored.get(str(present[alias])) != named.get(alias):
            connection.client.delete_registered_model_alias(model, alias)
