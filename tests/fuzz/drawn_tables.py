"""Tables for a schema as CSV or parquet bytes, together with what their cells mean.

What a cell means is kept beside the bytes, cell by cell as it was written, and never read back from them: a value, None
where it is missing, or ``REFUSED`` where no reader may find a value of its column in it.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from tests.fuzz import words

if TYPE_CHECKING:
    from tests.fuzz.drawn_schemas import Document

REFUSED = "<refused>"
PARTS = ("train", "validation", "test")
_WIDEST = 60  # of what numbers are drawn
_ODD_NUMBER_CELLS = (
    *(
        " 5",
        "5 ",
        "+5",
        "5.0",
        "5e0",
        "007",
        "0x10",
        "1_0",
        "５",
        "1,5",
        "1;5",
        "inf",
        "-inf",
        "1e39",
        "1e400",
        "-0",
        "-0.0",
    ),
    *("9007199254740993", "-9007199254740993", "9223372036854775807", "18446744073709551615", "18446744073709551616"),
    *(
        "1e5",
        "2.5",
        "true",
        "TRUE",
        "5\u00a0",
        "5\n",
        "--5",
        ".5",
        "5.",
        "0.1",
        "1e-400",
        "?",
        "-",
        "None",
        "<NA>",
        "\x00",
    ),
    *("9" * 400, "0." + "3" * 400),
)


@dataclass
class Table:
    """Cells by column, ``target`` apart; ``split`` is empty where the source has no such column."""

    columns: dict[str, list[Any]]
    target: list[Any]
    split: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    source: str = ""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.target)


@dataclass(frozen=True)
class _Column:
    name: str
    dtype: str
    values: tuple[str, ...]
    low: float
    high: float

    @staticmethod
    def of(entry: Document) -> _Column:
        """Return what can be drawn for an entry of a schema, however odd that is."""
        ends = [entry.get(key) for key in ("minimum", "maximum")]
        low, high = (end if isinstance(end, int | float) and math.isfinite(end) else None for end in ends)
        low = max(0, low) if low is not None and abs(low) < 2**62 else 0
        high = low + _WIDEST if high is None or high > low + _WIDEST else max(low, high)
        listed = entry.get("values")
        values = tuple(value for value in listed if isinstance(value, str)) if isinstance(listed, list) else ()
        return _Column(str(entry.get("name")), str(entry.get("dtype")), values, low, high)

    @property
    def whole(self) -> bool:
        return "int" in self.dtype

    @property
    def categorical(self) -> bool:
        return self.dtype == "category"


def columns_of(document: Document) -> list[_Column]:
    """Return the columns of a document that may be no schema."""
    listed = document.get("columns")
    return [_Column.of(entry) for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def labels_of(document: Document) -> list[Any]:
    """Return the labels of a document that may be no schema."""
    listed = document.get("cover_types")
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    return [entry["label"] for entry in entries if isinstance(entry.get("label"), int | str | float)] or [1, 2]


@st.composite
def tables(draw: st.DrawFn, document: Document) -> Table:
    """Draw a table; one in two is plain."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    rows = draw(st.sampled_from([90, 60, 120, 90, 21, 5, 2, 1, 0]))
    columns, labels = columns_of(document), labels_of(document)
    codes = rng.integers(0, len(labels), rows)
    shift = draw(st.sampled_from([0, 0, 0, 0, 1, -1]))
    written = [label - shift if type(label) is int else label for label in labels]
    table = Table({column.name: _cells(column, codes, rng) for column in columns}, [written[code] for code in codes])
    if draw(st.integers(0, 3)) == 0:
        weights = draw(st.sampled_from([(0.6, 0.2, 0.2), (0.6, 0.2, 0.2), (0.5, 0, 0.5), (1, 0, 0)]))
        table.split = [PARTS[part] for part in rng.choice(3, rows, p=weights)]
    odd = draw(st.booleans())
    if odd and rows:
        _spoil(draw, table, rng)
    if draw(st.integers(0, 2)) == 0:
        _as_parquet(draw, table, columns, str(document.get("target")), odd=odd)
    else:
        _as_csv(draw, table, columns, str(document.get("target")), odd=odd)
    return table


def _cells(column: _Column, codes: np.ndarray[Any, Any], rng: np.random.Generator) -> list[Any]:
    """Return plain values that tell something of the class."""
    if column.categorical:
        values = column.values or ("nothing",)
        return [values[int(at)] for at in (codes + rng.integers(0, 2, len(codes))) % len(values)]
    span = column.high - column.low
    share = (codes * 0.2 + rng.random(len(codes)) * 0.4) % 1
    if column.whole:
        return [int(column.low + int(part * span)) for part in share]
    return [round(float(column.low + part * span), 3) for part in share]


def _spoil(draw: st.DrawFn, table: Table, rng: np.random.Generator) -> None:
    """Take values away, repeat rows, empty a column."""
    for what in draw(st.lists(st.sampled_from(["missing", "label", "repeated", "empty", "most"]), max_size=2)):
        names = sorted(table.columns)
        if what == "repeated":
            chosen = [int(at) for at in rng.integers(0, table.rows, draw(st.integers(1, table.rows)))]
            for cells in (*table.columns.values(), table.target, table.split):
                cells += [cells[at] for at in chosen] if cells else []
            continue
        share = {"missing": 0.1, "label": 0.1, "empty": 1, "most": 0.7}[what]
        cells = table.target if what == "label" or not names else table.columns[draw(st.sampled_from(names))]
        for at in np.flatnonzero(rng.random(table.rows) < share):
            cells[int(at)] = None


# --- CSV ---


def number_in(text: str) -> Any:
    """Return the number that a cell is, exactly where it is whole."""
    try:
        return int(text) if "_" not in text and text.isascii() and len(text) < 4000 else REFUSED
    except ValueError:
        pass
    try:
        found = float(text) if "_" not in text and text.isascii() else math.nan
    except ValueError:
        return REFUSED
    return found if math.isfinite(found) else REFUSED


def _as_csv(draw: st.DrawFn, table: Table, columns: list[_Column], target: str, *, odd: bool) -> None:
    names = [column.name for column in columns]
    grid = {name: [_spell(value) for value in cells] for name, cells in table.columns.items()}
    labels = [_spell(value) for value in table.target]
    if odd and table.rows:
        _spoil_cells(draw, table, columns, grid, labels)
    header = [*names, target]
    rows = [list(row) for row in zip(*(grid[name] for name in names), labels, strict=True)]
    if table.split:
        header.append("split")
        rows = [[*row, part] for row, part in zip(rows, table.split, strict=True)]
    changes = draw(st.lists(st.sampled_from(sorted(_LAYOUTS)), max_size=2, unique=True)) if odd else []
    ending = draw(st.sampled_from([".csv", ".csv", ".csv.gz", ".data", ".CSV"]))
    layout = {key: value for change in changes for key, value in _LAYOUTS[change].items()}
    if "order" in changes:
        order = draw(st.permutations(range(len(header))))
        header, rows = [header[at] for at in order], [[row[at] for at in order] for row in rows]
    if "extra column" in changes:
        name = draw(st.one_of(words.texts, st.sampled_from(header)))
        header, rows = [name, *header], [[str(at), *row] for at, row in enumerate(rows)]
    if "column gone" in changes:
        header, rows = header[:-1], [row[:-1] for row in rows]
    parts = [rows[: len(rows) // 2], rows[len(rows) // 2 :]] if "two files" in changes else [rows]
    stem = draw(
        st.sampled_from(["table", "table", "table", "tab le", "täb", "-t", "t[1]", "a%20b", "t*", "日本", "t'\"$x"])
    )
    for number, part in enumerate(parts):
        name = f"{stem}{number}{ending}" if len(parts) > 1 else f"{stem}{ending}"
        table.files[name] = _csv_bytes(
            [] if "headerless" in changes else [header], part, layout, packed=ending.endswith("gz")
        )
    table.source = f"{stem}?{ending}" if len(parts) > 1 else next(iter(table.files))


_LAYOUTS: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("order", "extra column", "column gone", "two files", "headerless"), {}),
    "utf-8-sig": {"encoding": "utf-8-sig"},
    "utf-16": {"encoding": "utf-16"},
    "latin-1": {"encoding": "latin-1"},
    "utf-8": {"encoding": "utf-8"},
    "windows": {"lineterminator": "\r\n"},
    "old mac": {"lineterminator": "\r"},
    "semicolons": {"delimiter": ";"},
    "tabs": {"delimiter": "\t"},
    "quotes": {"quoting": csv.QUOTE_ALL},
    "blank end": {"end": "\n\n"},
    "no end": {"end": None},
    "blank start": {"start": "\n"},
}


def _csv_bytes(header: list[list[str]], rows: list[list[str]], layout: dict[str, Any], *, packed: bool) -> bytes:
    layout = {"lineterminator": "\n", **layout}
    encoding, end, start = layout.pop("encoding", "utf-8"), layout.pop("end", ""), layout.pop("start", "")
    out = io.StringIO(newline="")
    csv.writer(out, **layout).writerows([*header, *rows])
    text = out.getvalue()
    text = start + (text.removesuffix(layout["lineterminator"]) if end is None else text + end)
    data = text.encode(encoding, errors="replace" if encoding == "latin-1" else "strict")
    return gzip.compress(data, mtime=0) if packed else data


def _spell(value: Any) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def _ends_of(dtype: str) -> list[str]:
    """Return numbers at the ends of a dtype and just outside, and where a float64 no longer has every whole number."""
    if dtype.startswith(("int", "uint")) and dtype.removeprefix("u") in {"int8", "int16", "int32", "int64"}:
        ends = np.iinfo(dtype)
        found = [ends.min, ends.max, ends.min - 1, ends.max + 1, 2**53 + 1, -(2**53) - 1, 2**62 + 1]
        return [str(int(number)) for number in found if abs(number) <= abs(int(ends.max)) + 1]
    return [
        "3.4028234663852886e+38",
        "3.5e38",
        "1e-46",
        "16777217",
        "0.1",
        "1.7976931348623157e308",
        "9007199254740993",
    ]


def _spoil_cells(
    draw: st.DrawFn, table: Table, columns: list[_Column], grid: dict[str, list[str]], labels: list[str]
) -> None:
    """Write odd cells, and note what they mean."""
    numeric = all(type(label) is int for label in table.target if label is not None)
    for _ in range(draw(st.sampled_from([0, 1, 1, 2]))):
        at = draw(st.integers(0, table.rows - 1))
        column = draw(st.sampled_from([*columns, None]))
        number = numeric if column is None else not column.categorical
        offered = [st.sampled_from(words.SPELLED_MISSING), words.texts]
        if number:
            offered += [
                st.sampled_from(_ODD_NUMBER_CELLS),
                st.sampled_from(_ends_of(column.dtype if column else "int64")),
            ]
        text = draw(draw(st.sampled_from(offered)))
        cells, spelled = (table.target, labels) if column is None else (table.columns[column.name], grid[column.name])
        spelled[at] = text
        if text in (column.values if column else {str(label) for label in table.target}):
            cells[at] = text if not number else number_in(text)
        elif text in words.SPELLED_MISSING:
            cells[at] = None
        else:
            cells[at] = number_in(text) if number else REFUSED


# --- parquet ---

_NUMBER_TYPES = (
    *(pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint64(), pa.float16(), pa.float32(), pa.float64()),
    *(pa.string(), pa.large_string(), pa.bool_(), pa.decimal128(20, 4), pa.decimal256(40, 4), pa.date32(), pa.binary()),
    *(pa.timestamp("us"), pa.duration("s"), pa.list_(pa.float64()), pa.dictionary(pa.int32(), pa.string()), pa.null()),
    *(pa.dictionary(pa.int32(), pa.int64()), pa.dictionary(pa.int8(), pa.float64()), pa.time32("s")),
)
_TEXT_TYPES = (
    *(pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.dictionary(pa.int8(), pa.string()), pa.null()),
    *(pa.dictionary(pa.int64(), pa.large_string()), pa.list_(pa.string()), pa.struct([("a", pa.string())]), pa.int32()),
)


def _as_parquet(draw: st.DrawFn, table: Table, columns: list[_Column], target: str, *, odd: bool) -> None:
    arrays: list[tuple[str, pa.Array]] = []
    for column in columns:
        cells = table.columns[column.name]
        usual = pa.string() if column.categorical else pa.int64() if column.whole else pa.float64()
        array = _array(draw, cells, usual, _TEXT_TYPES if column.categorical else _NUMBER_TYPES, odd=odd)
        table.columns[column.name] = meaning(array, text=column.categorical)
        arrays.append((column.name, array))
    text = any(isinstance(label, str) for label in table.target)
    array = _array(
        draw, table.target, pa.string() if text else pa.int64(), _TEXT_TYPES if text else _NUMBER_TYPES, odd=odd
    )
    table.target = meaning(array, text=text)
    arrays.append((draw(words.texts) if odd and draw(st.integers(0, 9)) == 0 else target, array))
    if table.split:
        arrays.append(
            (
                "split",
                pa.array(table.split, draw(st.sampled_from([pa.string(), pa.dictionary(pa.int8(), pa.string())]))),
            )
        )
    if odd and draw(st.booleans()):
        arrays = draw(st.permutations(arrays))
    made = pa.Table.from_arrays([array for _, array in arrays], names=[name for name, _ in arrays])
    if odd and draw(st.integers(0, 3)) == 0:
        made = made.append_column(draw(st.sampled_from(["__index_level_0__", "extra", ""])), pa.array(range(len(made))))
    out = io.BytesIO()
    size = draw(st.sampled_from([1 << 20, 7, 1])) if odd else 1 << 20
    pq.write_table(
        made, out, row_group_size=size, compression=draw(st.sampled_from(["snappy", "none", "zstd", "gzip"]))
    )
    table.source = "table.parquet"
    table.files[table.source] = out.getvalue()


def _array(
    draw: st.DrawFn, cells: list[Any], usual: pa.DataType, kinds: tuple[pa.DataType, ...], *, odd: bool
) -> pa.Array:
    kind = draw(st.sampled_from(kinds)) if odd and draw(st.integers(0, 2)) == 0 else usual
    for wanted in (kind, usual, pa.float64(), pa.string()):
        try:
            return _converted(cells, wanted)
        except (pa.ArrowException, TypeError, ValueError, OverflowError, AttributeError):
            continue
    return pa.nulls(len(cells))


def _converted(cells: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.array([None if cell is None else str(cell) for cell in cells], kind)
    if pa.types.is_dictionary(kind):
        return _converted(cells, kind.value_type).dictionary_encode().cast(kind)
    if pa.types.is_list(kind):
        return pa.array([None if cell is None else [cell] for cell in cells], kind)
    if pa.types.is_binary(kind):
        return pa.array([None if cell is None else str(cell).encode() for cell in cells], kind)
    if pa.types.is_struct(kind):
        return pa.array([None if cell is None else {"a": str(cell)} for cell in cells], kind)
    if pa.types.is_null(kind):
        return pa.nulls(len(cells))
    if pa.types.is_boolean(kind):
        return pa.array([None if cell is None else bool(cell) for cell in cells], kind)
    if pa.types.is_floating(kind) or pa.types.is_integer(kind):
        return pa.array(cells, kind)
    return pa.array(cells, pa.int64()).cast(pa.int32()).cast(kind)


def meaning(array: pa.Array, *, text: bool) -> list[Any]:
    """Return what the values of an arrow column mean: NaN is missing, and what is no text or number is refused."""
    found: list[Any] = []
    for value in array.to_pylist():
        if value is None or (isinstance(value, float) and math.isnan(value)):
            found.append(None)
        elif isinstance(value, bytes):
            found.append(value.decode() if text else REFUSED)
        elif text:
            found.append(
                {True: "true", False: "false"}.get(value, str(value)) if not isinstance(value, list | dict) else REFUSED
            )
        elif isinstance(value, str):
            found.append(number_in(value))
        elif isinstance(value, int | float) or type(value).__name__ == "Decimal":
            found.append(value if math.isfinite(value) else REFUSED)
        else:
            found.append(REFUSED)
    return found
