from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from steps.prediction.frames import PROBLEM, score_frame
from steps.prediction.models import read_ensemble
from tests.support import SCHEMA
from tests.test_requirements import pins
from workflows.tracking import model_packaging

if TYPE_CHECKING:
    from tests.workflows.tracking.conftest import Made

pytestmark = pytest.mark.usefixtures("mlflow_library")


def test_the_package_has_the_code_without_the_bundled_table_and_the_bundles_without_a_forest(made: Made) -> None:
    models = made.runs / made.champion / "models"
    read_ensemble(models)
    assert (models / "forest.bin").is_file()
    with model_packaging.packaged(models, SCHEMA) as arguments:
        [code] = map(Path, arguments["code_paths"])
        assert (code / "prediction/frames.py").is_file()
        assert not [*code.rglob("*.parquet"), *code.rglob("*.pyc")]
        bundles = Path(arguments["artifacts"]["models"])
        assert sorted(path.name for path in bundles.iterdir()) == sorted(SCHEMA.slugs)
    assert not bundles.exists()


def test_the_requirements_are_libraries_of_the_image_in_their_versions() -> None:
    client, *libraries = model_packaging.requirements()
    assert client.startswith("mlflow-skinny==3.")
    image = pins("image", "xgboost-cpu")
    for library in libraries:
        name, _, version = library.partition("==")
        assert f"=={version}" in image[name]
    assert {"llvmlite", "numpy", "pandas", "pyarrow", "scikit-learn", "skops"} <= {
        library.partition("==")[0] for library in libraries
    }


def test_the_signature_names_what_the_model_reads_and_writes(made: Made) -> None:
    signature = model_packaging.signature(SCHEMA)
    assert signature.inputs.input_names() == [column.name for column in SCHEMA.columns]
    example = model_packaging.example(SCHEMA)
    scored = score_frame(read_ensemble(made.runs / made.champion / "models"), example)
    assert scored[PROBLEM].isna().all()
    assert signature.outputs.input_names() == list(scored)
    assert [param.name for param in signature.params] == ["max_rejects"]


def test_a_table_that_is_not_bundled_has_an_example_of_allowed_values() -> None:
    import dataclasses

    other = dataclasses.replace(SCHEMA, builtin_table="")
    example = model_packaging.example(other)
    assert list(example) == [column.name for column in SCHEMA.columns]
    for column in SCHEMA.columns:
        value = example[column.name][0]
        assert value in column.values if column.categorical else (column.minimum or 0) <= value
