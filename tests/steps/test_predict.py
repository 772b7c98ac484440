"""The step ``predict`` with real models and files."""

from __future__ import annotations

import csv
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from steps import predict
from steps.core.errors import AlreadyExistsError, BadDataError, NoInputError, UsageError
from steps.io import open_destination
from steps.provenance import signing
from steps.registry import aliases, publishing
from steps.sources import files
from tests.registered_run import flip_byte
from tests.report_page import check_page
from tests.support import (
    FEATURES,
    SCHEMA,
    TARGET,
    Result,
    call,
    leftovers,
    one_hot,
    real_rows,
    with_missing,
    write_table,
    zero_based,
)

if TYPE_CHECKING:
    from pathlib import Path

SCORES = ["score_spruce-fir", "score_lodgepole-pine", "score_krummholz"]


def run(source: Path, output: Path, models: Path, *options: str) -> Result:
    return call(predict.main, f"--input={source}", f"--output={output}", f"--models={models}", *options)


def scored(source: Path, models: Path, *options: str) -> pa.Table:
    """Score a table and return the output."""
    output = source.with_name("scores.parquet")
    result = run(source, output, models, "--overwrite", *options)
    assert result.code == 0, result.log
    return pq.read_table(output)


def unlabelled(table: pa.Table) -> pa.Table:
    return table.drop_columns([TARGET])


@pytest.fixture
def table() -> pa.Table:
    return real_rows(700)


def test_every_layout_gives_the_same_scores(tmp_path: Path, models: Path, table: pa.Table) -> None:
    expected = scored(write_table(tmp_path / "a.parquet", table), models)
    assert expected.column_names == ["row", *SCORES, "cover_type", "probability"]
    assert expected.column("row").to_pylist() == list(range(table.num_rows))
    layouts = {
        "b.parquet": unlabelled(table),
        "c.csv": table,
        "d.csv.gz": unlabelled(table),
        "e.csv": one_hot(table),
        "f.parquet": one_hot(table).drop_columns([TARGET]),
        "g.csv": zero_based(table),
        "h.parquet": table.append_column("note", pa.array(["x"] * table.num_rows)),
    }
    for name, made in layouts.items():
        assert scored(write_table(tmp_path / name, made), models).equals(expected), name


def test_a_file_without_header_and_labels(tmp_path: Path, models: Path, table: pa.Table) -> None:
    expected = scored(write_table(tmp_path / "a.parquet", table), models)
    path = write_table(tmp_path / "b.csv", one_hot(table).drop_columns([TARGET]), header=False)
    assert scored(path, models).equals(expected)


def test_several_files_are_one_table(tmp_path: Path, models: Path, table: pa.Table) -> None:
    expected = scored(write_table(tmp_path / "all.parquet", table), models)
    write_table(tmp_path / "part-0.csv", table.slice(0, 100))
    write_table(tmp_path / "part-1.csv", table.slice(100))
    assert scored(tmp_path / "part-*.csv", models).equals(expected)


def test_the_cover_type_is_that_of_the_highest_score(tmp_path: Path, models: Path, table: pa.Table) -> None:
    found = scored(write_table(tmp_path / "a.parquet", table), models)
    best = np.stack([found.column(name).to_numpy() for name in SCORES]).argmax(axis=0)
    assert found.column("cover_type").to_pylist() == [(1, 2, 7)[at] for at in best]
    probability = found.column("probability").to_numpy()
    assert ((probability > 0) & (probability <= 1)).all()


def test_labels_in_the_input_give_metrics(tmp_path: Path, models: Path, table: pa.Table) -> None:
    source = write_table(tmp_path / "a.parquet", table)
    found = scored(source, models, f"--metrics={tmp_path / 'metrics.json'}")
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    right = np.mean(found.column("cover_type").to_numpy() == table.column(TARGET).to_numpy())
    assert metrics["metrics"]["rows"] == table.num_rows
    assert metrics["metrics"]["accuracy"]["value"] == pytest.approx(right)
    assert 0 < metrics["metrics"]["macro_f1"]["low"] < metrics["metrics"]["macro_f1"]["value"] < 1
    result = run(source, tmp_path / "b.parquet", models)
    assert f"{table.num_rows} rows scored, 0 rejected; {table.num_rows} labelled rows: accuracy 0." in result.log
    assert "labelled" not in run(write_table(tmp_path / "c.csv", unlabelled(table)), tmp_path / "d.csv", models).log


def test_chosen_columns_are_copied_as_they_are(tmp_path: Path, models: Path, table: pa.Table) -> None:
    names = [f"NA{i}" if i % 2 else "NA" for i in range(table.num_rows)]
    made = unlabelled(table).append_column("plot id", pa.array(names))
    for name in ("a.parquet", "a.csv"):
        found = scored(write_table(tmp_path / name, made), models, "--keep=plot id,Elevation")
        assert found.column_names[:3] == ["row", "plot id", "Elevation"]
        assert found.column("plot id").to_pylist() == names
        assert found.column("Elevation").to_pylist() == table.column("Elevation").to_pylist()


def test_csv_output_holds_the_same(tmp_path: Path, models: Path, table: pa.Table) -> None:
    source = write_table(tmp_path / "a.parquet", table)
    expected = scored(source, models)
    for name, opened in (("b.csv", open), ("b.csv.gz", gzip.open)):
        assert run(source, tmp_path / name, models).code == 0
        with opened(tmp_path / name, "rt", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [float(row[SCORES[0]]) for row in rows] == pytest.approx(
            expected.column(SCORES[0]).to_pylist(), rel=1e-6
        )
        assert np.array_equal(
            np.array([row[SCORES[2]] for row in rows]).astype("f4"), expected.column(SCORES[2]).to_numpy()
        )


def spoil(path: Path, cells: dict[tuple[int, str], str]) -> None:
    """Replace cells of a CSV file."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for (row, name), text in cells.items():
        rows[row][name] = text
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


BAD_CELLS = {
    (3, "Elevation"): "high",
    (3, "Slope"): "999",
    (10, "Slope"): "1.5",
    (20, "Soil_Type"): "nowhere",
    (30, TARGET): "9",
}


def test_rows_that_cannot_be_scored_are_listed_and_the_others_scored(
    tmp_path: Path,
    models: Path,
    table: pa.Table,
) -> None:
    expected = scored(write_table(tmp_path / "good.csv", table), models)
    path = write_table(tmp_path / "a.csv", table)
    spoil(path, BAD_CELLS)
    found = scored(path, models, "--max-rejects=4", "--first-label=one")
    bad = {row for row, _ in BAD_CELLS}
    mask = pa.array([row not in bad for row in range(table.num_rows)])
    assert found.equals(expected.filter(mask))
    with (tmp_path / "scores.parquet.rejects.csv").open(newline="") as file:
        listed = list(csv.DictReader(file))
    assert [(int(entry["row"]), entry["column"]) for entry in listed] == sorted(BAD_CELLS)
    assert {entry["file"] for entry in listed} == {"a.csv"}
    assert next(entry["reason"] for entry in listed if entry["row"] == "3").startswith("'high' in column 'Elevation'")


def test_too_many_of_them_publish_nothing_but_the_list(tmp_path: Path, models: Path, table: pa.Table) -> None:
    path = write_table(tmp_path / "a.csv", table)
    spoil(path, BAD_CELLS)
    result = run(path, tmp_path / "scores.csv", models, "--max-rejects=3", "--first-label=one")
    assert result.code == BadDataError.exit_code
    assert "error: 4 rows cannot be scored, 3 are allowed; the first: " in result.log
    assert not (tmp_path / "scores.csv").exists()
    assert len((tmp_path / "scores.csv.rejects.csv").read_text().splitlines()) == 1 + len(BAD_CELLS)


def test_lines_that_are_no_rows_are_listed_and_the_others_scored(tmp_path: Path, models: Path, table: pa.Table) -> None:
    expected = scored(write_table(tmp_path / "good.csv", table), models, "--keep=Elevation")
    for number in (0, 1):
        path = write_table(tmp_path / f"part-{number}.csv", table.slice(number * 100, 100 if not number else None))
        head, *rows = path.read_bytes().splitlines(keepends=True)
        rows[3], rows[20] = b"1,2\n", rows[20].replace(b",", b",,", 1)
        rows[50] = rows[50].replace(b",", b"\xe9,", 1)
        path.write_bytes(b"".join([head, *rows]))
    found = scored(tmp_path / "part-*.csv", models, "--max-rejects=6", "--keep=Elevation")
    bad = {number * 100 + at for number in (0, 1) for at in (3, 20, 50)}
    assert found.equals(expected.filter(pa.array([row not in bad for row in range(table.num_rows)])))
    (listed,) = tmp_path.glob("*.rejects.csv")
    with listed.open(newline="") as file:
        entries = [tuple(entry.values()) for entry in csv.DictReader(file)]
    assert entries == [
        (f"part-{number}.csv", row, column, reason)
        for number in (0, 1)
        for row, column, reason in (
            ("3", "", "2 columns instead of 13: correct the line"),
            ("20", "", "14 columns instead of 13: correct the line"),
            (
                "50",
                "Elevation",
                "a cell of column 'Elevation' is not UTF-8 text: save it as UTF-8 (is it Latin-1 or Windows-1252?)",
            ),
        )
    ]


def test_a_missing_value_is_scored_as_missing(tmp_path: Path, models: Path, table: pa.Table) -> None:
    some = with_missing(unlabelled(table), [(0, "Elevation"), (5, "Soil_Type")])
    expected = scored(write_table(tmp_path / "a.parquet", table), models)
    found = scored(write_table(tmp_path / "b.parquet", some), models)
    assert found.num_rows == table.num_rows
    same = [
        a == b for a, b in zip(found.column(SCORES[0]).to_pylist(), expected.column(SCORES[0]).to_pylist(), strict=True)
    ]
    assert not same[0]
    assert all(same[6:])


@pytest.mark.kills
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_hard_kill_leaves_no_half_output(tmp_path: Path, models: Path, kind: str) -> None:
    source = write_table(tmp_path / "a.parquet", pa.concat_tables([real_rows(7000)] * 20))
    output = tmp_path / "out" / f"scores.{kind}"
    words = ["--input", source, "--output", output, "--models", models, "--threads", "1"]
    for wait in (0.05, 0.3, 0.6):
        process = subprocess.Popen([sys.executable, "-m", "steps.predict", *map(str, words)], stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while process.poll() is None and not leftovers(tmp_path / "out") and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if output.exists():  # it was faster
            assert (pq.read_table(output) if kind == "parquet" else pyarrow.csv.read_csv(output)).num_rows == 140_000
            output.unlink()


def cases() -> dict[str, tuple[dict[str, Any], type[Exception], str]]:
    good = real_rows(70)
    return {
        "no column": (
            {"table": unlabelled(good).drop_columns(["Slope"])},
            BadDataError,
            "column 'Slope' is missing, in a.parquet: add it",
        ),
        "wrong type": (
            {"table": good.set_column(0, "Elevation", pa.array(["x"] * good.num_rows))},
            BadDataError,
            "column 'Elevation' has type string, a number is needed",
        ),
        "empty": ({"table": good.slice(0, 0)}, BadDataError, "there are no rows to score"),
        "unknown kind": ({"output": "scores.xlsx"}, UsageError, "unknown kind of file, in --output"),
        "unknown column to keep": (
            {"options": ["--keep=Slop"]},
            UsageError,
            "no column 'Slop', in --keep: write it as 'Slope'?",
        ),
        "no such input": ({"input": "none.csv"}, NoInputError, "none.csv: check --input"),
        "no models": ({"models": "none"}, NoInputError, "no such folder of models"),
        "two kinds of models": ({"options": ["--registry=x"]}, UsageError, "in --models and --registry"),
    }


@pytest.mark.parametrize("name", list(cases()))
def test_a_wrong_input_is_one_error_line(tmp_path: Path, models: Path, name: str) -> None:
    given, kind, message = cases()[name]
    source = write_table(tmp_path / "a.parquet", given.get("table", real_rows(70)))
    result = run(
        tmp_path / given["input"] if "input" in given else source,
        tmp_path / given.get("output", "out/scores.parquet"),
        tmp_path / given["models"] if "models" in given else models,
        *given.get("options", ()),
    )
    assert result.code == kind.exit_code, result.log  # type: ignore[attr-defined]
    assert message in result.log
    assert len([line for line in result.log.splitlines() if line.startswith("error: ")]) == 1
    assert not (tmp_path / "out").exists() or not leftovers(tmp_path / "out")


def test_an_output_that_is_there_is_kept(tmp_path: Path, models: Path, table: pa.Table) -> None:
    source, output = write_table(tmp_path / "a.parquet", table), tmp_path / "scores.parquet"
    output.write_text("mine")
    result = run(source, output, models)
    assert result.code == AlreadyExistsError.exit_code
    assert "there is an output already" in result.log
    assert output.read_text() == "mine"
    assert run(source, output, models, "--overwrite").code == 0
    assert pq.read_table(output).num_rows == table.num_rows


@pytest.mark.parametrize("name", ["scores-{date}.parquet", "scores-{date}.csv.gz"])
def test_a_later_attempt_recognises_its_own_output(tmp_path: Path, models: Path, table: pa.Table, name: str) -> None:
    source, output = write_table(tmp_path / "a.parquet", table), tmp_path / "out" / name
    written = output.with_name(name.format(date="2026-11-26"))
    created = "--created=2026-11-27T00:30:00+01:00"
    assert run(source, output, models, created).code == 0
    before = written.stat().st_mtime_ns
    again = run(source, output, models, created)
    assert again.code == 0, again.log
    assert "there is an output already, maybe of an earlier attempt: its content is compared" in again.log
    assert written.stat().st_mtime_ns == before
    other = write_table(tmp_path / "b.parquet", table.slice(1))
    refused = run(other, output, models, created)
    assert refused.code == AlreadyExistsError.exit_code
    assert f"there is an output already, in {written}" in refused.log
    assert written.stat().st_mtime_ns == before
    assert leftovers(written.parent) == [written.name]
    assert run(source, output, models, "--created=2026-11-28T00:00:00Z").code == 0
    assert leftovers(written.parent) == [written.name, name.format(date="2026-11-28")]


def test_a_shifted_elevation_is_drift_and_other_rows_of_the_table_are_not(
    tmp_path: Path, models: Path, training_profile_file: Path
) -> None:
    shutil.copy(training_profile_file, models.parent / "profile.json")
    read = files.open_source("builtin:", SCHEMA)
    table = pa.Table.from_batches(list(read.batches([*FEATURES, TARGET])))
    rows = table.take(np.random.default_rng(0).permutation(table.num_rows)[:5000])
    same = run(write_table(tmp_path / "same.parquet", rows), tmp_path / "a.csv", models, f"--metrics={tmp_path}/a.json")
    assert same.code == 0, same.log
    assert "drift" not in same.log
    assert json.loads((tmp_path / "a.json").read_text())["drift"]["level"] == "none"
    at = rows.column_names.index("Elevation")
    shifted = rows.set_column(at, "Elevation", pc.add(rows.column("Elevation").cast(pa.int64()), 200))
    words = (f"--metrics={tmp_path}/b.json", f"--drift={tmp_path}/drift.html")
    result = run(write_table(tmp_path / "shifted.csv", shifted), tmp_path / "b.csv", models, *words)
    assert result.code == 0, result.log
    assert "drift against the training rows: Elevation major (PSI " in result.log
    document = json.loads((tmp_path / "b.json").read_text())["drift"]
    assert (document["level"], document["columns"]["Elevation"]["level"]) == ("major", "major")
    others = {entry["level"] for name, entry in document["columns"].items() if name != "Elevation"}
    assert others == {"none"}
    assert "Major drift" in check_page((tmp_path / "drift.html").read_text()).words


def test_without_a_profile_drift_is_not_measured(tmp_path: Path, models: Path, table: pa.Table) -> None:
    source = write_table(tmp_path / "a.parquet", table)
    result = run(source, tmp_path / "a.csv", models, f"--drift={tmp_path}/drift.html", f"--metrics={tmp_path}/a.json")
    assert result.code == 0, result.log
    assert result.log.count("drift is not measured") == 1
    assert "drift against" not in result.log
    assert json.loads((tmp_path / "a.json").read_text())["drift"] is None
    assert not (tmp_path / "drift.html").exists()


def test_a_time_of_creation_must_be_one(tmp_path: Path, models: Path, table: pa.Table) -> None:
    result = run(write_table(tmp_path / "a.csv", table), tmp_path / "b.csv", models, "--created=today")
    assert result.code == UsageError.exit_code
    assert "'today' is not a time in RFC 3339, in --created" in result.log


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110 - at collection
def test_a_full_disk_is_one_error_line(tmp_path: Path, models: Path, table: pa.Table) -> None:
    source = write_table(tmp_path / "a.parquet", table)
    words = [
        sys.executable,
        "-B",  # Python does not notice that it has written half a file of bytecode
        "-m",
        "steps.predict",
        f"--input={source}",
        f"--output={tmp_path}/o.csv",
        f"--models={models}",
    ]
    limited = ["/bin/sh", "-c", 'ulimit -f 8; exec "$@"', "sh", *words]
    done = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert done.returncode == 75, done.stderr
    assert "error: the file is larger than the limit" in done.stderr
    assert not (tmp_path / "o.csv").exists()


def test_a_column_of_labels_without_any_is_as_none(tmp_path: Path, models: Path, table: pa.Table) -> None:
    expected = scored(write_table(tmp_path / "a.parquet", unlabelled(table)), models)
    empty = unlabelled(table).append_column(TARGET, pa.nulls(table.num_rows, pa.int64()))
    assert scored(write_table(tmp_path / "b.parquet", empty), models).equals(expected)


def test_a_version_of_a_registry(tmp_path: Path, models: Path, table: pa.Table, training_profile_file: Path) -> None:
    source = write_table(tmp_path / "a.parquet", table)
    expected = scored(source, models)
    registry = open_destination(str(tmp_path / "registry"))
    files_ = {f"models/{path.relative_to(models)}": path for path in models.rglob("*.*") if path.parent != models}
    files_of_version = {**files_, "report.html": source, "profile.json": training_profile_file}
    publishing.publish(files_of_version, registry.below("versions/one"))
    aliases.move_alias(registry, "champion", "one")
    for words in ([], ["--version=one"]):
        output = tmp_path / f"{len(words)}.parquet"
        result = call(
            predict.main, f"--input={source}", f"--output={output}", f"--registry={tmp_path / 'registry'}", *words
        )
        assert result.code == 0, result.log
        assert pq.read_table(output).equals(expected)
        assert "models: version one of" in result.log
        assert "drift is not measured" not in result.log
    words = [f"--input={source}", f"--output={tmp_path}/c.csv", f"--registry={tmp_path / 'registry'}", "--version=two"]
    refused = call(predict.main, *words)
    assert refused.code == NoInputError.exit_code
    assert "there is no version and no alias 'two'" in refused.log


def test_a_required_signature_is_verified_before_any_model_is_read(
    tmp_path: Path, table: pa.Table, registered: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("model_signing", exc_type=ImportError)
    shutil.copytree(registered, tmp_path / "registry")
    source, registry = write_table(tmp_path / "a.parquet", table), open_destination(str(tmp_path / "registry"))
    words = [f"--input={source}", f"--output={tmp_path}/o.csv", f"--registry={tmp_path}/registry"]
    read: list[Path] = []
    monkeypatch.setattr("steps.prediction.models.read_ensemble", read.append)

    def refused(key: str) -> Result:
        result = call(predict.main, *words, f"--require-signature={keys / key}")
        assert (len(result.errors), read) == (1, []), result.log
        return result

    assert (refused("own.pub").code, "is not signed" in refused("own.pub").log) == (66, True)
    signing.sign_version(registry, "v1", signing.Signer(keys / "own.pem"))
    assert (refused("other.pub").code, "signed with another key" in refused("other.pub").log) == (65, True)
    monkeypatch.undo()
    result = call(predict.main, *words, f"--require-signature={keys / 'own.pub'}")
    assert result.code == 0, result.log
    flip_byte(tmp_path / "registry/versions/v1/signature.json", -60)
    monkeypatch.setattr("steps.prediction.models.read_ensemble", read.append)
    assert (
        "the signature is damaged"
        in call(predict.main, *words, "--overwrite", f"--require-signature={keys}/own.pub").log
    )
    assert read == []


def test_models_of_a_folder_have_no_signature(tmp_path: Path, models: Path, table: pa.Table, keys: Path) -> None:
    source = write_table(tmp_path / "a.parquet", table)
    result = run(source, tmp_path / "o.csv", models, f"--require-signature={keys / 'own.pub'}")
    assert (result.code, "only versions of a registry are signed" in result.log) == (2, True)
