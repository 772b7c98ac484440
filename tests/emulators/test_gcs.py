"""What is special to Cloud Storage: against fake-gcs-server 1.54, and a proxy before it that breaks things.

Where the emulator is not the service: it keeps ``if_generation_match`` for uploads in one request alone (up to 8 MiB),
not for larger ones, nor when deleting; it knows no permissions, so refusals are the proxy's, worded as the service's;
and it does not say whether an object or its bucket is missing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from google.api_core.exceptions import Unauthorized

from steps.buckets import Patience
from steps.core.errors import DeniedError, PipelineError, TransientError
from steps.google import gcs
from steps.google.gcs.errors import translate_error
from tests.emulators.bucket_faults import Fault
from tests.emulators.buckets import DOWNLOADS, LARGE
from tests.support import leftovers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.emulators.buckets import Bucket

ROBOT = "robot@p1.iam.gserviceaccount.com"
REFUSAL = f"{ROBOT} does not have %s access to the Google Cloud Storage object. Permission '%s' denied on resource."


def refusal(permission: str) -> str:
    return REFUSAL % (permission, permission)


def test_without_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("STORAGE_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(DeniedError, match=r"no Google credentials, .*gcloud auth application-default login"):
        gcs.connect()


def test_refusals_name_the_permission_and_who_lacks_it(gcs_bucket: Bucket) -> None:
    sent, file = gcs_bucket.put()
    actions: dict[str, Callable[[], object]] = {
        "storage.objects.get": lambda: gcs_bucket.broken().objects(sent.uri),
        "storage.objects.list": lambda: gcs_bucket.broken().objects(gcs_bucket.uri("*")),
        "storage.objects.create": lambda: gcs_bucket.broken().upload(file, gcs_bucket.uri("y"), if_absent=True),
        "storage.objects.delete": lambda: gcs_bucket.broken().delete(sent),
    }
    for permission, action in actions.items():
        for message, who in ((refusal(permission), ROBOT), ("Forbidden", "the caller")):
            gcs_bucket.proxy.faults = [
                Fault(verb, "", status=403, message=message) for verb in ("GET", "POST", "DELETE")
            ]
            gcs_bucket.proxy.asked.clear()
            with pytest.raises(
                DeniedError, match=f"{who} lacks the permission {permission}, in gs://{gcs_bucket.name}/"
            ):
                action()
            assert len(gcs_bucket.proxy.asked) == 1
    with pytest.raises(DeniedError, match=r"lacks the permission storage\.objects\.get"):
        gcs_bucket.broken().download(sent, gcs_bucket.folder / "out")
    assert gcs_bucket.proxy.count("GET", "alt=media") == 1
    assert leftovers(gcs_bucket.folder) == ["file"]


def test_credentials_that_are_refused(gcs_bucket: Bucket) -> None:
    refused: Any = Unauthorized
    known = translate_error(refused("Invalid Credentials"), "gs://b/x", gcs.GET)
    assert isinstance(known, DeniedError)
    assert "credentials were refused, in gs://b/x: run `gcloud auth application-default login`" in str(known)
    gcs_bucket.proxy.faults = [
        Fault("GET", "", status=403, message=refusal(gcs.GET).replace(ROBOT, "Anonymous caller"))
    ]
    with pytest.raises(DeniedError, match=r"Anonymous caller lacks the permission storage\.objects\.get"):
        gcs_bucket.broken().get(gcs_bucket.uri("x"))


def test_any_other_answer_is_handed_on(gcs_bucket: Bucket) -> None:
    said = "Bucket is a requester pays bucket but no user project provided."
    gcs_bucket.proxy.faults = [Fault(method, "", status=400, message=said) for method in ("GET", "POST")]
    expected = re.escape(f"Cloud Storage answered 400 ({said}), in {gcs_bucket.uri('x')}")
    with pytest.raises(PipelineError, match=f"^{expected}$"):
        gcs_bucket.broken().upload(gcs_bucket.file(), gcs_bucket.uri("x"), if_absent=True)
    with pytest.raises(PipelineError, match=r"Cloud Storage answered 400 .*requester pays"):
        gcs_bucket.broken().get(gcs_bucket.uri("x"))


def test_another_permission_than_expected_is_the_one_named(gcs_bucket: Bucket) -> None:
    gcs_bucket.proxy.faults = [Fault("POST", "", status=403, message=refusal("storage.objects.delete"))]
    with pytest.raises(DeniedError, match=r"lacks the permission storage\.objects\.delete"):
        gcs_bucket.broken().upload(gcs_bucket.file(), gcs_bucket.uri("x"), if_absent=False)


def test_a_download_that_ends_early_without_an_error(gcs_bucket: Bucket) -> None:
    sent, file = gcs_bucket.put()
    gcs_bucket.proxy.faults = [Fault("GET", "alt=media", 1, cut=100_000, quietly=True)]
    gcs_bucket.broken().download(sent, gcs_bucket.folder / "out")
    assert (gcs_bucket.folder / "out").read_bytes() == file.read_bytes()
    assert gcs_bucket.proxy.ranges(DOWNLOADS) == ["", "bytes=100000-"]
    assert all(f"generation={sent.generation}" in target for target in gcs_bucket.proxy.targets("GET"))


def test_a_download_that_stalls_and_one_that_crawls(gcs_bucket: Bucket) -> None:
    sent, file = gcs_bucket.put()
    gcs_bucket.proxy.faults = [Fault("GET", "alt=media", 1, pause=0.6)]
    gcs_bucket.broken(Patience(3, 0.02, 1, 0.2)).download(sent, gcs_bucket.folder / "out")
    assert (gcs_bucket.folder / "out").read_bytes() == file.read_bytes()
    gcs_bucket.proxy.faults = [Fault("GET", "alt=media", pause=0.15)]
    path = gcs_bucket.file(60_000, "short")
    crawling = gcs_bucket.store.upload(path, gcs_bucket.uri("y"), if_absent=True)
    with pytest.raises(TransientError, match="too slow"):
        gcs_bucket.broken(Patience(0.2, 0.02, 1, 1)).download(crawling, gcs_bucket.folder / "slow")
    assert not (gcs_bucket.folder / "slow").exists()


def test_a_piece_that_arrives_twice(gcs_bucket: Bucket) -> None:
    """The emulator appends it twice, where the service passes over what it has: so here the checksum must see it."""
    gcs_bucket.proxy.faults = [Fault("PUT", "", 1, lost=True)]
    with pytest.raises(TransientError, match="another crc32c"):
        gcs_bucket.broken().upload(gcs_bucket.file(LARGE), gcs_bucket.uri("x"), if_absent=True)
    assert gcs_bucket.names() == []


def test_an_upload_that_arrives_changed(gcs_bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the bytes had changed between disk and network; the service itself refuses what has another crc32c."""
    monkeypatch.setattr("steps.buckets.store.crc32c_file", lambda _: "AAAAAA==")
    with pytest.raises(TransientError, match="another crc32c"):
        gcs_bucket.broken().upload(gcs_bucket.file(), gcs_bucket.uri("x"), if_absent=True)


def test_an_answer_that_is_no_json(gcs_bucket: Bucket) -> None:
    sent, _ = gcs_bucket.put()
    gcs_bucket.proxy.faults = [Fault("GET", "", 1, garble=True)]
    with pytest.raises(PipelineError) as caught:
        gcs_bucket.broken().get(sent.uri)
    assert isinstance(caught.value, TransientError)
