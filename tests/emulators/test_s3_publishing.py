"""Publishing to S3, a registry there, and sources from there, against SeaweedFS and a proxy that breaks things."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from steps import prepare, s3
from steps.buckets import Object, Patience
from steps.core import storage
from steps.core.errors import AlreadyExistsError, DeniedError, NoInputError, PipelineError, TransientError
from steps.io import open_destination, sources
from steps.registry import publishing
from steps.registry.manifest import MANIFEST
from steps.sources.reading import Reading
from tests.emulators import s3_server as emulator
from tests.emulators.bucket_faults import Fault
from tests.emulators.storage_server import IMPATIENT, ROOT
from tests.emulators.test_bigquery import assert_same_bytes, local, out, run
from tests.steps.test_register import FILES, Runs
from tests.support import call, csv_bytes, leftovers, real_rows, write_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.emulators.s3_server import S3Cloud, S3Server

__all__ = ["local", "out"]  # fixtures
NAMES = ("cover_type=4/part-0.parquet", "cover_type=5/part-0.parquet")
SHORT = Patience(seconds=0.3, first_wait=0.02, connect=1, silence=1)
ROWS = real_rows(3500)


@pytest.fixture
def cloud(s3_server: S3Server, tmp_path: Path) -> Iterator[S3Cloud]:
    with emulator.cloud_of(s3_server, tmp_path / "files") as found:
        found.folder.mkdir()
        yield found


def files_of(cloud: S3Cloud, content: str = "") -> dict[str, Path]:
    folder = cloud.folder / (content or "first")
    for name in NAMES:
        storage.write_text(folder / name, f"{content} in {name}")
    return {name: folder / name for name in NAMES}


def put(cloud: S3Cloud, files: dict[str, Path], patience: Patience = IMPATIENT) -> publishing.Published:
    """Publish below ``data``, by way of the proxy."""
    return publishing.publish(files, open_destination(cloud.uri("data/"), lambda: cloud.broken(patience)), {"rows": 3})


def fetch(cloud: S3Cloud, name: str = "out") -> list[str]:
    """Fetch what is published there, and return the files' texts."""
    folder = cloud.folder.parent / name
    publishing.fetch(open_destination(cloud.uri("data"), cloud.broken), folder)
    return [(folder / each).read_text() for each in leftovers(folder)]


def nothing_is_published(cloud: S3Cloud) -> bool:
    try:
        publishing.read_manifest(open_destination(cloud.uri("data"), lambda: cloud.store))
    except NoInputError:
        return True
    return False


class Interrupted(s3.Store):
    """A store that lets something else happen just before it sends the first object with this ending."""

    def __init__(self, cloud: S3Cloud, ending: str, action: Callable[[], object]) -> None:
        super().__init__(cloud.store.client, IMPATIENT)
        self.ending, self.action = ending, action

    def upload(self, path: Path, uri: str, **options: Any) -> Object:
        if uri.endswith(self.ending):
            action, self.action = self.action, lambda: None
            action()
        return super().upload(path, uri, **options)


def test_the_manifest_is_last(cloud: S3Cloud) -> None:
    done = put(cloud, files_of(cloud))
    sent = [unquote(target.partition(" ")[0]) for method, target, _ in cloud.proxy.asked if method == "PUT"]
    entries = done.manifest.files
    assert sent == [f"/{cloud.bucket}/data/{path}" for path in (entries[0].path, *(e.path for e in entries), MANIFEST)]
    assert [entry.name for entry in entries] == list(NAMES)
    assert cloud.names() == sorted([f"data/{MANIFEST}", *(f"data/{entry.path}" for entry in entries)])
    for entry in entries:
        there = cloud.store.get(done.manifest.uri(entry))
        assert (there.generation, there.crc32c, there.size) == (entry.generation, entry.crc32c, entry.size)
    assert publishing.read_manifest(open_destination(cloud.uri("data"), lambda: cloud.store)) == done.manifest
    assert fetch(cloud) == [f" in {name}" for name in NAMES]
    cloud.proxy.asked.clear()
    again = put(cloud, files_of(cloud))
    assert (again.already, again.manifest) == (True, done.manifest)
    assert cloud.proxy.count("PUT") == 0
    with pytest.raises(AlreadyExistsError, match=f"'{NAMES[0]}' differs., in {cloud.uri('data')}"):
        put(cloud, files_of(cloud, "other"))
    assert cloud.proxy.count("PUT") == 0


@pytest.mark.parametrize("content", ["", "other", "partly"])
def test_another_publisher_is_faster(cloud: S3Cloud, content: str) -> None:
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


def test_of_many_publishers_one_wins(cloud: S3Cloud) -> None:
    barrier, ends = threading.Barrier(4), []
    contents = {str(number): files_of(cloud, str(number)) for number in range(4)}

    def publish(content: str) -> None:
        barrier.wait()
        with contextlib.suppress(AlreadyExistsError):
            ends.append((content, put(cloud, contents[content], Patience(20, 0.02, 5, 10)).already))

    threads = [threading.Thread(target=publish, args=(content,)) for content in contents]
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
        ({"status": 403, "code": "AccessDenied"}, DeniedError),
        ({"status": 404, "code": "NoSuchBucket"}, NoInputError),
        ({"status": 503, "code": "SlowDown"}, TransientError),
    ],
)
@pytest.mark.parametrize("at", range(4))
def test_a_publisher_that_fails_leaves_nothing_to_read(
    cloud: S3Cloud, fault: dict[str, Any], expected: type[PipelineError], at: int
) -> None:
    """Whichever of the requests does not get through; the next attempt completes it."""
    files = files_of(cloud)
    cloud.proxy.faults = [Fault("PUT", "", at, pause=0.0), Fault("PUT", "", **fault)]
    with pytest.raises(expected) as caught:
        put(cloud, files, SHORT)
    assert type(caught.value) is expected
    assert nothing_is_published(cloud)
    cloud.proxy.faults.clear()
    assert not put(cloud, files).already
    assert fetch(cloud) == [f" in {name}" for name in NAMES]
    assert len(cloud.names()) == 3


def test_a_publisher_with_a_bad_network_gets_there(cloud: S3Cloud) -> None:
    """Every second answer is lost after the request had its effect."""
    for _ in range(8):
        cloud.proxy.faults += [Fault("PUT", "", 1, lost=True), Fault("PUT", "", 1)]
    put(cloud, files_of(cloud))
    assert fetch(cloud) == [f" in {name}" for name in NAMES]
    assert len(cloud.names()) == 3


@pytest.mark.kills
@pytest.mark.parametrize("part", range(1, 4))
def test_a_publisher_that_is_killed_leaves_nothing_to_read(cloud: S3Cloud, part: int) -> None:
    """Kill -9 when so many parts of a large file have arrived. The next attempt publishes everything."""
    small, large = cloud.file(1000, "small"), cloud.file((16 << 20) + 1, "large")
    code = (
        "import sys; from pathlib import Path; from steps import s3\n"
        "from steps.io import open_destination; from steps.registry import publishing\n"
        "real = s3.Store.upload\n"
        "def upload(*words, **options):\n"
        "    return real(*words, **options, report_progress=lambda count: print(count, flush=True))\n"
        "s3.Store.upload = upload\n"
        "files = {'a': Path(sys.argv[1]), 'b': Path(sys.argv[2])}\n"
        "publishing.publish(files, open_destination(sys.argv[3]))"
    )
    words = [sys.executable, "-c", code, str(small), str(large), cloud.uri("data")]
    known = {**os.environ, **cloud.server.environment()}
    process = subprocess.Popen(words, cwd=ROOT, env=known, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert [bool(process.stdout.readline()) for _ in range(part)] == [True] * part
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    files = {"a": small, "b": large}
    names = cloud.names()
    if f"data/{MANIFEST}" not in names:  # after the last part it may be quicker than the signal
        assert nothing_is_published(cloud)
        assert len(names) == 1 or part == 3
    publishing.publish(files, open_destination(cloud.uri("data"), lambda: cloud.store))
    publishing.fetch(open_destination(cloud.uri("data"), lambda: cloud.store), cloud.folder.parent / "out")
    assert (cloud.folder.parent / "out/b").read_bytes() == large.read_bytes()


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


@pytest.fixture
def through(cloud: S3Cloud, monkeypatch: pytest.MonkeyPatch) -> S3Cloud:
    """Let the command line find the proxy, and be impatient."""
    monkeypatch.setattr("steps.s3.store.PATIENCE", SHORT)
    emulator.use(cloud.server, monkeypatch, cloud.proxy.url)
    return cloud


def alias(cloud: S3Cloud, name: str) -> str:
    found: bytes = cloud.store.read(cloud.store.get(cloud.uri(f"models/aliases/{name}.json")))
    return str(json.loads(found)["version"])


def test_a_registry(through: S3Cloud, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steps.s3.store.PATIENCE", Patience(20, 0.02, 5, 10))
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
    assert (alias(through, "candidate"), alias(through, "champion")) == ("a", "a")


@pytest.mark.parametrize(
    ("status", "name", "code"), [(403, "AccessDenied", 77), (404, "NoSuchBucket", 66), (503, "SlowDown", 75)]
)
def test_a_registry_in_trouble(through: S3Cloud, runs: Runs, status: int, name: str, code: int) -> None:
    """The version is all there or not at all; the next attempt completes it, aliases included."""
    one = runs()
    for target in (MANIFEST, "candidate.json", "champion.json"):
        through.proxy.faults = [Fault("PUT", f"models/.*{target}", status=status, code=name)]
        result = one.register(through.uri("models"))
        assert (result.code, len(result.errors)) == (code, 1), result.log
        assert "Traceback" not in result.log
    through.proxy.faults.clear()
    assert one.register(through.uri("models")).code == 0
    assert (alias(through, "candidate"), alias(through, "champion")) == ("a", "a")


def test_a_champion_that_changes_meanwhile(cloud: S3Cloud, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The better one moves the alias between the other's look and its write: 412, and the other is judged again."""
    emulator.use(cloud.server, monkeypatch)
    registry = cloud.uri("models")
    first, good, better = runs(pr_auc=0.7), runs(pr_auc=0.8), runs(pr_auc=0.95)
    first.register(registry)
    store = Interrupted(cloud, "aliases/champion.json", lambda: better.register(registry))
    stores = iter([store])
    real = s3.connect
    monkeypatch.setattr(s3, "connect", lambda: next(stores, None) or real())
    assert good.register(registry).code == 0
    assert alias(cloud, "champion") == "c"
    champion = good.registration()["aliases"]["champion"]
    assert (champion["moved"], champion["version"]) == (False, "c")


@pytest.fixture
def bucket(cloud: S3Cloud, monkeypatch: pytest.MonkeyPatch) -> S3Cloud:
    emulator.use(cloud.server, monkeypatch)
    return cloud


@pytest.mark.parametrize("ending", [".parquet", ".csv.gz"])
def test_several_objects_as_a_source(
    bucket: S3Cloud, tmp_path: Path, out: Path, local: tuple[dict[str, Any], Path], *, ending: str
) -> None:
    for number, start in enumerate(range(0, 3500, 1000)):
        part = write_table(tmp_path / f"part{ending}", ROWS.slice(start, 1000))
        bucket.store.upload(part, bucket.uri(f"cover/part-{number}{ending}"), if_absent=True)
    source = bucket.uri(f"cover/part-*{ending}")
    result = run(out, source)
    assert result.code == 0, result.log
    assert f"{source}: 4 objects, " in result.log
    assert json.loads((out / "profile.json").read_text())["data_sha256"] == local[0]["data_sha256"]


def test_one_object_as_a_source_by_an_account_that_may_only_read(
    bucket: S3Cloud, tmp_path: Path, out: Path, local: tuple[dict[str, Any], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = write_table(tmp_path / "cover.parquet", ROWS)
    bucket.store.client.put_object(Bucket=bucket.bucket, Key="a folder/cover.parquet", Body=table.read_bytes())
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", emulator.READER)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", emulator.READER_SECRET)
    assert run(out, bucket.uri("a folder/cover.parquet")).code == 0
    assert_same_bytes(out, local)


def test_the_version_of_objects_is_their_etags(bucket: S3Cloud, tmp_path: Path) -> None:
    path, changed = (write_table(tmp_path / f"{name}.csv", ROWS.slice(0, name)) for name in (10, 11))
    bucket.store.upload(path, bucket.uri("1.csv"), if_absent=True)
    first = sources.version_of(bucket.uri("*"), Reading())
    assert first == sources.version_of(bucket.uri("1.csv"), Reading())
    bucket.store.upload(changed, bucket.uri("1.csv"), if_absent=False)
    assert first != sources.version_of(bucket.uri("*"), Reading())


def test_sources_that_are_not_there(bucket: S3Cloud, out: Path) -> None:
    uri = bucket.uri("cover/*.parquet")
    result = run(out, uri)
    assert (result.code, result.errors) == (66, [f"error: no object matches, in {uri}: check the name"])
    result = run(out, "s3://no-such-bucket/x.csv")
    assert (result.code, result.errors) == (
        66,
        ["error: no such object or bucket, in s3://no-such-bucket/x.csv: check the name"],
    )


def test_a_bad_row_is_told_by_its_object(bucket: S3Cloud, tmp_path: Path, out: Path) -> None:
    lines = csv_bytes(ROWS).splitlines()
    lines[10] = b"x" + lines[10]
    (tmp_path / "part.csv").write_bytes(b"\n".join(lines))
    bucket.store.upload(tmp_path / "part.csv", bucket.uri("part.csv"), if_absent=True)
    result = run(out, bucket.uri("part.csv"))
    assert result.code == 65
    assert f"in column 'Elevation' is not a number, in row 9 of {bucket.uri('part.csv')}: " in result.errors[0]


def test_secrets_are_not_shown(bucket: S3Cloud, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "an0ther-s3cr3t")
    monkeypatch.setenv("COVERTYPE_DEBUG", "1")
    words = ("--dataset", f"aspen={out}/a", "--profile", f"{out}/p")
    result = call(prepare.main, "--source", bucket.uri("x.csv"), *words)
    assert result.code == 77
    assert "the secret key does not belong to the access key" in result.log
    assert "an0ther" not in result.log
