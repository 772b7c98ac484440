"""What tests of the steps share: calling a command line, real rows, and the same rows in every accepted shape."""

from __future__ import annotations

import contextlib
import gzip
import io
import signal
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from steps import evaluate, prepare, preprocess, split, train, tune
from steps import schema as schemas
from steps.core import runtime
from steps.datasets.one_vs_rest import Options

if TYPE_CHECKING:
    from collections.abc import Callable

    from steps.schema import Schema

SCHEMA = schemas.load(schemas.BUILTIN)
TARGET = SCHEMA.target
FEATURES = [column.name for column in SCHEMA.columns]
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Result:
    """How a command line ended."""

    code: int
    log: str

    @property
    def errors(self) -> list[str]:
        return [line for line in self.log.splitlines() if line.startswith("error: ")]


def heed_hangups() -> None:
    """Let a child process end on SIGHUP, which it inherits as ignored where the tests run under ``nohup``."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def call(main: Callable[..., Any], *arguments: object) -> Result:
    """Run a step's command line in this process, as ``python -m steps.NAME`` does."""
    err, out = io.StringIO(), io.StringIO()
    with contextlib.redirect_stderr(err), contextlib.redirect_stdout(out):
        code = runtime.run(main, [str(argument) for argument in arguments])
    return Result(code, err.getvalue() + out.getvalue())


def succeed(main: Callable[..., Any], *arguments: object, **options: object) -> str:
    """Run a step's command line that must end well, ``some_name=value`` as ``--some-name value``; return its log."""
    given = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
    result = call(main, *arguments, *given)
    assert result.code == 0, result.log
    return result.log


class Counted(str):
    """A name that counts how often it is compared."""

    __slots__ = ()
    comparisons = 0

    def __eq__(self, other: object) -> bool:
        Counted.comparisons += 1
        return str(self) == other

    __hash__ = str.__hash__


@cache
def builtin() -> pa.Table:
    """Return the bundled table."""
    return pq.read_table(schemas.DATA / SCHEMA.builtin_table)


@cache
def real_rows(count: int) -> pa.Table:
    """Return about ``count`` rows of the bundled table, as many of each class as there are, in the table's order."""
    table = builtin()
    labels = table.column(TARGET).to_numpy()
    share = count // len(SCHEMA.cover_types)
    chosen = [np.flatnonzero(labels == cover_type.label)[:share] for cover_type in SCHEMA.cover_types]
    return table.take(np.sort(np.concatenate(chosen))).combine_chunks()


def decoded(table: pa.Table) -> pa.Table:
    """Return a table with its dictionaries as strings, as a CSV file has them."""
    for i, name in enumerate(table.column_names):
        if pa.types.is_dictionary(table.column(name).type):
            table = table.set_column(i, name, pc.cast(table.column(name), pa.string()))
    return table


def one_hot(table: pa.Table, schema: Schema = SCHEMA) -> pa.Table:
    """Return a canonical table with scikit-learn's 0/1 columns."""
    columns: dict[str, pa.ChunkedArray] = {}
    for column in schema.columns:
        values = decoded(table).column(column.name)
        if not column.categorical:
            columns[column.name] = values
            continue
        for i, value in enumerate(column.values):
            columns[f"{column.name}_{i}"] = pc.cast(pc.equal(values, value), pa.int8())
    return pa.table({**columns, schema.target: table.column(schema.target)})


def zero_based(table: pa.Table) -> pa.Table:
    """Return a table whose labels start at zero."""
    at = table.column_names.index(TARGET)
    return table.set_column(at, TARGET, pc.subtract(table.column(TARGET), pa.scalar(1, pa.uint8())))


def csv_bytes(table: pa.Table, *, header: bool = True) -> bytes:
    """Return a table as CSV."""
    out = io.BytesIO()
    pyarrow.csv.write_csv(decoded(table), out, pyarrow.csv.WriteOptions(include_header=False, quoting_style="none"))
    return (",".join(table.column_names) + "\n").encode() * header + out.getvalue()


def write_table(path: Path, table: pa.Table, *, header: bool = True) -> Path:
    """Write a table as what the path's name says: parquet, CSV or gzipped CSV."""
    if path.suffix.lower() == ".parquet":
        pq.write_table(table, path)
    elif path.suffix.lower() == ".gz":
        path.write_bytes(gzip.compress(csv_bytes(table, header=header)))
    else:
        path.write_bytes(csv_bytes(table, header=header))
    return path


def with_missing(table: pa.Table, cells: list[tuple[int, str]]) -> pa.Table:
    """Return a table with nulls in some cells."""
    for row, name in cells:
        values = table.column(name).to_pylist()
        values[row] = None
        table = table.set_column(table.column_names.index(name), name, pa.array(values, table.schema.field(name).type))
    return table


def prepared(source: Path | str, folder: Path, schema: Schema = SCHEMA, **options: Any) -> tuple[dict[str, Any], Path]:
    """Prepare the datasets of all cover types in ``folder``; return the profile and the folder."""
    datasets = {slug: folder / f"{slug}.parquet" for slug in schema.slugs}
    return prepare.prepare(str(source), schema, datasets, Options(**options)), folder


def same_values(folder: Path, other: Path) -> bool:
    """Whether two folders hold the same datasets."""
    names = sorted(path.name for path in folder.iterdir())
    return names == sorted(path.name for path in other.iterdir()) and all(
        pq.read_table(folder / name).equals(pq.read_table(other / name), check_metadata=True) for name in names
    )


def leftovers(folder: Path) -> list[str]:
    """Return the names of all files below a folder, temporary ones included."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@dataclass(frozen=True)
class Chain:
    """The files of one cover type's way from dataset to metrics."""

    folder: Path

    def __getitem__(self, name: str) -> Path:
        """Return the path of a file by its option's name, ``train_features`` for ``train_features.parquet``."""
        return self.folder / (name + _ENDINGS.get(name, ".parquet"))

    def options(self, *names: str) -> dict[str, Path]:
        return {name: self[name] for name in names}

    def split(self, **options: object) -> None:
        succeed(split.main, **self.options("dataset", *PARTS), **options)

    def preprocess(self, **options: object) -> None:
        succeed(preprocess.main, **self.options(*PARTS, "preprocessor", *FEATURE_TABLES), **options)

    def tune(self, **options: object) -> None:
        names = ("train_features", "validation_features", "best_parameters", "trial_table")
        succeed(tune.main, **self.options(*names), **options)

    def train(self, **options: object) -> None:
        names = ("train_features", "validation_features", "preprocessor", "model", "learning_curve")
        succeed(train.main, **self.options(*names), parameters=self["best_parameters"], **options)

    def evaluate(self, **options: object) -> None:
        succeed(evaluate.main, **self.options("model", "test_features", "scores", "metrics", "summary"), **options)

    def run(self, **training: object) -> None:
        """Run all steps from the dataset on."""
        self.split()
        self.preprocess()
        self.tune()
        self.train(**training)
        self.evaluate()


FEATURE_TABLES = tuple(f"{part}_features" for part in PARTS)
_ENDINGS = {"preprocessor": ".skops", "model": "", "summary": ".txt"} | dict.fromkeys(
    ("best_parameters", "trial_table", "learning_curve", "metrics", "usage"), ".json"
)
