"""Settings of a run: defaults < config file < environment < flags, checked once, then passed on unchanged."""

from workflows.settings.loading import load
from workflows.settings.model import Resources, Settings, Toleration

__all__ = ["Resources", "Settings", "Toleration", "load"]
