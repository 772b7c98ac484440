"""Where XGBoost trains."""

from __future__ import annotations

import enum


class Device(enum.StrEnum):
    """Where XGBoost trains."""

    CPU = "cpu"
    CUDA = "cuda"
