"""Compares the files of a run with the expected content of a drawn table, which follows from the drawn cells alone."""

from __future__ import annotations

import html
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from tests.fuzz.cells import REFUSED
from tests.fuzz.promises import breaks

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fuzz.drawn_commands import Case
    from tests.fuzz.drawn_schemas import Document

_CLASS = "\x00class"
_LEAST_OF_A_CLASS = 20
_TRUTH = {"true", "false"}


def check_run(case: Case, run: Path) -> None:
    """Check that a succeeded run has the rows, values and classes of the table."""
    slugs = chosen_slugs(case)
    report = json.loads((run / "report.json").read_bytes())
    if list(report["cover_types"]) != slugs:
        breaks("rows", "other classes than asked for", f"{list(report['cover_types'])} != {slugs}")
    if "--pods=all" in case.words:  # files between its steps stay in the one step
        return
    profile = next(run.glob("nodes/prepare/out/profile/*"))
    check_datasets(case, {slug: next(run.glob(f"nodes/prepare/out/dataset-{slug}/*")) for slug in slugs}, profile)
    found = json.loads(profile.read_bytes())
    for key in ("rows", "rows_read", "dropped"):
        if report["data"][key] != found[key]:
            breaks("rows", f"{key} of the report is not the profile's")
    _check_report(case, run, expected(case), report)


def check_datasets(case: Case, datasets: dict[str, Path], profile: Path) -> None:
    """Check that prepared datasets have the rows, values and classes of the table."""
    for column in case.document["columns"]:
        if any(_is_nan(column.get(end)) for end in ("minimum", "maximum")):
            breaks("rows", "a bound that is NaN was accepted")
    table = expected(case)
    kept = _check_datasets(case, datasets, table)
    _check_counts(case, json.loads(profile.read_bytes()), table, kept)


def expected(case: Case) -> pd.DataFrame:
    """Return the rows of the table for the schema: a column for each feature, and the position of the class."""
    table = case.table
    assert table is not None
    found = {
        column["name"]: [_value(cell, column) for cell in table.columns[column["name"]]]
        for column in case.document["columns"]
    }
    return pd.DataFrame({**found, _CLASS: _codes(case)}, dtype=object)


def chosen_slugs(case: Case) -> list[str]:
    """Return the classes that a command line names, in the order of the schema. An ambiguous name is refused."""
    classes = case.document["cover_types"]
    words = [word.strip() for word in case.settings.get("cover_types", "").split(",") if word.strip()]
    if case.verb == "train":
        words = [case.settings["cover_types"]]
    wanted = set()
    for word in words:
        named = [entry["slug"] for entry in classes if word in {entry["slug"], str(entry["label"])}]
        if len(named) != 1:
            breaks("rows", f"{len(named)} classes have the name that was asked for", f"{word!r}: {named}")
        wanted.update(named)
    return [entry["slug"] for entry in classes if not wanted or entry["slug"] in wanted]


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _value(cell: Any, column: Document) -> Any:
    """Return the value of a cell in the dtype of its column; None if missing, REFUSED if invalid."""
    if cell is None or cell == REFUSED:
        return cell
    if column["dtype"] == "category":
        return cell if cell in column["values"] else REFUSED
    if not isinstance(cell, str) and _outside(cell, column):
        return REFUSED
    dtype = np.dtype(column["dtype"])
    try:
        if dtype.kind in "iu":
            whole = int(cell)
            ends = np.iinfo(column["dtype"])
            return whole if whole == cell and ends.min <= whole <= ends.max else REFUSED
        return float(dtype.type(float(cell)))
    except (ValueError, OverflowError, TypeError):
        return REFUSED


def _outside(cell: Any, column: Document) -> bool:
    low, high = column.get("minimum"), column.get("maximum")
    return (low is not None and cell < low) or (high is not None and cell > high)


def _codes(case: Case) -> list[Any]:
    """Return the position of each row's class; None if the label is missing, REFUSED if it is invalid."""
    assert case.table is not None
    cells, labels = case.table.target, [entry["label"] for entry in case.document["cover_types"]]
    if isinstance(labels[0], str):
        known = {label: code for code, label in enumerate(labels)}
        alike = {label.lower(): code for code, label in enumerate(labels) if label.lower() in _TRUTH}
        return [
            cell if cell in {None, REFUSED} else known.get(str(cell), alike.get(str(cell).lower(), REFUSED))
            for cell in cells
        ]
    shift = _shift(case, labels)
    return [
        cell
        if cell in {None, REFUSED}
        else {label - shift: code for code, label in enumerate(labels)}.get(cell, REFUSED)
        for cell in cells
    ]


def _shift(case: Case, labels: list[int]) -> int:
    """Return the offset from labels of the source to labels of the schema."""
    assert case.table is not None
    mode = case.settings.get("first_label", "auto")
    if mode != "auto":
        return min(labels) - {"zero": 0, "one": 1}[mode]
    if not case.document.get("labels_may_start_at_zero"):
        return 0
    return int(min(labels) - 1 in case.table.target and max(labels) not in case.table.target)


def _check_datasets(case: Case, datasets: dict[str, Path], table: pd.DataFrame) -> list[int]:
    """Compare the rows of every dataset with those of the table, and return their positions."""
    names = [name for name in table.columns if name != _CLASS]
    all_slugs = [entry["slug"] for entry in case.document["cover_types"]]
    rows: list[int] = []
    for slug, path in datasets.items():
        dataset = pq.read_table(path)
        rows = dataset.column("row").to_pylist()
        if rows != sorted(set(rows)) or (rows and not 0 <= rows[0] <= rows[-1] < len(table)):
            breaks("rows", "row numbers that the table has not")
        kept = table.iloc[rows]
        positive = [int(code == all_slugs.index(slug)) for code in kept[_CLASS]]
        if any(code is None or code == REFUSED for code in kept[_CLASS]):
            breaks("rows", "a row was kept whose label is missing or none of the schema's")
        if dataset.column("label").to_pylist() != positive:
            breaks("rows", "labels of a dataset are not its class's")
        for name in names:
            _compare(name, dataset.column(name).to_pylist(), list(kept[name]))
    return rows


def _compare(name: str, found: list[Any], expected_: list[Any]) -> None:
    for at, (value, wanted) in enumerate(zip(found, expected_, strict=True)):
        absent = value is None or _is_nan(value)
        if (absent and wanted is not None) or (not absent and value != wanted):
            kind = "was refused for" if wanted == REFUSED else "is not"
            breaks(
                "rows", f"a value {kind} what the table has", f"column {name!r}, kept row {at}: {value!r}, {wanted!r}"
            )


def _check_counts(case: Case, profile: dict[str, Any], table: pd.DataFrame, kept: list[int]) -> None:
    """Compare the figures of the profile with the table."""
    dropped = profile["dropped"]
    counts = table.iloc[kept][_CLASS].value_counts().to_dict()
    slugs = [entry["slug"] for entry in case.document["cover_types"]]
    if profile["cover_types"] != {slug: counts.get(code, 0) for code, slug in enumerate(slugs)}:
        breaks("rows", "class counts of the profile", f"{profile['cover_types']} != {counts}")
    if profile["rows"] != len(kept) or profile["rows_read"] != len(table):
        breaks("rows", "row counts of the profile", f"{profile['rows']}, {profile['rows_read']}")
    if profile["rows"] + sum(dropped.values()) != len(table):
        breaks("rows", "kept and dropped are not all rows", str(dropped))
    policy = case.settings.get("on_missing", "fail")
    looked_at = [_CLASS] if policy == "keep" else list(table.columns)
    complete = table[table[looked_at].notna().all(axis=1)]
    unique = complete
    if case.settings.get("duplicates") == "drop":
        unique = complete[~complete.map(str).duplicated()]
    if policy == "fail" and len(complete) < len(table):
        breaks("rows", "rows with missing values were accepted")
    if dropped["missing"] != len(table) - len(complete) or dropped["duplicates"] != len(complete) - len(unique):
        breaks("rows", "dropped rows are not those with missing values, or not the duplicates", str(dropped))
    _check_sample(case, unique, kept)


def _check_sample(case: Case, available: pd.DataFrame, kept: list[int]) -> None:
    wanted = int(case.settings.get("rows", "0"))
    classes = len(case.document["cover_types"])
    if not set(kept) <= set(available.index):
        breaks("rows", "a row was kept that was to be dropped")
    if not wanted or wanted >= len(available):
        if len(kept) != len(available):
            breaks("rows", "not all rows were kept")
    elif not wanted <= len(kept) <= max(wanted, classes * _LEAST_OF_A_CLASS):
        breaks("rows", "size of the sample", f"{len(kept)} of {len(available)}, {wanted} wanted")


def _check_report(case: Case, run: Path, table: pd.DataFrame, report: dict[str, Any]) -> None:
    """Compare the test rows of each class with its figures in the report."""
    classes = {entry["slug"]: (code, entry) for code, entry in enumerate(case.document["cover_types"])}
    tested: list[list[int]] = []
    for slug, figures in report["cover_types"].items():
        code, entry = classes[slug]
        places = [run / "nodes" / name / "out" / "scores" / "scores" for name in (f"{slug}-evaluate", slug)]
        scores = pq.read_table(next(place for place in places if place.exists()))
        rows = scores.column("row").to_pylist()
        tested.append(rows)
        positive = [int(found == code) for found in table.iloc[rows][_CLASS]]
        if scores.column("label").to_pylist() != positive:
            breaks("rows", "labels of the test rows are not the class's")
        if (figures["label"], figures["title"]) != (entry["label"], entry["title"]):
            breaks("rows", "label or title in the report is another class's")
        if (figures["support"], figures["rows"]) != (sum(positive), len(rows)):
            breaks("rows", "support in the report", f"{figures['support']} != {sum(positive)}")
        confusion = figures["confusion"]
        if confusion["tp"] + confusion["fn"] != sum(positive) or sum(confusion.values()) != len(rows):
            breaks("rows", "confusion in the report", str(confusion))
    if any(rows != tested[0] for rows in tested):
        breaks("rows", "classes were tested on different rows")
    if report["confusion"] and sum(map(sum, report["confusion"]["counts"])) != len(tested[0]):
        breaks("rows", "the confusion of all classes is not of all test rows")
    if case.table is not None and case.table.split:
        given = {row for row, part in enumerate(case.table.split) if part == "test"}
        if not set(tested[0]) <= given:
            breaks("rows", "rows of another part than the given test part were tested")
    _check_page(run, report)


def _check_page(run: Path, report: dict[str, Any]) -> None:
    page = html.unescape((run / "report.html").read_bytes().decode().replace("<wbr>", ""))
    for figures in report["cover_types"].values():
        if figures["title"].strip() not in page:
            breaks("page", "a title is not on it as it was given", repr(figures["title"]))
