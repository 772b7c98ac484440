"""The report's sections on the steps themselves: when they worked, and what they used."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from steps.reporting import charts
from steps.reporting import html as page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from steps.reporting.contents import Contents

STEP_COLUMNS = ("Step", "Wall", "CPU", "Peak memory", "Rows in", "Rows out", "Read", "Written")


def timeline(contents: Contents) -> str:
    """Return the section that shows when each step of this run worked; nothing where all were cached."""
    usages = [usage for usage in contents.document["steps"] if not usage["cached"]]
    if not usages:
        return ""
    first = min(usage["started"] for usage in usages)
    colours = _step_colours(contents)
    bars: dict[str, list[charts.Bar]] = {}
    for usage in usages:
        bar = charts.Bar(usage["started"] - first, usage["wall_seconds"], colours[usage["step"]])
        bars.setdefault(_row_of(usage, contents), []).append(bar)
    total = max(usage["finished"] for usage in usages) - first
    label = f"Timeline of {len(usages)} steps in {total:.1f} seconds"
    plot = charts.timeline(list(bars.items()), "timeline", label)
    used = {usage["step"] for usage in usages}
    keys = (
        f'<li><i class="key" style="background:var(--{role})"></i>{escape(step)}</li>'
        for step, role in colours.items()
        if step in used
    )
    work = sum(usage["wall_seconds"] for usage in usages)
    lead = (
        f"{len(usages)} steps took {work:,.1f} s of work in {total:,.1f} s. "
        "A gap is a wait for a free place, or a process or pod starting."
    )
    return page.section("Timeline", lead, f'<ul class="legend">{"".join(keys)}</ul>' + page.scroll(plot, "Timeline"))


def table(contents: Contents) -> str:
    """Return the section that lists time, memory, rows and bytes of each step."""
    usages = contents.document["steps"]
    if not usages:
        return ""
    groups: dict[str, list[str]] = {}
    for usage in usages:
        figures = (
            f"{usage['wall_seconds']:,.2f} s",
            f"{usage['cpu_seconds']:,.2f} s",
            page.size(usage["peak_rss_bytes"]),
            *(f"{usage[key]:,}" if usage[key] else "&ndash;" for key in ("rows_in", "rows_out")),
            *(page.size(usage[key]) for key in ("bytes_in", "bytes_out")),
        )
        cached = ' <span class="cached">cached</span>' if usage["cached"] else ""
        cells = "".join(f"<td>{figure}</td>" for figure in figures)
        row = f'<tr><th scope="row">{escape(usage["step"])}{cached}</th>{cells}</tr>'
        groups.setdefault(_row_of(usage, contents), []).append(row)
    span = f'class="group" scope="rowgroup" colspan="{len(STEP_COLUMNS)}"'
    bodies = (f"<tbody><tr><th {span}>{escape(name)}</th></tr>{''.join(rows)}</tbody>" for name, rows in groups.items())
    most = page.size(max(usage["peak_rss_bytes"] for usage in usages))
    lead = f"CPU time is that of the work alone, without imports; the highest peak of memory is {most}."
    if any(usage["cached"] for usage in usages):
        lead += " Cached: the result and these figures are an earlier run's."
    return page.section(
        "What each step used", lead, page.table("steps", "Resources by step", STEP_COLUMNS, "".join(bodies))
    )


def _row_of(usage: Mapping[str, Any], contents: Contents) -> str:
    """Return the title of the cover type a step worked for, or else the step's own name."""
    slug = usage["name"].partition(".")[2]
    titles = {cover_type.slug: cover_type.title for cover_type in contents.schema.cover_types}
    return titles.get(slug, str(usage["name"]))


def _step_colours(contents: Contents) -> dict[str, str]:
    """Return each step's colour role, by the order in which the steps are first named."""
    steps = dict.fromkeys(usage["step"] for usage in contents.document["steps"])
    return {step: charts.STAGES[place % len(charts.STAGES)] for place, step in enumerate(steps)}
