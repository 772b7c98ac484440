"""A whole run from S3 to S3 equals one from a file to folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from steps.core import storage
from steps.io import open_destination
from steps.registry import publishing
from tests.emulators import s3_server as emulator
from tests.emulators.test_cloud_run import FIGURES, run
from tests.support import SCHEMA, real_rows, write_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.emulators.s3_server import S3Cloud, S3Server


@pytest.fixture
def cloud(s3_server: S3Server, tmp_path: Path) -> Iterator[S3Cloud]:
    with emulator.cloud_of(s3_server, tmp_path) as found:
        yield found


def test_a_run_from_s3_to_s3_equals_one_from_a_file(
    cloud: S3Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_table(tmp_path / "rows.parquet", real_rows(3500))
    code, local, log = run(tmp_path, "--source", source, "--output", "here")
    assert code == 0, log
    uri = cloud.uri("tables/rows.parquet")
    cloud.store.upload(source, uri, if_absent=True)
    words = ("--source", uri, "--output", cloud.uri("runs"), "--registry", cloud.uri("models"))
    environment = cloud.server.environment()
    code, remote, log = run(tmp_path, *words, **environment)
    assert code == 0, log
    assert {name: remote[name] for name in FIGURES} == {name: local[name] for name in FIGURES}
    emulator.use(cloud.server, monkeypatch)
    publishing.fetch(open_destination(remote["published"]), tmp_path / "fetched")
    publishing.fetch(open_destination(cloud.uri(f"models/versions/{remote['run']}")), tmp_path / "registered")
    for slug in SCHEMA.slugs:
        models = [folder / "models" / slug / "model.ubj" for folder in (Path(local["directory"]), tmp_path / "fetched")]
        assert models[0].read_bytes() == models[1].read_bytes()
        [dataset] = (tmp_path / "fetched" / f"cover_type={SCHEMA.cover_type(slug).label}").iterdir()
        made = Path(local["directory"]) / f"nodes/prepare/out/dataset-{slug}/dataset-{slug}"
        assert dataset.read_bytes() == made.read_bytes()
    reports = [storage.sha256_file(tmp_path / name / "report.json") for name in ("fetched", "registered")]
    assert reports[0] == reports[1]
    champion = cloud.store.read(cloud.store.get(cloud.uri("models/aliases/champion.json")))
    assert json.loads(champion)["version"] == remote["run"]
    for secret in (emulator.SECRET, emulator.ACCESS):
        assert secret not in log
        assert all(
            secret.encode() not in file.read_bytes() for file in Path(remote["directory"]).rglob("*") if file.is_file()
        )

    # The object has not changed: nothing is read again, except what `register` publishes.
    code, again, log = run(tmp_path, *words, **environment)
    assert (code, again["cached_steps"] > again["executed_steps"]) == (0, True), log


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "an0ther-s3cr3t"}, 77, "the secret key does not belong to the access key"),
        ({"AWS_ACCESS_KEY_ID": emulator.READER, "AWS_SECRET_ACCESS_KEY": emulator.READER_SECRET}, 77, "s3:PutObject"),
        ({}, 66, "no such bucket, in s3://no-such-bucket-here/"),
    ],
)
def test_what_cannot_be_published_is_said_and_kept_here(
    cloud: S3Cloud, tmp_path: Path, change: dict[str, str], code: int, message: str
) -> None:
    output = cloud.uri("runs") if change else "s3://no-such-bucket-here/runs"
    words = ("--rows", "600", "--cover-types", "4", "--output", output)
    found, _, log = run(tmp_path, *words, **{**cloud.server.environment(), **change})
    assert found == code, log
    [line] = [line for line in log.splitlines() if line.startswith("error: ")]
    assert message in line
    [folder] = tmp_path.glob("runs/covertype-*")
    assert (folder / "report.html").exists()
