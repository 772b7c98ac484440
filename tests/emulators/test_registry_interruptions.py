"""Real processes that change a registry in a bucket at the same time, or are killed; and missing permissions.

A folder is in tests/steps/registry/test_interruptions.py.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest

from steps.buckets import Prefix
from steps.core.errors import TransientError
from steps.io import open_destination
from steps.registry import decisions
from steps.registry.destinations import StoredFile
from tests.emulators.bucket_faults import Fault
from tests.steps.registry import churn
from tests.steps.test_register import Runs
from tests.workflows.command_line import invoke

if TYPE_CHECKING:
    from pathlib import Path

    from steps.buckets import Object
    from steps.buckets.transfer import Sink
    from tests.emulators.buckets import Bucket


@pytest.fixture(autouse=True)
def _found(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process and its children find the bucket."""
    bucket.use(monkeypatch)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, fork_server: None) -> Path:  # noqa: ARG001 - for the processes
    """The files of runs."""
    folder = tmp_path_factory.mktemp("runs")
    churn.make_runs(folder)
    return folder


def test_of_registrations_at_once_none_is_lost(bucket: Bucket, made: Path) -> None:
    uri, names = bucket.uri("models"), ("p", "q")
    processes = [churn.start(uri, made, name, 3, "register") for name in names]
    for process in processes:
        process.finish()
    registry = open_destination(uri)
    alias = churn.check(registry)
    assert alias
    judged = decisions.list_decisions(registry)
    assert {each.version for each in judged} == {f"{name}-{number}" for name in names for number in range(3)}
    chain = [*alias.earlier, alias.version]
    promoted = {(each.document["champion"], each.version) for each in judged if each.document["promotes"]}
    assert set(zip([None, *chain], chain, strict=False)) <= promoted


@pytest.mark.parametrize("times", [1, 3, 100])
def test_an_object_that_is_replaced_while_it_is_read(
    bucket: Bucket, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The content and the generation are of one state; an object that changes all the time is a reason to retry."""
    registry, name = open_destination(bucket.uri("models")), "aliases/champion.json"
    written: list[int | str] = []
    assert isinstance(registry, Prefix)
    registry.write(name, b"0", None)
    receive = registry.store._receive

    def replace_first(wanted: Object, sink: Sink) -> None:
        if len(written) < times:
            written.append(registry.write(name, b"%d" % (len(written) + 1), StoredFile(b"", wanted.generation)))
        receive(wanted, sink)

    monkeypatch.setattr(registry.store, "_receive", replace_first)
    if times == 100:
        with pytest.raises(TransientError, match="kept replacing this object"):
            registry.read(name)
    else:
        assert registry.read(name) == StoredFile(b"%d" % times, written[-1])


@pytest.mark.kills
def test_killed_at_any_moment_nothing_is_half_there(bucket: Bucket, made: Path) -> None:
    uri, moments, before = bucket.uri("models"), random.Random(7), {""}
    registry = open_destination(uri)
    for number in range(3):
        process = churn.start(uri, made, f"p{number}", 1000, "register", "promote", "rollback")
        lines = process.kill(moments)
        churn.check(registry)
        assert churn.champion_of(registry) in churn.expected_champions(lines, before)
        before = churn.possible_champions(registry)


@pytest.mark.parametrize("words", [("versions",), ("promote", "c", "--force", "a trial"), ("rollback",)])
def test_without_permission(
    bucket: Bucket,
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The service denies a listing, or the write of a decision: one line, and the champion stays."""
    uri, runs = bucket.uri("models"), Runs(tmp_path)
    for quality in (0.8, 0.9, 0.8):
        assert runs(pr_auc=quality).register(uri).code == 0
    bucket.server.use(monkeypatch, bucket.proxy.url)
    bucket.proxy.faults = [Fault("GET|POST|PUT", "prefix=|decisions", status=403)]
    capsys.readouterr()
    assert invoke(*words, "--registry", uri) == 77
    assert capsys.readouterr().err.count("\n") == 1
    bucket.proxy.faults = []
    assert json.loads(open_destination(uri).read("aliases/champion.json").data)["version"] == "b"  # type: ignore[union-attr]
