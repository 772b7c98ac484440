"""Score a table in BigQuery, with and without labels, and publish scores to a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steps import predict
from steps.core.errors import AlreadyExistsError
from tests.emulators.conftest import connected, load, numbered
from tests.support import TARGET, Chain, call, prepared, real_rows, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulators.bigquery_server import Emulator
    from tests.emulators.buckets import Bucket


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    prepared(write_table(folder / "source.parquet", real_rows(3000)), folder / "datasets")
    for slug in ("aspen", "krummholz"):
        chain = Chain(folder / slug)
        chain["dataset"].parent.mkdir(parents=True, exist_ok=True)
        (folder / "datasets" / f"{slug}.parquet").rename(chain["dataset"])
        chain.run(rounds=4, max_leaves=16)
        (folder / "models").mkdir(exist_ok=True)
        chain["model"].rename(folder / "models" / slug)
    return folder / "models"


@pytest.mark.parametrize("labelled", [True, False])
def test_a_table_with_and_without_labels(cloud: Emulator, tmp_path: Path, models: Path, *, labelled: bool) -> None:
    table = numbered() if labelled else numbered().drop_columns([TARGET])
    name = f"to_score_{labelled}".lower()
    client = connected(cloud)
    load(client, name, table)
    client.close()  # type: ignore[no-untyped-call]
    outputs: list[pa.Table] = []
    for source in (f"bq://p1.d.{name}", str(write_table(tmp_path / "local.parquet", table))):
        output = tmp_path / f"{len(outputs)}.parquet"
        result = call(predict.main, f"--input={source}", f"--output={output}", f"--models={models}", "--keep=n")
        assert result.code == 0, result.log
        assert ("labelled rows: accuracy" in result.log) is labelled
        outputs.append(pq.read_table(output).drop_columns("row").sort_by("n"))
    assert outputs[0].num_rows == table.num_rows
    assert outputs[0].equals(outputs[1])


@pytest.mark.parametrize("kind", ["parquet", "csv.gz"])
def test_a_later_attempt_recognises_its_own_output_in_a_bucket(
    bucket: Bucket, tmp_path: Path, models: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.use(monkeypatch)
    source = write_table(tmp_path / "a.parquet", real_rows(300))
    words = [f"--output={bucket.uri()}scores-{{date}}.{kind}", f"--models={models}"]
    created = "--created=2026-11-26T23:59:59Z"
    output = bucket.uri(f"scores-2026-11-26.{kind}")
    for log in (f"scores: {output}", f"{output}: there is an output already, maybe of an earlier attempt"):
        result = call(predict.main, f"--input={source}", *words, created)
        assert result.code == 0, result.log
        assert log in result.log
    stored = bucket.store.get(output)
    other = write_table(tmp_path / "b.parquet", real_rows(70))
    for source_, option in ((other, created), (source, f"--output={output}")):  # without the time it is a new run
        refused = call(predict.main, f"--input={source_}", *words, option)
        assert refused.code == AlreadyExistsError.exit_code, refused.log
        assert len(refused.errors) == 1
    assert bucket.store.get(output) == stored
