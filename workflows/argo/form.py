"""The workflow's parameters: what a person chooses for a run, here by flags and in the Argo UI by its form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hera.workflows import Parameter

from steps.options import form_options

if TYPE_CHECKING:
    from workflows.settings import Settings


def parameters(settings: Settings) -> list[Parameter]:
    """Return the parameters with the values of the settings, in the order of the form."""
    return [
        Parameter(
            name=option.name,
            value=option.text(getattr(settings, option.attribute)),
            enum=list(option.choices) or None,
            description=option.option.help,
        )
        for option in form_options()
    ]
