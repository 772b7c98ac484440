from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steps import tables
from steps.comparison.scores import assemble_test_scores, read_test_scores, write_test_scores
from steps.core.errors import BadDataError, NoInputError
from tests.steps.comparison.simulated import simulated

if TYPE_CHECKING:
    from pathlib import Path

    from steps.comparison.scores import TestScores
    from tests.support import Chain


def assert_equal(first: TestScores, second: TestScores) -> None:
    for name in ("slugs", "thresholds", "calibrations", "data_sha256", "seed"):
        assert getattr(first, name) == getattr(second, name)
    for name in ("rows", "truth", "scores", "groups"):
        one, other = getattr(first, name), getattr(second, name)
        assert one.dtype == other.dtype
        assert np.array_equal(one, other), name
    assert first.slices.keys() == second.slices.keys()
    for name, each in first.slices.items():
        assert each.values == second.slices[name].values
        assert np.array_equal(each.codes, second.slices[name].codes)


def test_scores_are_read_as_they_were_written(tmp_path: Path) -> None:
    scores = simulated()
    write_test_scores(tmp_path / "a", scores)
    write_test_scores(tmp_path / "b", scores)
    assert_equal(read_test_scores(tmp_path / "a"), scores)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert pq.read_schema(tmp_path / "a").names == [
        "row",
        "cover_type",
        "score_ash",
        "score_birch",
        "score_cedar",
        "Region",
    ]


def test_equal_rows_and_rows_of_other_cover_types_are_kept(tmp_path: Path) -> None:
    scores = simulated()
    groups, truth = scores.groups.copy(), scores.truth.copy()
    groups[3], truth[5] = groups[1], 3
    scores = replace(scores, groups=groups, truth=truth)
    write_test_scores(tmp_path / "a", scores)
    assert_equal(read_test_scores(tmp_path / "a"), scores)


def test_the_files_of_a_run_are_assembled(chains: dict[str, Chain]) -> None:
    found = assemble_test_scores(
        {slug: chain["model"] for slug, chain in chains.items()},
        {slug: chain["scores"] for slug, chain in chains.items()},
    )
    assert found.slugs == ("spruce-fir", "lodgepole-pine", "krummholz")
    for at, (slug, chain) in enumerate(chains.items()):
        table = pq.read_table(chain["scores"])
        assert found.slugs[at] == slug
        assert np.array_equal(found.scores[at], table.column("score").to_numpy())
        assert np.array_equal(found.truth == at, table.column("label").to_numpy() == 1)
        metadata = json.loads((chain["model"] / "metadata.json").read_text())
        assert found.thresholds[at] == metadata["threshold"]
        assert found.calibrations[at] == (metadata["calibration"]["slope"], metadata["calibration"]["intercept"])
    assert not found.complete
    assert np.array_equal(found.groups, found.rows)  # the bundled table has no equal rows
    assert "Wilderness_Area" in found.slices


def test_files_of_other_models_are_refused(chains: dict[str, Chain]) -> None:
    chain, other = chains["krummholz"], chains["spruce-fir"]
    with pytest.raises(BadDataError, match="not scores of the model of 'krummholz'"):
        assemble_test_scores({"krummholz": chain["model"]}, {"krummholz": other["scores"]})


def test_equal_rows_are_one_group(chains: dict[str, Chain], tmp_path: Path) -> None:
    chain = chains["krummholz"]
    metadata = tables.read_metadata(chain["scores"])
    table = pq.read_table(chain["scores"])
    hashes = table.column("group").to_numpy().copy()
    hashes[4] = hashes[2]
    changed = table.set_column(table.column_names.index("group"), "group", pa.array(hashes))
    with tables.open_writer(tmp_path / "scores", changed.schema.remove_metadata(), metadata) as writer:
        writer.write(changed.combine_chunks().to_batches()[0])
    found = assemble_test_scores({"krummholz": chain["model"]}, {"krummholz": tmp_path / "scores"})
    assert found.groups[4] == found.groups[2] == found.rows[2]
    assert np.array_equal(np.delete(found.groups, 4), np.delete(found.rows, 4))


def changed_footer(path: Path, **facts: Any) -> None:
    table = pq.read_table(path)
    stored = json.loads(table.schema.metadata[b"covertype-test-scores"])
    pq.write_table(table.replace_schema_metadata({"covertype-test-scores": json.dumps({**stored, **facts})}), path)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"format": 2}, "format 2 is unknown"),
        ({"test_rows_sha256": "0" * 64}, "the digest of the test rows does not match"),
        ({"thresholds": {"ash": 0.5, "oak": 0.1}}, "'birch' is not a cover type of the footer"),
        ({"thresholds": {"ash": 0.5, "birch": 0.4, "cedar": 0.3, "oak": 0.1}}, "score_oak"),
        ({"calibrations": {}}, "'ash'"),
        ({"seed": None}, "int"),
    ],
)
def test_a_wrong_footer_is_refused(tmp_path: Path, facts: dict[str, Any], reason: str) -> None:
    write_test_scores(tmp_path / "a", simulated())
    changed_footer(tmp_path / "a", **facts)
    with pytest.raises(BadDataError, match=reason) as found:
        read_test_scores(tmp_path / "a")
    assert "\n" not in str(found.value)


def test_wrong_rows_are_refused(tmp_path: Path) -> None:
    scores = simulated()
    write_test_scores(tmp_path / "a", replace(scores, rows=scores.rows[::-1].copy()))
    with pytest.raises(BadDataError, match="not in ascending order"):
        read_test_scores(tmp_path / "a")
    write_test_scores(tmp_path / "a", replace(scores, scores=scores.scores * 2))
    with pytest.raises(BadDataError, match="a score is not between 0 and 1"):
        read_test_scores(tmp_path / "a")
    write_test_scores(tmp_path / "a", replace(scores, scores=scores.scores * np.float32("nan")))
    with pytest.raises(BadDataError, match="a score is not between 0 and 1"):
        read_test_scores(tmp_path / "a")


def test_a_damaged_missing_or_foreign_file_is_refused(tmp_path: Path, chains: dict[str, Chain]) -> None:
    write_test_scores(tmp_path / "a", simulated())
    whole = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadDataError, match="not a complete parquet file"):
        read_test_scores(tmp_path / "a")
    with pytest.raises(NoInputError, match="no such file"):
        read_test_scores(tmp_path / "b")
    with pytest.raises(BadDataError, match="the footer has no covertype-test-scores"):
        read_test_scores(chains["krummholz"]["scores"])


def test_a_changed_byte_is_refused_or_changes_only_numbers(tmp_path: Path) -> None:
    write_test_scores(tmp_path / "a", simulated(60))
    whole = (tmp_path / "a").read_bytes()
    for at in range(0, len(whole), 7):
        (tmp_path / "a").write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        with contextlib.suppress(BadDataError):
            assert read_test_scores(tmp_path / "a").rows.shape == (60,)
