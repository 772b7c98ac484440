from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from steps.core.errors import BadRowError
from steps.prediction.rejects import Rejects, TooManyRejectsError

if TYPE_CHECKING:
    from pathlib import Path


def bad(row: int, file: str = "a.csv") -> BadRowError:
    return BadRowError("9 is too large", row=row, file=file, fix="correct the source")


def test_rows_are_counted_once_and_listed_by_column(tmp_path: Path) -> None:
    rejects = Rejects(2)
    for row, column in ((7, "Slope"), (7, "Aspect"), (3, "Slope"), (7, "Slope")):
        rejects.add(bad(row), column)
    assert len(rejects) == 2
    rejects.write(tmp_path / "rejects.csv")
    with (tmp_path / "rejects.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["file", "row", "column", "reason"]
    assert [row[1:3] for row in rows[1:]] == [["3", "Slope"], ["7", "Aspect"], ["7", "Slope"]]
    assert rows[1][3] == "9 is too large: correct the source"


def test_good_rows_are_those_of_the_file_that_are_not_rejected() -> None:
    rejects = Rejects(9)
    rejects.add(bad(11), "Slope")
    rejects.add(bad(12, "b.csv"), "Slope")
    assert rejects.good_rows("a.csv", 10, 3).tolist() == [True, False, True]


def test_more_than_the_limit_is_an_error_that_quotes_the_first() -> None:
    rejects = Rejects(1)
    rejects.add(bad(5), "Slope")
    rejects.require_few()
    rejects.add(bad(2), "Slope")
    with pytest.raises(TooManyRejectsError, match=r"2 rows cannot be scored, 1 are allowed; .*in row 5 of a.csv"):
        rejects.require_few()


def test_a_thousand_above_the_limit_nothing_more_is_looked_for() -> None:
    rejects = Rejects(10)
    for row in range(1010):
        rejects.add(bad(row), "Slope")
    with pytest.raises(TooManyRejectsError, match="at least 1,011"):
        rejects.add(bad(1010), "Slope")
