"""What is special to S3: against SeaweedFS 4.48, and against a proxy before it that breaks things."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from steps import s3
from steps.core.errors import (
    AlreadyExistsError,
    BadConfigurationError,
    BadDataError,
    DeniedError,
    NoInputError,
    PipelineError,
    TransientError,
)
from steps.s3 import multipart
from steps.s3.requests import body_arguments
from tests.emulators.bucket_faults import Fault
from tests.emulators.buckets import LARGE, SHORT, SIZE
from tests.emulators.processes import ROOT
from tests.emulators.s3_server import ACCESS, READER, READER_SECRET, SECRET, store_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from steps.buckets import Object
    from tests.emulators.buckets import Bucket
    from tests.emulators.s3_server import S3Server


def test_a_large_object_is_made_once_by_two_publishers_at_the_same_time(s3_bucket: Bucket) -> None:
    """The other one completes its upload while the parts of this one are on their way."""
    uri, mine, other = s3_bucket.uri("once"), s3_bucket.file(LARGE, "mine"), s3_bucket.file(LARGE, "other")
    sent: list[Object] = []

    def overtake(_: int) -> None:
        if not sent:
            sent.append(s3_bucket.store.upload(other, uri, if_absent=True))

    with pytest.raises(AlreadyExistsError):
        s3_bucket.store.upload(mine, uri, if_absent=True, report_progress=overtake)
    assert s3_bucket.store.get(uri) == sent[0]
    assert unfinished(s3_bucket) == []


def unfinished(s3_bucket: Bucket) -> list[str]:
    """Return the keys of uploads in parts that were not completed."""
    listed = s3_bucket.store.client.list_multipart_uploads(Bucket=s3_bucket.name).get("Uploads", ())
    return [str(entry["Key"]) for entry in listed]


def test_a_listing_of_several_pages(s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("t/b.csv", "t/a.csv", "t/10.csv", "t/deep/c.csv", "t/a.csv.gz"):
        s3_bucket.put(name, 10)
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
    found = s3_bucket.store.objects(s3_bucket.uri("t/*.csv"))
    assert [each.name for each in found] == ["t/10.csv", "t/a.csv", "t/b.csv"]
    assert pages.count("t/") >= 3


@pytest.mark.parametrize(
    ("access", "secret", "message"),
    [
        ("ANOTHER-77", SECRET, "the store does not know the access key, in s3://{}/x.?: check AWS_ACCESS_KEY_ID"),
        (ACCESS, "an0ther-s3cr3t", "the secret key does not belong to the access key, in s3://{}/x.?: check"),
    ],
)
def test_wrong_keys(s3_bucket: Bucket, access: str, secret: str, message: str) -> None:
    store = store_at(s3_bucket.server.url, access=access, secret=secret)
    file, uri = s3_bucket.file(), s3_bucket.uri("x")
    for action in (
        lambda: store.objects(uri),
        lambda: store.objects(s3_bucket.uri("x*")),
        lambda: store.upload(file, uri, if_absent=True),
    ):
        with pytest.raises(DeniedError, match=message.format(s3_bucket.name)) as caught:
            action()
        assert secret not in str(caught.value)


@pytest.mark.parametrize("size", [SIZE, LARGE])
def test_an_account_that_may_only_read(s3_bucket: Bucket, size: int) -> None:
    sent, file = s3_bucket.put(size=size)
    reader = store_at(s3_bucket.server.url, access=READER, secret=READER_SECRET)
    assert reader.read(reader.get(sent.uri)) == file.read_bytes()
    with pytest.raises(
        DeniedError, match=f"the caller lacks the permission s3:PutObject, in {s3_bucket.uri('y')}: have"
    ):
        reader.upload(file, s3_bucket.uri("y"), if_absent=True)
    with pytest.raises(DeniedError, match="the caller lacks the permission s3:DeleteObject"):
        reader.delete(sent)


def test_a_clock_that_is_wrong(s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    sent, file = s3_bucket.put()
    import botocore.auth

    now = botocore.auth.get_current_datetime
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: now() - dt.timedelta(hours=2))
    for action in (
        lambda: s3_bucket.store.get(sent.uri),
        lambda: s3_bucket.store.download(sent, s3_bucket.folder / "out"),
        lambda: s3_bucket.store.upload(file, s3_bucket.uri("y"), if_absent=True),
    ):
        with pytest.raises(DeniedError, match=r"the clock of this machine differs .*, in s3://.*: set the clock"):
            action()


def test_without_credentials(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    s3_server.use(monkeypatch)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(DeniedError, match="there are no AWS credentials, in S3: set AWS_ACCESS_KEY_ID and"):
        s3.connect()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "half")
    with pytest.raises(DeniedError, match="there are no AWS credentials"):
        s3.connect()


def test_credentials_and_endpoint_of_a_profile(
    s3_bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, file = s3_bucket.put()
    s3_bucket.use(monkeypatch)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name)
    (tmp_path / "config").write_text(f"[profile own]\nregion = eu-west-1\nendpoint_url = {s3_bucket.server.url}\n")
    keys = f"aws_access_key_id = {ACCESS}\naws_secret_access_key = {SECRET}\n"
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
    s3_server.use(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(PipelineError, match=r"AWS_ENDPOINT_URL") as caught:
        s3.connect(patience=SHORT).get("s3://bucket/x")
    assert caught.value.exit_code in {69, 78}


@pytest.mark.parametrize("code", ["QuotaExceeded", "XMinioStorageFull"])
def test_a_bucket_that_is_full(s3_bucket: Bucket, code: str) -> None:
    s3_bucket.proxy.faults = [
        Fault("PUT", "", status=507, code=code),
        Fault("PUT", "partNumber=2", status=507, code=code),
    ]
    for size in (SIZE, LARGE):
        with pytest.raises(TransientError, match=r"the bucket is full, in .*: delete objects, or raise its quota"):
            s3_bucket.broken(SHORT).upload(s3_bucket.file(size), s3_bucket.uri("y"), if_absent=True)
    assert (s3_bucket.names(), unfinished(s3_bucket)) == ([], [])


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
def test_other_answers(s3_bucket: Bucket, status: int, code: str, kind: type[PipelineError], message: str) -> None:
    s3_bucket.proxy.faults = [Fault("PUT", "", status=status, code=code, message="no")]
    with pytest.raises(kind, match=message):
        s3_bucket.broken().upload(s3_bucket.file(), s3_bucket.uri("y"), if_absent=True)


def test_an_object_of_another_tool_is_compared_with_its_md5(s3_bucket: Bucket) -> None:
    data = os.urandom(5000)
    s3_bucket.store.client.put_object(Bucket=s3_bucket.name, Key="x", Body=data)
    [found] = s3_bucket.store.objects(s3_bucket.uri("x*"))
    assert (found.crc32c, s3_bucket.store.read(found)) == ("", data)
    s3_bucket.proxy.faults = [Fault("GET", "/x", garble=True)]
    with pytest.raises(TransientError, match="another md5"):
        s3_bucket.broken().read(found)


@pytest.mark.parametrize("size", [SIZE, LARGE])
def test_bytes_that_were_changed_on_the_way_up(s3_bucket: Bucket, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = body_arguments(b"other bytes")["ContentMD5"]
    for module in ("multipart", "store"):
        monkeypatch.setattr(f"steps.s3.{module}.body_arguments", lambda data: {"Body": data, "ContentMD5": wrong})
    with pytest.raises(TransientError, match="another md5"):
        store_at(s3_bucket.server.url, SHORT).upload(s3_bucket.file(size), s3_bucket.uri("x"), if_absent=True)
    assert (s3_bucket.names(), unfinished(s3_bucket)) == ([], [])


@pytest.mark.parametrize("size", [SIZE, LARGE])
def test_a_file_that_changes_during_its_upload(s3_bucket: Bucket, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steps.buckets.store.crc32c_file", lambda _: "AAAAAA==")
    with pytest.raises(BadDataError, match=r"the file changed while it was uploaded, in .*: run again"):
        s3_bucket.store.upload(s3_bucket.file(size), s3_bucket.uri("x"), if_absent=True)
    assert (s3_bucket.names(), unfinished(s3_bucket)) == ([], [])


def test_a_store_that_ignores_the_condition_is_refused(s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    store = s3_bucket.store
    real = store.client.put_object
    monkeypatch.setattr(store.client, "put_object", lambda IfNoneMatch, **rest: real(**rest))  # noqa: ARG005, N803
    with pytest.raises(BadConfigurationError, match=r"the store ignores If-None-Match, so that two publishers .* over"):
        store.upload(s3_bucket.file(), s3_bucket.uri("x"), if_absent=True)


@pytest.mark.kills
def test_an_upload_that_is_killed_leaves_no_object(s3_bucket: Bucket) -> None:
    """Kill -9 after the first part has arrived: nobody sees an object, and the next attempt makes it."""
    path, uri = s3_bucket.file(4 * LARGE, "in"), s3_bucket.uri("x")
    code = (
        "import sys; from pathlib import Path; from steps import s3\n"
        "s3.connect().upload(Path(sys.argv[1]), sys.argv[2], if_absent=True,"
        " report_progress=lambda count: print(count, flush=True))"
    )
    known = {**os.environ, **s3_bucket.server.environment()}
    command = [sys.executable, "-c", code, str(path), uri]
    process = subprocess.Popen(command, cwd=ROOT, env=known, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == f"{8 << 20}\n"
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    assert (s3_bucket.names(), unfinished(s3_bucket)) == ([], ["x"])
    with pytest.raises(NoInputError):
        s3_bucket.store.get(uri)
    assert s3_bucket.store.read(s3_bucket.store.upload(path, uri, if_absent=True)) == path.read_bytes()


def test_the_parts_of_a_very_large_file() -> None:
    assert multipart.part_bytes(LARGE) == 8 << 20
    size = 5 << 40
    assert -(-size // multipart.part_bytes(size)) <= 10_000
