"""Addresses are read in one way, wherever they are given."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps import schema
from steps.core import uris
from steps.core.errors import UsageError
from steps.io import open_destination, open_source
from steps.registry import destinations, publishing
from steps.sources import files, reading
from workflows.local.nodes import Values
from workflows.runs.source_digest import source_digest
from workflows.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMA = schema.load(schema.BUILTIN)
TABLE = schema.DATA / SCHEMA.builtin_table


@pytest.mark.parametrize(
    ("text", "kind", "canonical"),
    [
        ("Builtin:", uris.BUILTIN, "builtin:"),
        ("GS://Bucket/A", uris.GCS, "gs://Bucket/A"),
        ("S3://Bucket/A", uris.S3, "s3://Bucket/A"),
        ("Bq://p.d.T", uris.TABLE, "bq://p.d.T"),
        ("bq://", uris.TABLE, "bq://"),
        ("FILE:///a/B", uris.FILE, "file:///a/B"),
        ("file:/a", uris.FILE, "file:///a"),
        ("file://LocalHost/a", uris.FILE, "file:///a"),
        ("a/b.csv", uris.PATH, "a/b.csv"),
        ("data:2024.csv", uris.PATH, "data:2024.csv"),
        ("a b%20c#d?.csv", uris.PATH, "a b%20c#d?.csv"),
    ],
)
def test_what_an_address_is(text: str, kind: str, canonical: str) -> None:
    found = uris.parse(text)
    assert found == uris.Uri(kind, canonical)
    assert uris.parse(found.text) == found


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("file:///a%20b/c%C3%A9.csv", "/a b/cé.csv"),
        ("file:///a#b?c*.csv", "/a#b?c*.csv"),
        ("file://localhost/a", "/a"),
        ("a%20b", "a%20b"),
    ],
)
def test_the_path_of_a_local_address(text: str, path: str) -> None:
    assert uris.parse(text).path == Path(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "ftp://b/x",
            "unknown kind of source ftp://, in --source: use builtin:, a path, file://, gs://, s3:// or bq://",
        ),
        (
            "file://models/registry",
            "'models' is the name of another machine in file://models/registry, in --source: write file:",
        ),
        ("file://models", "there is no absolute path in file://models"),
        ("file://", "there is no absolute path in file://"),
        ("file:models/a", "there is no absolute path in file:models/a"),
        ("file:///a%00b", "the percent-encoding in file:///a%00b does not give valid text"),
        ("file:///a%FFb", "the percent-encoding in file:///a%FFb does not give valid text"),
        ("gs:/bucket/a", "'gs:/bucket/a' has no slashes after its scheme, in --source: write gs://"),
        ("builtin:covertype", "'builtin:covertype' is not a source, in --source: write builtin: and nothing after it"),
        ("a\nb", "the source 'a\\nb' contains a line break or another control character"),
        ("gs://b/\udcff", "the source 'gs://b/\\udcff' is not UTF-8 text"),
        ("  ", "the source '  ' is empty"),
    ],
)
def test_what_is_no_address_is_one_line(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        uris.parse(text)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=30) | st.from_regex(r"(file|gs|bq|builtin|s3|ftp)?:?/{0,3}[a-z%0-9/]{0,9}", fullmatch=True))
def test_any_text_is_an_address_or_a_usage_error(text: str) -> None:
    try:
        found = uris.parse(text)
    except UsageError as error:
        lines = str(error).splitlines()
    else:
        lines = [found.text]
        assert uris.parse(found.text) == found
    assert len(lines) == 1


@pytest.mark.parametrize("write", [str, Path.as_uri, lambda path: f"FILE://localhost{path}"])
def test_all_who_read_addresses_agree(write: Callable[[Path], str], tmp_path: Path) -> None:
    table = tmp_path / "a table.parquet"
    shutil.copyfile(TABLE, table)
    uri = write(table)
    assert files.resolve_paths(uri, SCHEMA) == [table]
    with open_source(uri, SCHEMA, reading.Reading()) as source:
        assert source.files[0].path == table
    assert source_digest("source", Values({"source": uri})) == source_digest("source", Values({"source": "BUILTIN:"}))
    place = open_destination(write(tmp_path / "out"))
    assert isinstance(place, destinations.Folder)
    assert place.root == tmp_path / "out"
    published = publishing.publish({"a": table}, open_destination(write(tmp_path / "out"))).manifest
    assert publishing.read_manifest(open_destination(write(tmp_path / "out"))).files == published.files
    given_settings = Settings(output=write(tmp_path), source=uri)
    assert (given_settings.folder, given_settings.bucket) == (tmp_path, "")


def test_a_bucket_is_one_in_any_case() -> None:
    found = Settings(output="GS://bucket/x", registry="Gs://bucket/y", source="BQ://p.d.t")
    assert (found.bucket, found.registry, found.source) == ("gs://bucket/x", "gs://bucket/y", "bq://p.d.t")
    assert found.folder == Path("runs")
