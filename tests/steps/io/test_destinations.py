from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steps.buckets import Prefix
from steps.core.errors import UsageError
from steps.google import gcs
from steps.io import open_destination
from steps.registry.destinations import Folder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("uri", ["", "ftp://bucket/x", "http://host/x", "bq://a.b.c", "builtin:", "file://models/x"])
def test_addresses_that_are_not_destinations(uri: str) -> None:
    with pytest.raises(UsageError, match=r"destination .*use gs://|is empty|another machine"):
        open_destination(uri)


def test_a_prefix_has_no_wildcards() -> None:
    with pytest.raises(UsageError, match="a prefix has no wildcards"):
        open_destination("gs://bucket/a*", connect=lambda: gcs.Store(None))


def test_a_path_and_a_file_address_are_the_same_folder(tmp_path: Path) -> None:
    expected = Folder(tmp_path / "a b")
    assert open_destination(str(tmp_path / "a b")) == open_destination((tmp_path / "a b").as_uri()) == expected


def test_a_bucket_is_opened_with_the_store_that_is_given() -> None:
    store = gcs.Store(None)
    destination = open_destination("GS://bucket/models/", connect=lambda: store)
    assert isinstance(destination, Prefix)
    assert (destination.store, destination.location) == (store, "gs://bucket/models")
    assert destination.below("versions/a").location == "gs://bucket/models/versions/a"
