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

# What tells a run from others, by the parameters of the workflow. What differs most comes first, since the list of the
# Argo UI shows about 22 characters. The first two are always there, and the others only where they are not the default.
_ALWAYS = "{preset}, {rows} rows"
_IF_CHANGED = {"trials": ", {} trials", "seed": ", seed {}", "source": ", from {}"}
_ALL_ROWS = "all"


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

    The expressions are in the syntax of https://expr-lang.org, which Argo evaluates.
    """
    rows = _expression("rows", "0", f"'{_ALL_ROWS}'", "workflow.parameters.rows")
    always = _ALWAYS.format(preset="{{workflow.parameters.preset}}", rows=rows)
    changed = []
    for name, text in _IF_CHANGED.items():
        before, _, after = text.partition("{}")
        words = [f"'{before}'", f"workflow.parameters.{name}", *([f"'{after}'"] if after else [])]
        changed.append(_expression(name, _defaults()[name], "''", " + ".join(words)))
    return always + "".join(changed)


def _expression(name: str, value: str, if_equal: str, otherwise: str) -> str:
    """Return an expression that depends on whether a parameter of the workflow has a value."""
    return f"{{{{=workflow.parameters.{name} == '{value}' ? {if_equal} : {otherwise}}}}}"


def values(settings: Settings) -> str:
    """Return the same text for the values of the settings."""
    chosen = {option.name: option.text(getattr(settings, option.attribute)) for option in form_options()}
    always = _ALWAYS.format(preset=chosen["preset"], rows=settings.rows or _ALL_ROWS)
    defaults = _defaults()
    return always + "".join(
        text.format(chosen[name]) for name, text in _IF_CHANGED.items() if chosen[name] != defaults[name]
    )


def _defaults() -> dict[str, str]:
    """Return the default of each parameter of the workflow."""
    return {option.name: option.text(option.default) for option in form_options()}
