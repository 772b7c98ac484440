"""What a store of objects promises, for every kind: against an emulator, and a proxy before it that breaks things.

What is special to one store is in ``test_gcs.py`` and ``test_s3.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steps import s3
from steps.buckets import Patience
from steps.buckets.store import Upload
from steps.core.crc32c import crc32c_file
from steps.core.errors import AlreadyExistsError, NoInputError, TransientError, UnavailableError, UsageError
from steps.google import gcs
from tests.emulators.bucket_faults import Fault, proxied
from tests.emulators.buckets import DOWNLOADS, LARGE, SHORT, SIZE, UPLOADS
from tests.support import leftovers

if TYPE_CHECKING:
    from tests.emulators.buckets import Bucket


@pytest.mark.parametrize("size", [0, 1, SIZE, LARGE])
def test_what_is_uploaded_comes_back(bucket: Bucket, size: int) -> None:
    path = bucket.file(size, "in")
    sent = bucket.store.upload(path, bucket.uri("a b/ü#x.bin"), if_absent=True)
    assert (sent.bucket, sent.name, sent.size, sent.crc32c) == (bucket.name, "a b/ü#x.bin", size, crc32c_file(path))
    assert sent.uri == bucket.uri("a b/ü#x.bin")
    assert bucket.store.objects(sent.uri) == [sent]
    bucket.store.download(sent, bucket.folder / "new" / "out")
    assert (bucket.folder / "new" / "out").read_bytes() == path.read_bytes() == bucket.store.read(sent)
    assert leftovers(bucket.folder) == ["in", "new/out"]


@pytest.mark.parametrize("size", [SIZE, LARGE])
def test_an_object_is_made_once(bucket: Bucket, size: int) -> None:
    """The large one is compared before it is sent: Cloud Storage's emulator would overwrite it."""
    path, uri = bucket.file(size, "in"), bucket.uri("once")
    first = bucket.store.upload(path, uri, if_absent=True)
    assert bucket.store.upload(path, uri, if_absent=True) == first
    with pytest.raises(AlreadyExistsError, match=f"already exists with different content, in {uri}"):
        bucket.store.upload(bucket.file(size, "other"), uri, if_absent=True)
    assert bucket.store.get(uri) == first


# Cloud Storage's emulator keeps the condition for uploads in one request alone.
@pytest.mark.parametrize(("bucket", "size"), [("gcs", 10), ("s3", 10), ("s3", LARGE)], indirect=["bucket"])
def test_a_generation_is_replaced_once(bucket: Bucket, size: int) -> None:
    one, two, three = (bucket.file(size, name) for name in ("1", "2", "3"))
    uri = bucket.uri("changing")
    first = bucket.store.upload(one, uri, if_absent=True)
    second = bucket.store.upload(two, uri, if_absent=False, generation=first.generation)
    assert second.generation != first.generation
    with pytest.raises(AlreadyExistsError):
        bucket.store.upload(three, uri, if_absent=False, generation=first.generation)
    assert bucket.store.read(bucket.store.get(uri)) == two.read_bytes()


@pytest.mark.parametrize(
    ("bucket", "message"),
    [("gcs", "no such object or bucket, in {}: check"), ("s3", "the object was replaced by another one, in {}: run")],
    indirect=["bucket"],
)
def test_a_generation_that_is_gone(bucket: Bucket, message: str) -> None:
    first, _ = bucket.put()
    bucket.store.upload(bucket.file(10, "other"), first.uri, if_absent=False)
    with pytest.raises(NoInputError, match=message.format(first.uri)):
        bucket.store.download(first, bucket.folder / "out")
    assert not (bucket.folder / "out").exists()


def test_wildcards(bucket: Bucket) -> None:
    for name in ("t/b.csv", "t/a.csv", "t/10.csv", "t/deep/c.csv", "t/a.csv.gz", "other.csv"):
        bucket.put(name, 10)
    empty = bucket.file(0)  # what some tools make for a folder
    bucket.store._send(Upload(empty, 0, crc32c_file(empty), if_absent=False), bucket.name, "t/d/")
    assert "t/d/" in bucket.names()

    def matching(pattern: str) -> list[str]:
        return [found.name for found in bucket.store.objects(bucket.uri(pattern))]

    assert matching("t/*.csv") == ["t/10.csv", "t/a.csv", "t/b.csv"]
    assert matching("t/?.csv") == ["t/a.csv", "t/b.csv"]
    assert matching("**.csv") == ["other.csv", "t/10.csv", "t/a.csv", "t/b.csv", "t/deep/c.csv"]
    assert matching("t/a.*") == ["t/a.csv", "t/a.csv.gz"]
    assert matching("t/*") == ["t/10.csv", "t/a.csv", "t/a.csv.gz", "t/b.csv"]
    assert matching("t/**") == ["t/10.csv", "t/a.csv", "t/a.csv.gz", "t/b.csv", "t/deep/c.csv"]
    with pytest.raises(NoInputError, match="no object matches"):
        matching("t/[ab].csv*")


@pytest.mark.parametrize(("kind", "other"), [(gcs.Store, "s3://"), (s3.Store, "gs://")])
@pytest.mark.parametrize("uri", ["{own}", "{own}/x", "{own}UPPER/x", "{other}bucket/x", "bucket/x", "{own}bucket/a\nb"])
def test_addresses_that_are_none(kind: type[gcs.Store | s3.Store], other: str, uri: str) -> None:
    with pytest.raises(UsageError, match=f"{kind.scheme}bucket/name"):
        kind(None).objects(uri.format(own=kind.scheme, other=other))


@pytest.mark.parametrize(
    ("bucket", "uri", "message"),
    [
        ("gcs", "{}absent", "no such object or bucket, in "),
        ("gcs", "gs://no-such-bucket/x", "no such object or bucket, in "),
        ("gcs", "gs://no-such-bucket/*", "no such object or bucket, in "),
        ("s3", "{}absent", "no such object or bucket, in "),
        ("s3", "s3://no-such-bucket/x", "no such object or bucket, in "),
        ("s3", "s3://no-such-bucket/*", "no such bucket, in "),
    ],
    indirect=["bucket"],
)
def test_what_is_not_there(bucket: Bucket, uri: str, message: str) -> None:
    uri = uri.format(bucket.uri())
    with pytest.raises(NoInputError, match=message) as caught:
        bucket.store.objects(uri)
    assert uri in str(caught.value)


def test_a_folder_is_no_object(bucket: Bucket) -> None:
    file = bucket.file()
    for uri in (bucket.uri().rstrip("/"), bucket.uri("t/")):
        with pytest.raises(UsageError, match="folder"):
            bucket.store.objects(uri)
        with pytest.raises(UsageError, match="folder"):
            bucket.store.upload(file, uri, if_absent=True)


@pytest.mark.parametrize(
    ("bucket", "message"),
    [("gcs", "no such object or bucket, in gs://"), ("s3", "no such bucket, in s3://")],
    indirect=["bucket"],
)
@pytest.mark.parametrize("size", [SIZE, LARGE])
def test_upload_to_a_bucket_that_is_not_there(bucket: Bucket, message: str, size: int) -> None:
    with pytest.raises(NoInputError, match=f"{message}no-such-bucket/x: check the name"):
        bucket.store.upload(bucket.file(size), f"{bucket.server.scheme}no-such-bucket/x", if_absent=True)


def test_deleting_twice(bucket: Bucket) -> None:
    sent, _ = bucket.put()
    bucket.store.delete(sent)
    bucket.store.delete(sent)
    with pytest.raises(NoInputError):
        bucket.store.get(sent.uri)


@pytest.mark.parametrize(
    ("bucket", "message"),
    [
        ("gcs", "Cloud Storage cannot be reached, in gs://bucket/x: check the network"),
        ("s3", "S3 cannot be reached, in s3://bucket/x: check the network and AWS_E"),
    ],
    indirect=["bucket"],
)
def test_nobody_listens(bucket: Bucket, message: str) -> None:
    with proxied(bucket.server.port) as gone:
        pass
    with pytest.raises(UnavailableError, match=message):
        bucket.server.store_at(gone.url, SHORT).get(f"{bucket.server.scheme}bucket/x")


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_service_in_trouble_is_asked_again(bucket: Bucket, status: int) -> None:
    file, uri = bucket.file(), bucket.uri("x")
    bucket.proxy.faults = [Fault(UPLOADS, "", 2, status=status), Fault("GET|HEAD", "", 2, status=status)]
    sent = bucket.broken().upload(file, uri, if_absent=True)
    assert bucket.proxy.faults[0].times == 0
    assert bucket.broken().objects(uri) == [sent] == bucket.store.objects(uri)
    bucket.proxy.faults = [Fault("GET", DOWNLOADS, 2, status=status)]
    assert bucket.broken().read(sent) == file.read_bytes()
    bucket.proxy.faults.append(Fault("GET", "prefix=x", 2, status=status))
    [listed] = bucket.broken().objects(bucket.uri("x*"))
    assert (listed.uri, listed.generation, listed.size) == (sent.uri, sent.generation, sent.size)
    assert [fault.times for fault in bucket.proxy.faults] == [0, 0]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_service_that_stays_in_trouble(bucket: Bucket, status: int) -> None:
    sent, file = bucket.put()
    impatient = bucket.broken(SHORT)
    bucket.proxy.faults = [Fault(f"GET|HEAD|{UPLOADS}", "", status=status)]
    message = f"{bucket.server.service} answered {status} again and again, in {bucket.uri()}"
    for action in (
        lambda: impatient.objects(sent.uri),
        lambda: impatient.objects(bucket.uri("*")),
        lambda: impatient.download(sent, bucket.folder / "out"),
        lambda: impatient.upload(file, bucket.uri("y"), if_absent=True),
    ):
        with pytest.raises(TransientError, match=message):
            action()
    assert leftovers(bucket.folder) == ["file"]
    assert bucket.names() == ["x"]


def test_a_download_goes_on_where_it_broke(bucket: Bucket) -> None:
    sent, file = bucket.put()
    bucket.proxy.faults = [Fault("GET", DOWNLOADS, 1, cut=100_000), Fault("GET", DOWNLOADS, 1, cut=50_000)]
    bucket.broken().download(sent, bucket.folder / "out")
    assert (bucket.folder / "out").read_bytes() == file.read_bytes()
    starts = [int(span.removeprefix("bytes=").rstrip("-")) if span else 0 for span in bucket.proxy.ranges(DOWNLOADS)]
    assert starts[0] == 0 < starts[1] <= 100_000 < starts[2] <= 150_000


@pytest.mark.parametrize("quietly", [False, True])
@pytest.mark.parametrize("cut", [0, 40_000])
def test_a_download_that_never_gets_on(bucket: Bucket, cut: int, quietly: bool) -> None:  # noqa: FBT001
    sent, _ = bucket.put()
    bucket.proxy.faults = [Fault("GET", DOWNLOADS, 1, cut=cut), Fault("GET", DOWNLOADS, cut=0, quietly=quietly)]
    with pytest.raises(TransientError, match=rf"the connection broke again and again .*, in {sent.uri}: run again"):
        bucket.broken(Patience(0.5, 0.05, 1, 1)).download(sent, bucket.folder / "out")
    assert leftovers(bucket.folder) == ["file"]


def test_bytes_that_were_changed_on_the_way_down(bucket: Bucket) -> None:
    sent, _ = bucket.put()
    bucket.proxy.faults = [Fault("GET", DOWNLOADS, garble=True)]
    with pytest.raises(TransientError, match="another crc32c"):
        bucket.broken().download(sent, bucket.folder / "out")
    assert leftovers(bucket.folder) == ["file"]


def test_a_full_disk_is_no_broken_connection(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    sent, _ = bucket.put()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("steps.buckets.transfer.Sink.write", full)
    with pytest.raises(OSError, match="No space left"):
        bucket.store.download(sent, bucket.folder / "out")
    assert leftovers(bucket.folder) == ["file"]


@pytest.mark.parametrize(
    ("bucket", "requests"),
    [("gcs", [("POST", "")]), ("s3", [("POST", "uploadId"), ("PUT", "")])],
    indirect=["bucket"],
)
@pytest.mark.parametrize("size", [SIZE, LARGE])
def test_an_upload_whose_answer_is_lost_arrives_once(
    bucket: Bucket, requests: list[tuple[str, str]], size: int
) -> None:
    """The retry finds what the first attempt left: by the condition and the crc32c, or by the upload's own session."""
    path, uri = bucket.file(size, "in"), bucket.uri("x")
    bucket.proxy.faults = [Fault(method, target, 1, lost=True) for method, target in requests]
    sent = bucket.broken().upload(path, uri, if_absent=True)
    assert bucket.store.objects(uri) == [sent]
    assert bucket.store.read(sent) == path.read_bytes()


@pytest.mark.parametrize(("bucket", "parts"), [("gcs", []), ("s3", [8 << 20, 4321])], indirect=["bucket"])
def test_a_large_upload_sends_only_the_broken_part_again(bucket: Bucket, parts: list[int]) -> None:
    path, uri = bucket.file(LARGE, "in"), bucket.uri("x")
    bucket.proxy.faults = [Fault("PUT", "", 1, status=503)]
    reported: list[int] = []
    sent = bucket.broken().upload(path, uri, if_absent=True, report_progress=reported.append)
    assert (bucket.proxy.count("PUT"), reported) == (3, parts)
    assert bucket.store.read(sent) == path.read_bytes()
