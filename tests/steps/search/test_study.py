from __future__ import annotations

import errno
import fcntl
import threading
from typing import TYPE_CHECKING, Any

import pytest

from steps.core import runtime, storage
from steps.search import study

if TYPE_CHECKING:
    from pathlib import Path

IDENTITY = dict.fromkeys(("cover_type", "data", "space", "objective", "start", "seed"), 0)


def trial_at(number: int) -> study.Trial:
    return study.Trial(
        number=number,
        origin="tpe",
        state=study.COMPLETE,
        value=0.5,
        values={},
        parameters={},
        best_rounds=8,
        seconds=1,
    )


@pytest.mark.parametrize("moment", ["before the check", "before the lock", "before the rename"])
@pytest.mark.parametrize("copied", [False, True])
def test_two_searches_that_begin_at_once_share_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, *, copied: bool
) -> None:
    """Two searches add a trial each; the second starts when the first has come to ``moment``."""
    path, earlier = tmp_path / "study.jsonl", tmp_path / "earlier.jsonl" if copied else None
    if earlier:
        with study.opened(earlier, IDENTITY) as kept:
            kept.add(trial_at(1))
    second_moved, found = threading.Event(), dict[str, int]()
    failures: list[BaseException] = []
    monkeypatch.setattr(runtime, "log", lambda _: second_moved.set())  # it waits

    def begin(name: str) -> None:
        try:
            with study.opened(path, IDENTITY, earlier) as kept:
                kept.add(trial_at(len(kept.trials) + 1))
                if name == "second":
                    second_moved.set()  # it has the study: the first must wait, and see its trial
                found[name] = len(kept.trials)
        except BaseException as error:  # noqa: BLE001 - it is raised in the test's thread
            failures.append(error)
            second_moved.set()

    second = threading.Thread(target=begin, args=("second",))

    def interleave(function: Any) -> Any:
        def hooked(*arguments: Any, **options: Any) -> Any:
            if threading.current_thread() is not second and not second.ident:
                second.start()
                assert second_moved.wait(20)
            return function(*arguments, **options)

        return hooked

    owner, name = {
        "before the check": (study, "_begun"),
        "before the lock": (fcntl, "flock"),
        "before the rename": (storage, "write_bytes"),
    }[moment]
    monkeypatch.setattr(owner, name, interleave(getattr(owner, name)))
    begin("first")
    if not second.ident:  # nothing was renamed
        assert (moment, copied) == ("before the rename", False)
        second.start()
    second.join(20)
    assert not failures
    count = 2 + copied
    assert sorted(found.values()) == [count - 1, count]
    assert len(study.read(path)[1]) == count
    assert {file.name for file in tmp_path.iterdir()} <= {"study.jsonl", "earlier.jsonl"}


@pytest.mark.parametrize("content", [b"", b'{"study": 2, "seed'])
def test_an_earlier_study_without_a_whole_line_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "earlier").write_bytes(content)
    with study.opened(tmp_path / "study", IDENTITY, tmp_path / "earlier") as kept:
        assert kept.trials == []


def test_a_copy_that_fails_leaves_a_study_that_can_be_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with study.opened(tmp_path / "earlier", IDENTITY) as kept:
        kept.add(trial_at(1))

    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "_sync", full)
        with (
            pytest.raises(OSError, match="No space left"),
            study.opened(tmp_path / "study", IDENTITY, tmp_path / "earlier"),
        ):
            pass
    with study.opened(tmp_path / "study", IDENTITY, tmp_path / "earlier") as kept:
        assert len(kept.trials) == 1
