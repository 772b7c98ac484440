"""Objects in a bucket as a source give the bytes that the same rows in a local file give, for every kind of store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from steps import prepare
from steps.io import sources
from steps.sources.reading import Reading
from tests.emulators.buckets import SHORT
from tests.emulators.processes import free_port
from tests.emulators.s3_server import READER, READER_SECRET
from tests.emulators.test_bigquery import assert_same_bytes, local, out, run
from tests.support import call, csv_bytes, real_rows, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulators.buckets import Bucket

__all__ = ["local", "out"]  # fixtures
ROWS = real_rows(3500)


def put(bucket: Bucket, path: Path, name: str) -> None:
    bucket.store.upload(path, bucket.uri(name), if_absent=True)


@pytest.mark.parametrize("ending", [".parquet", ".csv.gz"])
def test_several_objects(  # noqa: PLR0913 - fixtures
    bucket: Bucket,
    tmp_path: Path,
    out: Path,
    local: tuple[dict[str, Any], Path],
    monkeypatch: pytest.MonkeyPatch,
    *,
    ending: str,
) -> None:
    bucket.use(monkeypatch)
    for number, start in enumerate(range(0, 3500, 1000)):
        part = write_table(tmp_path / f"part{ending}", ROWS.slice(start, 1000))
        put(bucket, part, f"cover/part-{number}{ending}")
    put(bucket, part, f"cover/below/part-9{ending}")
    source = bucket.uri(f"cover/part-*{ending}")
    result = run(out, source)
    assert result.code == 0, result.log
    assert f"{source}: 4 objects, " in result.log
    assert f"{source}: canonical columns" in result.log
    assert json.loads((out / "profile.json").read_text())["data_sha256"] == local[0]["data_sha256"]


def test_one_object(
    gcs_bucket: Bucket, tmp_path: Path, out: Path, local: tuple[dict[str, Any], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    gcs_bucket.use(monkeypatch)
    put(gcs_bucket, write_table(tmp_path / "cover.parquet", ROWS), "a folder/cover.parquet")
    assert run(out, gcs_bucket.uri("a folder/cover.parquet")).code == 0
    assert_same_bytes(out, local)


def test_one_object_of_another_tool_by_an_account_that_may_only_read(
    s3_bucket: Bucket, tmp_path: Path, out: Path, local: tuple[dict[str, Any], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = write_table(tmp_path / "cover.parquet", ROWS)
    s3_bucket.store.client.put_object(Bucket=s3_bucket.name, Key="a folder/cover.parquet", Body=table.read_bytes())
    s3_bucket.use(monkeypatch)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", READER)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", READER_SECRET)
    assert run(out, s3_bucket.uri("a folder/cover.parquet")).code == 0
    assert_same_bytes(out, local)


def test_the_version_of_objects_is_their_generations(
    gcs_bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gcs_bucket.use(monkeypatch)
    path, every = write_table(tmp_path / "cover.csv", ROWS.slice(0, 10)), gcs_bucket.uri("*")
    put(gcs_bucket, path, "1.csv")
    first = sources.version_of(every, Reading())
    gcs_bucket.store.upload(path, gcs_bucket.uri("1.csv"), if_absent=False)
    assert first != sources.version_of(every, Reading())  # the same bytes, written again
    first = sources.version_of(every, Reading())
    put(gcs_bucket, path, "2.csv")
    second = sources.version_of(every, Reading())
    assert first == sources.version_of(gcs_bucket.uri("1.csv"), Reading())
    assert str(second).startswith(f"{first} {gcs_bucket.uri('2.csv')}#")


def test_the_version_of_objects_is_their_etags(
    s3_bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3_bucket.use(monkeypatch)
    path, changed = (write_table(tmp_path / f"{name}.csv", ROWS.slice(0, name)) for name in (10, 11))
    put(s3_bucket, path, "1.csv")
    first = sources.version_of(s3_bucket.uri("*"), Reading())
    assert first == sources.version_of(s3_bucket.uri("1.csv"), Reading())
    s3_bucket.store.upload(changed, s3_bucket.uri("1.csv"), if_absent=False)
    assert first != sources.version_of(s3_bucket.uri("*"), Reading())


def test_sources_that_are_not_there(bucket: Bucket, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.use(monkeypatch)
    missing = f"{bucket.server.scheme}no-such-bucket/x.csv"
    for uri, what in ((bucket.uri("cover/*.parquet"), "object matches"), (missing, "such object or bucket")):
        result = run(out, uri)
        assert (result.code, result.errors) == (66, [f"error: no {what}, in {uri}: check the name"])


def test_a_bad_row_is_told_by_its_object(
    bucket: Bucket, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.use(monkeypatch)
    lines = csv_bytes(ROWS).splitlines()
    for number, rows in enumerate((lines[1:2000], [*lines[2000:2010], b"x" + lines[2010], *lines[2011:]])):
        (tmp_path / "part.csv").write_bytes(b"\n".join([lines[0], *rows]))
        put(bucket, tmp_path / "part.csv", f"part-{number}.csv")
    result = run(out, bucket.uri("part-*.csv"))
    assert result.code == 65
    assert f"in column 'Elevation' is not a number, in row 10 of {bucket.uri('part-1.csv')}: " in result.errors[0]


def test_nobody_answers(bucket: Bucket, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.use(monkeypatch, SHORT)
    bucket.server.use(monkeypatch, f"http://127.0.0.1:{free_port()}")
    result = run(out, bucket.uri("cover.parquet"))
    assert (result.code, len(result.errors)) == (69, 1)


def test_secrets_are_not_shown(s3_bucket: Bucket, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s3_bucket.use(monkeypatch)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "an0ther-s3cr3t")
    monkeypatch.setenv("COVERTYPE_DEBUG", "1")
    words = ("--dataset", f"aspen={out}/a", "--profile", f"{out}/p")
    result = call(prepare.main, "--source", s3_bucket.uri("x.csv"), *words)
    assert result.code == 77
    assert "the secret key does not belong to the access key" in result.log
    assert "an0ther" not in result.log
