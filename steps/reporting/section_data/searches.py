"""The section on the hyperparameter searches: their gains, their trials, and which hyperparameters mattered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steps.reporting import search_charts
from steps.reporting.section_data.parts import HeatMap, Plot, share_row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from steps.reporting.run_results import CoverTypeName, RunResults
    from steps.schema import CoverType

OBJECTIVES = {"pr_auc": "PR-AUC", "f1": "F1", "logloss": "Log loss"}


@dataclass(frozen=True)
class SearchRow:
    """The search of one cover type.

    Attributes:
        name: name of the cover type.
        trials: number of trials.
        pruned: number of them that were pruned.
        objective: title of the objective.
        gain: entry ``gain`` of the trial table.
        verdict: whether the gain is statistically significant.
    """

    name: CoverTypeName
    trials: int
    pruned: int
    objective: str
    gain: Mapping[str, Any]
    verdict: str


@dataclass(frozen=True)
class Searches:
    """View data of ``searches.html``.

    Attributes:
        rows: one row for each search.
        histories: plot of the objective over the trials, for each search.
        importances: importance of each hyperparameter in each search with enough trials, None if there is none.
        parallels: plot of the hyperparameters of the trials, for each search.
    """

    rows: Sequence[SearchRow]
    histories: Sequence[Plot]
    importances: HeatMap | None
    parallels: Sequence[Plot]


def searches(results: RunResults) -> Searches | None:
    """Return the section, None if no search made a trial."""
    shown = [each for each in results.requested if results.searches.get(each.slug, {}).get("trials")]
    if not shown:
        return None
    return Searches(
        rows=[_row(results.name(each), results.searches[each.slug]) for each in shown],
        histories=[_history(results, each) for each in shown],
        importances=_importances([(results.name(each), results.searches[each.slug]["importances"]) for each in shown]),
        parallels=[_parallel(results, each) for each in shown],
    )


def _row(name: CoverTypeName, table: Mapping[str, Any]) -> SearchRow:
    gain, trials = table["gain"], table["trials"]
    return SearchRow(
        name=name,
        trials=len(trials),
        pruned=sum(trial["state"] != "complete" for trial in trials),
        objective=OBJECTIVES[table["objective"]],
        gain=gain,
        verdict="not tested" if gain["low"] is None else "yes" if gain["significant"] else "no",
    )


def _history(results: RunResults, cover_type: CoverType) -> Plot:
    table = results.searches[cover_type.slug]
    best = table["trials"][table["best"] - 1]
    note = f"best {best['value']:.4f} in trial {best['number']} of {len(table['trials'])}"
    label = f"{cover_type.title}: {OBJECTIVES[table['objective']]} over trials, {note}"
    svg = search_charts.history(table, results.hue(cover_type), f"search-{cover_type.slug}", label)
    return Plot(svg, results.name(cover_type), note)


def _parallel(results: RunResults, cover_type: CoverType) -> Plot:
    table = results.searches[cover_type.slug]
    label = f"{cover_type.title}: hyperparameters of the trials, the best tenth in colour"
    svg = search_charts.parallel_coordinates(table, results.hue(cover_type), f"parallel-{cover_type.slug}", label)
    return Plot(svg, results.name(cover_type), label=label)


def _importances(named: Sequence[tuple[CoverTypeName, Mapping[str, float]]]) -> HeatMap | None:
    """Return the importance of each hyperparameter in the searches that have importances, most important first."""
    columns = [name for name, shares in named if shares]
    found = [shares for _, shares in named if shares]
    if not found:
        return None
    totals = {key: sum(shares.get(key, 0.0) for shares in found) for each in found for key in each}
    highest = max(value for shares in found for value in shares.values())
    keys = sorted(totals, key=lambda key: (-totals[key], key))
    return HeatMap(columns, [share_row(key.replace("_", " "), key, found, highest, decimals=0) for key in keys])
