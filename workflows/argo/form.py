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
            value=_text(getattr(settings, option.attribute)),
            enum=list(option.choices) or None,
            description=option.option.help,
        )
        for option in form_options()
    ]


def description() -> str:
    """Return a text that tells a run from others; Argo replaces its variables when the run starts.

    The expression is in the syntax of https://expr-lang.org, which Argo evaluates.
    """
    rows = "{{=workflow.parameters.rows == '0' ? 'all' : workflow.parameters.rows}}"
    return (
        f"{_variable('preset')}, {rows} rows, seed {_variable('seed')}, {_variable('trials')} trials, "
        f"from {_variable('source')}"
    )


def _variable(parameter: str) -> str:
    return f"{{{{workflow.parameters.{parameter}}}}}"


def _text(value: object) -> str:
    """Return a value as its step reads it; no value is an empty text, as Argo's parameters are texts."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
