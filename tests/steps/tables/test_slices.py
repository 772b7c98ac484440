from __future__ import annotations

import pyarrow as pa

from steps import schema as schemas
from steps.tables import slices
from tests.support import SCHEMA

TEXT = """
name = "t"
target = "y"
columns = [
    { name = "x", dtype = "float32" },
    { name = "group", dtype = "category", values = ["a"] },
    { name = "many", dtype = "category", values = [VALUES] },
]
cover_types = [{ label = 1, slug = "a", title = "A" }, { label = 2, slug = "b", title = "B" }]
""".replace("VALUES", ", ".join(f'"v{i}"' for i in range(slices.MOST_VALUES + 1)))


def test_the_categories_of_rows() -> None:
    seen = {"Wilderness_Area": ["Rawah", "Cache"], "Soil_Type": ["C2702", "C2704", "C8776"]}
    batch = pa.RecordBatch.from_pydict(
        {
            "Wilderness_Area": pa.array([1, 0, -1, None], pa.int16()),
            "Soil_Type": pa.array([0, 1, 2, -1], pa.int32()),
        }
    )
    areas, soils = slices.slice_columns(SCHEMA, seen, batch)
    assert areas.to_pylist() == ["Cache", "Rawah", None, None]
    assert soils.to_pylist() == ["C2702", "C2704", "C8776", None]
    fields = slices.slice_fields(SCHEMA)
    assert [field.name for field in fields] == ["slice_Wilderness_Area", "slice_Soil_Type"]
    assert [field.type for field in fields] == [areas.type, soils.type]


def test_a_column_of_many_values_is_no_slice() -> None:
    """A column may have the name of another column of the scores: the prefix keeps them apart."""
    assert [field.name for field in slices.slice_fields(schemas.parse(TEXT))] == ["slice_group"]
