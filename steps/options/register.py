"""Options of ``register``: what a new version is called. How good a new champion must be is in a policy file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from steps.core.options import Option


@dataclass(frozen=True, kw_only=True)
class RegisterOptions:
    """Options of ``register``."""

    version: Annotated[str, Option("Name of the version; the run's name by default.")] = ""
    code_revision: Annotated[str, Option("Revision of the code, kept in the lineage.")] = ""
