"""For any bytes in a file, a command keeps its guarantees and uses the rows of the file."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import shutil
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st

from steps import schema as schemas
from steps.search import space_file
from tests.fuzz import mutated, promises, toml_text
from tests.fuzz.drawn_commands import CONFIG, SCHEMA, Case
from tests.fuzz.explore import explore
from tests.fuzz.nursery import ROOT
from tests.fuzz.promises import breaks
from workflows.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fuzz.nursery import Ended, Nursery

# Drawn inputs are not what coverage is about, and measuring it doubles their time.
pytestmark = pytest.mark.no_cover

DOCUMENT: dict[str, Any] = {
    "name": "trees",
    "target": "kind",
    "columns": [
        {"name": "height", "dtype": "int8", "minimum": -100, "maximum": 100.0, "unit": "m"},
        {"name": "größe", "dtype": "float64"},
        {"name": "site", "dtype": "category", "values": ["north", "NA"]},
    ],
    "derived": [{"name": "sum", "operation": "sum", "of": ["height", "größe"]}],
    "cover_types": [
        {"label": "Oak", "slug": "oak", "title": "Oak"},
        {"label": "Elm", "slug": "elm", "title": "Ulme"},
    ],
}
NUMBERED = {**DOCUMENT, "cover_types": [{**entry, "label": at} for at, entry in enumerate(DOCUMENT["cover_types"])]}
SCHEMA_BYTES = toml_text.document(DOCUMENT).encode()
ROWS: dict[str, list[Any]] = {
    "height": [1, 2, -3, 4, 5, 100],
    "größe": [0.5, 1e-3, 2.0, -1.25, 3.0, 7.125],
    "site": ["north", "NA", "NA", "north", "north", "NA"],
    "kind": ["Oak", "Elm", "Oak", "Elm", "Oak", "Elm"],
}
SLUGS = ("oak", "elm")
PREPARED = ("oak.parquet", "elm.parquet", "profile.json")


def prepare_words(source: str, *more: str) -> tuple[str, ...]:
    outputs = [word for slug in SLUGS for word in ("--dataset", f"{slug}={slug}.parquet")]
    return ("steps.prepare", "--source", source, "--schema", SCHEMA, *outputs, "--profile", "profile.json", *more)


def with_bytes(
    words: tuple[str, ...], name: str, data: st.SearchStrategy[bytes], **others: bytes
) -> st.SearchStrategy[Case]:
    files = {key.replace("_", "."): value for key, value in others.items()}
    return data.map(lambda drawn: Case(words, {**files, name: drawn}))


def property_of(
    nursery: Nursery, kind: str, then: Callable[[Case, Ended, Path], None] | None = None
) -> Callable[[Case], str]:
    """Return a check that a command of a kind keeps its guarantees, and passes the check ``then``."""

    def check(case: Case) -> str:
        folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        try:
            for name, data in case.files.items():
                (folder / name).write_bytes(data)
            ended = nursery.run(kind, case.words, folder, seconds=30)
            promises.check_end(ended, folder)
            if then:
                then(case, ended, folder)
            return str(ended.code)
        finally:
            shutil.rmtree(folder)

    return check


# --- tables ---


def csv_of(rows: dict[str, list[Any]], **options: Any) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, **{"lineterminator": "\n", **options}).writerows([list(rows), *zip(*rows.values(), strict=True)])
    return out.getvalue().encode()


def parquet_of(rows: dict[str, list[Any]], **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(rows), out, **options)
    return out.getvalue()


CSVS = [
    csv_of(ROWS),
    csv_of(ROWS, quoting=csv.QUOTE_ALL),
    csv_of({**ROWS, "split": ["train", "validation", "test"] * 2}),
    csv_of(
        {
            **{key: ROWS[key] for key in ("height", "größe", "kind")},
            "site_0": [1, 0, 0, 1, 1, 0],
            "site_1": [0, 1, 1, 0, 0, 1],
        }
    ),
    csv_of(ROWS).split(b"\n", 1)[1],
]
PARQUETS = [
    parquet_of(ROWS),
    parquet_of(ROWS, compression="none", use_dictionary=False),
    parquet_of(ROWS, compression="zstd", data_page_version="2.0", row_group_size=2, write_page_checksum=True),
    parquet_of({**ROWS, "split": ["train", "validation", "test"] * 2}, compression="none"),
]


def check_prepared(case: Case, ended: Ended, folder: Path) -> None:
    """Check that the datasets match the profile, that no row was lost, and that a failure leaves no file."""
    if ended.code:
        if left := [name for name in PREPARED if (folder / name).exists()]:
            breaks("half-written", f"{left[0]} after a failure")
        return
    profile = json.loads((folder / "profile.json").read_bytes())
    if profile["rows"] + sum(profile["dropped"].values()) != profile["rows_read"]:
        breaks("rows", "kept and dropped are not all rows", str(profile))
    for slug in SLUGS:
        labels = pq.read_table(folder / f"{slug}.parquet").column("label").to_pylist()
        if len(labels) != profile["rows"] or sum(labels) != profile["cover_types"][slug]:
            breaks("rows", "a dataset's rows are not the profile's", f"{labels} {profile}")
    name = case.words[2]
    if "csv" in name and (lines := csv_rows(case.files[name])) is not None and lines != profile["rows_read"]:
        breaks("rows", "rows read of a CSV file", f"{profile['rows_read']} of {lines}")


def csv_rows(data: bytes) -> int | None:
    """Return the number of rows of a CSV file by the standard library's reader; None if it is not a valid CSV file."""
    try:
        raw = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        encoding = "utf-16" if raw[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE} else "utf-8-sig"
        rows = [row for row in csv.reader(io.StringIO(raw.decode(encoding), newline=""), strict=True) if row]
    except (csv.Error, UnicodeError, OSError, EOFError, zlib.error):
        return None
    header = not any(cell.strip().replace(".", "").removeprefix("-").isdecimal() for cell in rows[0]) if rows else False
    return len(rows) - header


def test_csv_files(nursery: Nursery) -> None:
    words = prepare_words("table.csv", "--on-missing", "drop")
    cases = with_bytes(words, "table.csv", mutated.files(CSVS, mutated.OF_CSV), schema_toml=SCHEMA_BYTES)
    ends = explore(cases, property_of(nursery, "step", check_prepared), examples=40)
    assert min(ends["0"], ends["65"]) > 0, ends


def test_packed_csv_files(nursery: Nursery) -> None:
    whole = mutated.files(CSVS, mutated.OF_CSV).map(lambda data: gzip.compress(data, mtime=0))
    damaged = mutated.binaries([gzip.compress(data, mtime=0) for data in CSVS])
    words = prepare_words("table.csv.gz", "--duplicates", "drop", "--rows", "4")
    cases = with_bytes(words, "table.csv.gz", st.one_of(whole, damaged), schema_toml=SCHEMA_BYTES)
    explore(cases, property_of(nursery, "step", check_prepared), examples=15)


def test_csv_files_with_numbered_classes(nursery: Nursery) -> None:
    rows = {**ROWS, "kind": [1, 0, 1, 0, 1, 1]}
    data = mutated.files(
        [csv_of(rows), csv_of({**rows, "kind": [float(label) for label in rows["kind"]]})], mutated.OF_CSV
    )
    schema = toml_text.document({**NUMBERED, "labels_may_start_at_zero": True}).encode()
    cases = with_bytes(prepare_words("table.csv"), "table.csv", data, schema_toml=schema)
    explore(cases, property_of(nursery, "step", check_prepared), examples=15)


def test_parquet_files(nursery: Nursery) -> None:
    data = mutated.binaries(PARQUETS)
    words = prepare_words("table.parquet", "--on-missing", "drop")
    cases = with_bytes(words, "table.parquet", data, schema_toml=SCHEMA_BYTES)
    ends = explore(cases, property_of(nursery, "step", check_prepared), examples=40)
    assert ends["65"], ends


# --- settings ---


def test_schemas_of_tables(nursery: Nursery) -> None:
    valid = [SCHEMA_BYTES, toml_text.document(NUMBERED).encode()]
    cases = with_bytes(prepare_words("table.csv"), SCHEMA, mutated.files(valid, mutated.OF_TOML), table_csv=CSVS[0])
    ends = explore(cases, property_of(nursery, "step", check_prepared), examples=40)
    assert ends["78"], ends


def test_schemas_of_workflows(nursery: Nursery) -> None:
    valid = [SCHEMA_BYTES, (ROOT / "tests/data/wine.toml").read_bytes(), (schemas.DATA / "covertype.toml").read_bytes()]
    cases = with_bytes(("lint", "--schema", SCHEMA), SCHEMA, mutated.files(valid, mutated.OF_TOML))
    explore(cases, property_of(nursery, "cli"), examples=4)


def test_search_spaces(nursery: Nursery) -> None:
    spaces = ROOT / "tests" / "bad" / "spaces"
    small = next(spaces.glob("fraction.toml")).read_bytes()
    valid = [space_file.BUNDLED.read_bytes(), small]
    cases = with_bytes(("space.toml",), "space.toml", mutated.files(valid, mutated.OF_TOML))
    ends = explore(cases, property_of(nursery, "space"), examples=40)
    assert ends["78"], ends


CONFIGS = [
    b"rows: 9\nseed: 3\npreset: fast\ncover_types: [1, aspen]\nset:\n  train.rounds: 30\n  train.aspen.max_depth: 4\n",
    (
        b"steps:\n  train:\n    cpu: 2\n    memory: 4Gi\n    gpu: 1\n    node_selector: {pool: gpu}\n    tolerations:\n"
        b"      - {key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}\n    deadline_seconds: 7200\n"
    ),
    (
        b"source: builtin:\nsnapshot_time: 2026-11-21T09:30:00Z\ntrials: 5\ntimeout: 60\n"
        b"first_label: one\non_missing: drop\nduplicates: drop\nobjective: f1\n"
        b"sampler: random\nrefit: validation\npods: cover-type\n"
    ),
    (
        b"image: registry.example/steps@sha256:00\nnamespace: a\nservice_account: b\nstudy_volume: c\nstudy_name: d\n"
        b"registry: gs://bucket/models\noutput: gs://bucket/runs\nparallel: 2\ncache: false\n"
    ),
    json.dumps(
        {name: field.default for name, field in Settings.model_fields.items() if isinstance(field.default, int)}
    ).encode(),
]


def test_config_files(nursery: Nursery) -> None:
    cases = with_bytes(("render", "--config", CONFIG), CONFIG, mutated.files(CONFIGS, mutated.OF_YAML))
    ends = explore(cases, property_of(nursery, "cli"), examples=15)
    assert ends["78"], ends


def test_rendered_workflows(nursery: Nursery) -> None:
    valid = [(ROOT / "tests" / "golden" / f"{name}.yaml").read_bytes() for name in ("fused", "cron")]
    cases = with_bytes(("lint", "made.yaml"), "made.yaml", mutated.files(valid, mutated.OF_YAML))
    explore(cases, property_of(nursery, "cli"), examples=5)


def test_earlier_searches(nursery: Nursery) -> None:
    valid = [
        b'{"warm_start": {"aspen": [{"rounds": 3, "learning_rate": 0.5}], "": [{"max_depth": 3}]}}',
        b'{"cover_types": {"aspen": {"search": {"best_points": [{"parameters": {"rounds": 3}}]}}}}',
        b'{"objective": "f1", "trials": [{"number": 0, "state": "done", "value": 0.5, "parameters": {"rounds": 3}}]}',
    ]
    words = ("render", "--warm-start", "earlier.json")
    cases = with_bytes(words, "earlier.json", mutated.files(valid, mutated.OF_JSON))
    explore(cases, property_of(nursery, "cli"), examples=8)
