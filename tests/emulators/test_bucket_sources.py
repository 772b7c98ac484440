"""Objects in Cloud Storage as a source give the bytes that the same rows in a local file give."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from steps.io import sources
from steps.sources.reading import Reading
from tests.emulators import storage_server
from tests.emulators.bigquery_server import free_port
from tests.emulators.test_bigquery import assert_same_bytes, local, out, run
from tests.support import csv_bytes, real_rows, write_table

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from tests.emulators.storage_server import Server

__all__ = ["local", "out"]  # fixtures
ROWS = real_rows(3500)


@pytest.fixture
def bucket(server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p1")
    return f"gs://{server.bucket()}"


def put(server: Server, path: Path, uri: str) -> None:
    storage_server.store_at(server.url).upload(path, uri, if_absent=True)


@pytest.mark.parametrize("ending", [".parquet", ".csv.gz"])
def test_several_objects(  # noqa: PLR0913 - fixtures
    server: Server, bucket: str, tmp_path: Path, out: Path, local: tuple[dict[str, Any], Path], *, ending: str
) -> None:
    for number, start in enumerate(range(0, 3500, 1000)):
        part = write_table(tmp_path / f"part{ending}", ROWS.slice(start, 1000))
        put(server, part, f"{bucket}/cover/part-{number}{ending}")
    put(server, part, f"{bucket}/cover/below/part-9{ending}")
    result = run(out, f"{bucket}/cover/part-*{ending}")
    assert result.code == 0, result.log
    assert f"{bucket}/cover/part-*{ending}: 4 objects, " in result.log
    assert f"{bucket}/cover/part-*{ending}: canonical columns" in result.log
    digest = json.loads((out / "profile.json").read_text())["data_sha256"]
    assert digest == local[0]["data_sha256"]


def test_one_object(server: Server, bucket: str, tmp_path: Path, out: Path, local: tuple[dict[str, Any], Path]) -> None:
    put(server, write_table(tmp_path / "cover.parquet", ROWS), f"{bucket}/a folder/cover.parquet")
    assert run(out, f"{bucket}/a folder/cover.parquet").code == 0
    assert_same_bytes(out, local)


def test_the_version_of_objects_is_their_generations(server: Server, bucket: str, tmp_path: Path) -> None:
    path = write_table(tmp_path / "cover.csv", ROWS.slice(0, 10))
    put(server, path, f"{bucket}/1.csv")
    first = sources.version_of(f"{bucket}/*", Reading())
    storage_server.store_at(server.url).upload(path, f"{bucket}/1.csv", if_absent=False)
    assert first != sources.version_of(f"{bucket}/*", Reading())  # the same bytes, written again
    first = sources.version_of(f"{bucket}/*", Reading())
    put(server, path, f"{bucket}/2.csv")
    second = sources.version_of(f"{bucket}/*", Reading())
    assert first == sources.version_of(f"{bucket}/1.csv", Reading())
    assert str(second).startswith(f"{first} {bucket}/2.csv#")


def test_no_object(bucket: str, out: Path) -> None:
    result = run(out, f"{bucket}/cover/*.parquet")
    assert (result.code, result.errors) == (
        66,
        [f"error: no object matches, in {bucket}/cover/*.parquet: check the name"],
    )


def test_a_bad_row_is_told_by_its_object(server: Server, bucket: str, tmp_path: Path, out: Path) -> None:
    lines = csv_bytes(ROWS).splitlines()
    for number, rows in enumerate((lines[1:2000], [*lines[2000:2010], b"x" + lines[2010], *lines[2011:]])):
        (tmp_path / "part.csv").write_bytes(b"\n".join([lines[0], *rows]))
        put(server, tmp_path / "part.csv", f"{bucket}/part-{number}.csv")
    result = run(out, f"{bucket}/part-*.csv")
    assert result.code == 65
    assert f"in column 'Elevation' is not a number, in row 10 of {bucket}/part-1.csv: " in result.errors[0]


def test_nobody_answers(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p1")
    monkeypatch.setattr("steps.google.gcs.store.PATIENCE", storage_server.IMPATIENT)
    result = run(out, "gs://bucket/cover.parquet")
    assert (result.code, len(result.errors)) == (69, 1)
