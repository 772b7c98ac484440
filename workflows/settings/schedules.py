"""Check the schedule of a CronWorkflow as Argo does: ``ParseStandard`` of https://github.com/robfig/cron (v3)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from workflows.settings import names

_DESCRIPTORS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_EVERY = "@every "
# A duration of Go's time.ParseDuration, without a sign.
_DURATION = re.compile(r"((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+", re.ASCII)
_ZONE = re.compile(r"(CRON_)?TZ=")
_NUMBER = re.compile(r"\+?\d{1,18}", re.ASCII)


@dataclass(frozen=True)
class _Field:
    """One of the five fields: its name, its lowest and highest number, and the names of its numbers."""

    name: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()

    def number(self, text: str) -> int | None:
        """Return the number that a text stands for, or None."""
        if text.lower() in self.names:
            return self.lowest + self.names.index(text.lower())
        return int(text) if _NUMBER.fullmatch(text) else None


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 6, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)


def problem(schedule: str) -> str | None:
    """Return the problem with a schedule as a clause, None if Argo accepts it.

    A leading time zone (``TZ=``) is refused: a CronWorkflow has a field for it, and Argo would combine both.
    """
    if wrong := names.one_line(schedule):
        return wrong
    if _ZONE.match(schedule):
        return f"{schedule!r} begins with a time zone, which belongs into the field timezone"
    if schedule.startswith("@"):
        return _descriptor_problem(schedule)
    words = schedule.split()
    if len(words) != len(_FIELDS):
        return f"{schedule!r} has {len(words)} fields, not five (minute, hour, day, month, day of the week)"
    problems = (_field_problem(word, field) for word, field in zip(words, _FIELDS, strict=True))
    return next((f"{found}, in {schedule!r}" for found in problems if found), None)


def _field_problem(word: str, field: _Field) -> str | None:
    for part in filter(None, word.split(",")):
        if not _is_range(part, field):
            return f"{part!r} is no {field.name} ({field.lowest}-{field.highest})"
    return None if word.strip(",") else f"{word!r} is no {field.name}"


def _descriptor_problem(schedule: str) -> str | None:
    if schedule.startswith(_EVERY):
        duration = schedule.removeprefix(_EVERY)
        return None if _DURATION.fullmatch(duration) else f"{duration!r} is no duration such as 1h30m"
    if schedule in _DESCRIPTORS:
        return None
    return f"{schedule!r} is none of {', '.join(_DESCRIPTORS)} and @every DURATION"


def _is_range(text: str, field: _Field) -> bool:
    """Return whether a text is ``*``, a number or a range, optionally with a step."""
    base, slash, step = text.partition("/")
    if slash and not (_NUMBER.fullmatch(step) and int(step) > 0):
        return False
    first, dash, last = base.partition("-")
    if first in ("*", "?"):
        return not dash
    low = field.number(first)
    high = field.number(last) if dash else (field.highest if slash else low)
    return low is not None and high is not None and field.lowest <= low <= high <= field.highest
