"""Publishing to Cloud Storage and a registry there, against fake-gcs-server and a proxy that breaks things.

What the emulator cannot show: files above 8 MiB that two publishers send at the same time (it does not keep
``if_generation_match`` for them, so the later one replaces the earlier one's equal object), and permissions.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from steps.buckets import Patience
from steps.core import storage
from steps.core.errors import AlreadyExistsError, BadDataError, DeniedError, NoInputError, PipelineError, TransientError
from steps.google import gcs
from steps.io import open_destination
from steps.registry import publishing
from steps.registry.manifest import MANIFEST
from tests.emulators import storage_server
from tests.emulators.bucket_faults import Fault
from tests.steps.test_register import FILES, Runs
from tests.support import leftovers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.emulators.storage_server import Cloud, Server

NAMES = ("cover_type=4/part-0.parquet", "cover_type=5/part-0.parquet")
SHORT = Patience(seconds=0.3, first_wait=0.02, connect=1, silence=1)
SENDING = "/upload/"


@pytest.fixture
def cloud(server: Server, tmp_path: Path) -> Iterator[Cloud]:
    with storage_server.cloud_of(server, tmp_path / "files") as found:
        found.folder.mkdir()
        yield found


def files_of(cloud: Cloud, content: str = "") -> dict[str, Path]:
    folder = cloud.folder / (content or "first")
    for name in NAMES:
        storage.write_text(folder / name, f"{content} in {name}")
    return {name: folder / name for name in NAMES}


def put(cloud: Cloud, files: dict[str, Path], patience: Patience = storage_server.IMPATIENT) -> publishing.Published:
    """Publish below ``data``, by way of the proxy."""
    return publishing.publish(files, open_destination(cloud.uri("data/"), lambda: cloud.broken(patience)), {"rows": 3})


def fetch(cloud: Cloud, name: str = "out", patience: Patience = storage_server.IMPATIENT) -> list[str]:
    """Fetch what is published there, and return the files' texts."""
    folder = cloud.folder.parent / name
    publishing.fetch(open_destination(cloud.uri("data"), lambda: cloud.broken(patience)), folder)
    return [(folder / each).read_text() for each in leftovers(folder)]


def nothing_is_published(cloud: Cloud) -> bool:
    try:
        publishing.read_manifest(open_destination(cloud.uri("data"), lambda: cloud.store))
    except NoInputError:
        return True
    return False


class Interrupted(gcs.Store):
    """A store that lets something else happen just before it sends the first object with this ending."""

    def __init__(self, cloud: Cloud, ending: str, action: Callable[[], object]) -> None:
        super().__init__(cloud.store.client, storage_server.IMPATIENT)
        self.ending, self.action = ending, action

    def upload(self, path: Path, uri: str, **options: Any) -> gcs.Object:
        if uri.endswith(self.ending):
            action, self.action = self.action, lambda: None
            action()
        return super().upload(path, uri, **options)


def test_the_manifest_is_last(cloud: Cloud) -> None:
    done = put(cloud, files_of(cloud))
    sent = [target for method, target, _ in cloud.proxy.asked if method == "POST"]
    assert len(sent) == 3
    assert all("ifGenerationMatch=0" in target for target in sent)
    entries = done.manifest.files
    assert [entry.name for entry in entries] == list(NAMES)
    assert entries[0].path == f"cover_type=4/part-0-{entries[0].sha256[:12]}.parquet"
    assert cloud.names() == sorted([f"data/{MANIFEST}", *(f"data/{entry.path}" for entry in entries)])
    objects = {each.uri: each for each in cloud.store.objects(cloud.uri("data/**"))}
    for entry in entries:
        there = objects[done.manifest.uri(entry)]
        assert (there.generation, there.crc32c, there.size) == (entry.generation, entry.crc32c, entry.size)
    assert done.manifest.generation == objects[cloud.uri(f"data/{MANIFEST}")].generation
    assert publishing.read_manifest(open_destination(cloud.uri("data"), lambda: cloud.store)) == done.manifest
    assert fetch(cloud) == [f" in {name}" for name in NAMES]


def test_the_same_again_sends_nothing(cloud: Cloud) -> None:
    first = put(cloud, files_of(cloud))
    cloud.proxy.asked.clear()
    again = put(cloud, files_of(cloud))
    assert (again.already, again.manifest) == (True, first.manifest)
    assert cloud.proxy.count("POST") == 0


def test_other_content_is_refused_before_anything_is_sent(cloud: Cloud) -> None:
    put(cloud, files_of(cloud))
    before = cloud.names()
    cloud.proxy.asked.clear()
    with pytest.raises(AlreadyExistsError, match=f"'{NAMES[0]}' differs., in {cloud.uri('data')}"):
        put(cloud, files_of(cloud, "other"))
    assert cloud.proxy.count("POST") == 0
    assert cloud.names() == before


@pytest.mark.parametrize("content", ["", "other", "partly"])
def test_another_publisher_is_faster(cloud: Cloud, content: str) -> None:
    """The slower one finds the manifest when it has sent all its files: its own are removed, unless they are shared."""
    winner: list[publishing.Published] = []
    slow = Interrupted(cloud, MANIFEST, lambda: winner.append(put(cloud, files_of(cloud))))
    files = files_of(cloud, content)
    if content == "partly":
        files[NAMES[0]] = files_of(cloud)[NAMES[0]]
    if content:
        with pytest.raises(AlreadyExistsError, match="other content is already published"):
            publishing.publish(files, open_destination(cloud.uri("data"), lambda: slow), {"rows": 3})
    else:
        done = publishing.publish(files, open_destination(cloud.uri("data"), lambda: slow), {"rows": 3})
        assert done.manifest == winner[0].manifest
    assert fetch(cloud) == [f" in {name}" for name in NAMES]
    assert len(cloud.names()) == 3


def test_of_many_publishers_one_wins(cloud: Cloud) -> None:
    barrier, ends = threading.Barrier(4), []
    contents = {str(number): files_of(cloud, str(number)) for number in range(4)}

    def run(content: str) -> None:
        barrier.wait()
        with contextlib.suppress(AlreadyExistsError):
            ends.append((content, put(cloud, contents[content]).already))

    threads = [threading.Thread(target=run, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ends) == 1
    winner, already = ends[0]
    assert not already
    assert fetch(cloud) == [f"{winner} in {name}" for name in NAMES]
    assert len(cloud.names()) == 3


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"status": 403}, DeniedError),
        ({"status": 404}, NoInputError),
        ({"status": 429}, TransientError),
        ({"status": 500}, TransientError),
        ({"status": 503}, TransientError),
    ],
)
@pytest.mark.parametrize("at", range(3))
def test_a_publisher_that_fails_leaves_nothing_to_read(
    cloud: Cloud, fault: dict[str, Any], expected: type[PipelineError], at: int
) -> None:
    """Whichever of the three requests does not get through; the next attempt completes it."""
    files = files_of(cloud)
    cloud.proxy.faults = [Fault("POST", SENDING, at, pause=0.0), Fault("POST", SENDING, **fault)]
    with pytest.raises(expected) as caught:
        put(cloud, files, SHORT)
    assert type(caught.value) is expected
    assert nothing_is_published(cloud)
    cloud.proxy.faults.clear()
    assert not put(cloud, files).already
    assert fetch(cloud) == [f" in {name}" for name in NAMES]
    assert len(cloud.names()) == 3


@pytest.mark.parametrize("fault", [{"status": 429}, {"status": 503}, {"lost": True}])
def test_a_publisher_with_a_bad_network_gets_there(cloud: Cloud, fault: dict[str, Any]) -> None:
    """Every second request fails, with the answer lost also after it had its effect."""
    for _ in range(6):
        cloud.proxy.faults += [Fault("POST", SENDING, 1, **fault), Fault("POST", SENDING, 1)]
    put(cloud, files_of(cloud))
    assert fetch(cloud) == [f" in {name}" for name in NAMES]
    assert len(cloud.names()) == 3


def test_fetching_over_a_bad_network(cloud: Cloud) -> None:
    put(cloud, files_of(cloud))
    cloud.proxy.faults = [Fault("GET", "alt=media", 1, cut=5) for _ in range(3)] + [Fault("GET", "", 1, status=503)]
    assert fetch(cloud) == [f" in {name}" for name in NAMES]
    cloud.proxy.faults = [Fault("GET", r"cover_type.*alt=media", garble=True)]
    with pytest.raises(TransientError, match="another crc32c"):
        fetch(cloud, "again", SHORT)
    assert [path.name for path in cloud.folder.parent.iterdir() if "again" in path.name] == []


def test_fetching_what_was_changed(cloud: Cloud) -> None:
    entry = put(cloud, files_of(cloud)).manifest.files[0]
    cloud.store.upload(cloud.file(10), cloud.uri(f"data/{entry.path}"), if_absent=False)
    with pytest.raises(NoInputError, match=f"no such object or bucket, in {cloud.uri('data')}/{entry.path}"):
        fetch(cloud)
    assert leftovers(cloud.folder.parent / "out") == []


def test_a_manifest_that_names_another_file(cloud: Cloud) -> None:
    done = put(cloud, files_of(cloud))
    first, *others = done.manifest.files
    changed = dataclasses.replace(done.manifest, files=(dataclasses.replace(first, sha256="0" * 64), *others))
    storage.write_bytes(cloud.folder / "m", changed.encode())
    cloud.store.upload(cloud.folder / "m", cloud.uri(f"data/{MANIFEST}"), if_absent=False)
    with pytest.raises(BadDataError, match="not the file that was published"):
        fetch(cloud)
    assert not (cloud.folder.parent / "out").exists()


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


@pytest.fixture
def through(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """Let the command line find the proxy, and be impatient."""
    monkeypatch.setattr("steps.google.gcs.store.PATIENCE", SHORT)
    with storage_server.environment(cloud.proxy.url):
        yield cloud


def alias(cloud: Cloud, name: str) -> str:
    found: bytes = cloud.store.read(cloud.store.get(cloud.uri(f"models/aliases/{name}.json")))
    return str(json.loads(found)["version"])


def test_a_registry(through: Cloud, runs: Runs) -> None:
    registry = through.uri("models")
    first, second = runs(), runs(pr_auc=0.8)
    result = first.register(registry)
    line = f"a registered in {registry}, is now champion: there was no champion\n"
    assert (result.code, result.log) == (0, line)
    manifest = publishing.read_manifest(open_destination(f"{registry}/versions/a", lambda: through.store))
    assert [entry.name for entry in manifest.files] == FILES
    found = first.registration()
    assert found["manifest"] == {"uri": f"{registry}/versions/a/{MANIFEST}", "generation": manifest.generation}
    for entry in (*found["files"], *found["aliases"].values()):
        assert through.store.get(entry["uri"]).generation == entry["generation"]
    assert second.register(registry).code == 0
    assert (alias(through, "candidate"), alias(through, "champion")) == ("b", "a")
    assert first.register(registry).code == 0
    assert first.registration()["already"]
    assert (alias(through, "candidate"), alias(through, "champion")) == ("a", "a")


@pytest.mark.parametrize(("status", "code"), [(403, 77), (404, 66), (429, 75), (503, 75)])
def test_a_registry_in_trouble(through: Cloud, runs: Runs, status: int, code: int) -> None:
    """The version is all there or not at all; the next attempt completes it, aliases included."""
    run = runs()
    for target in (MANIFEST, "candidate.json", "champion.json"):
        through.proxy.faults = [Fault("POST", f"models/.*{target}", status=status)]
        result = run.register(through.uri("models"))
        assert (result.code, len(result.errors)) == (code, 1), result.log
        assert "Traceback" not in result.log
        assert not (run.folder / "registration").exists()
    through.proxy.faults.clear()
    assert run.register(through.uri("models")).code == 0
    assert (alias(through, "candidate"), alias(through, "champion")) == ("a", "a")


def test_a_champion_that_changes_meanwhile(through: Cloud, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The better one moves the alias between the other's look and its write: 412, and the other is judged again."""
    registry = through.uri("models")
    first, good, better = runs(pr_auc=0.7), runs(pr_auc=0.8), runs(pr_auc=0.95)
    first.register(registry)
    ending = "aliases/champion.json"
    store = Interrupted(through, ending, lambda: better.register(registry))
    stores = iter([store, store])
    real = gcs.connect
    monkeypatch.setattr(gcs, "connect", lambda: next(stores, None) or real())
    assert good.register(registry).code == 0
    assert alias(through, "champion") == "c"
    champion = good.registration()["aliases"]["champion"]
    assert champion["reason"].startswith("worse: ")
    assert (champion["moved"], champion["version"]) == (False, "c")


def test_two_runs_with_one_name(through: Cloud, runs: Runs) -> None:
    registry = through.uri("models")
    runs().register(registry)
    result = runs(pr_auc=0.99).register(registry, version="a")
    assert (result.code, len(result.errors)) == (2, 1)
    assert "other content is already published" in result.log
    assert alias(through, "champion") == "a"


def test_a_registry_without_credentials(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STORAGE_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    result = runs().register("gs://bucket/models")
    assert (result.code, len(result.errors)) == (77, 1)
    assert "gcloud auth application-default login" in result.log
