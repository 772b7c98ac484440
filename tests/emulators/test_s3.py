"""S3 against SeaweedFS 4.48, and against a proxy before it that breaks things."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from steps import s3
from steps.buckets import Object, Patience
from steps.core.crc32c import crc32c_file
from steps.core.errors import (
    AlreadyExistsError,
    BadConfigurationError,
    BadDataError,
    DeniedError,
    NoInputError,
    PipelineError,
    TransientError,
    UnavailableError,
    UsageError,
)
from steps.s3 import multipart
from steps.s3.requests import body_arguments
from tests.emulators import s3_server as emulator
from tests.emulators.bucket_faults import Fault, proxied
from tests.emulators.s3_server import READER, READER_SECRET, SECRET
from tests.emulators.storage_server import ROOT
from tests.support import leftovers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.emulators.s3_server import S3Cloud, S3Server

SIZE = 300_000
LARGE = (8 << 20) + 4321
SHORT = Patience(0.3, 0.02, 1, 1)


@pytest.fixture
def cloud(s3_server: S3Server, tmp_path: Path) -> Iterator[S3Cloud]:
    with emulator.cloud_of(s3_server, tmp_path) as found:
        yield found


@pytest.mark.parametrize("size", [0, 1, SIZE, LARGE])
def test_what_is_uploaded_comes_back(cloud: S3Cloud, size: int) -> None:
    path = cloud.file(size, "in")
    sent = cloud.store.upload(path, cloud.uri("a b/ü#x.bin"), if_absent=True)
    assert (sent.bucket, sent.name, sent.size, sent.crc32c) == (cloud.bucket, "a b/ü#x.bin", size, crc32c_file(path))
    assert sent.uri == cloud.uri("a b/ü#x.bin")
    assert cloud.store.objects(sent.uri) == [sent]
    cloud.store.download(sent, cloud.folder / "new" / "out")
    assert (cloud.folder / "new" / "out").read_bytes() == path.read_bytes() == cloud.store.read(sent)
    assert leftovers(cloud.folder) == ["in", "new/out"]


@pytest.mark.parametrize("size", [SIZE, LARGE])
def test_an_object_is_made_once(cloud: S3Cloud, size: int) -> None:
    path, uri = cloud.file(size, "in"), cloud.uri("once")
    first = cloud.store.upload(path, uri, if_absent=True)
    assert cloud.store.upload(path, uri, if_absent=True) == first
    with pytest.raises(AlreadyExistsError, match=f"already exists with different content, in {uri}"):
        cloud.store.upload(cloud.file(size, "other"), uri, if_absent=True)
    assert cloud.store.get(uri) == first


def test_a_large_object_is_made_once_by_two_publishers_at_the_same_time(cloud: S3Cloud) -> None:
    """The other one completes its upload while the parts of this one are on their way."""
    uri, mine, other = cloud.uri("once"), cloud.file(LARGE, "mine"), cloud.file(LARGE, "other")
    sent: list[Object] = []

    def overtake(_: int) -> None:
        if not sent:
            sent.append(cloud.store.upload(other, uri, if_absent=True))

    with pytest.raises(AlreadyExistsError):
        cloud.store.upload(mine, uri, if_absent=True, report_progress=overtake)
    assert cloud.store.get(uri) == sent[0]
    assert unfinished(cloud) == []


def unfinished(cloud: S3Cloud) -> list[str]:
    """Return the keys of uploads in parts that were not completed."""
    listed = cloud.store.client.list_multipart_uploads(Bucket=cloud.bucket).get("Uploads", ())
    return [str(entry["Key"]) for entry in listed]


@pytest.mark.parametrize("size", [10, LARGE])
def test_a_generation_is_replaced_once(cloud: S3Cloud, size: int) -> None:
    one, two, three = (cloud.file(size, name) for name in ("1", "2", "3"))
    uri = cloud.uri("changing")
    first = cloud.store.upload(one, uri, if_absent=True)
    second = cloud.store.upload(two, uri, if_absent=False, generation=first.generation)
    assert second.generation != first.generation
    with pytest.raises(AlreadyExistsError):
        cloud.store.upload(three, uri, if_absent=False, generation=first.generation)
    assert cloud.store.read(cloud.store.get(uri)) == two.read_bytes()


def test_a_generation_that_is_gone(cloud: S3Cloud) -> None:
    first, _ = cloud.put()
    cloud.store.upload(cloud.file(10, "other"), first.uri, if_absent=False)
    with pytest.raises(NoInputError, match=f"the object was replaced by another one, in {first.uri}: run again"):
        cloud.store.download(first, cloud.folder / "out")
    assert not (cloud.folder / "out").exists()


def test_wildcards_over_more_objects_than_a_page(cloud: S3Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("t/b.csv", "t/a.csv", "t/10.csv", "t/deep/c.csv", "t/a.csv.gz", "other.csv"):
        cloud.put(name, 10)
    cloud.store.client.put_object(Bucket=cloud.bucket, Key="t/d/", Body=b"")  # what some tools make for a folder
    real = s3.Store._list
    pages = []

    def small_pages(store: s3.Store, bucket: str, prefix: str, where: str) -> Iterator[Object]:
        call = store._requests.call

        def paged(*words: str, **arguments: object) -> dict[str, object]:
            pages.append(prefix)
            return call(*words, **{**arguments, "MaxKeys": 2})  # type: ignore[arg-type]

        monkeypatch.setattr(store._requests, "call", paged)
        yield from real(store, bucket, prefix, where)

    monkeypatch.setattr(s3.Store, "_list", small_pages)

    def matching(pattern: str) -> list[str]:
        return [found.name for found in cloud.store.objects(cloud.uri(pattern))]

    assert matching("t/*.csv") == ["t/10.csv", "t/a.csv", "t/b.csv"]
    assert pages.count("t/") >= 3
    assert matching("t/?.csv") == ["t/a.csv", "t/b.csv"]
    assert matching("**.csv") == ["other.csv", "t/10.csv", "t/a.csv", "t/b.csv", "t/deep/c.csv"]
    assert matching("t/*") == ["t/10.csv", "t/a.csv", "t/a.csv.gz", "t/b.csv"]
    with pytest.raises(NoInputError, match="no object matches"):
        matching("t/[ab].csv*")


@pytest.mark.parametrize("uri", ["s3://", "s3:///x", "s3://UPPER/x", "gs://bucket/x", "bucket/x", "s3://bucket/a\nb"])
def test_addresses_that_are_none(uri: str) -> None:
    with pytest.raises(UsageError, match="s3://bucket/name"):
        s3.Store(None).objects(uri)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("s3://{}/absent", "no such object or bucket, in "),
        ("s3://no-such-bucket/x", "no such object or bucket, in "),
        ("s3://no-such-bucket/*", "no such bucket, in "),
    ],
)
def test_what_is_not_there(cloud: S3Cloud, uri: str, message: str) -> None:
    uri = uri.format(cloud.bucket)
    with pytest.raises(NoInputError, match=message) as caught:
        cloud.store.objects(uri)
    assert uri in str(caught.value)


def test_a_folder_is_no_object(cloud: S3Cloud) -> None:
    file = cloud.file()
    for uri in (f"s3://{cloud.bucket}", cloud.uri("t/")):
        with pytest.raises(UsageError, match="folder"):
            cloud.store.objects(uri)
        with pytest.raises(UsageError, match="folder"):
            cloud.store.upload(file, uri, if_absent=True)


@pytest.mark.parametrize("size", [SIZE, LARGE])
def test_upload_to_a_bucket_that_is_not_there(cloud: S3Cloud, size: int) -> None:
    with pytest.raises(NoInputError, match="no such bucket, in s3://no-such-bucket/x: check the name"):
        cloud.store.upload(cloud.file(size), "s3://no-such-bucket/x", if_absent=True)


def test_deleting_twice(cloud: S3Cloud) -> None:
    sent, _ = cloud.put()
    cloud.store.delete(sent)
    cloud.store.delete(sent)
    with pytest.raises(NoInputError):
        cloud.store.get(sent.uri)


def test_nobody_listens(s3_server: S3Server) -> None:
    with proxied(s3_server.port) as gone:
        pass
    with pytest.raises(UnavailableError, match=r"S3 cannot be reached, in s3://bucket/x: check the network and AWS_E"):
        emulator.store_at(gone.url, SHORT).get("s3://bucket/x")


@pytest.mark.parametrize(
    ("access", "secret", "message"),
    [
        ("ANOTHER-77", SECRET, "the store does not know the access key, in s3://{}/x.?: check AWS_ACCESS_KEY_ID"),
        (emulator.ACCESS, "an0ther-s3cr3t", "the secret key does not belong to the access key, in s3://{}/x.?: check"),
    ],
)
def test_wrong_keys(cloud: S3Cloud, access: str, secret: str, message: str) -> None:
    store = emulator.store_at(cloud.server.url, access=access, secret=secret)
    file, uri = cloud.file(), cloud.uri("x")
    for action in (
        lambda: store.objects(uri),
        lambda: store.objects(cloud.uri("x*")),
        lambda: store.upload(file, uri, if_absent=True),
    ):
        with pytest.raises(DeniedError, match=message.format(cloud.bucket)) as caught:
            action()
        assert secret not in str(caught.value)


@pytest.mark.parametrize("size", [SIZE, LARGE])
def test_an_account_that_may_only_read(cloud: S3Cloud, size: int) -> None:
    sent, file = cloud.put(size=size)
    reader = emulator.store_at(cloud.server.url, access=READER, secret=READER_SECRET)
    assert reader.read(reader.get(sent.uri)) == file.read_bytes()
    with pytest.raises(DeniedError, match=f"the caller lacks the permission s3:PutObject, in {cloud.uri('y')}: have"):
        reader.upload(file, cloud.uri("y"), if_absent=True)
    with pytest.raises(DeniedError, match="the caller lacks the permission s3:DeleteObject"):
        reader.delete(sent)


def test_a_clock_that_is_wrong(cloud: S3Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    sent, file = cloud.put()
    import botocore.auth

    now = botocore.auth.get_current_datetime
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: now() - dt.timedelta(hours=2))
    for action in (
        lambda: cloud.store.get(sent.uri),
        lambda: cloud.store.download(sent, cloud.folder / "out"),
        lambda: cloud.store.upload(file, cloud.uri("y"), if_absent=True),
    ):
        with pytest.raises(DeniedError, match=r"the clock of this machine differs .*, in s3://.*: set the clock"):
            action()


def test_without_credentials(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator.use(s3_server, monkeypatch)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(DeniedError, match="there are no AWS credentials, in S3: set AWS_ACCESS_KEY_ID and"):
        s3.connect()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "half")
    with pytest.raises(DeniedError, match="there are no AWS credentials"):
        s3.connect()


def test_credentials_and_endpoint_of_a_profile(cloud: S3Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent, file = cloud.put()
    emulator.use(cloud.server, monkeypatch)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name)
    (tmp_path / "config").write_text(f"[profile own]\nregion = eu-west-1\nendpoint_url = {cloud.server.url}\n")
    keys = f"aws_access_key_id = {emulator.ACCESS}\naws_secret_access_key = {SECRET}\n"
    (tmp_path / "credentials").write_text(f"[own]\n{keys}")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "own")
    assert s3.connect().read(s3.connect().get(sent.uri)) == file.read_bytes()
    monkeypatch.setenv("AWS_PROFILE", "another")
    with pytest.raises(BadConfigurationError, match=r"another.*: check ~/\.aws"):
        s3.connect()


@pytest.mark.parametrize("endpoint", ["nonsense", "http://", "http://a b"])
def test_an_endpoint_that_is_no_address(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    emulator.use(s3_server, monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(PipelineError, match=r"AWS_ENDPOINT_URL") as caught:
        s3.connect(patience=SHORT).get("s3://bucket/x")
    assert caught.value.exit_code in {69, 78}


@pytest.mark.parametrize(("status", "code"), [(500, "InternalError"), (503, "SlowDown"), (429, "Slow"), (408, "Late")])
def test_a_service_in_trouble_is_asked_again(cloud: S3Cloud, status: int, code: str) -> None:
    file, uri = cloud.file(), cloud.uri("x")
    cloud.proxy.faults = [Fault(method, "", 2, status=status, code=code) for method in ("PUT", "HEAD", "GET")]
    sent = cloud.broken().upload(file, uri, if_absent=True)
    assert cloud.broken().objects(uri) == [sent] == cloud.store.objects(uri)
    assert cloud.broken().read(sent) == file.read_bytes()
    cloud.proxy.faults = [Fault("GET", "prefix=x", 2, status=status, code=code)]
    assert [each.uri for each in cloud.broken().objects(cloud.uri("x*"))] == [uri]


@pytest.mark.parametrize(("status", "code"), [(503, "SlowDown"), (500, "InternalError")])
def test_a_service_that_stays_in_trouble(cloud: S3Cloud, status: int, code: str) -> None:
    sent, file = cloud.put()
    impatient = cloud.broken(SHORT)
    cloud.proxy.faults = [Fault(method, "", status=status, code=code) for method in ("GET", "HEAD", "PUT")]
    for action in (
        lambda: impatient.objects(sent.uri),
        lambda: impatient.objects(cloud.uri("*")),
        lambda: impatient.download(sent, cloud.folder / "out"),
        lambda: impatient.upload(file, cloud.uri("y"), if_absent=True),
    ):
        with pytest.raises(TransientError, match=f"S3 answered {status} again and again, in s3://{cloud.bucket}/"):
            action()
    assert leftovers(cloud.folder) == ["file"]
    assert cloud.names() == ["x"]


@pytest.mark.parametrize("code", ["QuotaExceeded", "XMinioStorageFull"])
def test_a_bucket_that_is_full(cloud: S3Cloud, code: str) -> None:
    cloud.proxy.faults = [Fault("PUT", "", status=507, code=code), Fault("PUT", "partNumber=2", status=507, code=code)]
    for size in (SIZE, LARGE):
        with pytest.raises(TransientError, match=r"the bucket is full, in .*: delete objects, or raise its quota"):
            cloud.broken(SHORT).upload(cloud.file(size), cloud.uri("y"), if_absent=True)
    assert (cloud.names(), unfinished(cloud)) == ([], [])


@pytest.mark.parametrize(
    ("status", "code", "kind", "message"),
    [
        (403, "ExpiredToken", DeniedError, "the credentials have expired"),
        (400, "InvalidToken", DeniedError, "the session token is not valid"),
        (400, "AuthorizationHeaderMalformed", BadConfigurationError, "in another region, in .*: set AWS_REGION"),
        (501, "NotImplemented", BadConfigurationError, "the store lacks a function"),
        (400, "EntityTooLarge", PipelineError, r"S3 answered 400 \(EntityTooLarge: no\), in "),
    ],
)
def test_other_answers(cloud: S3Cloud, status: int, code: str, kind: type[PipelineError], message: str) -> None:
    cloud.proxy.faults = [Fault("PUT", "", status=status, code=code, message="no")]
    with pytest.raises(kind, match=message):
        cloud.broken().upload(cloud.file(), cloud.uri("y"), if_absent=True)


def test_a_download_goes_on_where_it_broke(cloud: S3Cloud) -> None:
    sent, file = cloud.put()
    cloud.proxy.faults = [Fault("GET", "/x", 1, cut=100_000), Fault("GET", "/x", 1, cut=50_000)]
    cloud.broken().download(sent, cloud.folder / "out")
    assert (cloud.folder / "out").read_bytes() == file.read_bytes()
    starts = [int(span.removeprefix("bytes=").rstrip("-")) if span else 0 for span in cloud.proxy.ranges("/x")]
    assert starts[0] == 0 < starts[1] <= 100_000 < starts[2] <= 150_000


@pytest.mark.parametrize("quietly", [False, True])
def test_a_download_that_never_gets_on(cloud: S3Cloud, quietly: bool) -> None:  # noqa: FBT001
    sent, _ = cloud.put()
    cloud.proxy.faults = [Fault("GET", "/x", 1, cut=40_000), Fault("GET", "/x", cut=0, quietly=quietly)]
    with pytest.raises(TransientError, match=rf"the connection broke again and again .*, in {sent.uri}: run again"):
        cloud.broken(Patience(0.5, 0.05, 1, 1)).download(sent, cloud.folder / "out")
    assert leftovers(cloud.folder) == ["file"]


def test_bytes_that_were_changed_on_the_way_down(cloud: S3Cloud) -> None:
    sent, _ = cloud.put()
    cloud.proxy.faults = [Fault("GET", "/x", garble=True)]
    with pytest.raises(TransientError, match="another crc32c"):
        cloud.broken().download(sent, cloud.folder / "out")
    assert leftovers(cloud.folder) == ["file"]


def test_an_object_of_another_tool_is_compared_with_its_md5(cloud: S3Cloud) -> None:
    data = os.urandom(5000)
    cloud.store.client.put_object(Bucket=cloud.bucket, Key="x", Body=data)
    [found] = cloud.store.objects(cloud.uri("x*"))
    assert (found.crc32c, cloud.store.read(found)) == ("", data)
    cloud.proxy.faults = [Fault("GET", "/x", garble=True)]
    with pytest.raises(TransientError, match="another md5"):
        cloud.broken().read(found)


@pytest.mark.parametrize("size", [SIZE, LARGE])
def test_an_upload_whose_answer_is_lost_arrives_once(cloud: S3Cloud, size: int) -> None:
    """The retry finds what the first attempt left, by the condition and the crc32c."""
    path, uri = cloud.file(size, "in"), cloud.uri("x")
    cloud.proxy.faults = [Fault("POST", "uploadId", 1, lost=True), Fault("PUT", "", 1, lost=True)]
    sent = cloud.broken().upload(path, uri, if_absent=True)
    assert cloud.store.objects(uri) == [sent]
    assert cloud.store.read(sent) == path.read_bytes()


def test_a_large_upload_sends_only_the_broken_part_again(cloud: S3Cloud) -> None:
    path, uri = cloud.file(LARGE, "in"), cloud.uri("x")
    cloud.proxy.faults = [Fault("PUT", "partNumber=1", 1, status=503, code="SlowDown")]
    parts: list[int] = []
    sent = cloud.broken(Patience(20, 0.02, 5, 10)).upload(path, uri, if_absent=True, report_progress=parts.append)
    assert (cloud.proxy.count("PUT"), parts) == (3, [8 << 20, 4321])
    assert cloud.store.read(sent) == path.read_bytes()


@pytest.mark.parametrize("size", [SIZE, LARGE])
def test_bytes_that_were_changed_on_the_way_up(cloud: S3Cloud, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = body_arguments(b"other bytes")["ContentMD5"]
    for module in ("multipart", "store"):
        monkeypatch.setattr(f"steps.s3.{module}.body_arguments", lambda data: {"Body": data, "ContentMD5": wrong})
    with pytest.raises(TransientError, match="another md5"):
        emulator.store_at(cloud.server.url, SHORT).upload(cloud.file(size), cloud.uri("x"), if_absent=True)
    assert (cloud.names(), unfinished(cloud)) == ([], [])


@pytest.mark.parametrize("size", [SIZE, LARGE])
def test_a_file_that_changes_during_its_upload(cloud: S3Cloud, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steps.buckets.store.crc32c_file", lambda _: "AAAAAA==")
    with pytest.raises(BadDataError, match=r"the file changed while it was uploaded, in .*: run again"):
        cloud.store.upload(cloud.file(size), cloud.uri("x"), if_absent=True)
    assert (cloud.names(), unfinished(cloud)) == ([], [])


def test_a_store_that_ignores_the_condition_is_refused(cloud: S3Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    store = cloud.store
    real = store.client.put_object
    monkeypatch.setattr(store.client, "put_object", lambda IfNoneMatch, **rest: real(**rest))  # noqa: ARG005, N803
    with pytest.raises(BadConfigurationError, match=r"the store ignores If-None-Match, so that two publishers .* over"):
        store.upload(cloud.file(), cloud.uri("x"), if_absent=True)


@pytest.mark.kills
def test_an_upload_that_is_killed_leaves_no_object(cloud: S3Cloud) -> None:
    """Kill -9 after the first part has arrived: nobody sees an object, and the next attempt makes it."""
    path, uri = cloud.file(4 * LARGE, "in"), cloud.uri("x")
    code = (
        "import sys; from pathlib import Path; from steps import s3\n"
        "s3.connect().upload(Path(sys.argv[1]), sys.argv[2], if_absent=True,"
        " report_progress=lambda count: print(count, flush=True))"
    )
    known = {**os.environ, **cloud.server.environment()}
    command = [sys.executable, "-c", code, str(path), uri]
    process = subprocess.Popen(command, cwd=ROOT, env=known, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == f"{8 << 20}\n"
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    assert (cloud.names(), unfinished(cloud)) == ([], ["x"])
    with pytest.raises(NoInputError):
        cloud.store.get(uri)
    assert cloud.store.read(cloud.store.upload(path, uri, if_absent=True)) == path.read_bytes()


def test_the_parts_of_a_very_large_file() -> None:
    assert multipart.part_bytes(LARGE) == 8 << 20
    size = 5 << 40
    assert -(-size // multipart.part_bytes(size)) <= 10_000
