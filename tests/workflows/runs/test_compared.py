from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from steps.comparison.scores import FILE
from steps.core.errors import BadDataError, NoInputError
from steps.registry import publishing
from steps.registry.aliases import move_alias
from steps.registry.destinations import Folder
from tests.conftest import SLUG
from tests.workflows.compared_runs import make_run, make_version, write_scores
from workflows.runs.compared import read_run, read_version

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Chain


@pytest.mark.parametrize("place", [f"{SLUG}-evaluate/out/scores", f"{SLUG}/out/scores", f"all/out/scores-{SLUG}"])
def test_a_run_is_read_however_its_steps_were_divided(tmp_path: Path, chain: Chain, place: str) -> None:
    folder = make_run(tmp_path, "mine", chain, place)
    side = read_run(tmp_path, "mine")
    assert (side.name, side.kind, side.location) == ("mine", "run", str(folder))
    assert (side.seconds, side.work_seconds) == (2.5, 3.2)
    assert side.scores.slugs == (SLUG,)
    assert side.models[SLUG]["cover_type"] == SLUG
    assert side.size_bytes == sum(path.stat().st_size for path in (folder / "models" / SLUG).iterdir())


def test_a_version_is_read_as_its_run(tmp_path: Path, chain: Chain) -> None:
    make_version(tmp_path / "registry", make_run(tmp_path, "mine", chain))
    registry = Folder(tmp_path / "registry")
    move_alias(registry, "champion", "mine")
    run = read_run(tmp_path, "mine")
    for name in ("mine", "champion"):
        side = read_version(registry, name, tmp_path / name / "files")
        assert (side.name, side.kind, side.seconds) == ("mine", "version", None)
        assert (side.models, side.data, side.size_bytes) == (run.models, run.data, run.size_bytes)
        assert side.scores.test_rows_sha256 == run.scores.test_rows_sha256
        assert np.array_equal(side.scores.scores, run.scores.scores)


def test_what_a_run_lacks_is_named(tmp_path: Path, chain: Chain) -> None:
    with pytest.raises(NoInputError, match="run 'mine' has no result, there is no such run"):
        read_run(tmp_path, "mine")
    folder = make_run(tmp_path, "mine", chain)
    (folder / "report.json").write_text("{}")
    with pytest.raises(BadDataError, match="not the report of a run"):
        read_run(tmp_path, "mine")
    (folder / "report.json").unlink()
    with pytest.raises(NoInputError, match="there is no report"):
        read_run(tmp_path, "mine")


def test_a_run_without_or_with_damaged_scores_is_refused(tmp_path: Path, chain: Chain) -> None:
    scores = make_run(tmp_path, "mine", chain) / f"nodes/{SLUG}-evaluate/out/scores/scores"
    scores.write_bytes(scores.read_bytes()[:-100])
    with pytest.raises(BadDataError, match="not a complete parquet file"):
        read_run(tmp_path, "mine")
    scores.unlink()
    with pytest.raises(NoInputError, match="has no scores of the test rows"):
        read_run(tmp_path, "mine")


def test_an_unknown_older_or_damaged_version_is_refused(tmp_path: Path, chain: Chain) -> None:
    registry = Folder(tmp_path / "registry")
    with pytest.raises(NoInputError, match="there is no version and no alias 'mine'"):
        read_version(registry, "mine", tmp_path / "a")
    make_version(tmp_path / "registry", make_run(tmp_path, "mine", chain))
    version = tmp_path / "registry/versions/mine"
    scores = version / "test-scores.parquet"
    data = bytearray(scores.read_bytes())
    data[100] ^= 1
    scores.write_bytes(data)
    with pytest.raises(BadDataError, match="this is not the file that was published"):
        read_version(registry, "mine", tmp_path / "b")
    make_version(tmp_path / "registry", make_run(tmp_path, "older", chain), without=FILE)
    with pytest.raises(BadDataError, match=r"version 'older' has no test-scores.parquet"):
        read_version(registry, "older", tmp_path / "c")


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("report.json", b"{}", "not the report of a run"),
        (FILE, b"PAR1", "not a complete parquet file"),
        (f"models/{SLUG}/metadata.json", b"[]", "not a bundle's metadata"),
    ],
)
def test_a_damaged_file_of_a_version_is_named_by_its_address(
    tmp_path: Path, chain: Chain, name: str, content: bytes, what: str
) -> None:
    run = make_run(tmp_path, "mine", chain)
    write_scores(run)
    (run / name).write_bytes(content)
    files = {each: run / each for each in (FILE, "report.json", "models")}
    lineage = {"version": "mine", "cover_types": {SLUG: {}}}
    place = Folder(tmp_path / "registry").below("versions/mine")
    publishing.publish(files, place, lineage)
    with pytest.raises(BadDataError, match=what) as caught:
        read_version(Folder(tmp_path / "registry"), "mine", tmp_path / "copies")
    assert caught.value.where == f"{place.location}/{name}"
