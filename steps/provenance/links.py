"""The links of the chain from the source of a model to its aliases, and what a check says about each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class State(StrEnum):
    """What a check says about a link."""

    OK = "ok"
    BROKEN = "broken"
    UNCHECKED = "not checkable"


# The links in the order in which a model is made. Verification names the first one that is broken.
NAMES = (
    "source",
    "datasets",
    "code",
    "image",
    "boosters",
    "metrics",
    "report",
    "manifest",
    "aliases",
    "signature",
)


@dataclass(frozen=True)
class Link:
    """A link of the chain.

    Attributes:
        name: One of ``NAMES``.
        state: What the check says.
        detail: What was compared, what is wrong, or why nothing could be compared.
    """

    name: str
    state: State
    detail: str

    def to_dict(self) -> dict[str, str]:
        """Return the fields as plain JSON values."""
        return {"link": self.name, "state": self.state.value, "detail": self.detail}


def make_link(name: str, problems: Iterable[str], good: str, *, unchecked: str = "") -> Link:
    """Return a link: broken if there is a problem, not checkable if there is a reason for that, otherwise ok.

    Args:
        name: The name of the link.
        problems: What is wrong. The first one is shown, with the number of the others.
        good: The detail of a link that is ok.
        unchecked: Why it is not checkable; empty if it is.
    """
    found = list(problems)
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        return Link(name, State.BROKEN, found[0] + more)
    return Link(name, State.UNCHECKED, unchecked) if unchecked else Link(name, State.OK, good)


def first_broken(chain: Sequence[Link]) -> Link | None:
    """Return the first link of a chain that is broken, None if there is none."""
    return next((link for link in chain if link.state is State.BROKEN), None)


def all_unchecked(names: Iterable[str], why: str) -> list[Link]:
    """Return links that are not checkable, all for the same reason."""
    return [Link(name, State.UNCHECKED, why) for name in names]
