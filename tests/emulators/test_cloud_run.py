"""A whole run from BigQuery to Cloud Storage, as a person starts it, gives what the same rows in a file give.

The emulators know no permissions, and their queries cost nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from steps.core import storage
from steps.io import open_destination
from steps.registry import publishing
from tests.emulators import storage_server
from tests.emulators.conftest import COUNT
from tests.support import SCHEMA, real_rows, write_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.emulators.bigquery_server import Emulator
    from tests.emulators.storage_server import Cloud

ROOT = Path(__file__).parents[2]
FIGURES = ("accuracy", "macro_f1", "macro_f1_interval", "cover_types")


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with (
        storage_server.running() as server,
        storage_server.cloud_of(server, tmp_path_factory.mktemp("bucket")) as cloud,
    ):
        yield cloud


def run(folder: Path, *words: object, **environment: str) -> tuple[int, dict[str, Any], str]:
    """Run the command line in ``folder``; return its code, its result where it printed one, and what it said."""
    command = [sys.executable, ROOT / "workflows/covertype.py", "run", "--json", "--preset", "fast", *words]
    known = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run([*map(str, command)], cwd=folder, env=known, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


@pytest.fixture(scope="module")
def query(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("query") / "ordered.sql"
    path.write_text("SELECT * FROM d.cover ORDER BY n\n")
    return path


@pytest.fixture(scope="module")
def places(bigquery_server: Emulator, bucket: Cloud) -> dict[str, str]:
    return {**bigquery_server.environment, "STORAGE_EMULATOR_HOST": bucket.server.url}


def test_a_run_from_bigquery_to_cloud_storage_equals_one_from_a_file(
    places: dict[str, str], bucket: Cloud, query: Path, tmp_path: Path
) -> None:
    source = write_table(tmp_path / "rows.parquet", real_rows(COUNT))
    local_code, local, log = run(tmp_path, "--source", source, "--output", "here")
    assert local_code == 0, log
    remote = (
        "--source",
        "bq://p1",
        "--query",
        query,
        "--output",
        bucket.uri("runs"),
        "--registry",
        bucket.uri("models"),
    )
    code, cloud, log = run(tmp_path, *remote, **places)
    assert code == 0, log
    assert {name: cloud[name] for name in FIGURES} == {name: local[name] for name in FIGURES}
    with storage_server.environment(bucket.server.url):
        publishing.fetch(open_destination(cloud["published"]), tmp_path / "fetched")
        publishing.fetch(open_destination(bucket.uri(f"models/versions/{cloud['run']}")), tmp_path / "registered")
    for slug in SCHEMA.slugs:
        models = [folder / "models" / slug / "model.ubj" for folder in (Path(local["directory"]), tmp_path / "fetched")]
        assert models[0].read_bytes() == models[1].read_bytes()
        label = SCHEMA.cover_type(slug).label
        [dataset] = (tmp_path / "fetched" / f"cover_type={label}").iterdir()
        made = Path(local["directory"]) / f"nodes/prepare/out/dataset-{slug}/dataset-{slug}"
        assert dataset.read_bytes() == made.read_bytes()
    assert storage.sha256_file(tmp_path / "fetched/report.json") == storage.sha256_file(
        tmp_path / "registered/report.json"
    )

    # Nothing says that the same query gives the same rows: it is read again, and all that follows is from the cache.
    code, again, log = run(tmp_path, *remote, **places)
    assert (code, again["executed_steps"]) == (0, 3), log  # prepare, the report on its times, register


def test_a_table_that_has_not_changed_is_not_read_again(places: dict[str, str], bucket: Cloud, tmp_path: Path) -> None:
    source = bucket.uri("tables/rows.parquet")
    store, file = bucket.store, write_table(tmp_path / "rows.parquet", real_rows(COUNT))
    first = store.upload(file, source, if_absent=True)
    words = ("--source", source, "--cover-types", "4")
    assert run(tmp_path, *words, **places)[1]["executed_steps"] == 6
    assert run(tmp_path, *words, **places)[1]["executed_steps"] == 0
    store.upload(file, source, if_absent=False, generation=first.generation)
    _, result, log = run(tmp_path, *words, **places)
    assert result["executed_steps"] == 2, log  # prepare, which gives the same as before, and the report on its times


def test_what_cannot_be_published_is_said_and_kept_here(places: dict[str, str], tmp_path: Path) -> None:
    words = ("--rows", "600", "--cover-types", "4", "--output", "gs://no-such-bucket-here/runs")
    code, _, log = run(tmp_path, *words, **places)
    assert code == 66
    [line] = [line for line in log.splitlines() if line.startswith("error: ")]
    assert "no-such-bucket-here" in line
    [folder] = tmp_path.glob("runs/covertype-*")
    assert (folder / "report.html").exists()
