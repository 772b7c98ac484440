"""Calls the command line in this process, for tests."""

from __future__ import annotations

from steps.core import runtime
from workflows.covertype import app


def invoke(*words: object) -> int:
    """Run the command line with these words and return its exit code."""
    return runtime.run_to_exit_code(lambda: app(args=[str(word) for word in words], standalone_mode=False) or 0)
