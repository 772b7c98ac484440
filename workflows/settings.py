"""Settings of a run: defaults < config file < environment < flags, checked once, then passed on unchanged.

Environment variables are the field names with the prefix ``COVERTYPE_``: ``COVERTYPE_SEED=1``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from steps.errors import BadConfigurationError, NoInputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVIRONMENT_PREFIX = "COVERTYPE_"

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
Scalar = str | int | float | bool


class Resources(BaseModel):
    """What a step's pod asks for and where it may run; quantities are written as Kubernetes writes them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpu: str = "1"
    memory: str = "1Gi"
    cpu_limit: str | None = None
    memory_limit: str | None = None
    gpu: int = Field(default=0, ge=0)
    node_selector: dict[str, str] = {}
    tolerations: tuple[dict[str, Scalar], ...] = ()
    deadline_seconds: int = Field(default=3600, gt=0)


class Settings(BaseSettings):
    """Everything a person can choose about a run."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=ENVIRONMENT_PREFIX, populate_by_name=True, env_parse_none_str="null"
    )

    # What to do: workflow parameters, also in the form of the Argo UI.
    source: str = Field(default="builtin:", min_length=1)
    rows: int = Field(default=0, ge=0)
    seed: int = Field(default=0, ge=0)
    preset: Literal["fast", "default"] = "default"
    trials: int = Field(default=0, ge=0)
    timeout: int = Field(default=0, ge=0)
    labels: Literal["auto", "zero", "one"] = "auto"
    on_missing: Literal["fail", "drop"] = "fail"
    duplicates: Literal["keep", "drop"] = "keep"
    # Fixed when the workflow is rendered.
    cover_types: tuple[str, ...] = ()
    table_schema: str = Field(default="covertype", alias="schema")
    overrides: dict[str, Scalar] = Field(default={}, alias="set")
    # Where it runs.
    image: str = Field(default="covertype-steps:dev", min_length=1)
    namespace: Name = "covertype"
    service_account: Name = "covertype-steps"
    steps: dict[str, Resources] = {}
    # On this machine.
    output: Path = Path("runs")
    parallel: int = Field(default=0, ge=0)
    cache: bool = True

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values from the call first, then from the environment."""
        return init_settings, env_settings

    def resources(self, step: str) -> Resources:
        """Return the resources of a step: its own, or the defaults."""
        return self.steps.get(step, DEFAULT_RESOURCES.get(step, Resources()))

    @property
    def cores(self) -> int:
        """The cores that steps on this machine may use together."""
        if self.parallel:
            return self.parallel
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# From the peak memory that usage.json shows on the full table, with room for twice the rows.
DEFAULT_RESOURCES = {
    "train": Resources(memory="2Gi", deadline_seconds=4 * 3600),
    "tune": Resources(memory="2Gi", deadline_seconds=24 * 3600),
}


def load(flags: Mapping[str, Any], config: Path | None = None) -> Settings:
    """Return the settings of a command line.

    Args:
        flags: values from the command line; None means not given.
        config: a YAML file with some of the settings.

    Raises:
        NoInputError: the config file does not exist.
        BadConfigurationError: the config file is not YAML, or a setting in it or in the environment is wrong.
        UsageError: a flag's value is wrong.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    in_file = _read(config) if config else {}
    merged = {name: value for name, value in in_file.items() if f"{ENVIRONMENT_PREFIX}{name}".upper() not in os.environ}
    overrides = {**in_file.get("set", {}), **given.pop("set", {})}
    try:
        return Settings(**{**merged, **given, **({"set": overrides} if overrides else {})})
    except ValidationError as error:
        problem = error.errors()[0]
        path = ".".join(str(part) for part in problem["loc"])
        name = str(problem["loc"][0]) if problem["loc"] else ""
        message = f"{path}: {problem['msg'].lower()}"
        if name in given:
            raise UsageError(message, where=f"--{name.replace('_', '-')}") from None
        where = str(config) if name in in_file else f"the environment ({ENVIRONMENT_PREFIX}{name.upper()})"
        raise BadConfigurationError(message, where=where, fix="see the README's list of settings") from None


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise NoInputError("no such config file", where=str(path), fix="check --config")
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise BadConfigurationError(f"not valid YAML: {reason}", where=str(path)) from None
    if not isinstance(document, dict) or not isinstance(document.get("set", {}), dict):
        raise BadConfigurationError(
            "a mapping of settings is needed", where=str(path), fix="write `seed: 1`, for example"
        )
    return document
