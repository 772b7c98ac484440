"""Fixtures of the property tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fuzz.nursery import Nursery

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """The process that forks a child for every command."""
    with Nursery() as started:
        yield started
