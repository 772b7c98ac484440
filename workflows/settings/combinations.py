"""Check values of settings together, as the steps do: each may be accepted alone, but not with the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steps import schema as schemas
from steps.core import uris
from steps.core.errors import UsageError
from steps.core.times import parse_time
from steps.options import STEP_OPTIONS
from steps.sources.reading import Reading
from workflows.settings import overrides

if TYPE_CHECKING:
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
    if not settings.overrides:
        return
    given = overrides.parse(settings.overrides, schemas.load(settings.table_schema).slugs)
    for slug in (None, *given.by_cover_type):
        for step, classes in STEP_OPTIONS.items():
            values = given.of(step, slug)
            for options in classes if values else ():
                _check_options(options, step, slug, values)


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
