"""Settings of a run: defaults < config file < environment < flags, checked once, then passed on unchanged."""

from workflows.settings.loading import load
from workflows.settings.model import Settings
from workflows.settings.resources import Resources, Toleration

__all__ = ["Resources", "Settings", "Toleration", "load"]
