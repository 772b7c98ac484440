from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow.compute as pc
import pytest

from steps import prepare
from steps.core.errors import UsageError
from tests.support import SCHEMA, TARGET, call, real_rows, succeed, with_missing, write_table

if TYPE_CHECKING:
    from pathlib import Path

ROWS = real_rows(350)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (["aspen"], "'aspen' is not SLUG=PATH"),
        (["aspen="], "'aspen=' is not SLUG=PATH"),
        (["aspen=a", "5=b"], "cover type 'aspen' is there twice"),
        (["aspen=a", "krummholz=a"], "path 'a' is there twice"),
        (["oak=a"], "unknown cover type 'oak'"),
    ],
)
def test_datasets_that_cannot_be_parsed(entries: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        prepare.parse_datasets(entries, SCHEMA)


def test_a_label_names_a_cover_type_too() -> None:
    assert list(prepare.parse_datasets(["7=a", "aspen=b=c"], SCHEMA)) == ["krummholz", "aspen"]


def test_the_command_line(tmp_path: Path) -> None:
    source = write_table(tmp_path / "source.csv.gz", ROWS)
    outputs = [f"--dataset={slug}={tmp_path}/{slug}.parquet" for slug in ("aspen", "krummholz")]
    log = succeed(prepare.main, *outputs, source=source, profile=tmp_path / "p.json", usage=tmp_path / "u.json")
    assert "source.csv.gz: canonical columns" in log
    assert "350 of 350 rows kept: spruce-fir 50" in log
    usage = json.loads((tmp_path / "u.json").read_text())
    assert (usage["rows_in"], usage["rows_out"]) == (350, 700)
    assert usage["bytes_in"] == source.stat().st_size
    assert usage["bytes_out"] == sum((tmp_path / f"{slug}.parquet").stat().st_size for slug in ("aspen", "krummholz"))


def test_a_cover_type_without_rows_is_only_missed_where_it_is_asked_for(tmp_path: Path) -> None:
    source = write_table(tmp_path / "source.parquet", ROWS.filter(pc.not_equal(ROWS.column(TARGET), 4)))
    outputs = ("--dataset", f"aspen={tmp_path}/a.parquet", "--profile", f"{tmp_path}/p.json")
    succeed(prepare.main, *outputs, source=source)
    assert json.loads((tmp_path / "p.json").read_text())["cover_types"]["cottonwood-willow"] == 0


def test_all_datasets_must_be_written_or_none(tmp_path: Path) -> None:
    result = call(
        prepare.main,
        f"--dataset=aspen={tmp_path}/a.parquet",
        f"--dataset=krummholz={tmp_path}/k.parquet",
        *("--source", write_table(tmp_path / "s.csv", with_missing(ROWS, [(349, "Slope")]))),
        *("--profile", tmp_path / "p.json"),
    )
    assert result.code == 65
    assert [path.name for path in tmp_path.iterdir()] == ["s.csv"]


def test_datasets_are_published_by_label_once(tmp_path: Path) -> None:
    place, profile = tmp_path / "published", tmp_path / "profile.json"
    words = ["--rows=600", f"--dataset=aspen={tmp_path / 'a.parquet'}", f"--profile={profile}", f"--output={place}"]
    result = call(prepare.main, *words)
    assert (result.code, f"published: {place}" in result.log) == (0, True), result.log
    [dataset] = (place / "cover_type=5").iterdir()
    assert dataset.read_bytes() == (tmp_path / "a.parquet").read_bytes()
    assert "already there" in call(prepare.main, *words).log
    other = call(prepare.main, *words, "--rows=700")
    assert other.code == 2
    assert str(place) in other.errors[0]
