from __future__ import annotations

import errno
import itertools
import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from steps.core import runtime
from steps.core.errors import BadDataError, UsageError, from_os_error
from steps.options.tune import Objective
from steps.search import search, study, warm_start
from tests.steps.search.searching import SPACE, START, job, searched, trial_at

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Chain


import fcntl
from typing import TYPE_CHECKING

from steps.core import storage

if TYPE_CHECKING:
    from pathlib import Path

IDENTITY = dict.fromkeys(("cover_type", "data", "space", "objective", "start", "seed"), 0)


@pytest.mark.parametrize("moment", ["before the check", "before the lock", "before the rename"])
@pytest.mark.parametrize("copied", [False, True])
def test_two_searches_that_begin_at_once_share_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, *, copied: bool
) -> None:
    """Two searches add a trial each; the second starts when the first has come to ``moment``."""
    path, earlier = tmp_path / "study.jsonl", tmp_path / "earlier.jsonl" if copied else None
    if earlier:
        with study.open_study(earlier, IDENTITY) as kept:
            kept.add(trial_at(1, 0.5))
    second_moved, found = threading.Event(), dict[str, int]()
    failures: list[BaseException] = []
    monkeypatch.setattr(runtime, "log", lambda _: second_moved.set())  # it waits

    def begin(name: str) -> None:
        try:
            with study.open_study(path, IDENTITY, earlier) as kept:
                kept.add(trial_at(len(kept.trials) + 1, 0.5))
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
        "before the check": (study, "_open_with_earlier"),
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
    with study.open_study(tmp_path / "study", IDENTITY, tmp_path / "earlier") as kept:
        assert kept.trials == []


def test_a_copy_that_fails_leaves_a_study_that_can_be_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with study.open_study(tmp_path / "earlier", IDENTITY) as kept:
        kept.add(trial_at(1, 0.5))

    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "_sync", full)
        with (
            pytest.raises(OSError, match="No space left"),
            study.open_study(tmp_path / "study", IDENTITY, tmp_path / "earlier"),
        ):
            pass
    with study.open_study(tmp_path / "study", IDENTITY, tmp_path / "earlier") as kept:
        assert len(kept.trials) == 1


OTHER_SPACE = replace(SPACE, early_stopping=7)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"space": OTHER_SPACE}, "of another search space"),
        ({"objective": Objective.F1}, "of another objective (pr_auc, not f1)"),
        ({"start": replace(START, gamma=1)}, "of another preset"),
        ({"seed": 3}, "of another seed (0, not 3)"),
    ],
)
def test_a_study_of_something_else_is_refused(chain: Chain, tmp_path: Path, change: dict[str, Any], words: str) -> None:
    path = tmp_path / "study.jsonl"
    searched(chain, 1, path)
    content = path.read_bytes()
    with pytest.raises(UsageError) as raised:
        searched(chain, 2, path, **change)
    assert (
        str(raised.value)
        == f"this study is {words}, in {path}: give another study, or use the options it was made with"
    )
    assert path.read_bytes() == content


def test_a_study_of_other_data_is_refused(own_chain: Chain, tmp_path: Path) -> None:
    path = tmp_path / "study.jsonl"
    searched(own_chain, 1, path)
    own_chain["train_features"].write_bytes(own_chain["test_features"].read_bytes())
    with pytest.raises(UsageError, match="this study is of other data, in"):
        searched(own_chain, 2, path)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda lines: [*lines[:2], lines[2][:9], *lines[3:]], "the study is damaged: line 3 is not a trial"),
        (lambda lines: [*lines[:1], *lines[2:]], "the study is damaged: line 2 is not a trial"),
        (lambda lines: [*lines[:1], lines[1].replace("complete", "running")], "line 2 is not a trial"),
        (lambda lines: [*lines[:1], lines[1].replace('"value": ', '"value": 1e999, "v": ')], "line 2 is not a trial"),
        (lambda lines: lines[1:], "this is not a study"),
        (lambda _: ["\x00\xff"], "this is not a study"),
        (lambda _: ["[]"], "this is not a study"),
    ],
)
def test_a_damaged_study_is_refused_and_left_alone(chain: Chain, tmp_path: Path, damage: Any, words: str) -> None:
    path = tmp_path / "study.jsonl"
    searched(chain, 3, path)
    path.write_text("".join(f"{line}\n" for line in damage(path.read_text().splitlines())))
    content = path.read_bytes()
    with pytest.raises(BadDataError, match=words):
        searched(chain, 4, path)
    assert path.read_bytes() == content


def test_a_second_search_waits_for_the_first_on_the_same_study(
    chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, identity, found = tmp_path / "study.jsonl", job(chain).identity(), list[int]()
    waiting = threading.Event()

    def log(message: str) -> None:
        if "waiting for another search" in message:
            waiting.set()

    monkeypatch.setattr(runtime, "log", log)

    def second() -> None:
        with study.open_study(path, identity) as kept:
            found.append(len(kept.trials))

    other = threading.Thread(target=second)
    with study.open_study(path, identity) as kept:
        other.start()
        assert waiting.wait(60)
        kept.add(trial_at(1, 0.5))
    other.join()
    assert found == [1]


def test_an_earlier_study_of_something_else_is_refused_and_not_copied(chain: Chain, tmp_path: Path) -> None:
    searched(chain, 1, tmp_path / "earlier")
    with pytest.raises(UsageError, match="of another seed"):
        search.search(job(chain, seed=3), search.Limits(2), tmp_path / "study", tmp_path / "earlier")
    assert (tmp_path / "study").read_bytes() == b""


def test_a_study_of_an_older_version_gives_points_only(chain: Chain, tmp_path: Path) -> None:
    path = tmp_path / "study.jsonl"
    searched(chain, 2, path)
    points = warm_start.read(path)
    path.write_text(path.read_text().replace('"study": 2', '"study": 1'))
    with pytest.raises(BadDataError, match="this study is from an older version"):
        searched(chain, 3, path)
    assert warm_start.read(path) == points


def test_a_full_disk_is_said_so_and_the_trials_before_are_kept(
    chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, sync, calls = tmp_path / "study.jsonl", os.fsync, itertools.count()

    def full(number: int) -> None:
        if next(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(number)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left") as raised:
            searched(chain, 4, path)
    assert str(from_os_error(raised.value)).startswith(f"no space left on the disk, in {tmp_path}: free some space")
    assert searched(chain, 4, path) == searched(chain, 4)
