"""Runs with bad input, a full disk or missing permissions: one error line, a documented code, no partial files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from steps.core import runtime
from steps.core.storage import PARTIAL
from tests.limits import short_files, small_disk, without_override
from tests.support import TARGET, leftovers, real_rows, write_table
from tests.workflows.documents import artifact, dag, leaf, task, workflow
from tests.workflows.finished_runs import finished_run
from tests.workflows.local.test_executor import execute
from workflows.covertype import app
from workflows.local.cache import Cache, json_digest
from workflows.local.nodes import Phase
from workflows.runs import results

SMALL = ("--rows", "300", "--preset", "fast")
CLI = "workflows/covertype.py"


class Ended:
    """Result of a command line."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err
        self.errors = [line for line in err.splitlines() if line.startswith("error: ")]

    def is_one_line(self, code: int, words: str) -> None:
        """Check the code, and that the only error line starts with these words."""
        assert self.code == code, self.err
        assert len(self.errors) == 1, self.err
        assert self.errors[0].startswith(f"error: {words}"), self.errors[0]
        assert "Traceback" not in self.err

    @property
    def result(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


@pytest.fixture
def invoke(capsys: pytest.CaptureFixture[str]) -> Any:
    """The command line, called in this process."""

    def call(*words: object) -> Ended:
        code = runtime.run_to_exit_code(lambda: app(args=[str(word) for word in words], standalone_mode=False) or 0)
        return Ended(code, *capsys.readouterr())

    return call


def no_half_file(folder: Path) -> bool:
    return not [name for name in leftovers(folder) if PARTIAL in name]


# --- limits ---


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf"])
@pytest.mark.parametrize(
    "words", [("submit", "--wait", "--wait-timeout"), ("retry", "x", "--wait-timeout"), ("run", "--timeout"),
              ("run", "--parallel")]
)  # fmt: skip
def test_a_limit_is_above_zero(words: tuple[str, ...], value: str, invoke: Any, tmp_path: Path) -> None:
    output = ("--output", tmp_path) if words[0] == "run" else ()
    ended = invoke(*words, value, *output)
    assert (ended.code, len(ended.errors)) == (2, 1), ended.err
    assert words[-1] in ended.errors[0]
    assert not list(tmp_path.iterdir())


# --- bad input ---


def test_a_source_that_is_missing(invoke: Any, tmp_path: Path) -> None:
    source = tmp_path / "nowhere.csv"
    ended = invoke("run", "--source", source, "--output", tmp_path / "runs", "--json")
    ended.is_one_line(66, f"step prepare failed: no such file, in {source}: check --source")
    assert ended.result["exit_code"] == 66
    assert ended.err.splitlines()[-1].startswith("the run ended as Failed: inputs and logs are in ")


def test_a_class_that_the_hash_leaves_out_of_a_part_fails_alone(invoke: Any, tmp_path: Path) -> None:
    table = real_rows(420)
    labels = table.column(TARGET).to_numpy()
    source = write_table(
        tmp_path / "table.parquet", table.filter(pa.array((labels != 5) | (np.cumsum(labels == 5) < 4)))
    )
    words = ("--source", source, "--cover-types", "spruce-fir,aspen", "--preset", "fast", "--output", tmp_path / "runs")
    ended = invoke("run", *words, "--json")
    ended.is_one_line(65, "step aspen-split failed: seed 0 puts none of the 3 rows of cover type 'aspen' into the ")
    assert set(ended.result["failed_steps"]) == {"aspen-split", "report"}
    assert list(ended.result["cover_types"]) == ["spruce-fir"]
    assert "1 of 2 cover types are missing" in Path(ended.result["report"]).read_text()
    assert no_half_file(tmp_path)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--set", "trian.rounds=3"), 2, "unknown step 'trian', in --set trian.rounds: use one of split, preprocess"),
        (("--set", "train.rounds"), 2, "'train.rounds' is not STEP.OPTION=VALUE, in --set"),
        (("--config", "{job}"), 78, "unknown setting 'sed', in {job}: use one of preset, rows, seed"),
    ],
)
def test_settings_that_do_not_exist_start_nothing(
    words: tuple[str, ...], code: int, message: str, invoke: Any, tmp_path: Path
) -> None:
    job = tmp_path / "job.yaml"
    job.write_text("sed: 1\n")
    ended = invoke("run", *(word.format(job=job) for word in words), "--output", tmp_path / "runs")
    ended.is_one_line(code, message.format(job=job))
    assert leftovers(tmp_path) == ["job.yaml"]


# --- a full disk ---


def test_a_step_on_a_full_disk_ends_the_run(invoke: Any, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 120) as disk:
        ended = invoke("train", "1", "--rows", "5000", "--output", disk, "--json")
        where = f"{ended.result['directory']}/nodes/prepare/out/"
        ended.is_one_line(75, f"step prepare failed: no space left on the disk, in {where}")
        assert no_half_file(disk)
        assert results.list_results(disk) == [ended.result]


def test_a_run_that_cannot_write_its_own_files(invoke: Any, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4) as disk:
        ended = invoke("train", "1", *SMALL, "--output", disk)
        ended.is_one_line(75, f"no space left on the disk, in {disk}/covertype-")
        assert leftovers(disk) == []


def test_a_result_that_cannot_be_kept(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    for name in "abc":
        (bundle / name).write_bytes(bytes(20_000))
    root = finished_run({"aspen-train": 0})
    root.children["aspen-train"].outputs.artifacts["model"] = bundle
    with small_disk(tmp_path / "disk", 48) as disk:
        with pytest.raises(OSError, match="No space left"):
            Cache(disk).store_result(json_digest({}), "step", {"out": bundle}, {})
        with pytest.raises(OSError, match="No space left"):
            results.copy_results(disk, root)
        assert leftovers(disk) == []


def test_a_log_that_cannot_be_made_fails_its_step_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "run1" / "nodes" / "a" / "log.txt"
    log.parent.mkdir(parents=True)
    log.symlink_to(tmp_path / "nowhere" / "log.txt")
    root = execute(tmp_path, workflow([dag("main", task("a"), task("b")), leaf("a"), leaf("b")]))
    assert {name: node.exit_code for name, node in root.children.items()} == {"a": 66, "b": 0}
    assert root.children["a"].message == "ended with exit code 66"
    assert capfd.readouterr().err == ""


def test_rendering_to_a_full_disk(invoke: Any, tmp_path: Path) -> None:
    with short_files(tmp_path / "out", 1000) as folder:
        ended = invoke("render", "-o", folder / "w.yaml")
        ended.is_one_line(75, f"the file is larger than the limit, in {folder}: raise the limit")
        assert leftovers(folder) == []


# --- missing permissions ---


PLACES = {"closed": "closed", "open": "open", "secret": "secret.csv"}


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("run", "--output", "{closed}/runs"), "{closed}/runs"),
        (("render", "-o", "{closed}/w.yaml"), "{closed}/w.yaml"),
        (("run", "--source", "{secret}", "--output", "{open}"), "{secret}"),
        (("render", "--config", "{secret}"), "{secret}"),
        (("run", "--output", "{open}"), "{open}/.cache/lock"),
    ],
)
def test_a_missing_permission_is_reported(words: tuple[str, ...], named: str, tmp_path: Path) -> None:
    places = {name: tmp_path / file for name, file in PLACES.items()}
    places["closed"].mkdir(mode=0o555)
    places["open"].mkdir()
    places["secret"].write_text("secret")
    places["secret"].chmod(0)
    if "lock" in named:
        (places["open"] / ".cache").mkdir(mode=0o555)
    code, err = without_override(CLI, *(word.format(**places) for word in words))
    step = "step prepare failed: " if "--source" in words else ""
    Ended(code, "", err).is_one_line(77, f"{step}permission denied, in {named.format(**places)}: check the permissions")
    assert leftovers(places["closed"]) == []
    assert no_half_file(tmp_path)


# --- the cache ---

OF_A = hashlib.sha256(b"a").hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        {"artifacts": {}},
        {"artifacts": {"out": OF_A, "other": OF_A}},
        {"artifacts": {"out": "../../trace"}},
        {"artifacts": {"out": "0" * 64}},
        {"parameters": {"note": 5}},
        {"parameters": None},
    ],
)
def test_a_step_with_an_invalid_action_is_executed_again(tmp_path: Path, change: dict[str, Any]) -> None:
    main = dag("main", task("a"), task("b", depends="a", artifacts=[artifact("data", "tasks.a.outputs.artifacts.out")]))
    made = workflow([main, leaf("a", tmp_path / "trace", "--text=a"), leaf("b", None, "--text=b", reads=("data",))])
    execute(tmp_path, made)
    actions = {path: json.loads(path.read_text()) for path in (tmp_path / "cache" / "actions").iterdir()}
    (path,) = (path for path, action in actions.items() if action["artifacts"]["out"] == OF_A)
    path.write_text(json.dumps({**actions[path], **change}))
    again = execute(tmp_path, made)
    assert again.phase is Phase.SUCCEEDED
    assert [leaf.cached for leaf in again.leaves()] == [False, True]
    assert json.loads(path.read_text()) == actions[path]


@pytest.mark.parametrize("name", [".cache", ".cache/objects", ".cache/actions"])
def test_a_file_in_place_of_a_cache_folder(invoke: Any, tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    ended = invoke("train", "1", *SMALL, "--output", tmp_path)
    assert str(tmp_path / name) in ended.err
    assert ended.errors[0].endswith("there is a file instead of a folder, or a folder instead of a file")
    assert (ended.code, len(ended.errors), "Traceback" in ended.err) == (2, 1, False)
