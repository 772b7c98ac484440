"""Options of ``register``: what a new version is called, and how good a new champion must be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from steps.core.options import Option


@dataclass(frozen=True, kw_only=True)
class RegisterOptions:
    """Options of ``register``."""

    version: Annotated[str, Option("Name of the version; the run's name by default.")] = ""
    code_revision: Annotated[str, Option("Revision of the code, kept in the lineage.")] = ""
    tolerance: Annotated[
        float, Option("How much lower the mean PR-AUC of a new champion may be.", minimum=0, maximum=1)
    ] = 0.0
    class_tolerance: Annotated[
        float, Option("How much lower the PR-AUC of each cover type may be.", minimum=0, maximum=1)
    ] = 0.01
