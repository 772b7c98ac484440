"""The report's section about the hyperparameter searches: their gains, their trials, and what mattered."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from steps.reporting import html as page
from steps.reporting import search_charts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from steps.reporting.charts import Hue

OBJECTIVES = {"pr_auc": "PR-AUC", "f1": "F1", "logloss": "Log loss"}
COLUMNS = ("Cover type", "Trials", "Pruned", "Objective", "Preset", "Best", "Gain", "Significant", "Held-out rows")


def section(tables: Sequence[tuple[str, str, str, Hue, Mapping[str, Any]]]) -> str:
    """Return the section, nothing where no search was made.

    Args:
        tables: slug, name as HTML, title, hue and trial table of each cover type whose search made trials.
    """
    if not tables:
        return ""
    rows, histories, lines = [], [], []
    for slug, name, title, hue, table in tables:
        rows.append(_row(name, table))
        objective, best = OBJECTIVES[table["objective"]], table["trials"][table["best"] - 1]
        what = f"best {best['value']:.4f} in trial {best['number']} of {len(table['trials'])}"
        label = f"{title}: {objective} over trials, {what}"
        plot = search_charts.history(table, hue, f"search-{slug}", label)
        histories.append(page.figure(f"{name}<small>{what}</small>", plot))
        label = f"{title}: hyperparameters of the trials, the best tenth in colour"
        plot = search_charts.parallel_coordinates(table, hue, f"parallel-{slug}", label)
        lines.append(page.figure(name, page.scroll(plot, escape(label))))
    lead = (
        "Half of the validation rows chose the best trial. The table compares it with the preset on the other half, "
        "which was held out from the search. The gain has a 95% interval from a paired bootstrap. It is statistically "
        "significant where the whole interval is above 0 (one-sided test at the 2.5% level). The plots show the "
        "objective on the rows that chose, where the best of many trials looks better than it is."
    )
    body = page.table("search", "Searches", COLUMNS, f"<tbody>{''.join(rows)}</tbody>")
    body += f'<div class="grid">{"".join(histories)}</div>'
    return page.section("Hyperparameter search", lead, body + _importances(tables) + "".join(lines))


def _row(name: str, table: Mapping[str, Any]) -> str:
    gain, trials = table["gain"], table["trials"]
    pruned = sum(trial["state"] != "complete" for trial in trials)
    cells = (
        str(len(trials)),
        str(pruned),
        OBJECTIVES[table["objective"]],
        page.number(gain["preset"]),
        page.number(gain["best"]),
        _gain(gain),
        "not tested" if gain["low"] is None else "yes" if gain["significant"] else "no",
        f"{gain['rows']}<small>{gain['positive_rows']} positive</small>",
    )
    return f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _gain(gain: Mapping[str, Any]) -> str:
    if gain["low"] is None:
        return page.number(None)
    return f"{gain['gain']:+.4f}<small>{gain['low']:+.4f} to {gain['high']:+.4f}</small>"


def _importances(tables: Sequence[tuple[str, str, str, Hue, Mapping[str, Any]]]) -> str:
    """Return how much each hyperparameter explains of a trial's value, as a heat map; nothing for few trials."""
    shares = [(name, table["importances"]) for _, name, _, _, table in tables if table["importances"]]
    if not shares:
        return ""
    means = {key: sum(each.get(key, 0.0) for _, each in shares) for _, each in shares for key in each}
    top = max(value for _, each in shares for value in each.values())
    rows = []
    for key in sorted(means, key=lambda key: (-means[key], key)):
        values = [each.get(key, 0.0) for _, each in shares]
        rows.append((escape(key.replace("_", " ")), [(f"{value:.0%}", "", value / top) for value in values]))
    return page.heat_map("Hyperparameter importances", ["Hyperparameter", *(name for name, _ in shares)], rows)
