"""Settings of a command line: defaults < config file < environment < flags, each layer checked by itself.

Environment variables are the settings' names with the prefix ``COVERTYPE_``: ``COVERTYPE_SEED=1``. In them, `set` and
`steps` are written as YAML.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from steps import schema as schemas
from steps.core import textfile
from steps.core.errors import BadConfigurationError, NoInputError, PipelineError, UsageError
from workflows.settings import overrides, strict_yaml
from workflows.settings.model import Resources, Settings, Toleration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

ENVIRONMENT_PREFIX = "COVERTYPE_"


@dataclass(frozen=True)
class _Layer:
    """The settings of one layer, the error for a wrong value, and the location that the error names, by setting."""

    values: Mapping[str, Any]
    error: type[PipelineError]
    place: Callable[[str], str]

    def check(self) -> None:
        """Check this layer alone, so that an error names the location of the wrong value."""
        try:
            Settings.model_validate(self.values)
        except ValidationError as error:
            problem = error.errors()[0]
            name = str(problem["loc"][0])
            what, fix = _explained(problem)
            raise self.error(what, where=self.place(name), fix=fix) from None

    def check_names(self, settings: Settings) -> None:
        """Check the names of cover types, which depend on the schema of the table."""
        own = Settings.model_validate(self.values)
        if not own.overrides and not own.cover_types:
            return
        table = schemas.load(settings.table_schema)
        try:
            overrides.parse(own.overrides, table.slugs)
            for key in own.cover_types:
                table.cover_type(key)
        except UsageError as error:
            name = "set" if error.where else "cover_types"  # only errors about --set have a location
            raise self.error(error.what, where=self.place(name), fix=error.fix) from None


def load(flags: Mapping[str, Any], config: Path | None = None) -> Settings:
    """Return the settings of a command line.

    Args:
        flags: values from the command line; None: not given.
        config: a YAML file with settings.

    Raises:
        NoInputError: The config file does not exist.
        BadConfigurationError: The config file is not YAML, or a setting in it or in the environment is wrong.
        UsageError: The value of a flag is wrong.
    """
    in_file = _Layer(_read(config) if config else {}, BadConfigurationError, lambda _: str(config))
    in_environment = _Layer(_from_environment(), BadConfigurationError, _variable)
    set_flags = {name: value for name, value in flags.items() if value is not None}
    given = _Layer(set_flags, UsageError, lambda name: f"--{name.replace('_', '-')}")
    layers = (in_file, in_environment, given)
    for layer in layers:
        layer.check()
    values = {name: value for layer in layers for name, value in layer.values.items()}
    given_options = (entry for layer in layers for entry in layer.values.get("set", {}).items())
    values["set"] = {overrides.with_underscores(key): value for key, value in given_options}
    settings: Settings = Settings.model_validate(values)
    for layer in (in_file, in_environment):
        layer.check_names(settings)
    return settings


def _variable(setting: str) -> str:
    return f"{ENVIRONMENT_PREFIX}{setting.upper()}"


def _explained(problem: ErrorDetails) -> tuple[str, str | None]:
    """Return a problem that pydantic found, in words that name the setting, and how to fix it if that is known."""
    path = [str(part) for part in problem["loc"] if part != "[key]"]
    name = ".".join(path)
    if problem["type"] == "extra_forbidden":
        model: type[BaseModel] = Settings
        if len(path) > 1:
            model = Toleration if "tolerations" in path else Resources
        known = (field.alias or name for name, field in model.model_fields.items())
        return f"unknown setting {name!r}", f"use one of {', '.join(known)}"
    if problem["type"] in {"dict_type", "model_type"}:
        return f"{name}: a mapping is needed", "see the configuration reference for an example"
    if problem["type"] == "string_unicode":
        return (
            f"{name}: not a text in the encoding of this machine",
            "set PYTHONUTF8=1, or rename the file",
        )
    if problem["type"] in {"too_short", "string_too_short"}:
        return f"{name} is empty", "leave it out for the default"
    if problem["type"] == "greater_than":
        return f"{name}: a number above {problem['ctx']['gt']:g} is needed", "leave it out for the default"
    reason = problem["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{name}: {reason if reason.startswith('CPU') else reason[:1].lower() + reason[1:]}", None


def _read(path: Path) -> dict[str, Any]:
    """Return the settings of a config file, unchecked."""
    if not path.is_file():
        raise NoInputError("no such config file", where=str(path), fix="check --config")
    document = _from_yaml(textfile.read(path), str(path)) or {}
    if not isinstance(document, dict):
        raise BadConfigurationError(
            "a mapping of settings is needed", where=str(path), fix="write `seed: 1`, for example"
        )
    return document


def _from_environment() -> dict[str, Any]:
    """Return the settings of the environment, unchecked."""
    found: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        setting = field.alias or name
        text = os.environ.get(_variable(setting))
        if text is not None:
            found[setting] = _from_yaml(text, _variable(setting)) if setting in {"set", "steps"} else text
    return found


def _from_yaml(text: str, where: str) -> Any:  # noqa: ANN401 - whatever YAML gives
    try:
        return strict_yaml.load(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).replace('in "<unicode string>", ', "in ").split())
        raise BadConfigurationError(f"not valid YAML: {reason}", where=where) from None
