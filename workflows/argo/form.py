"""The workflow's parameters: what a person chooses for a run, here by flags and in the Argo UI by its form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hera.workflows import Parameter

from steps.options import form_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from steps.options import Declared
    from workflows.settings import Settings

# What differs between runs, by parameters of the workflow.
_DESCRIPTION = "{preset}, {rows} rows, seed {seed}, {trials} trials, from {source}"


def parameters(settings: Settings) -> list[Parameter]:
    """Return the parameters with the values of the settings, in the order of the form."""
    options = form_options()
    return parameters_of(options, {option.attribute: getattr(settings, option.attribute) for option in options})


def parameters_of(options: Iterable[Declared], values: Mapping[str, Any]) -> list[Parameter]:
    """Return a parameter for each option.

    Args:
        options: the options, in the order of the form.
        values: their values by attribute.
    """
    return [
        Parameter(
            name=option.name,
            value=option.text(values[option.attribute]),
            enum=list(option.choices) or None,
            description=option.option.help,
        )
        for option in options
    ]


def description() -> str:
    """Return a text that tells a run from others; Argo replaces its variables when the run starts.

    The expression is in the syntax of https://expr-lang.org, which Argo evaluates.
    """
    variables = {option.name: f"{{{{workflow.parameters.{option.name}}}}}" for option in form_options()}
    rows = "{{=workflow.parameters.rows == '0' ? 'all' : workflow.parameters.rows}}"
    return _DESCRIPTION.format_map({**variables, "rows": rows})


def values(settings: Settings) -> str:
    """Return the same text for the values of the settings."""
    chosen = settings.model_dump()
    return _DESCRIPTION.format_map({**chosen, "rows": chosen["rows"] or "all"})
