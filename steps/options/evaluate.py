"""Options of ``evaluate``."""

from __future__ import annotations

from dataclasses import dataclass

from steps.options.shared import Threads


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """Options of ``evaluate``."""

    threads: Threads = 1
