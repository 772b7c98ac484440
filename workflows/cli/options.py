"""The flags that verbs about a run share, derived from the settings; the groups of verbs, and examples, in the help.

A flag that is not given leaves its setting to the environment, the config file or the default.
"""

from __future__ import annotations

import functools
import inspect
import math
import types
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from steps.core import uris
from workflows import settings as run_settings
from workflows.settings import Settings, combinations, overrides
from workflows.settings.flags import JOB, LOCAL, Flag
from workflows.settings.loading import FORMER

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic.fields import FieldInfo

    from steps.core.options import Declared


# The groups of verbs in the help.
RUNS, PREDICTIONS, VERSIONS, CLUSTER = "Runs on this machine", "Predictions", "Versions in a registry", "Cluster"
GOOGLE = "Google Cloud"
PROGRAM = "python workflows/covertype.py"


def examples(*lines: str) -> str:
    """Return the end of a help text: command lines, without the name of the program."""
    return "\n\n".join(["Examples:", *(f"  {PROGRAM} {line}" for line in lines)])


def _folder(text: str) -> Path:
    """Return the folder of this machine that an address names."""
    return uris.parse(text, (uris.PATH, uris.FILE), what="folder", where="--runs").path


_RUNS = "Folder of runs and cache{}. (default: runs)"
Runs = Annotated[Path | None, typer.Option("--runs", metavar="FOLDER", parser=_folder, help=_RUNS.format(""))]
# Verbs without an output of their own also take the name that the flag has for ``run``.
RunsOrOutput = Annotated[
    Path | None,
    typer.Option(
        "--runs", "--output", metavar="FOLDER", parser=_folder, help=_RUNS.format("; --output is another name for it")
    ),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, all else on stderr.")]
_CONFIG = Annotated[
    Path | None, typer.Option(help="YAML file with any of these settings.", rich_help_panel=JOB, readable=False)
]

# The flag of a setting that has another name now: the settings refuse it and name the new one.
_FORMER = Annotated[str | None, typer.Option(hidden=True)]


def finite(value: float | None) -> float | None:
    """Refuse what is no finite number: every comparison with it is false, so that it passes any limit."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number")
    return value


def limit(value: float | None) -> float | None:
    """Refuse a limit that is not above zero: leaving the option out is the way to say that there is none."""
    if value is not None and finite(value) is not None and value <= 0:
        raise typer.BadParameter(f"{value:g} is not above 0; leave it out for no limit")
    return value


def with_settings(verb: Callable[..., int]) -> Callable[..., int]:
    """Give a verb the flags of the settings: it is called with ``settings`` in their place, and with its own flags."""
    return _with_flags(verb, flags(local=False))


# Settings of a pod that does not belong to the pipeline; its resources are in the config file.
_POD_SETTINGS = ("image", "namespace", "service_account", "s3_secret", "config")


def with_pod_settings(verb: Callable[..., int]) -> Callable[..., int]:
    """Give a verb the flags of the settings of a single pod; see :func:`with_settings`."""
    every = flags(local=False)
    return _with_flags(verb, {name: every[name] for name in _POD_SETTINGS})


def with_local_settings(verb: Callable[..., int]) -> Callable[..., int]:
    """Give a verb the flags of the settings, those about this machine too; see :func:`with_settings`."""
    return _with_flags(verb, flags(local=False) | flags(local=True))


def _with_flags(verb: Callable[..., int], shared: dict[str, Any]) -> Callable[..., int]:
    def wrapper(**values: Any) -> int:  # noqa: ANN401 - whatever the flags are
        return verb(settings=_load({name: values.pop(name) for name in shared}), **values)

    own = [parameter for parameter in inspect.signature(verb).parameters.values() if parameter.name != "settings"]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in shared.items()
    ]
    wrapper.__name__, wrapper.__doc__ = verb.__name__, verb.__doc__
    wrapper.__signature__ = inspect.Signature([*own, *added])  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *added]}
    return wrapper


@functools.cache
def flags(*, local: bool) -> dict[str, Any]:
    """Return the annotation of each setting's flag, as typer reads it, by the setting's name.

    Args:
        local: of the settings about this machine, or of all others, ``config`` among them.
    """
    found = {
        field.alias or name: _annotation(field.alias or name, field, flag)
        for name, field in Settings.model_fields.items()
        for flag in field.metadata
        if isinstance(flag, Flag) and (flag.panel == LOCAL) == local
    }
    return found if local else {**found, **dict.fromkeys(FORMER, _FORMER), "config": _CONFIG}


def _annotation(name: str, field: FieldInfo, flag: Flag) -> Any:  # noqa: ANN401 - a type
    kind, dashed = _kind(field.annotation), name.replace("_", "-")
    names = [f"--{dashed}/--no-{dashed}" if kind is bool else f"--{dashed}"]
    metavar = flag.metavar or _metavar(field.annotation)
    option = typer.Option(*names, help=_help(field, flag), metavar=metavar, rich_help_panel=flag.panel)
    return Annotated[kind | None, option]


def _bare(annotation: Any) -> Any:  # noqa: ANN401 - types
    """Return a type without its annotations and without None."""
    if typing.get_origin(annotation) is Annotated:
        return _bare(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in {types.UnionType, typing.Union}:
        return _bare(next(kind for kind in typing.get_args(annotation) if kind is not types.NoneType))
    return annotation


def _kind(annotation: Any) -> Any:  # noqa: ANN401 - types
    """Return the type of a flag's value as typer reads it: a text that the settings check, where it can be one."""
    bare = _bare(annotation)
    if bare is bool:
        return bool
    return list[str] if typing.get_origin(bare) is dict else str


def _metavar(annotation: Any) -> str | None:  # noqa: ANN401 - types
    """Return what stands for a number or a choice in the help text."""
    bare = _bare(annotation)
    if typing.get_origin(bare) is Literal:
        return f"<{'|'.join(typing.get_args(bare))}>"
    return f"<{bare.__name__}>" if bare in {int, float} else None


def _help(field: FieldInfo, flag: Flag) -> str:
    default = flag.default or field.get_default()
    if isinstance(default, bool):
        default = "yes" if default else "no"
    return flag.help if default in (None, "", (), {}) else f"{flag.help} (default: {default})"


def _load(given: dict[str, Any]) -> Settings:
    config = given.pop("config")
    if given.get("set"):
        given["set"] = dict(overrides.split_entry(entry) for entry in given["set"])
    loaded = run_settings.load(given, config)
    combinations.check(loaded)
    return loaded


def option_word(option: Declared, value: object) -> str:
    """Return an option of a step's command line with its value."""
    if option.kind is bool:
        return f"--{'' if value else 'no-'}{option.name}"
    return f"--{option.name}={option.text(value)}"
