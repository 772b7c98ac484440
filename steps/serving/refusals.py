"""Errors that are a client's fault, with the status and the content of the answer."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RETRY_AFTER_SECONDS = 1


@dataclass(frozen=True)
class Problem:
    """A reason why a request cannot be answered.

    Attributes:
        reason: The problem and how to fix it.
        row: The position of the row in the request; None for a problem of the whole request.
        column: The name of the column; None for a problem of a whole row or request.
    """

    reason: str
    row: int | None = None
    column: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return {"row": self.row, "column": self.column, "reason": self.reason}


class RefusalError(Exception):
    """A request that is not answered, because of what the client sent or how busy the server is.

    Args:
        status: The status of the answer.
        reason: The first problem, in one line.
        problems: All problems that were found in the rows.
        close: Whether the connection ends with the answer, because the rest of the request is not read.
    """

    def __init__(
        self, status: HTTPStatus, reason: str, problems: Sequence[Problem] = (), *, close: bool = False
    ) -> None:
        self.status, self.reason, self.problems, self.close = status, reason, tuple(problems), close
        super().__init__(reason)

    def content(self) -> dict[str, Any]:
        """Return the body of the answer as plain JSON values. The Open Inference Protocol asks for ``error``."""
        return {"error": self.reason, "problems": [problem.to_dict() for problem in self.problems]}

    def headers(self) -> Mapping[str, str]:
        """Return the headers of the answer."""
        headers = {"connection": "close"} if self.close else {}
        if self.status == HTTPStatus.TOO_MANY_REQUESTS:
            headers["retry-after"] = str(RETRY_AFTER_SECONDS)
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers["www-authenticate"] = "Bearer"
        return headers


def refuse_rows(problems: Sequence[Problem]) -> RefusalError:
    """Return the refusal of rows that have problems, at least one."""
    first = problems[0]
    where = "" if first.row is None else f"row {first.row}: "
    return RefusalError(HTTPStatus.UNPROCESSABLE_ENTITY, f"{where}{first.reason}", problems)


def bad_request(reason: str) -> RefusalError:
    """Return the refusal of a request that is not written in the form that its content type names."""
    return RefusalError(HTTPStatus.BAD_REQUEST, reason)


def too_large(reason: str, *, close: bool = False) -> RefusalError:
    """Return the refusal of a request that is larger than the limits."""
    return RefusalError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason, close=close)
