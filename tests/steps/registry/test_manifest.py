from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.core.errors import AlreadyExistsError, BadDataError
from steps.registry.manifest import (
    Entry,
    Manifest,
    decode_manifest,
    is_valid_name,
    require_same_content,
)


@given(st.lists(st.text(max_size=8), min_size=1, max_size=4).map("/".join))
def test_good_names_stay_below(name: str) -> None:
    if is_valid_name(name):
        assert os.path.normpath(f"/base/{name}") == f"/base/{name}"


@given(st.lists(st.integers(0, 1 << 62), max_size=3))
def test_a_manifest_reads_back(numbers: list[int]) -> None:
    files = tuple(Entry(f"f{i}", f"p{i}", number, "s", "c", number) for i, number in enumerate(numbers))
    manifest = Manifest("gs://b/p", files, {"numbers": numbers}, 7)
    assert decode_manifest(manifest.encode(), "gs://b/p", 7) == manifest


@pytest.mark.parametrize("name", ["", "/a", "a/", "a//b", ".", "../a", "a/../b", "a/./b", "a\\b", "a\nb"])
def test_names_that_are_not_valid(name: str) -> None:
    assert not is_valid_name(name)


GOOD = json.loads(Manifest("x", (Entry("a", "a", 1, "s", "c"),), {"rows": 3}).encode())


def test_a_changed_value_is_found_without_a_second_copy() -> None:
    data = Manifest("place", (), {"rows": 3}).encode()
    assert decode_manifest(data, "place", None).metadata == {"rows": 3}
    with pytest.raises(BadDataError, match=r"this manifest has changed since it was written, in place/manifest\.json"):
        decode_manifest(data.replace(b'"rows": 3', b'"rows": 4'), "place", None)


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {**GOOD, "format": 2},
        {**GOOD, "metadata": 3},
        {**GOOD, "files": [{"name": "a"}]},
        {**GOOD, "files": [{**GOOD["files"][0], "path": "../a"}]},
        {**GOOD, "files": [{**GOOD["files"][0], "name": "/a"}]},
        {**GOOD, "files": [{**GOOD["files"][0], "more": 1}]},
    ],
)
def test_another_document_is_not_a_manifest(document: object) -> None:
    assert decode_manifest(json.dumps(GOOD).encode(), "place", None).metadata == {"rows": 3}
    with pytest.raises(BadDataError, match="not a manifest of published files, in place/manifest"):
        decode_manifest(json.dumps(document).encode(), "place", None)


def manifest_of(metadata: dict[str, object], **digests: str) -> Manifest:
    files = tuple(Entry(name, name, 1, digest, "c") for name, digest in digests.items())
    return Manifest("place", files, metadata)


def test_the_first_difference_is_named() -> None:
    existing = manifest_of({"rows": 3}, a="1", b="2")
    assert require_same_content(existing, manifest_of({"rows": 3}, b="2", a="1")) is existing
    for wanted, what in (
        (manifest_of({"rows": 3}, a="1", b="3"), "'b'"),
        (manifest_of({"rows": 3}, b="2"), "'a'"),
        (manifest_of({"rows": 4}, a="1", b="2"), "the metadata"),
    ):
        with pytest.raises(AlreadyExistsError, match=f"other content is already published .{what} differs., in place"):
            require_same_content(existing, wanted)
