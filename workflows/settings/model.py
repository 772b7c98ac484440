"""Settings of a run: defaults < config file < environment < flags, checked once, then passed on unchanged.

Environment variables are the settings' names with the prefix ``COVERTYPE_``: ``COVERTYPE_SEED=1``. In them, `set` and
`steps` are written as YAML.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from steps import CHAIN
from steps import schema as schemas
from steps.core import textfile, uris
from steps.core.errors import BadConfigurationError, NoInputError, PipelineError, UsageError
from steps.sources import reading
from workflows.settings import overrides, strict_yaml
from workflows.settings.types import (
    Count,
    CoverTypes,
    Image,
    LabelKey,
    LabelValue,
    LocalPath,
    Name,
    Namespace,
    Output,
    Positive,
    Registry,
    Scalar,
    Share,
    Source,
    StepName,
    Text,
    Time,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic_core import ErrorDetails

ENVIRONMENT_PREFIX = "COVERTYPE_"


class Toleration(BaseModel):
    """A taint of nodes that a pod tolerates, with Kubernetes' names."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True, populate_by_name=True)

    key: LabelKey | None = None
    operator: Literal["Exists", "Equal"] | None = None
    value: LabelValue | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    toleration_seconds: int | None = Field(default=None, alias="tolerationSeconds")


class Resources(BaseModel):
    """What a step's pod asks for and where it may run; quantities are written as Kubernetes writes them."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    cpu: str = "1"
    memory: str = "1Gi"
    cpu_limit: str | None = None
    memory_limit: str | None = None
    gpu: Count = 0
    service_account: Name | None = None
    node_selector: dict[LabelKey, LabelValue] = {}
    tolerations: tuple[Toleration, ...] = ()
    deadline_seconds: Positive = 3600

    @model_validator(mode="after")
    def _quantities(self) -> Self:
        """Let Hera, whose import takes most of a second, refuse what is no quantity and a request above its limit."""
        from hera.workflows.resources import Resources as HeraResources

        HeraResources(
            cpu_request=self.cpu, cpu_limit=self.cpu_limit, memory_request=self.memory, memory_limit=self.memory_limit
        )
        return self


class Settings(BaseModel):
    """Everything a person can choose about a run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # What to do: workflow parameters, also in the form of the Argo UI.
    source: Source = uris.BUILTIN
    snapshot_time: Time = ""
    location: Text = ""
    maximum_bytes_billed: Count = reading.MAXIMUM_BYTES_BILLED
    rows: Count = 0
    seed: Count = 0
    preset: Literal["fast", "default", "thorough"] = "default"
    trials: Count = 0
    timeout: Positive | None = None
    objective: Literal["pr_auc", "f1", "logloss"] = "pr_auc"
    sampler: Literal["tpe", "random"] = "tpe"
    refit: Literal["none", "validation"] = "none"
    labels: Literal["auto", "zero", "one"] = "auto"
    on_missing: Literal["fail", "drop", "keep"] = "fail"
    max_dropped: Share = 0.5
    duplicates: Literal["keep", "drop"] = "keep"
    # Fixed when the workflow is rendered.
    cover_types: CoverTypes = ()
    table_schema: LocalPath = Field(default=schemas.BUILTIN, alias="schema")
    overrides: dict[Text, Scalar] = Field(default={}, alias="set")
    query: LocalPath = ""
    space: LocalPath = ""
    warm_start: LocalPath = ""
    registry: Registry = ""
    # Where it runs.
    pods: Literal["step", "cover-type"] = "step"
    image: Image = "covertype-steps:dev"
    namespace: Namespace = "covertype"
    service_account: Name = "covertype-steps"
    study_volume: Name | None = None
    study_name: Name | None = None
    steps: dict[StepName, Resources] = {}
    # On this machine.
    output: Output = "runs"
    parallel: Positive | None = None
    cache: bool = True

    def resources(self, step: str) -> Resources:
        """Return the resources of a step: the defaults, and what was given for it over them.

        A request that is given without a limit is the limit too.
        """
        given = self.steps.get(step, Resources()).model_dump(exclude_unset=True)
        chosen = {**COMMON_RESOURCES, **DEFAULT_RESOURCES.get(step, {}), **given}
        for quantity in ("cpu", "memory"):
            if quantity in given and f"{quantity}_limit" not in given:
                chosen.pop(f"{quantity}_limit", None)
        return Resources(**chosen)

    @property
    def folder(self) -> Path:
        """The folder of runs and cache on this machine, also where the output goes to a bucket."""
        return Path("runs") if self.bucket else uris.parse(self.output, uris.DESTINATIONS).path

    @property
    def bucket(self) -> str:
        """Where in Cloud Storage a run is published; empty for nowhere."""
        return self.output if uris.parse(self.output, uris.DESTINATIONS).kind == uris.BUCKET else ""

    @property
    def cores(self) -> int:
        """The cores that steps on this machine may use together."""
        if self.parallel:
            return self.parallel
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# Memory from the peak that usage.json shows on the full table, with room for twice the rows. A step keeps one core
# busy; asking for less lets two long ones share a node of two cores, where the system's own pods take some.
COMMON_RESOURCES: dict[str, Any] = {"cpu": "500m", "cpu_limit": "1"}
DEFAULT_RESOURCES: dict[str, dict[str, Any]] = {
    "train": {"cpu": "900m", "memory": "2Gi", "deadline_seconds": 4 * 3600},
    "tune": {"cpu": "900m", "memory": "2Gi", "deadline_seconds": 24 * 3600},
    CHAIN: {"cpu": "900m", "memory": "2Gi", "deadline_seconds": 28 * 3600},
}


@dataclass(frozen=True)
class _Layer:
    """The settings from one place, the kind of error a wrong one is, and where an error says it is, by its name."""

    values: Mapping[str, Any]
    error: type[PipelineError]
    place: Callable[[str], str]

    def check(self) -> None:
        """Check this layer on its own, so that an error can say where the wrong value is."""
        try:
            Settings.model_validate(self.values)
        except ValidationError as error:
            problem = error.errors()[0]
            name = str(problem["loc"][0])
            what, fix = _explained(problem)
            raise self.error(what, where=self.place(name), fix=fix) from None

    def check_names(self, settings: Settings) -> None:
        """Check the names that depend on the table: cover types, and options set for one of them."""
        own = Settings.model_validate(self.values)
        if not own.overrides and not own.cover_types:
            return
        table = schemas.load(settings.table_schema)
        try:
            overrides.parse(own.overrides, table.slugs)
            for key in own.cover_types:
                table.cover_type(key)
        except UsageError as error:
            name = "set" if error.where else "cover_types"  # only what is wrong with --set says where
            raise self.error(error.what, where=self.place(name), fix=error.fix) from None


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
    settings = Settings.model_validate(values)
    for layer in (in_file, in_environment):
        layer.check_names(settings)
    return settings


def _variable(setting: str) -> str:
    return f"{ENVIRONMENT_PREFIX}{setting.upper()}"


def _explained(problem: ErrorDetails) -> tuple[str, str | None]:
    """Return what pydantic found wrong in words that name the setting, and what to do where that is not said yet."""
    path = [str(part) for part in problem["loc"] if part != "[key]"]
    name = ".".join(path)
    if problem["type"] == "extra_forbidden":
        model: type[BaseModel] = Settings
        if len(path) > 1:
            model = Toleration if "tolerations" in path else Resources
        known = (field.alias or name for name, field in model.model_fields.items())
        return f"unknown setting {name!r}", f"use one of {', '.join(known)}"
    if problem["type"] in {"dict_type", "model_type"}:
        return f"{name}: a mapping is needed", "see the README for an example"
    if problem["type"] == "string_unicode":
        return (
            f"{name}: this is no text in the encoding of this machine",
            "set PYTHONUTF8=1, or rename the file",
        )
    if problem["type"] in {"too_short", "string_too_short"}:
        return f"{name}: it is empty", "leave it out for the default"
    if problem["type"] == "greater_than":
        return f"{name}: a number above {problem['ctx']['gt']} is needed", "leave it out for the default"
    reason = problem["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{name}: {reason if reason.startswith('CPU') else reason[:1].lower() + reason[1:]}", None


def _read(path: Path) -> dict[str, Any]:
    """Return a config file's settings, not yet checked."""
    if not path.is_file():
        raise NoInputError("no such config file", where=str(path), fix="check --config")
    document = _from_yaml(textfile.read(path), str(path)) or {}
    if not isinstance(document, dict):
        raise BadConfigurationError(
            "a mapping of settings is needed", where=str(path), fix="write `seed: 1`, for example"
        )
    return document


def _from_environment() -> dict[str, Any]:
    """Return the settings that are environment variables, not yet checked."""
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
