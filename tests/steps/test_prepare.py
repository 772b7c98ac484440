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


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_a_submitted_file_gives_the_bytes_of_the_source_that_it_is_a_copy_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """The pod has the file somewhere else, and every output is that of a run on the machine where it is."""
    monkeypatch.chdir(tmp_path)
    source = write_table(tmp_path / f"a table{ending}", ROWS)
    there = tmp_path / "pod" / source.name
    there.parent.mkdir()
    for name, words in (("here", ()), ("there", (f"--source-file={there}",))):
        if name == "there":
            source.rename(there)
        outputs = [f"--dataset=aspen={tmp_path}/{name}.parquet", f"--summary={tmp_path}/{name}.txt"]
        log = succeed(prepare.main, *outputs, *words, source=f"./{source.name}", profile=tmp_path / f"{name}.json")
        (tmp_path / f"{name}.log").write_text(log)
    for kind in ("parquet", "json", "txt", "log"):
        assert (tmp_path / f"here.{kind}").read_bytes() == (tmp_path / f"there.{kind}").read_bytes()


@pytest.mark.parametrize("source", ["gs://bucket/table.csv", "other.csv", "builtin:", "file:///table.csv"])
def test_a_source_that_was_changed_after_a_file_was_submitted(tmp_path: Path, source: str) -> None:
    """The form of the Argo UI lets a person submit the workflow again with another source."""
    file = write_table(tmp_path / "table.csv", ROWS)
    outputs = (f"--dataset=aspen={tmp_path}/a", f"--profile={tmp_path}/p")
    result = call(prepare.main, *outputs, f"--source={source}", f"--source-file={file}")
    [error] = result.errors
    what = f"the source is {source}, but the file that was submitted with the run is table.csv"
    assert error == f"error: {what}, in --source: submit a new run with this --source"
    assert result.code == 2
