from __future__ import annotations

import pytest

from steps import s3
from steps.core.errors import UsageError
from steps.google import gcs
from steps.io import connect_to_bucket


@pytest.mark.parametrize(("uri", "module"), [("gs://bucket/x", gcs), ("S3://bucket/x", s3)])
def test_the_scheme_selects_the_store(uri: str, module: object, monkeypatch: pytest.MonkeyPatch) -> None:
    made = object()
    monkeypatch.setattr(module, "connect", lambda: made)
    assert connect_to_bucket(uri) is made


@pytest.mark.parametrize("uri", ["gs://UPPER/x", "s3://UPPER/x", "s3:///x", "ftp://bucket/x", "folder"])
def test_an_invalid_address_is_reported_before_missing_credentials(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (gcs, s3):
        monkeypatch.setattr(module, "connect", None)
    with pytest.raises(UsageError):
        connect_to_bucket(uri)
