from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from steps.core import storage
from steps.core.errors import NoInputError
from steps.io import open_destination
from workflows.tracking import records
from workflows.tracking.connection import Connection, connect
from workflows.tracking.registered_model import mirror_registry
from workflows.tracking.run_log import log_run

if TYPE_CHECKING:
    from tests.workflows.tracking.conftest import Made

pytestmark = pytest.mark.usefixtures("mlflow_library")


def mirrored(connection: Connection, made: Made, wanted: str = "") -> dict[str, str]:
    """Mirror the registry, and return the version of each alias in MLflow."""
    mirror_registry(connection, open_destination(str(made.registry)), wanted)
    model = connection.client.get_registered_model("covertype")
    return {alias: tags_of(connection, number)["covertype.version"] for alias, number in model.aliases.items()}


def tags_of(connection: Connection, number: str) -> dict[str, str]:
    return dict(connection.client.get_model_version("covertype", number).tags)


def versions_of(connection: Connection) -> list[Any]:
    return list(connection.client.search_model_versions("name = 'covertype'"))


def point(made: Made, alias: str, version: str) -> None:
    storage.write_json(made.registry / "aliases" / f"{alias}.json", {"version": version})


def test_versions_and_aliases_are_those_of_the_registry(made: Made) -> None:
    with connect(made.runs) as connection:
        log_run(connection, records.read_run(made.runs, made.champion))
        for _ in range(2):
            assert mirrored(connection, made) == {"champion": made.champion, "candidate": made.candidate}
            assert sorted(
                tags_of(connection, each.version)["covertype.version"] for each in versions_of(connection)
            ) == [
                made.champion,
                made.candidate,
            ]
        assert len(connection.client.search_runs([connection.experiment_id])) == 2
        for each in versions_of(connection):
            assert connection.client.get_run(each.run_id).data.tags["covertype.run"] == each.tags["covertype.version"]


def test_aliases_move_and_vanish_with_those_of_the_registry(made: Made) -> None:
    with connect(made.runs) as connection:
        mirrored(connection, made)
        point(made, "champion", made.candidate)
        assert mirrored(connection, made) == {"champion": made.candidate, "candidate": made.candidate}
        (made.registry / "aliases/champion.json").unlink()
        assert mirrored(connection, made) == {"candidate": made.candidate}
        connection.client.set_registered_model_alias("covertype", "mine", "1")
        point(made, "champion", made.champion)
        found = mirrored(connection, made)
        assert found.pop("mine")  # aliases of others stay
        assert found == {"champion": made.champion, "candidate": made.candidate}
        assert len(versions_of(connection)) == 2


def test_a_named_version_is_mirrored_without_an_alias(made: Made) -> None:
    for alias in ("champion", "candidate"):
        (made.registry / f"aliases/{alias}.json").unlink()
    with connect(made.runs) as connection:
        assert mirrored(connection, made, made.champion) == {}
        [version] = versions_of(connection)
        assert version.tags["covertype.version"] == made.champion


def test_a_registry_without_aliases_and_an_unknown_version(made: Made) -> None:
    registry = open_destination(str(made.registry))
    with connect(made.runs) as connection:
        with pytest.raises(NoInputError, match="no version and no alias 'none'"):
            mirror_registry(connection, registry, "none")
        for alias in ("champion", "candidate"):
            (made.registry / f"aliases/{alias}.json").unlink()
        with pytest.raises(NoInputError, match="neither a champion nor a candidate"):
            mirror_registry(connection, registry)
        with pytest.raises(NoInputError, match="'champion'"):
            mirror_registry(connection, registry, "champion")
