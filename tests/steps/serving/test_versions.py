from __future__ import annotations

import asyncio
import functools
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from steps import schema as schemas
from steps import serve
from steps.bundles import folder as bundle
from steps.core.errors import BadDataError, NoInputError
from steps.provenance import signing
from steps.registry import aliases, publishing
from steps.registry.destinations import Folder
from steps.serving.monitoring.metrics import Metrics
from steps.serving.versions import Holder, Reloader, load_folder, load_version, ordinary_value
from tests.steps.serving.conftest import running
from tests.support import Chain

if TYPE_CHECKING:
    from collections.abc import Callable

    from steps.serving.versions import ServedModel
    from tests.steps.serving.conftest import Running


def publish(registry: Folder, version: str, models: Path) -> None:
    files = {
        f"models/{folder.name}/{name}": folder / name
        for folder in sorted(models.iterdir())
        if folder.is_dir()
        for name in (bundle.METADATA, bundle.MODEL, bundle.PREPROCESSOR)
    }
    publishing.publish(files, registry.below(f"versions/{version}"), {"version": version})


def move(registry: Folder, version: str) -> None:
    aliases.move_alias(registry, "champion", version)


@pytest.fixture(scope="module")
def other_models(tmp_path_factory: pytest.TempPathFactory, trained: Path, chains: dict[str, Chain]) -> Path:
    """The models of another run, of which one has other trees."""
    folder = tmp_path_factory.mktemp("other")
    shutil.copytree(chains["krummholz"].folder, folder / "own")
    own = Chain(folder / "own")
    own.train(rounds=5, max_leaves=8)
    shutil.copytree(trained, folder / "models")
    shutil.rmtree(folder / "models" / "krummholz")
    shutil.copytree(own["model"], folder / "models" / "krummholz")
    for prepared in (folder / "models").glob("forest*.bin"):
        prepared.unlink()
    return folder / "models"


@pytest.fixture
def registry(tmp_path: Path, trained: Path, other_models: Path) -> Folder:
    """A registry with two versions, of which the first is the champion."""
    made = Folder(tmp_path / "registry")
    publish(made, "first", trained)
    publish(made, "second", other_models)
    move(made, "first")
    return made


def damage(registry: Folder, version: str) -> None:
    path = registry.root / "versions" / version / "models" / "krummholz" / bundle.MODEL
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_version_is_loaded_and_checked(registry: Folder) -> None:
    model = load_version(registry, "first")
    assert (model.version, model.name, set(model.digests)) == (
        "first",
        "covertype",
        {"spruce-fir", "lodgepole-pine", "krummholz"},
    )
    damage(registry, "first")
    with pytest.raises(BadDataError, match="krummholz"):
        load_version(registry, "first")
    with pytest.raises(NoInputError):
        load_version(registry, "third")
    with pytest.raises(NoInputError):
        load_folder(Path("nothing"), "x")


def test_ordinary_values_are_in_their_ranges() -> None:
    for column in schemas.load(schemas.BUILTIN).columns:
        value = ordinary_value(column)
        if isinstance(value, str):
            assert value in column.values
        else:
            assert column.minimum is not None
            assert column.maximum is not None
            assert column.minimum <= value <= column.maximum


def wait_for(condition: Callable[[], Any], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def version_of(service: Running) -> str:
    return str(service.get("/v2/health/ready").json()["version"])


def test_a_moved_alias_is_followed_without_a_failed_or_mixed_answer(registry: Folder, row: dict[str, Any]) -> None:
    first = load_version(registry, "first")
    with running(first, reloading=(registry, "champion", 0.05)) as service:
        answers: list[tuple[int, str, bytes]] = []
        ended = threading.Event()

        def ask() -> None:
            while not ended.is_set():
                response = service.post("/predict", [row] * 3)
                document = response.json()
                scores = np.array([list(each["scores"].values()) for each in document["predictions"]], "f4")
                answers.append((response.status_code, document["model_version"], scores.tobytes()))
                assert response.headers["x-model-version"] == document["model_version"]

        clients = [threading.Thread(target=ask) for _ in range(4)]
        for client in clients:
            client.start()
        for version in ("second", "first", "second"):
            move(registry, version)
            wait_for(lambda version=version: version_of(service) == version)  # type: ignore[misc]
        ended.set()
        for client in clients:
            client.join()
        assert {status for status, _, _ in answers} == {200}
        by_version = {version: {scores for _, each, scores in answers if each == version} for _, version, _ in answers}
        assert {version: len(scores) for version, scores in by_version.items()} == {"first": 1, "second": 1}
        assert by_version["first"] != by_version["second"]
        text = service.get("/metrics").text
        assert 'covertype_model_version_info{version="second"} 1.0' in text
        assert 'covertype_model_version_info{version="first"} 0.0' in text
        assert 'covertype_reloads_total{result="loaded"} 3.0' in text
        assert [event["version"] for event in service.events if event["event"] == "version loaded"] == [
            "second",
            "first",
            "second",
        ]


def test_a_broken_champion_is_refused_and_the_one_before_answers(registry: Folder, row: dict[str, Any]) -> None:
    damage(registry, "second")
    with running(load_version(registry, "first"), reloading=(registry, "champion", 0.05)) as service:
        move(registry, "second")
        wait_for(lambda: service.get("/v2/health/ready").json()["refused"])
        found = service.get("/v2/health/ready").json()
        assert (found["ready"], found["version"], found["refused"]["version"]) == (True, "first", "second")
        assert "krummholz" in found["refused"]["reason"]
        assert service.post("/predict", row).json()["model_version"] == "first"
        text = service.get("/metrics").text
        assert 'covertype_refused_version_info{version="second"} 1.0' in text
        assert 'covertype_reloads_total{result="failed"}' in text
        move(registry, "first")
        wait_for(lambda: service.get("/v2/health/ready").json()["refused"] is None)
        assert 'covertype_refused_version_info{version="second"} 0.0' in service.get("/metrics").text


def test_a_champion_that_needs_other_columns_is_refused_unless_that_is_accepted(
    registry: Folder, row: dict[str, Any]
) -> None:
    first = load_version(registry, "first")

    def load(_: Any, version: str) -> ServedModel:
        depth = replace(first.schema.columns[0], name="Depth")
        schema = replace(first.schema, columns=(*first.schema.columns[1:], depth))
        return replace(first, version=version, ensemble=replace(first.ensemble, schema=schema))

    clauses = ["column 'Depth' is added", f"column '{first.schema.columns[0].name}' is removed"]
    with running(first, reloading=(registry, "champion", 0.05), load=load) as service:
        move(registry, "second")
        wait_for(lambda: service.get("/v2/health/ready").json()["refused"])
        found = service.get("/v2/health/ready").json()
        assert (found["version"], found["refused"]["version"]) == ("first", "second")
        assert clauses[0] in found["refused"]["reason"]
        assert service.post("/predict", row).status_code == 200
        assert 'covertype_refused_version_info{version="second"} 1.0' in service.get("/metrics").text
    with running(first, reloading=(registry, "champion", 0.05), load=load, accept_columns=True) as service:
        wait_for(lambda: version_of(service) == "second")
    (warning,) = [event for event in service.events if event["event"] == "columns changed"]
    assert (warning["level"], warning["before"], warning["changes"]) == ("warning", "first", clauses)


def test_an_alias_that_cannot_be_read_changes_nothing(registry: Folder) -> None:
    with running(load_version(registry, "first"), reloading=(registry, "champion", 0.05)) as service:
        (registry.root / "aliases" / "champion.json").write_text("{")
        wait_for(lambda: service.get("/v2/health/ready").json()["refused"])
        found = service.get("/v2/health/ready").json()
        assert (found["ready"], found["version"], found["refused"]["version"]) == (True, "first", None)
        assert version_of(service) == "first"


def test_a_champion_without_the_required_signature_is_refused(registry: Folder, keys: Path) -> None:
    pytest.importorskip("model_signing", exc_type=ImportError)
    fetch = serve._make_fetch(keys / "own.pub")
    load = functools.partial(load_version, fetch=fetch)
    signing.sign_version(registry, "first", signing.Signer(keys / "own.pem"))
    with running(load(registry, "first"), reloading=(registry, "champion", 0.05), load=load) as service:

        def refused(reason: str) -> None:
            wait_for(lambda: reason in ((service.get("/v2/health/ready").json()["refused"] or {}).get("reason") or ""))
            assert version_of(service) == "first"
            assert 'covertype_refused_version_info{version="second"} 1.0' in service.get("/metrics").text

        move(registry, "second")
        refused("version second is not signed")
        signature = registry.root / "versions" / "second" / signing.SIGNATURE
        signing.sign_version(registry, "second", signing.Signer(keys / "other.pem"))
        refused("signed with another key")
        signature.unlink()
        signing.sign_version(registry, "second", signing.Signer(keys / "own.pem"))
        good = signature.read_bytes()
        signature.write_bytes(good[: len(good) // 2])
        refused("the signature is damaged")
        signature.write_bytes(good)
        wait_for(lambda: version_of(service) == "second")
        assert service.get("/v2/health/ready").json()["refused"] is None


def test_neither_log_nor_status_shows_a_secret_of_a_refused_version(
    registry: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cr3t-key")

    def fail(*_: Any) -> ServedModel:
        raise OSError("no answer to\n s3cr3t-key, https://user:passw0rd@store.example/models")

    events: list[dict[str, Any]] = []
    holder = Holder(load_version(registry, "first"), Metrics())
    reloader = Reloader(holder, registry, "champion", 10, lambda *_, **facts: events.append(facts), fail)
    aliases.move_alias(registry, "champion", "second")
    asyncio.run(reloader.look())
    assert holder.refused
    reason = "no answer to ***, https://***@store.example/models"
    assert (events[0]["reason"], holder.refused.reason) == (reason, reason)


def test_a_refused_version_is_tried_less_and_less_often(registry: Folder) -> None:
    holder = Holder(load_version(registry, "first"), Metrics())
    reloader = Reloader(holder, registry, "champion", 10, lambda *_, **__: None)
    assert reloader._pause() == 10
    pauses = []
    for _ in range(7):
        holder.refuse("second", "broken")
        pauses.append(reloader._pause())
    assert pauses == [10, 20, 40, 80, 160, 300, 300]
    assert holder.refused
    assert (holder.refused.failures, holder.refused.to_dict()["reason"]) == (7, "broken")
