from __future__ import annotations

import signal

from hypothesis import given
from hypothesis import strategies as st

from steps import NAMES
from steps.core.errors import TERMINATED, TransientError
from workflows import contract


def test_the_retried_codes_are_those_of_transient_errors_and_of_sigterm() -> None:
    assert (TransientError.exit_code, TERMINATED) == (75, 128 + signal.SIGTERM) == contract.RETRIED_CODES


def test_the_retry_expression_has_the_retried_codes() -> None:
    assert f"in {list(contract.RETRIED_CODES)}" in contract.RETRY_EXPRESSION


@given(cover_type=st.from_regex(r"[a-z][a-z0-9-]{0,9}", fullmatch=True), step=st.sampled_from(NAMES))
def test_the_path_of_a_task_is_what_its_name_was_made_of(cover_type: str, step: str) -> None:
    assert contract.task_path(contract.task_name(cover_type, step), cover_type) == (cover_type, step)


def test_a_task_of_all_steps_or_of_no_cover_type_is_alone() -> None:
    assert contract.task_path("aspen", "aspen") == ("aspen",)
    assert contract.task_path("report", None) == ("report",)
    assert contract.task_path("report", "aspen") == ("report",)


def test_the_model_of_a_task_is_that_of_its_cover_type_or_named_after_it() -> None:
    assert contract.model_of("model", "aspen") == "aspen"
    assert contract.model_of("model-aspen", None) == contract.model_of("model-aspen", "all") == "aspen"
    assert contract.model_of("model", None) is None
    assert contract.model_of("metrics-aspen", None) is None
