"""Publishing to a bucket and a registry there, for every kind of store, against a proxy that breaks things.

What Cloud Storage's emulator cannot show: files above 8 MiB that two publishers send at the same time (it does not keep
``if_generation_match`` for them, so the later one replaces the earlier one's equal object), and permissions.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from steps.core import storage
from steps.core.errors import AlreadyExistsError, BadDataError, DeniedError, NoInputError, PipelineError, TransientError
from steps.io import open_destination
from steps.registry import publishing
from steps.registry.manifest import MANIFEST
from tests.emulators.bucket_faults import Fault
from tests.emulators.buckets import DOWNLOADS, LONG, SHORT, UPLOADS
from tests.emulators.processes import ROOT
from tests.support import leftovers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from steps.buckets import Object, Patience, Store
    from tests.emulators.buckets import Bucket

NAMES = ("cover_type=4/part-0.parquet", "cover_type=5/part-0.parquet")
REFUSALS = {403: DeniedError, 404: NoInputError, 429: TransientError, 500: TransientError, 503: TransientError}


def files_of(bucket: Bucket, content: str = "") -> dict[str, Path]:
    folder = bucket.folder / (content or "first")
    for name in NAMES:
        storage.write_text(folder / name, f"{content} in {name}")
    return {name: folder / name for name in NAMES}


def put(bucket: Bucket, files: dict[str, Path], patience: Patience = LONG) -> publishing.Published:
    """Publish below ``data``, by way of the proxy."""
    destination = open_destination(bucket.uri("data/"), lambda: bucket.broken(patience))
    return publishing.publish(files, destination, {"rows": 3})


def fetch(bucket: Bucket, name: str = "out") -> list[str]:
    """Fetch what is published there, and return the files' texts."""
    folder = bucket.folder.parent / name
    publishing.fetch(open_destination(bucket.uri("data"), bucket.broken), folder)
    return [(folder / each).read_text() for each in leftovers(folder)]


def nothing_is_published(bucket: Bucket) -> bool:
    try:
        publishing.read_manifest(open_destination(bucket.uri("data"), lambda: bucket.store))
    except NoInputError:
        return True
    return False


def interrupted(bucket: Bucket, ending: str, action: Callable[[], object]) -> Store:
    """Return a store that lets something else happen just before it sends the first object with this ending."""
    store, actions = copy.copy(bucket.store), [action]

    def upload(path: Path, uri: str, **options: Any) -> Object:
        if uri.endswith(ending) and actions:
            actions.pop()()
        return bucket.store.upload(path, uri, **options)

    store.upload = upload  # type: ignore[method-assign]
    return store


# A store that may not know conditions gets the first object twice.
@pytest.mark.parametrize(("bucket", "first"), [("gcs", 1), ("s3", 2)], indirect=["bucket"])
def test_the_manifest_is_last(bucket: Bucket, first: int) -> None:
    done = put(bucket, files_of(bucket))
    entries = done.manifest.files
    assert [entry.name for entry in entries] == list(NAMES)
    assert entries[0].path == f"cover_type=4/part-0-{entries[0].sha256[:12]}.parquet"
    names = [f"data/{path}" for path in (*(entry.path for entry in entries), MANIFEST)]
    targets = [unquote(target) for target in bucket.proxy.targets(UPLOADS)]
    assert [name for target in targets for name in names if name in target] == [names[0]] * first + names[1:]
    assert bucket.names() == sorted(names)
    objects = {each.uri: each for each in map(bucket.store.get, map(bucket.uri, names))}
    for entry in entries:
        there = objects[done.manifest.uri(entry)]
        assert (there.generation, there.crc32c, there.size) == (entry.generation, entry.crc32c, entry.size)
    assert done.manifest.generation == objects[bucket.uri(names[-1])].generation
    assert publishing.read_manifest(open_destination(bucket.uri("data"), lambda: bucket.store)) == done.manifest
    assert fetch(bucket) == [f" in {name}" for name in NAMES]


def test_no_object_is_replaced_in_cloud_storage(gcs_bucket: Bucket) -> None:
    put(gcs_bucket, files_of(gcs_bucket))
    targets = gcs_bucket.proxy.targets(UPLOADS)
    assert ["ifGenerationMatch=0" in target for target in targets] == [True] * 3


def test_the_same_again_sends_nothing(bucket: Bucket) -> None:
    first = put(bucket, files_of(bucket))
    bucket.proxy.asked.clear()
    again = put(bucket, files_of(bucket))
    assert (again.already, again.manifest) == (True, first.manifest)
    assert bucket.proxy.count(UPLOADS) == 0


def test_other_content_is_refused_before_anything_is_sent(bucket: Bucket) -> None:
    put(bucket, files_of(bucket))
    before = bucket.names()
    bucket.proxy.asked.clear()
    with pytest.raises(AlreadyExistsError, match=f"'{NAMES[0]}' differs., in {bucket.uri('data')}"):
        put(bucket, files_of(bucket, "other"))
    assert bucket.proxy.count(UPLOADS) == 0
    assert bucket.names() == before


@pytest.mark.parametrize("content", ["", "other", "partly"])
def test_another_publisher_is_faster(bucket: Bucket, content: str) -> None:
    """The slower one finds the manifest when it has sent all its files: its own are removed, unless they are shared."""
    winner: list[publishing.Published] = []
    slow = interrupted(bucket, MANIFEST, lambda: winner.append(put(bucket, files_of(bucket))))
    files = files_of(bucket, content)
    if content == "partly":
        files[NAMES[0]] = files_of(bucket)[NAMES[0]]
    if content:
        with pytest.raises(AlreadyExistsError, match="other content is already published"):
            publishing.publish(files, open_destination(bucket.uri("data"), lambda: slow), {"rows": 3})
    else:
        done = publishing.publish(files, open_destination(bucket.uri("data"), lambda: slow), {"rows": 3})
        assert done.manifest == winner[0].manifest
    assert fetch(bucket) == [f" in {name}" for name in NAMES]
    assert len(bucket.names()) == 3


def test_of_many_publishers_one_wins(bucket: Bucket) -> None:
    barrier, ends = threading.Barrier(4), []
    contents = {str(number): files_of(bucket, str(number)) for number in range(4)}

    def publish(content: str) -> None:
        barrier.wait()
        with contextlib.suppress(AlreadyExistsError):
            ends.append((content, put(bucket, contents[content]).already))

    threads = [threading.Thread(target=publish, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ends) == 1
    winner, already = ends[0]
    assert not already
    assert fetch(bucket) == [f"{winner} in {name}" for name in NAMES]
    assert len(bucket.names()) == 3


@pytest.mark.parametrize(
    ("bucket", "at", "status"),
    [("gcs", at, status) for status in REFUSALS for at in range(3)]
    + [("s3", at, status) for status in (403, 404, 503) for at in range(4)],
    indirect=["bucket"],
)
def test_a_publisher_that_fails_leaves_nothing_to_read(bucket: Bucket, at: int, status: int) -> None:
    """Whichever of the requests does not get through; the next attempt completes it."""
    files = files_of(bucket)
    bucket.proxy.faults = [Fault(UPLOADS, "", at, pause=0.0), Fault(UPLOADS, "", status=status)]
    with pytest.raises(PipelineError) as caught:
        put(bucket, files, SHORT if REFUSALS[status] is TransientError else LONG)
    assert type(caught.value) is REFUSALS[status]
    assert nothing_is_published(bucket)
    bucket.proxy.faults.clear()
    assert not put(bucket, files).already
    assert fetch(bucket) == [f" in {name}" for name in NAMES]
    assert len(bucket.names()) == 3


@pytest.mark.parametrize("fault", [{"status": 429}, {"status": 503}, {"lost": True}])
def test_a_publisher_with_a_bad_network_gets_there(bucket: Bucket, fault: dict[str, Any]) -> None:
    """Every second request fails, with the answer lost also after it had its effect."""
    for _ in range(8):
        bucket.proxy.faults += [Fault(UPLOADS, "", 1, **fault), Fault(UPLOADS, "", 1)]
    put(bucket, files_of(bucket))
    assert fetch(bucket) == [f" in {name}" for name in NAMES]
    assert len(bucket.names()) == 3


def test_fetching_over_a_bad_network(bucket: Bucket) -> None:
    put(bucket, files_of(bucket))
    bucket.proxy.faults = [Fault("GET", DOWNLOADS, 1, cut=5) for _ in range(3)] + [Fault("GET", "", 1, status=503)]
    assert fetch(bucket) == [f" in {name}" for name in NAMES]
    bucket.proxy.faults = [Fault("GET", r"cover_type.*alt=media|^/bucket-\w+/data/cover_type", garble=True)]
    with pytest.raises(TransientError, match="another crc32c"):
        fetch(bucket, "again")
    assert [path.name for path in bucket.folder.parent.iterdir() if "again" in path.name] == []


@pytest.mark.parametrize(
    ("bucket", "message"),
    [("gcs", "no such object or bucket, in"), ("s3", "the object was replaced by another one, in")],
    indirect=["bucket"],
)
def test_fetching_what_was_changed(bucket: Bucket, message: str) -> None:
    entry = put(bucket, files_of(bucket)).manifest.files[0]
    bucket.store.upload(bucket.file(10), bucket.uri(f"data/{entry.path}"), if_absent=False)
    with pytest.raises(NoInputError, match=f"{message} {bucket.uri('data')}/{entry.path}"):
        fetch(bucket)
    assert leftovers(bucket.folder.parent / "out") == []


def test_a_manifest_that_names_another_file(bucket: Bucket) -> None:
    done = put(bucket, files_of(bucket))
    first, *others = done.manifest.files
    changed = dataclasses.replace(done.manifest, files=(dataclasses.replace(first, sha256="0" * 64), *others))
    storage.write_bytes(bucket.folder / "m", changed.encode())
    bucket.store.upload(bucket.folder / "m", bucket.uri(f"data/{MANIFEST}"), if_absent=False)
    with pytest.raises(BadDataError, match="not the file that was published"):
        fetch(bucket)
    assert not (bucket.folder.parent / "out").exists()


@pytest.mark.kills
@pytest.mark.parametrize("part", range(1, 4))
def test_a_publisher_that_is_killed_leaves_nothing_to_read(s3_bucket: Bucket, part: int) -> None:
    """Kill -9 when so many parts of a large file have arrived. The next attempt publishes everything."""
    small, large = s3_bucket.file(1000, "small"), s3_bucket.file((16 << 20) + 1, "large")
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
    words = [sys.executable, "-c", code, str(small), str(large), s3_bucket.uri("data")]
    known = {**os.environ, **s3_bucket.server.environment()}
    process = subprocess.Popen(words, cwd=ROOT, env=known, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert [bool(process.stdout.readline()) for _ in range(part)] == [True] * part
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    files = {"a": small, "b": large}
    names = s3_bucket.names()
    if f"data/{MANIFEST}" not in names:  # after the last part it may be quicker than the signal
        assert nothing_is_published(s3_bucket)
        assert len(names) == 1 or part == 3
    publishing.publish(files, open_destination(s3_bucket.uri("data"), lambda: s3_bucket.store))
    publishing.fetch(open_destination(s3_bucket.uri("data"), lambda: s3_bucket.store), s3_bucket.folder.parent / "out")
    assert (s3_bucket.folder.parent / "out/b").read_bytes() == large.read_bytes()
