"""Sources by their URI, with a fake of Cloud Storage; with emulators they are in tests/emulators."""

from __future__ import annotations

from pathlib import Path

import pytest

from steps.core import storage
from steps.core.errors import BadDataError, UsageError
from steps.google import gcs
from steps.io import open_exported, open_source, version_of
from steps.sources.reading import Reading
from tests.steps.sources.test_files import ROWS, Made, assert_same, parts
from tests.support import (
    SCHEMA,
    leftovers,
    one_hot,
    prepared,
    write_table,
)


@pytest.fixture(scope="module")
def canonical(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("canonical")
    profile, _ = prepared(write_table(folder / "source.parquet", ROWS), folder / "out")
    return profile["data_sha256"], folder / "out"


class Store:
    """Cloud Storage as far as sources know it: objects are the files of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.downloads = folder, 0

    def objects(self, uri: str) -> list[gcs.Object]:
        assert uri == "gs://bucket/cover/*"
        found = sorted(self.folder.iterdir())
        return [gcs.Object("bucket", f"cover/{path.name}", 1, path.stat().st_size, "") for path in found]

    def download(self, wanted: gcs.Object, target: Path) -> None:
        self.downloads += 1
        storage.write_bytes(target, (self.folder / Path(wanted.name).name).read_bytes())


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    made = Store(tmp_path / "bucket")
    made.folder.mkdir()
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(gcs, "connect", lambda: made)
    return made


@pytest.mark.parametrize("ending", [".parquet", ".csv.gz"])
def test_objects_in_a_bucket_are_fetched_once_as_one_table(
    tmp_path: Path, canonical: Made, store: Store, ending: str
) -> None:
    parts(store.folder, ending)
    assert_same("gs://bucket/cover/*", tmp_path, canonical)
    assert store.downloads == 3
    assert list((tmp_path / "temporary").iterdir()) == []


def test_objects_have_the_digest_of_equal_files(tmp_path: Path, store: Store) -> None:
    parts(store.folder, ".parquet")
    profiles = [prepared(uri, tmp_path / "out")[0] for uri in ("gs://bucket/cover/*", store.folder / "*")]
    assert profiles[0]["source_sha256"] == profiles[1]["source_sha256"]


def test_an_object_that_is_wrong_is_told_by_its_address(tmp_path: Path, store: Store) -> None:
    parts(store.folder, ".csv")
    table = one_hot(ROWS.slice(0, 3))
    write_table(store.folder / "part-3.csv", table)
    what = r"not in both gs://bucket/cover/part-0.csv and gs://bucket/cover/part-3.csv, in gs://bucket/cover/\*"
    with pytest.raises(BadDataError, match=what):
        prepared("gs://bucket/cover/*", tmp_path / "out")
    (store.folder / "part-3.csv").write_text("")
    with pytest.raises(BadDataError, match=r"the file is empty, in gs://bucket/cover/part-3\.csv"):
        prepared("gs://bucket/cover/*", tmp_path / "out")
    (store.folder / "part-3.csv").unlink()
    (store.folder / "part-3.txt").write_text("no table")
    with pytest.raises(UsageError, match=r"unknown kind of file '.txt', in gs://bucket/cover/part-3\.txt"):
        prepared("gs://bucket/cover/*", tmp_path / "out")
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_damaged_object_is_told_by_its_address(tmp_path: Path, store: Store) -> None:
    (path,) = parts(store.folder, ".parquet", (350,))
    whole, what = path.read_bytes(), r"(?s)not a complete parquet file .*, in gs://bucket/cover/part-0\.parquet: "
    for damaged in (whole[:-10], whole[:4] + b"\xff" * 20 + whole[24:]):
        path.write_bytes(damaged)
        with pytest.raises(BadDataError, match=what):
            prepared("gs://bucket/cover/*", tmp_path / "out")
    assert leftovers(tmp_path / "out") == []


def test_the_version_of_objects_is_their_generations(store: Store) -> None:
    parts(store.folder, ".parquet")
    version = version_of("gs://bucket/cover/*", Reading())
    assert version == " ".join(f"gs://bucket/cover/part-{number}.parquet#1" for number in range(3))
    assert store.downloads == 0


def test_an_invalid_address_is_reported_before_missing_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gcs, "connect", None)
    with (
        pytest.raises(UsageError, match="'gs://UPPER/x' is not gs://bucket/name"),
        open_source("gs://UPPER/x", SCHEMA, Reading()),
    ):
        pass


@pytest.mark.parametrize(
    ("uri", "prefix", "message"),
    [
        (
            "builtin:",
            "gs://bucket/x",
            "this is for BigQuery, the source is builtin:, in --inside-bigquery: use --source bq:",
        ),
        ("bq://p.d.t", "folder", "unknown kind of destination folder, in --inside-bigquery: use gs://"),
    ],
)
def test_an_export_needs_bigquery_and_cloud_storage(uri: str, prefix: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_exported(uri, SCHEMA, Reading(), ["aspen"], prefix, "auto")


def test_options_of_bigquery_need_bigquery() -> None:
    with (
        pytest.raises(UsageError, match="--query is for BigQuery"),
        open_source("builtin:", SCHEMA, Reading("SELECT 1")),
    ):
        pass


def test_a_local_source_is_opened_where_it_is(tmp_path: Path) -> None:
    path = write_table(tmp_path / "source.parquet", ROWS)
    with open_source(str(path), SCHEMA, Reading()) as source:
        assert [file.path for file in source.files] == [path]
