from __future__ import annotations

from http import HTTPStatus

from steps.serving.refusals import Problem, RefusalError, bad_request, refuse_rows, too_large


def test_a_refusal_names_its_first_problem() -> None:
    refusal = refuse_rows([Problem("too high", 3, "Slope"), Problem("too low", 4)])
    assert (refusal.status, refusal.reason) == (422, "row 3: too high")
    assert refusal.content() == {
        "error": "row 3: too high",
        "problems": [
            {"row": 3, "column": "Slope", "reason": "too high"},
            {"row": 4, "column": None, "reason": "too low"},
        ],
    }
    assert refuse_rows([Problem("no rows")]).reason == "no rows"


def test_a_status_has_its_headers() -> None:
    assert bad_request("x").headers() == {}
    assert too_large("x", close=True).headers() == {"connection": "close"}
    assert RefusalError(HTTPStatus.TOO_MANY_REQUESTS, "x").headers() == {"retry-after": "1"}
    assert RefusalError(HTTPStatus.UNAUTHORIZED, "x").headers() == {"www-authenticate": "Bearer"}
