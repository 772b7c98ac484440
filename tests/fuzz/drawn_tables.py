"""Draws tables for a schema, valid or damaged, as CSV or parquet."""

from __future__ import annotations

import csv
import gzip
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

from tests.fuzz import drawn_parquet, words
from tests.fuzz.cells import REFUSED, Column, Table, columns_of, labels_of, number_in

if TYPE_CHECKING:
    from tests.fuzz.drawn_schemas import Document

PARTS = ("train", "validation", "test")
_ODD_NUMBER_CELLS = (
    *(" 5", "5 ", "+5", "5.0", "5e0", "007", "0x10", "1_0", "\uff15", "1,5", "1;5", "inf", "-inf", "1e39", "1e400"),
    "-0",
    "-0.0",
    *("9007199254740993", "-9007199254740993", "9223372036854775807", "18446744073709551615", "18446744073709551616"),
    *("1e5", "2.5", "true", "TRUE", "5\u00a0", "5\n", "--5", ".5", "5.", "0.1", "1e-400", "?", "-", "None", "<NA>"),
    "\x00",
    *("9" * 400, "0." + "3" * 400),
)


@st.composite
def tables(draw: st.DrawFn, document: Document, *, plain: bool = False) -> Table:
    """Draw a table. Half of them are valid, or all with ``plain``, so that a run gets as far as its schema allows."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    rows = draw(st.sampled_from([90, 120] if plain else [90, 60, 120, 90, 21, 5, 2, 1, 0]))
    columns, labels = columns_of(document), labels_of(document)
    codes = rng.integers(0, len(labels), rows)
    shift = 0 if plain else draw(st.sampled_from([0, 0, 0, 0, 1, -1]))
    written = [label - shift if type(label) is int else label for label in labels]
    table = Table({column.name: _cells(column, codes, rng) for column in columns}, [written[code] for code in codes])
    if draw(st.integers(0, 3)) == 0:
        weights = draw(st.sampled_from([(0.6, 0.2, 0.2), (0.6, 0.2, 0.2), (0.5, 0, 0.5), (1, 0, 0)]))
        table.split = [PARTS[part] for part in rng.choice(3, rows, p=weights)]
    odd = not plain and draw(st.booleans())
    if odd and rows:
        _spoil(draw, table, rng)
    if draw(st.integers(0, 2)) == 0:
        drawn_parquet.fill(draw, table, columns, str(document.get("target")), odd=odd)
    else:
        _as_csv(draw, table, columns, str(document.get("target")), odd=odd)
    return table


def _cells(column: Column, codes: np.ndarray[Any, Any], rng: np.random.Generator) -> list[Any]:
    """Return valid values that are correlated with the class."""
    if column.categorical:
        values = column.values or ("nothing",)
        return [values[int(at)] for at in (codes + rng.integers(0, 2, len(codes))) % len(values)]
    span = column.high - column.low
    share = (codes * 0.2 + rng.random(len(codes)) * 0.4) % 1
    if column.whole:
        return [int(column.low + int(part * span)) for part in share]
    return [round(float(column.low + part * span), 3) for part in share]


def _spoil(draw: st.DrawFn, table: Table, rng: np.random.Generator) -> None:
    """Remove values, repeat rows, empty a column."""
    for what in draw(st.lists(st.sampled_from(["missing", "label", "repeated", "empty", "most"]), max_size=2)):
        names = sorted(table.columns)
        if what == "repeated":
            chosen = [int(at) for at in rng.integers(0, table.rows, draw(st.integers(1, table.rows)))]
            for cells in (*table.columns.values(), table.target, table.split):
                cells.extend([cells[at] for at in chosen] if cells else [])
            continue
        share = {"missing": 0.1, "label": 0.1, "empty": 1, "most": 0.7}[what]
        emptied = table.target if what == "label" or not names else table.columns[draw(st.sampled_from(names))]
        for at in np.flatnonzero(rng.random(table.rows) < share):
            emptied[int(at)] = None


# --- CSV ---


def _as_csv(draw: st.DrawFn, table: Table, columns: list[Column], target: str, *, odd: bool) -> None:
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
    **{name: {} for name in ("order", "extra column", "column gone", "two files", "headerless")},
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
    """Return numbers at and just outside the limits of a dtype, and around the largest exact integers of float64."""
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
    draw: st.DrawFn, table: Table, columns: list[Column], grid: dict[str, list[str]], labels: list[str]
) -> None:
    """Write unusual cells, and record their meaning."""
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
