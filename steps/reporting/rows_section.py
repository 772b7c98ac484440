"""The report's section on the rows: what was dropped, and how common each cover type is in the source and here."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from steps.reporting import html as page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from steps.reporting.contents import Contents

COLUMNS = ("Cover type", "Rows in the source", "Share", "Rows used", "Share", "Shares differ")

REASONS = {"missing": "for a missing value", "duplicates": "as duplicates", "not_in_sample": "by sampling"}


def section(contents: Contents) -> str:
    """Return the section; nothing where all rows of the source were used and there is nothing to note."""
    data = contents.document["data"]
    if not data["notes"] and data["rows"] == data["rows_read"]:
        return ""
    lead = f"{data['rows']:,} of {data['rows_read']:,} rows of the source were used."
    why = {"missing": "for a missing value", "duplicates": "as duplicates", "not_in_sample": "by sampling"}
    lost = [
        f"{data['dropped'][kind]:,} were left out {reason}" for kind, reason in why.items() if data["dropped"][kind]
    ]
    lead += f" {'; '.join(lost).capitalize()}." if lost else ""
    notes = "".join(f"<li>{escape(note)}</li>" for note in data["notes"])
    body = f'<ul class="remarks">{notes}</ul>' if notes else ""
    rows = "".join(_row(contents.name(cover_type), data, cover_type.slug) for cover_type in contents.schema.cover_types)
    body += page.table("prevalence", "Rows by cover type", COLUMNS, f"<tbody>{rows}</tbody>")
    return page.section("Rows used", lead, body)


def _row(name: str, data: Mapping[str, Any], slug: str) -> str:
    shares = data["prevalence"][slug]
    cells = (
        f"{data['source_class_counts'][slug]:,}",
        f"{shares['source']:.2%}",
        f"{data['class_counts'][slug]:,}",
        f"{shares['used']:.2%}",
        "yes" if shares["differs"] else "no",
    )
    return f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
