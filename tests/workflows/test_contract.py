from __future__ import annotations

import signal

from steps.core.errors import TERMINATED, TransientError
from workflows import contract


def test_the_retried_codes_are_those_of_transient_errors_and_of_sigterm() -> None:
    assert (TransientError.exit_code, TERMINATED) == (75, 128 + signal.SIGTERM) == contract.RETRIED_CODES


def test_the_retry_expression_has_the_retried_codes() -> None:
    assert f"in {list(contract.RETRIED_CODES)}" in contract.RETRY_EXPRESSION
