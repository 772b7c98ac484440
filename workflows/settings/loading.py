"""Settings of a command line: defaults < config file < environment < flags, each layer checked by itself.

Environment variables are the settings' names with the prefix ``COVERTYPE_``: ``COVERTYPE_SEED=1``. In them, `set` and
`steps` are written as YAML.
"""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from steps import schema as schemas
from steps.core import runtime, textfile
from steps.core.errors import BadConfigurationError, NoInputError, PipelineError, UsageError
from steps.options import form_options
from workflows.settings import explanations, overrides, strict_yaml
from workflows.settings.model import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


ENVIRONMENT_PREFIX = "COVERTYPE_"
# Variables with the prefix that are no settings: of the steps, the Makefile and the tests.
OTHER_VARIABLES = frozenset(
    f"{ENVIRONMENT_PREFIX}{name}"
    for name in (
        *("DEBUG", "RUN", "PART", "PROGRESS_FILE", "POD_IMAGE", "SIGNING_PASSWORD", "SERVE_TOKEN", "VERSION"),
        *("ARGO_SERVER", "IMAGE_LOAD", "OTHER_XGBOOST", "FUZZ_SECONDS", "FUZZ_FINDINGS"),
    )
)
# Settings that had another name, by that name.
FORMER = {option.option.former: option.attribute for option in form_options() if option.option.former}


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
            what, fix = explanations.explain(problem)
            if name in FORMER:
                what, fix = f"{name} has another name now", f"use {self._spelled(FORMER[name])}"
            raise self.error(what, where=self.place(name), fix=fix) from None

    def _spelled(self, setting: str) -> str:
        """Return a setting as this layer writes it."""
        place = self.place(setting)
        return place if setting in place.lower().replace("-", "_") else setting

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
            # Only errors about --set have a location: the key.
            place = self.place("cover_types") if not error.where else self.place_of_key(error.where)
            raise self.error(error.what, where=place, fix=error.fix) from None

    def place_of_key(self, where: str) -> str:
        """Return the location of a key of ``set``, from that in an error about ``--set KEY``."""
        return f"{self.place('set')}, set.{where.removeprefix('--set ')}"


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
    """Return the settings of the environment, unchecked; warn of variables that are no setting."""
    found: dict[str, Any] = {}
    settings = [*(field.alias or name for name, field in Settings.model_fields.items()), *FORMER]
    for setting in settings:
        text = os.environ.get(_variable(setting))
        if text is not None:
            found[setting] = _from_yaml(text, _variable(setting)) if setting in {"set", "steps"} else text
    _warn_of_unknown_variables({_variable(setting) for setting in settings})
    return found


def _warn_of_unknown_variables(known: set[str]) -> None:
    """Log each variable with the prefix that nothing reads, with the most similar one that something reads."""
    names = [name.removeprefix(ENVIRONMENT_PREFIX) for name in sorted(known)]
    for name in sorted(os.environ):
        if name.startswith(ENVIRONMENT_PREFIX) and name not in known | OTHER_VARIABLES:
            similar = difflib.get_close_matches(name.removeprefix(ENVIRONMENT_PREFIX), names, n=1)
            fix = (
                f"did you mean {ENVIRONMENT_PREFIX}{similar[0]}?"
                if similar
                else "see the reference of environment variables"
            )
            runtime.log(f"warning: {name} is no setting and is ignored: {fix}")


def _from_yaml(text: str, where: str) -> Any:  # noqa: ANN401 - whatever YAML gives
    try:
        return strict_yaml.load(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).replace('in "<unicode string>", ', "in ").split())
        raise BadConfigurationError(f"not valid YAML: {reason}", where=where) from None
