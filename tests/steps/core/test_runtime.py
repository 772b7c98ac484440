from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import pytest
import typer

from steps.core import errors, runtime
from steps.options.split import SplitOptions
from tests.support import Result, call, heed_hangups

FIELDS = {
    *("step", "run", "started", "finished", "wall_seconds", "cpu_seconds", "peak_rss_bytes"),
    *("rows_in", "rows_out", "bytes_in", "bytes_out", "options", "image", "sha256"),
}


def ended(error: BaseException) -> Result:
    """Run an action that raises."""

    def action() -> int:
        raise error

    err = io.StringIO()
    with contextlib.redirect_stderr(err):
        return Result(runtime.run_to_exit_code(action), err.getvalue())


def test_an_expected_error_is_one_line() -> None:
    result = ended(errors.BadDataError("something", where="a place", fix="do\nthis"))
    assert result == Result(65, "error: something, in a place: do this\n")


def test_the_error_line_becomes_the_termination_message_of_a_pod(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = tmp_path / "termination-log"
    monkeypatch.setattr(runtime, "_TERMINATION_LOG", message)
    ended(errors.BadDataError("something"))
    assert not message.exists()  # outside a pod, nothing is written
    message.write_text("a longer line of an earlier step of the same pod")
    ended(errors.BadDataError("something", where="a place", fix="do this"))
    assert message.read_text() == "error: something, in a place: do this"


def test_an_operating_system_error_is_one_line() -> None:
    result = ended(OSError(errno.ENOENT, os.strerror(errno.ENOENT), "a/file"))
    assert result == Result(66, "error: no such file, in a/file: check the path\n")


def test_a_library_that_cannot_be_loaded() -> None:
    result = ended(ImportError("libgomp.so.1:\n" + "no such file " * 100, name="xgboost"))
    assert result.code == 1
    assert result.errors[0].startswith("error: cannot load xgboost: libgomp.so.1: no such file")
    assert len(result.errors[0]) < 600


def test_a_defect_shows_its_traceback_before_the_line() -> None:
    result = ended(ZeroDivisionError("oh"))
    assert result.code == 1
    assert "Traceback" in result.log
    assert result.log.splitlines()[-1] == "error: unexpected ZeroDivisionError: oh"


INTERRUPTED = "error: interrupted: run again to resume, finished results are kept\n"


def interrupted() -> None:
    raise KeyboardInterrupt


def starved() -> None:
    raise EOFError("nothing more to read")


def test_an_interrupt() -> None:
    assert ended(KeyboardInterrupt()) == call(interrupted) == Result(130, INTERRUPTED)


def test_the_end_of_a_file_is_no_interrupt() -> None:
    result = call(starved)
    assert (result.code, result.errors) == (1, ["error: unexpected EOFError: nothing more to read"])


_TERMINATED_STEP = """
import os, signal, sys, time
from pathlib import Path
from steps.core import runtime, storage
def main() -> None:
    with storage.atomic_path(Path(sys.argv[1], "final")) as temporary:
        temporary.write_text("half")
        os.kill(os.getpid(), signal.SIGNAL)
        time.sleep(60)
runtime.run_and_exit(lambda: main())
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_cleans_up_and_ends_with_143(tmp_path: Path, name: str) -> None:
    code = _TERMINATED_STEP.replace("sys.argv[1]", repr(str(tmp_path))).replace("SIGNAL", name)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, preexec_fn=heed_hangups)
    line = "error: terminated: run again to resume, finished results are kept\n"
    assert (done.returncode, done.stderr) == (errors.TERMINATED, line)
    assert list(tmp_path.iterdir()) == []


def test_what_nohup_ignores_ends_nothing(tmp_path: Path) -> None:
    code = _TERMINATED_STEP.replace("sys.argv[1]", repr(str(tmp_path))).replace("SIGNAL", "SIGHUP")
    code = "import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + code.replace("sleep(60)", "sleep(0)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "final").read_text() == "half"


def test_an_exit_keeps_its_code() -> None:
    def main() -> None:
        raise typer.Exit(3)

    assert call(main) == Result(3, "")


@pytest.mark.parametrize("error", [errors.BadDataError("wrong"), OSError(errno.EIO, "broken")])
def test_debugging_adds_the_traceback(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Traceback" not in ended(error).log
    monkeypatch.setenv("COVERTYPE_DEBUG", "1")
    assert "Traceback" in ended(error).log


def double(*, number: Annotated[int, typer.Option(help="A number.")] = 1) -> None:
    runtime.log(str(2 * number))


@pytest.mark.parametrize(
    ("arguments", "code", "last"),
    [
        (["--number", "4"], 0, "8"),
        (["--number", "four"], 2, "error: Invalid value for '--number'"),
        (["--nothing"], 2, "error: No such option: --nothing"),
        (["more"], 2, "error: Got unexpected extra argument"),
    ],
)
def test_command_lines(arguments: list[str], code: int, last: str) -> None:
    result = call(double, *arguments)
    assert result.code == code
    assert result.log.splitlines()[-1].startswith(last)
    assert len(result.log.splitlines()) == 1


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_a_number_that_is_none_is_refused(number: str) -> None:
    def main(*, share_of_rows: Annotated[float, typer.Option(min=0, max=1)] = 0.5) -> None:
        """Do nothing."""

    result = call(main, "--share-of-rows", number)
    assert result.code == 2
    assert len(result.log.splitlines()) == 1
    assert "--share-of-rows" in result.errors[0]


def usage_of(folder: Path, error: BaseException | None = None) -> dict[str, object]:
    (folder / "in").write_bytes(b"12345")
    (folder / "out").mkdir()
    with (
        contextlib.suppress(RuntimeError, KeyboardInterrupt),
        runtime.record_usage(
            folder / "usage.json", "toil", inputs=[folder / "in", folder / "absent"], outputs=[folder / "out"]
        ) as use,
    ):
        use.rows_in = 7
        (folder / "out" / "part").write_bytes(b"123")
        if error:
            raise error
    found: dict[str, object] = json.loads((folder / "usage.json").read_text())
    return found


@pytest.mark.parametrize("error", [None, RuntimeError(), KeyboardInterrupt()])
def test_usage_is_written_also_after_an_error(
    tmp_path: Path, error: BaseException | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COVERTYPE_RUN", "a-run")
    before = time.time()
    usage = usage_of(tmp_path, error)
    assert set(usage) == FIELDS
    assert {name: usage[name] for name in ("step", "run", "rows_in", "rows_out", "bytes_in", "bytes_out")} == {
        "step": "toil",
        "run": "a-run",
        "rows_in": 7,
        "rows_out": 0,
        "bytes_in": 5,
        "bytes_out": 3,
    }
    started, finished, peak = (usage[name] for name in ("started", "finished", "peak_rss_bytes"))
    assert isinstance(started, float)
    assert isinstance(finished, float)
    assert isinstance(peak, int)
    assert before - 1 <= started <= finished <= time.time() + 1
    assert 10_000_000 < peak < 100_000_000_000


def test_usage_keeps_what_a_step_was_asked_for_and_its_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(runtime.IMAGE, "steps@sha256:12")
    with runtime.record_usage(tmp_path / "u", "split", options=SplitOptions(seed=3)) as use:
        use.sha256 = {"dataset": "ab"}
    usage = json.loads((tmp_path / "u").read_text())
    fractions = {"train-fraction": "0.64", "validation-fraction": "0.16", "test-fraction": "0.2"}
    assert usage["options"] == {"seed": "3", **fractions}
    assert (usage["image"], usage["sha256"]) == ("steps@sha256:12", {"dataset": "ab"})


def test_without_a_path_no_usage_is_written(tmp_path: Path) -> None:
    with runtime.record_usage(None, "toil", outputs=[tmp_path]):
        pass
    assert not list(tmp_path.iterdir())


def test_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARGO_PROGRESS_FILE", raising=False)
    runtime.report_progress(1, 2)
    monkeypatch.setenv("ARGO_PROGRESS_FILE", str(tmp_path / "progress"))
    runtime.report_progress(1, 30)
    runtime.report_progress(2, 30)
    assert (tmp_path / "progress").read_text() == "2/30\n"
    monkeypatch.setenv(runtime.CHAIN_POSITION, "2/5")
    runtime.report_progress(15, 30)
    assert (tmp_path / "progress").read_text() == "75/150\n"


def test_progress_goes_to_argo_and_to_the_local_executor_or_to_one_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    argo, local = tmp_path / "argo", tmp_path / "local"
    monkeypatch.setenv(runtime.ARGO_PROGRESS, str(argo))
    monkeypatch.setenv(runtime.LOCAL_PROGRESS, str(local))
    runtime.report_progress(1, 2)
    runtime.report_progress(2, 9, [runtime.LOCAL_PROGRESS])
    assert (argo.read_text(), local.read_text()) == ("1/2\n", "2/9\n")


def test_values_for_argo(tmp_path: Path) -> None:
    runtime.record_values((tmp_path / "rows", "12"), (None, "nowhere"))
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("rows", "12")]
