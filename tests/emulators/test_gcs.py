"""Cloud Storage against fake-gcs-server 1.54, and against a proxy before it that breaks things.

Where the emulator is not the service: it keeps ``if_generation_match`` for uploads in one request alone (up to 8 MiB),
not for larger ones, nor when deleting; it knows no permissions, so refusals are the proxy's, worded as the service's;
and it does not say whether an object or its bucket is missing.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from google.api_core.exceptions import Unauthorized

from steps.buckets import Patience
from steps.core import storage
from steps.core.crc32c import crc32c_file
from steps.core.errors import (
    AlreadyExistsError,
    DeniedError,
    NoInputError,
    PipelineError,
    TransientError,
    UnavailableError,
    UsageError,
)
from steps.google import gcs
from steps.google.gcs.errors import translate_error
from tests.emulators import storage_server
from tests.emulators.bucket_faults import Fault, proxied
from tests.support import leftovers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.emulators.storage_server import Cloud, Server

SIZE = 300_000
LARGE = (8 << 20) + 4321
ROBOT = "robot@p1.iam.gserviceaccount.com"
REFUSAL = f"{ROBOT} does not have %s access to the Google Cloud Storage object. Permission '%s' denied on resource."


@pytest.fixture
def cloud(server: Server, tmp_path: Path) -> Iterator[Cloud]:
    with storage_server.cloud_of(server, tmp_path) as found:
        yield found


def refusal(permission: str) -> str:
    return REFUSAL % (permission, permission)


@pytest.mark.parametrize("size", [0, 1, SIZE, LARGE])
def test_what_is_uploaded_comes_back(cloud: Cloud, size: int) -> None:
    path = cloud.file(size, "in")
    sent = cloud.store.upload(path, cloud.uri("a b/ü#x.bin"), if_absent=True)
    assert (sent.bucket, sent.name, sent.size, sent.crc32c) == (cloud.bucket, "a b/ü#x.bin", size, crc32c_file(path))
    assert cloud.store.objects(sent.uri) == [sent]
    cloud.store.download(sent, cloud.folder / "new" / "out")
    assert (cloud.folder / "new" / "out").read_bytes() == path.read_bytes() == cloud.store.read(sent)
    assert leftovers(cloud.folder) == ["in", "new/out"]


@pytest.mark.parametrize("size", [SIZE, LARGE])
def test_an_object_is_made_once(cloud: Cloud, size: int) -> None:
    """The large one is compared before it is sent: the emulator would overwrite it, the service would not."""
    path, uri = cloud.file(size, "in"), cloud.uri("once")
    first = cloud.store.upload(path, uri, if_absent=True)
    assert cloud.store.upload(path, uri, if_absent=True) == first
    with pytest.raises(AlreadyExistsError, match=f"already exists with different content, in {uri}"):
        cloud.store.upload(cloud.file(size, "other"), uri, if_absent=True)
    assert cloud.store.get(uri) == first


def test_a_generation_is_replaced_once(cloud: Cloud) -> None:
    one, two, three = (cloud.file(10, name) for name in ("1", "2", "3"))
    uri = cloud.uri("changing")
    first = cloud.store.upload(one, uri, if_absent=True)
    second = cloud.store.upload(two, uri, if_absent=False, generation=first.generation)
    assert int(second.generation) > int(first.generation)
    with pytest.raises(AlreadyExistsError):
        cloud.store.upload(three, uri, if_absent=False, generation=first.generation)
    assert cloud.store.read(cloud.store.get(uri)) == two.read_bytes()


def test_a_generation_that_is_gone(cloud: Cloud) -> None:
    first, _ = cloud.put()
    cloud.store.upload(cloud.file(10, "other"), first.uri, if_absent=False)
    with pytest.raises(NoInputError, match="no such object"):
        cloud.store.download(first, cloud.folder / "out")
    assert not (cloud.folder / "out").exists()


def test_wildcards(cloud: Cloud) -> None:
    for name in ("t/b.csv", "t/a.csv", "t/10.csv", "t/deep/c.csv", "t/a.csv.gz", "other.csv"):
        cloud.put(name)
    cloud.store.client.bucket(cloud.bucket).blob("t/d/").upload_from_string(b"")  # what some tools make for a folder

    def matching(pattern: str) -> list[str]:
        return [found.name for found in cloud.store.objects(cloud.uri(pattern))]

    assert matching("t/*.csv") == ["t/10.csv", "t/a.csv", "t/b.csv"]
    assert matching("t/?.csv") == ["t/a.csv", "t/b.csv"]
    assert matching("**.csv") == ["other.csv", "t/10.csv", "t/a.csv", "t/b.csv", "t/deep/c.csv"]
    assert matching("t/a.*") == ["t/a.csv", "t/a.csv.gz"]
    assert matching("t/*") == ["t/10.csv", "t/a.csv", "t/a.csv.gz", "t/b.csv"]
    assert matching("t/**") == ["t/10.csv", "t/a.csv", "t/a.csv.gz", "t/b.csv", "t/deep/c.csv"]
    with pytest.raises(NoInputError, match="no object matches"):
        matching("t/[ab].csv*")


@pytest.mark.parametrize("uri", ["gs://", "gs:///x", "gs://UPPER/x", "s3://bucket/x", "bucket/x", "gs://bucket/a\nb"])
def test_addresses_that_are_none(uri: str) -> None:
    with pytest.raises(UsageError, match="gs://bucket/name"):
        gcs.split_uri(uri)


@pytest.mark.parametrize("uri", ["gs://{}/absent", "gs://no-such-bucket/x", "gs://no-such-bucket/*"])
def test_what_is_not_there(cloud: Cloud, uri: str) -> None:
    uri = uri.format(cloud.bucket)
    with pytest.raises(NoInputError, match="no such object or bucket, in") as caught:
        cloud.store.objects(uri)
    assert uri in str(caught.value)


def test_a_folder_is_no_object(cloud: Cloud) -> None:
    file = cloud.file()
    for uri in (f"gs://{cloud.bucket}", cloud.uri("t/")):
        with pytest.raises(UsageError, match="folder"):
            cloud.store.objects(uri)
        with pytest.raises(UsageError, match="folder"):
            cloud.store.upload(file, uri, if_absent=True)


def test_upload_to_a_bucket_that_is_not_there(cloud: Cloud) -> None:
    file = cloud.file()
    with pytest.raises(NoInputError, match="gs://no-such-bucket/x"):
        cloud.store.upload(file, "gs://no-such-bucket/x", if_absent=True)


def test_deleting_twice(cloud: Cloud) -> None:
    sent, _ = cloud.put()
    cloud.store.delete(sent)
    cloud.store.delete(sent)
    with pytest.raises(NoInputError):
        cloud.store.get(sent.uri)


def test_nobody_listens(server: Server) -> None:
    with proxied(server.port) as gone:
        pass
    started = time.monotonic()
    with pytest.raises(UnavailableError, match="cannot be reached, in gs://bucket/x: check the network"):
        storage_server.store_at(gone.url, Patience(0.5, 0.05, 1, 1)).get("gs://bucket/x")
    assert time.monotonic() - started < 3


def test_without_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("STORAGE_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(DeniedError, match=r"no Google credentials, .*gcloud auth application-default login"):
        gcs.connect()


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_service_in_trouble_is_asked_again(cloud: Cloud, status: int) -> None:
    file, uri = cloud.file(), cloud.uri("x")
    cloud.proxy.faults = [Fault(method, "", 2, status=status) for method in ("POST", "GET")]
    sent = cloud.broken().upload(file, uri, if_absent=True)
    assert (cloud.proxy.count("POST"), cloud.proxy.count("GET")) == (3, 0)
    assert cloud.broken().objects(uri) == [sent] == cloud.store.objects(uri)
    cloud.proxy.faults = [Fault("GET", "alt=media", 2, status=status)]
    assert cloud.broken().read(sent) == file.read_bytes()
    cloud.proxy.faults = [Fault("GET", "prefix=x", 2, status=status)]
    assert cloud.broken().objects(cloud.uri("x*")) == [sent]


@pytest.mark.parametrize("status", [429, 503])
def test_a_service_that_stays_in_trouble(cloud: Cloud, status: int) -> None:
    sent, file = cloud.put()
    impatient = cloud.broken(Patience(0.3, 0.02, 1, 1))
    cloud.proxy.faults = [Fault("GET", "", status=status), Fault("POST", "", status=status)]
    for action in (
        lambda: impatient.objects(sent.uri),
        lambda: impatient.objects(cloud.uri("*")),
        lambda: impatient.download(sent, cloud.folder / "out"),
        lambda: impatient.upload(file, cloud.uri("y"), if_absent=True),
    ):
        with pytest.raises(
            TransientError, match=f"Cloud Storage answered {status} again and again, in gs://{cloud.bucket}/"
        ):
            action()
    assert leftovers(cloud.folder) == ["file"]
    assert cloud.names() == ["x"]


def test_refusals_name_the_permission_and_who_lacks_it(cloud: Cloud) -> None:
    sent, file = cloud.put()
    actions: dict[str, Callable[[], object]] = {
        "storage.objects.get": lambda: cloud.broken().objects(sent.uri),
        "storage.objects.list": lambda: cloud.broken().objects(cloud.uri("*")),
        "storage.objects.create": lambda: cloud.broken().upload(file, cloud.uri("y"), if_absent=True),
        "storage.objects.delete": lambda: cloud.broken().delete(sent),
    }
    for permission, action in actions.items():
        for message, who in ((refusal(permission), ROBOT), ("Forbidden", "the caller")):
            cloud.proxy.faults = [Fault(verb, "", status=403, message=message) for verb in ("GET", "POST", "DELETE")]
            cloud.proxy.asked.clear()
            with pytest.raises(DeniedError, match=f"{who} lacks the permission {permission}, in gs://{cloud.bucket}/"):
                action()
            assert len(cloud.proxy.asked) == 1
    with pytest.raises(DeniedError, match=r"lacks the permission storage\.objects\.get"):
        cloud.broken().download(sent, cloud.folder / "out")
    assert cloud.proxy.count("GET", "alt=media") == 1
    assert leftovers(cloud.folder) == ["file"]


def test_credentials_that_are_refused(cloud: Cloud) -> None:
    refused: Any = Unauthorized
    known = translate_error(refused("Invalid Credentials"), "gs://b/x", gcs.GET)
    assert isinstance(known, DeniedError)
    assert "credentials were refused, in gs://b/x: run `gcloud auth application-default login`" in str(known)
    cloud.proxy.faults = [Fault("GET", "", status=403, message=refusal(gcs.GET).replace(ROBOT, "Anonymous caller"))]
    with pytest.raises(DeniedError, match=r"Anonymous caller lacks the permission storage\.objects\.get"):
        cloud.broken().get(cloud.uri("x"))


def test_any_other_answer_is_handed_on(cloud: Cloud) -> None:
    said = "Bucket is a requester pays bucket but no user project provided."
    cloud.proxy.faults = [Fault(method, "", status=400, message=said) for method in ("GET", "POST")]
    expected = re.escape(f"Cloud Storage answered 400 ({said}), in {cloud.uri('x')}")
    with pytest.raises(PipelineError, match=f"^{expected}$"):
        cloud.broken().upload(cloud.file(), cloud.uri("x"), if_absent=True)
    with pytest.raises(PipelineError, match=r"Cloud Storage answered 400 .*requester pays"):
        cloud.broken().get(cloud.uri("x"))


def test_another_permission_than_expected_is_the_one_named(cloud: Cloud) -> None:
    cloud.proxy.faults = [Fault("POST", "", status=403, message=refusal("storage.objects.delete"))]
    with pytest.raises(DeniedError, match=r"lacks the permission storage\.objects\.delete"):
        cloud.broken().upload(cloud.file(), cloud.uri("x"), if_absent=False)


def test_a_download_goes_on_where_it_broke(cloud: Cloud) -> None:
    sent, file = cloud.put()
    cloud.proxy.faults = [Fault("GET", "alt=media", 1, cut=100_000), Fault("GET", "alt=media", 1, cut=50_000)]
    cloud.broken().download(sent, cloud.folder / "out")
    assert (cloud.folder / "out").read_bytes() == file.read_bytes()
    starts = [int(span.removeprefix("bytes=").rstrip("-")) if span else 0 for span in cloud.proxy.ranges()]
    assert starts[0] == 0 < starts[1] <= 100_000 < starts[2] <= 150_000
    assert all(f"generation={sent.generation}" in target for method, target, _ in cloud.proxy.asked)


def test_a_download_that_ends_early_without_an_error(cloud: Cloud) -> None:
    sent, file = cloud.put()
    cloud.proxy.faults = [Fault("GET", "alt=media", 1, cut=100_000, quietly=True)]
    cloud.broken().download(sent, cloud.folder / "out")
    assert (cloud.folder / "out").read_bytes() == file.read_bytes()
    assert cloud.proxy.ranges() == ["", "bytes=100000-"]


@pytest.mark.parametrize("quietly", [False, True])
@pytest.mark.parametrize("cut", [0, 40_000])
def test_a_download_that_never_gets_on(cloud: Cloud, cut: int, quietly: bool) -> None:  # noqa: FBT001
    sent, _ = cloud.put()
    cloud.proxy.faults = [Fault("GET", "alt=media", 1, cut=cut), Fault("GET", "alt=media", cut=0, quietly=quietly)]
    started = time.monotonic()
    with pytest.raises(TransientError, match=rf"the connection broke again and again .*, in {sent.uri}: run again"):
        cloud.broken(Patience(0.5, 0.05, 1, 1)).download(sent, cloud.folder / "out")
    assert time.monotonic() - started < 5
    assert leftovers(cloud.folder) == ["file"]


def test_bytes_that_were_changed_on_the_way_down(cloud: Cloud) -> None:
    sent, _ = cloud.put()
    cloud.proxy.faults = [Fault("GET", "alt=media", garble=True)]
    with pytest.raises(TransientError, match="another crc32c"):
        cloud.broken().download(sent, cloud.folder / "out")
    assert leftovers(cloud.folder) == ["file"]


def test_a_download_that_stalls_and_one_that_crawls(cloud: Cloud) -> None:
    sent, file = cloud.put()
    cloud.proxy.faults = [Fault("GET", "alt=media", 1, pause=0.6)]
    cloud.broken(Patience(3, 0.02, 1, 0.2)).download(sent, cloud.folder / "out")
    assert (cloud.folder / "out").read_bytes() == file.read_bytes()
    cloud.proxy.faults = [Fault("GET", "alt=media", pause=0.15)]
    path = cloud.file(60_000, "short")
    crawling = cloud.store.upload(path, cloud.uri("y"), if_absent=True)
    with pytest.raises(TransientError, match="too slow"):
        cloud.broken(Patience(0.2, 0.02, 1, 1)).download(crawling, cloud.folder / "slow")
    assert not (cloud.folder / "slow").exists()


@pytest.mark.parametrize("size", [SIZE, LARGE])
def test_an_upload_whose_answer_is_lost_arrives_once(cloud: Cloud, size: int) -> None:
    """The retry finds what the first attempt left: by 412 and the crc32c, or by the upload's own session."""
    path, uri = cloud.file(size, "in"), cloud.uri("x")
    cloud.proxy.faults = [Fault("POST", "", 1, lost=True)]
    sent = cloud.broken().upload(path, uri, if_absent=True)
    assert cloud.store.objects(uri) == [sent]
    assert cloud.store.read(sent) == path.read_bytes()


def test_a_large_upload_sends_only_the_broken_piece_again(cloud: Cloud) -> None:
    path, uri = cloud.file(LARGE, "in"), cloud.uri("x")
    cloud.proxy.faults = [Fault("PUT", "", 1, status=503)]
    sent = cloud.broken().upload(path, uri, if_absent=True)
    assert cloud.proxy.count("PUT") == 3
    assert cloud.store.read(sent) == path.read_bytes()


def test_a_piece_that_arrives_twice(cloud: Cloud) -> None:
    """The emulator appends it twice, where the service passes over what it has: so here the checksum must see it."""
    cloud.proxy.faults = [Fault("PUT", "", 1, lost=True)]
    with pytest.raises(TransientError, match="another crc32c"):
        cloud.broken().upload(cloud.file(LARGE), cloud.uri("x"), if_absent=True)
    assert cloud.names() == []


def test_an_upload_that_arrives_changed(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the bytes had changed between disk and network; the service itself refuses what has another crc32c."""
    monkeypatch.setattr("steps.buckets.store.crc32c_file", lambda _: "AAAAAA==")
    with pytest.raises(TransientError, match="another crc32c"):
        cloud.broken().upload(cloud.file(), cloud.uri("x"), if_absent=True)


def test_an_answer_that_is_no_json(cloud: Cloud) -> None:
    sent, _ = cloud.put()
    cloud.proxy.faults = [Fault("GET", "", 1, garble=True)]
    with pytest.raises(PipelineError) as caught:
        cloud.broken().get(sent.uri)
    assert isinstance(caught.value, TransientError)


def test_a_full_disk_is_no_broken_connection(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    sent, _ = cloud.put()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("steps.buckets.transfer.Sink.write", full)
    with pytest.raises(OSError, match="No space left"):
        cloud.store.download(sent, cloud.folder / "out")
    assert storage.size_of(cloud.folder) == SIZE
