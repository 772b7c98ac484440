"""The command line from end to end on real rows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from steps.core import runtime
from tests.support import builtin
from workflows.covertype import app

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
KEYS = {
    "run", "status", "seconds", "accuracy", "macro_f1", "executed_steps", "cached_steps", "directory", "report",
    "cover_types",
}  # fmt: skip
COVER_TYPE_KEYS = {
    "label", "support", "accuracy", "accuracy_interval", "f1", "f1_interval", "precision", "recall", "pr_auc",
    "threshold",
}  # fmt: skip
SMALL = ("--rows", "1000", "--preset", "fast")
STEPS = 1 + 7 * 4 + 1  # tune is skipped, because nothing is searched


def invoke(*arguments: object) -> int:
    """Run the command line in this process and return its exit code."""
    words = [str(argument) for argument in arguments]
    return runtime.run_to_exit_code(lambda: app(args=words, standalone_mode=False) or 0)


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all runs, which share its cache."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def first(output: Path) -> dict[str, Any]:
    """The result of a first run, in a process of its own."""
    command = [sys.executable, "workflows/covertype.py", "run", *SMALL, "--json", "--output", str(output)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Succeeded report" in done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def models(result: dict[str, Any]) -> dict[str, bytes]:
    """Return the bytes of all files of all model bundles of a run."""
    folder = Path(result["models"])
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_result_has_what_is_promised(first: dict[str, Any]) -> None:
    assert set(first) >= KEYS
    assert first["status"] == "Succeeded"
    assert (first["executed_steps"], first["cached_steps"]) == (STEPS, 0)
    assert set(first["cover_types"]["aspen"]) == COVER_TYPE_KEYS
    assert [entry["label"] for entry in first["cover_types"].values()] == [1, 2, 3, 4, 5, 6, 7]
    assert Path(first["report"]).read_text().startswith("<!doctype html>")
    assert len(models(first)) == 7 * 3
    assert first["notes"][0].startswith("cover types differ in their shares of the source and of the rows used: ")
    low, high = first["cover_types"]["aspen"]["f1_interval"]
    assert low <= first["cover_types"]["aspen"]["f1"] <= high


def test_the_same_again_executes_nothing(
    first: dict[str, Any], output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke("run", *SMALL, "--json", "--output", output) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["executed_steps"], again["cached_steps"]) == (0, STEPS)
    assert again["cover_types"] == first["cover_types"]
    assert models(again) == models(first)


def test_parallel_and_no_cache_change_no_byte(
    first: dict[str, Any], output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke("run", *SMALL, "--json", "--output", output, "--no-cache", "--parallel", "3") == 0
    again = json.loads(capsys.readouterr().out)
    assert again["executed_steps"] == STEPS
    assert models(again) == models(first)
    for key in ("accuracy", "macro_f1", "macro_f1_interval", "cover_types"):
        assert again[key] == first[key]


def test_a_chain_in_one_process_gives_the_same_models_and_figures(
    first: dict[str, Any], output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke("run", *SMALL, "--json", "--output", output, "--pods", "cover-type") == 0
    fused = json.loads(capsys.readouterr().out)
    assert (fused["executed_steps"], fused["cached_steps"]) == (1 + 7, 1)  # prepare is from the cache
    assert models(fused) == models(first)
    for key in ("accuracy", "macro_f1", "macro_f1_interval", "cover_types"):
        assert fused[key] == first[key]
    report = json.loads((Path(fused["directory"]) / "report.json").read_text())
    assert [step["name"] for step in report["steps"] if step["name"].startswith("aspen")] == [
        f"aspen-{step}" for step in ("split", "preprocess", "tune", "train", "evaluate")
    ]


def test_all_steps_in_one_process_give_the_same_models_and_figures(
    first: dict[str, Any], output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke("run", *SMALL, "--json", "--output", output, "--pods", "all") == 0
    whole = json.loads(capsys.readouterr().out)
    assert (whole["executed_steps"], whole["cached_steps"]) == (1, 0)
    assert models(whole) == models(first)
    for key in ("accuracy", "macro_f1", "macro_f1_interval", "cover_types", "notes"):
        assert whole[key] == first[key]
    here, apart = (Path(run["directory"]) for run in (whole, first))
    for slug in first["cover_types"]:
        for artifact, step in (("metrics", "evaluate"), ("scores", "evaluate"), ("learning-curve", "train")):
            made = here / f"nodes/all/out/{artifact}-{slug}/{artifact}-{slug}"
            assert made.read_bytes() == (apart / f"nodes/{slug}-{step}/out/{artifact}/{artifact}").read_bytes()
    names = [step["name"] for step in json.loads((here / "report.json").read_text())["steps"]]
    assert len(names) == len(set(names)) == 1 + 5 * 7


def test_one_parameter_of_one_cover_type_runs_that_from_train_on(
    first: dict[str, Any], output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke("run", *SMALL, "--json", "--output", output, "--set", "train.aspen.rounds=5") == 0
    changed = json.loads(capsys.readouterr().out)
    assert (changed["executed_steps"], changed["cached_steps"]) == (3, STEPS - 3)  # train, evaluate, report
    others = {name: data for name, data in models(first).items() if not name.startswith("aspen")}
    assert others.items() <= models(changed).items()


# A split of one cover type that has no test row.
NO_TEST_ROWS = [
    f"--set=split.aspen.{part}_fraction={share}" for part, share in (("train", "0.8399999"), ("test", "1e-7"))
]


def test_one_cover_type_failing_leaves_six_results_and_a_bad_end(
    first: dict[str, Any], output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke("run", *SMALL, "--json", "--output", output, *NO_TEST_ROWS) == 65
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert result["status"] == "Failed"
    assert sorted(result["cover_types"]) == sorted(set(first["cover_types"]) - {"aspen"})
    assert result["accuracy"] is None
    assert "1 of 7 cover types are missing" in Path(result["report"]).read_text()
    assert set(result["failed_steps"]) == {"aspen-split", "report"}
    assert "error: step aspen-split failed: " in printed.err
    assert "aspen" in result["failed_steps"]["report"]
    assert "inputs and logs are in" in printed.err
    assert len(models(result)) == 6 * 3


@pytest.mark.usefixtures("first")
def test_train_one(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke("train", "4", *SMALL, "--output", output) == 0
    printed = capsys.readouterr().out
    assert "cottonwood-willow" in printed
    assert not any(line.startswith("aspen") for line in printed.splitlines())
    assert "accuracy over all" not in printed


def test_show_and_runs(first: dict[str, Any], output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (output / "covertype-unfinished").mkdir(exist_ok=True)
    (output / "covertype-unfinished" / "workflow.yaml").touch()
    assert invoke("show", first["run"], "--output", output, "--json") == 0
    assert json.loads(capsys.readouterr().out) == first
    assert invoke("show", first["run"], "--output", output) == 0
    shown = capsys.readouterr().out
    assert "krummholz" in shown
    assert f"note: {first['notes'][0]}\n" in shown
    assert invoke("runs", "--output", output) == 0
    listed = capsys.readouterr().out
    assert first["run"] in listed
    assert "Unfinished" in listed
    assert invoke("show", "nowhere", "--output", output) == 66
    assert capsys.readouterr().err.startswith("error: run 'nowhere' has no result, there is no such run")


def gone(group: int) -> bool:
    """Return whether all processes of a group end within ten seconds, which the fork server needs."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Enable interrupts in child processes, even if a shell has started the tests in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("first", "_interruptible")
def test_an_interrupt_ends_everything_and_the_next_run_resumes(
    output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--rows", "3000", "--seed", "3", "--output", str(output)]
    command = [sys.executable, "workflows/covertype.py", *words, "--set", "train.rounds=4000"]
    with subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as run:
        assert run.stdout is not None
        for line in run.stdout:
            if "spruce-fir-tune" in line:
                break
        time.sleep(1)
        os.killpg(run.pid, signal.SIGINT)
        _, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "error: interrupted" in err
    assert gone(run.pid)
    assert invoke(*words, "--cover-types", "1", "--set", "train.rounds=3", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["cached_steps"] == 2  # split, preprocess; prepare was for other cover types


def test_another_table_is_one_schema_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from sklearn.datasets import load_wine

    table = load_wine(as_frame=True).frame
    schema = tmp_path / "wine.toml"
    columns = "\n".join(f'[[columns]]\nname = "{name}"\ndtype = "float64"\n' for name in table.columns[:-1])
    kinds = "\n".join(
        f'[[cover_types]]\nlabel = {i}\nslug = "{name}"\ntitle = "{name}"\n' for i, name in enumerate("abc")
    )
    schema.write_text(f'name = "wine"\ntarget = "target"\n{columns}\n{kinds}')
    table.to_csv(tmp_path / "wine.csv", index=False)
    words = ("--schema", schema, "--source", tmp_path / "wine.csv", "--output", tmp_path / "runs", "--preset", "fast")
    assert invoke("run", *words, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result["cover_types"]) == ["a", "b", "c"]
    assert result["executed_steps"] == 1 + 3 * 4 + 1
    assert result["accuracy"] > 0.8  # three well separated kinds of wine


def test_an_edited_source_is_read_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "table.parquet"
    import pyarrow.parquet as pq

    pq.write_table(builtin().slice(0, 3000), source)
    words = (
        "train",
        "1",
        "--source",
        source,
        "--output",
        tmp_path / "runs",
        "--preset",
        "fast",
        "--first-label",
        "one",
        "--json",
    )
    assert invoke(*words) == 0
    assert invoke(*words) == 0
    pq.write_table(builtin().slice(1, 3000), source)
    assert invoke(*words) == 0
    results = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [result["executed_steps"] for result in results] == [6, 0, 6]


def test_bad_data_ends_with_the_step_and_its_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = ROOT / "tests" / "bad" / "missing_column.parquet"
    assert invoke("run", "--source", bad, "--output", tmp_path, "--json") == 65
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert result["cover_types"] == {}
    assert result["report"] is None
    assert "error: step prepare failed: column" in printed.err
    assert "Traceback" not in printed.err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("run", "--rows", "-1"), 2, "error: rows cannot be '-1', in --rows: a number of at least 0 is needed"),
        (
            ("run", "--max-dropped", "2"),
            2,
            "error: max_dropped cannot be '2', in --max-dropped: a number from 0 to 1 is needed",
        ),
        (("run", "--cover-types", "9"), 2, "error: unknown cover type '9'"),
        (("run", "--set", "train.depth=1"), 2, "error: step 'train' has no option 'depth' to set"),
        (("run", "--schema", "nowhere.toml"), 66, "error: no such schema file, in nowhere.toml"),
        (("run", "--config", "nowhere.yaml"), 66, "error: no such config file, in nowhere.yaml"),
        (
            ("run", "--preset", "slow"),
            2,
            "error: preset cannot be 'slow', in --preset: use one of fast, default, thorough, gpu",
        ),
        (("train", "1", "--cover-types", "2"), 2, "error: the cover type is the argument of this verb"),
        (("nonsense",), 2, "error: No such command 'nonsense'"),
        (("lint", "nowhere.yaml"), 66, "error: no such file, in nowhere.yaml"),
        (("render", "-o", ""), 2, "error: is a directory, in .: there is a file instead of a folder"),
    ],
)
def test_a_mistake_is_one_line_and_a_code(
    words: tuple[str, ...], code: int, message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    own = ("--output", str(tmp_path / "none")) if words[0] in {"run", "train"} else ()
    assert invoke(*words, *own) == code
    err = capsys.readouterr().err
    assert err.startswith(message)
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "none").exists()


def test_more_trials_resume_the_existing_ones(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("run", "--rows", "600", "--preset", "fast", "--cover-types", "4", "--json", "--output", output)
    results = []
    for trials in (2, 2, 4):
        assert invoke(*words, "--trials", trials) == 0
        results.append(json.loads(capsys.readouterr().out))
    first, same, more = results
    assert same["executed_steps"] == 0
    assert more["cached_steps"] >= 3  # prepare, split, preprocess; what follows too where the best is the same
    folder = Path(more["directory"]) / "nodes/cottonwood-willow-tune"
    assert "resuming a study of 2 trials" in (folder / "log.txt").read_text()
    tables = [
        json.loads((Path(result["directory"]) / "nodes/cottonwood-willow-tune/out/trial-table/trial-table").read_text())
        for result in (first, more)
    ]
    assert [len(table["trials"]) for table in tables] == [2, 4]
    assert tables[1]["trials"][:2] == tables[0]["trials"]
    assert "Hyperparameter search" in Path(more["report"]).read_text()


def test_a_search_starts_from_the_best_of_an_earlier_run(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("run", "--rows", "600", "--preset", "fast", "--cover-types", "4", "--json", "--output", output)
    tune = "nodes/cottonwood-willow-tune/out"
    assert invoke(*words, "--trials", 5) == 0
    earlier = Path(json.loads(capsys.readouterr().out)["directory"])
    assert invoke(*words, "--trials", 7, "--seed", 1, "--warm-start", earlier) == 0
    folder = Path(json.loads(capsys.readouterr().out)["directory"])
    before, after = (json.loads((run / tune / "trial-table/trial-table").read_text()) for run in (earlier, folder))
    sampled = [trial["parameters"] for trial in before["trials"] if trial["origin"] == "tpe"]
    started = [trial["parameters"] for trial in after["trials"] if trial["origin"] == "warm start"]
    assert started
    assert all(parameters in sampled for parameters in started)
    assert (folder / tune / "parameter-outcome.txt").read_text().startswith("trial ")


@pytest.mark.parametrize(
    ("place", "code", "message"),
    [
        ("", 66, "error: no such file, in {place}/report.json: check --warm-start: the folder of a run, or a file"),
        (
            "gs://b/run",
            2,
            "error: an earlier search can only be read from a local file, in --warm-start {place}: copy the run's",
        ),
        ("none.json", 66, "error: no such file, in {place}: check --warm-start"),
        ("other.json", 65, "error: this is neither the report.json of a run, nor a trial table or a study, in {place}"),
    ],
)
def test_what_is_no_earlier_search_is_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str, code: int, message: str
) -> None:
    (tmp_path / "other.json").write_text("[]")
    given = place if "://" in place else tmp_path / place
    assert invoke("run", "--trials", 2, "--warm-start", given, "--output", tmp_path / "runs") == code
    assert capsys.readouterr().err.startswith(message.replace("{place}", str(given)))
    assert not (tmp_path / "runs").exists()
