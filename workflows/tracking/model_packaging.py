"""The models of a run as one model of MLflow (``pyfunc``): files, code, libraries, signature and example."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import steps
from steps import schema as schemas
from workflows.local.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from steps.schema import Column, Schema

_CODE = Path(__file__).with_name("model_code.py")
_STEPS = Path(steps.__file__).parent
# The table that comes with the project is not needed to predict.
_LEFT_OUT = ("__pycache__", "*.parquet")
_EXAMPLE_ROWS = 5


@contextmanager
def packaged(models: Path, schema: Schema) -> Iterator[dict[str, Any]]:
    """Yield the arguments of ``mlflow.pyfunc.log_model`` for the models of a run.

    Args:
        models: The folder of the bundles.
        schema: The schema of the table.
    """
    with tempfile.TemporaryDirectory(prefix="covertype-mlflow-") as temporary:
        code, bundles = Path(temporary) / _STEPS.name, Path(temporary) / "models"
        shutil.copytree(_STEPS, code, ignore=shutil.ignore_patterns(*_LEFT_OUT))
        # Without a prepared forest, which depends on the machine.
        for bundle in filter(Path.is_dir, models.iterdir()):
            shutil.copytree(bundle, bundles / bundle.name)
        yield {
            "python_model": str(_CODE),
            "artifacts": {"models": str(bundles)},
            "code_paths": [str(code)],
            "pip_requirements": requirements(),
            "signature": signature(schema),
            "input_example": example(schema),
            "metadata": {"schema": schema.to_json()},
        }


def requirements() -> list[str]:
    """Return the libraries that predict, as ``name==version``, and MLflow without its server."""
    import mlflow

    libraries = {
        library for module in ("frames", "models") for library in fingerprint(f"steps.prediction.{module}").libraries
    }
    return [f"mlflow-skinny=={mlflow.__version__}", *sorted(libraries)]


def signature(schema: Schema) -> Any:  # noqa: ANN401 - MLflow's type
    """Return the columns that the model reads and writes, and its parameter ``max_rejects``.

    The columns that it reads have MLflow's type ``any``. With another type MLflow would refuse columns that ``predict``
    accepts: categories of pandas, and whole numbers with missing values, which pandas stores as floats.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec
    from mlflow.types import Schema as Columns
    from mlflow.types.schema import AnyType

    label = DataType.long if isinstance(schema.cover_types[0].label, int) else DataType.string
    outputs = [
        ColSpec(DataType.long, "row"),
        *(ColSpec(DataType.float, f"score_{cover_type.slug}") for cover_type in schema.cover_types),
        ColSpec(label, "cover_type", required=False),
        ColSpec(DataType.float, "probability"),
        ColSpec(DataType.string, "problem", required=False),
    ]
    inputs = [ColSpec(AnyType(), column.name) for column in schema.columns]
    return ModelSignature(Columns(inputs), Columns(outputs), ParamSchema([ParamSpec("max_rejects", DataType.long, 0)]))


def example(schema: Schema) -> pd.DataFrame:
    """Return a few rows of the columns that the model reads: of the bundled table, otherwise of allowed values."""
    import pandas as pd
    import pyarrow.parquet as pq

    names = [column.name for column in schema.columns]
    table = schemas.DATA / schema.builtin_table if schema.builtin_table else None
    rows: pd.DataFrame
    if table and table.is_file():
        rows = next(pq.ParquetFile(table).iter_batches(_EXAMPLE_ROWS, columns=names)).to_pandas()[names]
    else:
        rows = pd.DataFrame({column.name: [_allowed_value(column)] for column in schema.columns})
    return rows.astype({column.name: "str" for column in schema.columns if column.categorical})


def _allowed_value(column: Column) -> object:
    if column.categorical:
        return next(iter(column.values))
    low, high = (0 if end is None else end for end in (column.minimum, column.maximum))
    return np.clip(0, low, max(low, high)).item()
