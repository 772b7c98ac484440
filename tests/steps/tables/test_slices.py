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
    { name = "place", dtype = "category", values = ["north", "south", "east"] },
    { name = "score_of", dtype = "category", values = ["a"] },
    { name = "many", dtype = "category", values = [VALUES] },
]
cover_types = [{ label = 1, slug = "a", title = "A" }, { label = 2, slug = "b", title = "B" }]
""".replace("VALUES", ", ".join(f'"v{i}"' for i in range(slices.MOST_VALUES + 1)))


def test_slices_of_covertype() -> None:
    assert [(each.name, each.of, each.prefix) for each in slices.slices_of(SCHEMA)] == [
        ("Wilderness_Area", "Wilderness_Area", 0),
        ("Climatic_Zone", "Soil_Type", 2),
    ]
    seen = {"Wilderness_Area": ["Rawah", "Cache"], "Soil_Type": ["C2702", "C2704", "C8776"]}
    batch = pa.RecordBatch.from_pydict(
        {
            "Wilderness_Area": pa.array([1, 0, -1, None], pa.int16()),
            "Soil_Type": pa.array([0, 1, 2, -1], pa.int16()),
        }
    )
    areas, zones = slices.slice_columns(SCHEMA, seen, batch)
    assert areas.to_pylist() == ["Cache", "Rawah", "(unseen)", "(missing)"]
    assert zones.to_pylist() == ["C2", "C2", "C8", "(unseen)"]
    assert zones.dictionary.to_pylist() == ["C2", "C3", "C4", "C5", "C6", "C7", "C8", "(missing)", "(unseen)"]
    assert [field.type for field in slices.slice_fields(SCHEMA)] == [areas.type, zones.type]


def test_slices_of_a_schema_without_any() -> None:
    """Neither a column of many values nor one with the name of a column of scores is a slice."""
    assert [each.name for each in slices.slices_of(schemas.parse(TEXT))] == ["place"]
