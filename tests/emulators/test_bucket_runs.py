"""Whole runs as a person starts them, from BigQuery to Cloud Storage and from S3 to S3, equal one from a file.

The emulators of Google's services know no permissions, and their queries cost nothing.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from steps.core import storage
from steps.io import open_destination
from steps.registry import publishing
from tests.emulators import s3_server as s3_emulator
from tests.emulators.conftest import COUNT
from tests.emulators.processes import ROOT
from tests.support import SCHEMA, real_rows, write_table
from tests.workflows.command_line import invoke

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.emulators.bigquery_server import Emulator
    from tests.emulators.buckets import Bucket
    from tests.emulators.storage_server import GcsServer

FIGURES = ("macro_f1", "macro_f1_interval", "cover_types")
SLUGS = ("aspen", "krummholz")
TWO = ("--cover-types", ",".join(SLUGS))


def run(folder: Path, *words: object, **environment: str) -> tuple[int, dict[str, Any], str]:
    """Call the command line in ``folder``; return its code, its result where it printed one, and its messages."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(folder)
        for name, value in environment.items():
            patch.setenv(name, value)
        code = invoke("run", "--json", "--preset", "fast", *words)
    return code, json.loads(out.getvalue() or "{}"), err.getvalue()


def run_alone(folder: Path, *words: object, **environment: str) -> tuple[int, dict[str, Any], str]:
    """Do the same in a process of its own, whose steps find the emulators of ``environment`` too."""
    command = [sys.executable, ROOT / "workflows/covertype.py", "run", "--json", "--preset", "fast", *words]
    known = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run([*map(str, command)], cwd=folder, env=known, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


@dataclass(frozen=True)
class Place:
    """A bucket, the words that name a source with the rows of ``local``, and what a process needs to find both."""

    bucket: Bucket
    source: tuple[object, ...]
    environment: Mapping[str, str]
    # Steps that a second run executes, and secrets that nothing may show.
    executed_again: int
    secrets: tuple[str, ...] = ()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The result of a run from a file to a folder. The file is ``rows.parquet`` in its ``folder``."""
    folder = tmp_path_factory.mktemp("local")
    source = write_table(folder / "rows.parquet", real_rows(COUNT))
    code, result, log = run(folder, "--source", source, "--output", "here", *TWO)
    assert code == 0, log
    return {**result, "folder": folder}


@pytest.fixture(params=["bigquery-gcs", "s3"])
def place(
    request: pytest.FixtureRequest, local: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Place:
    """Where the run reads and writes. This process finds the bucket too."""
    bucket: Bucket = request.getfixturevalue("s3_bucket" if request.param == "s3" else "gcs_bucket")
    bucket.use(monkeypatch)
    environment = bucket.server.environment()
    if request.param == "s3":
        uri = bucket.uri("tables/rows.parquet")
        bucket.store.upload(local["folder"] / "rows.parquet", uri, if_absent=True)
        # The object has not changed: only `register` is executed again.
        return Place(bucket, ("--source", uri), environment, 1, (s3_emulator.SECRET, s3_emulator.ACCESS))
    bigquery: Emulator = request.getfixturevalue("bigquery_server")
    query = tmp_path / "ordered.sql"
    query.write_text("SELECT * FROM d.cover ORDER BY n\n")
    # Nothing says that the same query gives the same rows: it is read again, and all that follows is from the cache.
    return Place(bucket, ("--source", "bq://p1", "--query", query), {**bigquery.environment, **environment}, 3)


def test_a_run_from_bucket_to_bucket_equals_one_from_a_file(
    place: Place, local: dict[str, Any], tmp_path: Path
) -> None:
    words = (*place.source, *TWO, "--output", place.bucket.uri("runs"), "--registry", place.bucket.uri("models"))
    code, remote, log = run_alone(tmp_path, *words, **place.environment)
    assert code == 0, log
    assert {name: remote[name] for name in FIGURES} == {name: local[name] for name in FIGURES}
    publishing.fetch(open_destination(remote["published"]), tmp_path / "fetched")
    publishing.fetch(open_destination(place.bucket.uri(f"models/versions/{remote['run']}")), tmp_path / "registered")
    for slug in SLUGS:
        models = [folder / "models" / slug / "model.ubj" for folder in (Path(local["directory"]), tmp_path / "fetched")]
        assert models[0].read_bytes() == models[1].read_bytes()
        [dataset] = (tmp_path / "fetched" / f"cover_type={SCHEMA.cover_type(slug).label}").iterdir()
        made = Path(local["directory"]) / f"nodes/prepare/out/dataset-{slug}/dataset-{slug}"
        assert dataset.read_bytes() == made.read_bytes()
    reports = [storage.sha256_file(tmp_path / name / "report.json") for name in ("fetched", "registered")]
    assert reports[0] == reports[1]
    champion = open_destination(place.bucket.uri("models")).read("aliases/champion.json")
    assert champion
    assert json.loads(champion.data)["version"] == remote["run"]
    files = [path.read_bytes() for path in Path(remote["directory"]).rglob("*") if path.is_file()]
    for secret in place.secrets:
        assert secret not in log
        assert not [True for data in files if secret.encode() in data]

    code, again, log = run_alone(tmp_path, *words, **place.environment)
    assert (code, again["executed_steps"]) == (0, place.executed_again), log


def test_a_table_that_has_not_changed_is_not_read_again(gcs_bucket: Bucket, tmp_path: Path) -> None:
    source, environment = gcs_bucket.uri("tables/rows.parquet"), gcs_bucket.server.environment()
    store, file = gcs_bucket.store, write_table(tmp_path / "rows.parquet", real_rows(700))
    first = store.upload(file, source, if_absent=True)
    words = ("--source", source, "--cover-types", "4", "--set", "train.rounds=2")
    assert run_alone(tmp_path, *words, **environment)[1]["executed_steps"] == 6
    assert run_alone(tmp_path, *words, **environment)[1]["executed_steps"] == 0
    store.upload(file, source, if_absent=False, generation=first.generation)
    _, result, log = run_alone(tmp_path, *words, **environment)
    assert result["executed_steps"] == 2, log  # prepare, which gives the same as before, and the report on its times


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for runs that cannot be published, which share a cache."""
    return tmp_path_factory.mktemp("unpublished")


@pytest.mark.parametrize(
    ("output", "change", "code", "message"),
    [
        ("gs://no-such-bucket-here/runs", {}, 66, "no-such-bucket-here"),
        ("s3://no-such-bucket-here/runs", {}, 66, "no such bucket, in s3://no-such-bucket-here/"),
        (
            "",
            {"AWS_SECRET_ACCESS_KEY": "an0ther-s3cr3t"},
            77,
            "the secret key does not belong to the access key",
        ),
        (
            "",
            {"AWS_ACCESS_KEY_ID": s3_emulator.READER, "AWS_SECRET_ACCESS_KEY": s3_emulator.READER_SECRET},
            77,
            "s3:PutObject",
        ),
    ],
)
def test_what_cannot_be_published_is_reported_and_kept_here(  # noqa: PLR0913, PLR0917 - fixtures and cases
    own: Path, gcs_server: GcsServer, s3_bucket: Bucket, output: str, change: dict[str, str], code: int, message: str
) -> None:
    environment = {**gcs_server.environment(), **s3_bucket.server.environment(), **change}
    sample = ("--rows", "600", "--cover-types", "4", "--set", "train.rounds=2")
    words = (*sample, "--output", output or s3_bucket.uri("runs"))
    before = set(own.glob("runs/covertype-*"))
    found, _, log = run(own, *words, **environment)
    assert found == code, log
    [line] = [line for line in log.splitlines() if line.startswith("error: ")]
    assert message in line
    [folder] = set(own.glob("runs/covertype-*")) - before
    assert (folder / "report.html").exists()
