"""When a CronWorkflow runs, by the rules of the library that Argo uses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.settings import schedules

GOOD = [
    "0 3 * * 1",
    "*/5 * * * *",
    "0,30 8-17/2 1 jan-mar mon,FRI",
    "? ? * * ?",
    "@daily",
    "@every 1h30m",
    "@every .5s",
]
BAD = {
    "": "0 fields, not five",
    "* * * *": "4 fields, not five",
    "60 * * * *": "'60' is no minute (0-59)",
    "* * 0 * *": "'0' is no day of the month (1-31)",
    "* * * * 7": "'7' is no day of the week (0-6)",
    "*/0 * * * *": "'*/0' is no minute",
    "5-1 * * * *": "'5-1' is no minute",
    "* * * foo *": "'foo' is no month",
    ", * * * *": "is no minute",
    "@fortnightly": "is none of @yearly",
    "@every soon": "'soon' is no duration",
    "TZ=UTC 0 3 * * 1": "begins with a time zone",
    "0 3 * *\n1": "line break",
}


@pytest.mark.parametrize("text", GOOD)
def test_schedules_that_argo_accepts(text: str) -> None:
    assert schedules.problem(text) is None


@pytest.mark.parametrize("text", BAD)
def test_schedules_that_argo_refuses(text: str) -> None:
    assert BAD[text] in str(schedules.problem(text))


@given(st.text())
def test_every_text_has_an_answer(text: str) -> None:
    assert schedules.problem(text) is None or isinstance(schedules.problem(text), str)
