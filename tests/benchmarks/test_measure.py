"""What a measured command is charged for, on small processes of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from benchmarks import measure

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

MEBIBYTE = 1 << 20
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
# A child in a session of its own and one whose parent has ended: both hold memory until their input ends.
FAMILY = """
import os, subprocess, sys, time
hold = [sys.executable, "-c", f"held = bytearray(40 << 20); print(len(held), flush=True); import sys; sys.stdin.read()"]
pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
apart = subprocess.Popen(hold, **pipe, start_new_session=True)
read, write = os.pipe()
out, done = os.pipe()
if not os.fork():
    subprocess.Popen(hold, stdin=read, stdout=done, pass_fds=())
    os._exit(0)
os.wait()
apart.stdout.readline(), os.read(out, 1)
time.sleep(1)
os.close(read), os.close(write)
apart.communicate()
print("output")
"""


def test_all_processes_of_a_command_are_measured(tmp_path: Path) -> None:
    found = measure.run([sys.executable, "-c", FAMILY], tmp_path)
    assert found.output == "output\n"
    assert 80 * MEBIBYTE < found.peak_bytes < 180 * MEBIBYTE
    assert found.seconds > 1
    assert found.other_cores >= 0


def test_cpu_time_includes_children_that_ended(tmp_path: Path) -> None:
    busy = "import time; start = time.process_time()\nwhile time.process_time() < start + 0.5: pass"
    command = f"import subprocess, sys, time; subprocess.run([sys.executable, '-c', {busy!r}]); time.sleep(0.5)"
    found = measure.run([sys.executable, "-c", command], tmp_path)
    assert 0.5 <= found.cpu_seconds < found.seconds + 0.1


def test_the_command_runs_in_the_folder(tmp_path: Path) -> None:
    assert measure.run(["pwd"], tmp_path).output == f"{tmp_path.resolve()}\n"


@pytest.mark.parametrize("program", ["exit 3", "kill -9 $$"])
def test_a_command_that_fails_is_an_error(tmp_path: Path, program: str) -> None:
    with pytest.raises(measure.CommandError, match=r"sh -c .* ended with exit code (3|-9)"):
        measure.run(["sh", "-c", program], tmp_path)


def test_processes_of_others_do_not_belong_to_a_command() -> None:
    commands = [subprocess.Popen(SLEEP, start_new_session=True) for _ in range(2)]
    try:
        deadline = time.monotonic() + 30
        while not measure.members(commands[0].pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [process.pid for process in measure.members(commands[0].pid)] == [commands[0].pid]
        assert os.getpid() not in {process.pid for process in measure.members(commands[1].pid)}
    finally:
        for command in commands:
            command.kill()
            command.wait()


def test_a_process_that_ended_counts_nothing() -> None:
    command = subprocess.Popen(SLEEP, start_new_session=True)
    process = measure.members(command.pid)[0]
    command.kill()
    command.wait()
    assert measure._pss_bytes(process) == measure._cpu_seconds(process) == 0
    assert measure._session(command.pid) is None
    assert measure.members(command.pid) == []
