"""Check values of settings together, as the steps do: each may be accepted alone, but not with the others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from steps import schema as schemas
from steps.comparison.policy import read_policy
from steps.core import uris
from steps.core.errors import UsageError
from steps.core.times import parse_time
from steps.models import presets
from steps.options import STEP_OPTIONS
from steps.options.shared import Preset
from steps.sources.reading import Reading
from workflows.settings import overrides

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workflows.settings.model import Settings


def check(settings: Settings) -> None:
    """Raise UsageError where a step would refuse the settings.

    Args:
        settings: the settings of a run, each of which is accepted alone.
    """
    reading = Reading(query=settings.query, snapshot=parse_time(settings.snapshot_time))
    reading.check_source(settings.source)
    if uris.parse(settings.source).kind == uris.TABLE:
        from steps.google.bigquery import parse_address  # it imports readers of tables, which other sources do not need

        parse_address(settings.source, reading)
    if settings.policy:
        _check_policy(settings)
    given = overrides.parse(settings.overrides, schemas.load(settings.table_schema).slugs)
    for slug in (None, *given.by_cover_type):
        _check_device(settings, given.of("train", slug))
        for step, classes in STEP_OPTIONS.items():
            values = given.of(step, slug)
            for options in classes if values else ():
                _check_options(options, step, slug, values)


def _check_policy(settings: Settings) -> None:
    """Check the policy and that there is a registry for it: hours later the gate would find out.

    The test scores have the slices of the schema, and the cover types that are trained.
    """
    if not settings.registry:
        what = "a policy is for the gate of a registry"
        raise UsageError(what, where="--policy", fix="give --registry too, or leave --policy out")
    from steps.tables.slices import slices_of  # it imports Arrow, which most command lines do not need

    schema = schemas.load(settings.table_schema)
    wanted = {schema.cover_type(key).slug for key in settings.cover_types} or schema.slugs
    names = [slug for slug in schema.slugs if slug in wanted], [each.name for each in slices_of(schema)]
    read_policy(Path(settings.policy)).check_names(*names)


def _check_device(settings: Settings, values: Mapping[str, str]) -> None:
    """Check the device of ``train`` against the growth policy, given the options that are set for it."""
    device = values.get("device", "cuda" if settings.resources("train").gpu else "cpu")
    if device != "cpu":  # a preset is read from a file
        preset = presets.load(Preset(settings.preset)).parameters
        presets.check_growth(device, values.get("grow-policy", str(preset.get("grow_policy", ""))))


def _check_options(options: type, step: str, slug: str | None, values: dict[str, str]) -> None:
    """Build the options of a step, which checks them together."""
    declared = overrides.OPTIONS[step]
    own: dict[str, Any] = {
        declared[name].attribute: declared[name].read(text)
        for name, text in values.items()
        if declared[name].attribute in options.__dataclass_fields__  # type: ignore[attr-defined]
    }
    try:
        options(**own)
    except UsageError as error:
        place = f"{step}.{slug}" if slug else step
        keys = ", ".join(f"{place}.{name.replace('-', '_')}" for name in values)
        raise UsageError(error.what, where=f"--set {keys}", fix=error.fix) from None
