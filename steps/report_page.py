"""The report as one static HTML page: no script, nothing loaded, so that Argo's UI shows it and a mail can carry it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from steps import charts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from steps.schema import CoverType, Schema

METRICS = {
    "f1": "F1",
    "precision": "Precision",
    "recall": "Recall",
    "pr_auc": "PR-AUC",
    "roc_auc": "ROC-AUC",
    "log_loss": "Log loss",
    "brier": "Brier",
    "accuracy": "Accuracy",
}
STEP_COLUMNS = ("Step", "Wall", "CPU", "Peak memory", "Rows in", "Rows out", "Read", "Written")
MOST_FEATURES = 20
_DARK_CELL = 0.72
_MEBIBYTE, _GIBIBYTE = 1 << 20, 1 << 30


@dataclass(frozen=True)
class Contents:
    """What the page shows: the report's document, and per slug the metrics and learning curves that are there."""

    schema: Schema
    asked: Sequence[CoverType]
    document: Mapping[str, Any]
    metrics: Mapping[str, Mapping[str, Any]]
    curves: Mapping[str, Mapping[str, Any]]
    seed: int
    preset: str

    def hue(self, cover_type: CoverType) -> charts.Hue:
        """Return the hue of a cover type, which follows from its place in the schema alone."""
        return charts.Hue.of(self.schema.cover_types.index(cover_type))

    def name(self, cover_type: CoverType) -> str:
        """Return a cover type's title behind a patch of its colour."""
        title = escape(cover_type.title).replace("/", "/<wbr>")
        return f'<i class="key" style="background:var(--{self.hue(cover_type).role})"></i><span>{title}</span>'

    @property
    def judged(self) -> list[CoverType]:
        """The cover types that have metrics, in order."""
        return [cover_type for cover_type in self.asked if cover_type.slug in self.metrics]


def render(contents: Contents) -> str:
    """Return the page; a section that has nothing to show is left out."""
    with charts.drawing():
        sections = [
            _header(contents),
            _banner(contents),
            _headline(contents),
            _metrics(contents),
            _confusion(contents),
            _precision_recall(contents),
            _learning_curves(contents),
            _importances(contents),
            _timeline(contents),
            _steps(contents),
        ]
    title = escape(f"{contents.schema.name}: model report")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    head += f"<style>{STYLE}</style>"
    body = "\n".join(section for section in sections if section)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body><main>\n{body}\n</main></body></html>\n'


def _header(contents: Contents) -> str:
    data = contents.document["data"]
    facts = {
        "Source": escape(str(data["source"])),
        "Rows": f"{data['rows']:,}",
        "Data SHA-256": f"<code>{escape(str(data['data_sha256'])[:12])}</code>",
        "Seed": str(contents.seed),
        "Preset": escape(contents.preset) or "&ndash;",
    }
    items = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts.items())
    return f"<header><p>Model report</p><h1>{escape(contents.schema.name)}</h1><dl>{items}</dl></header>"


def _banner(contents: Contents) -> str:
    absent = [cover_type.title for cover_type in contents.asked if cover_type.slug not in contents.metrics]
    if absent:
        what = f"{len(absent)} of {len(contents.asked)} cover types are missing: {escape(', '.join(absent))}."
        why = "A step of theirs failed: see its log. Accuracy and macro F1 would mislead without them and are left out."
        return f'<div class="banner" role="alert"><strong>{what}</strong> {why}</div>'
    if len(contents.asked) < len(contents.schema.cover_types):
        what = f"{len(contents.asked)} of {len(contents.schema.cover_types)} cover types were asked for."
        why = "The macro F1 is over these; the accuracy of the highest score needs all of them."
        return f'<div class="banner note" role="note"><strong>{what}</strong> {why}</div>'
    return ""


def _headline(contents: Contents) -> str:
    document, judged = contents.document, contents.judged
    together = {"accuracy": f"{len(contents.schema.cover_types)}-way accuracy", "macro_f1": "Macro F1"}
    cards = [
        (title, _number(document[key]), _interval(document[f"{key}_interval"], "95% interval "))
        for key, title in together.items()
    ]
    if judged:
        figures = document["cover_types"]
        weakest = min(judged, key=lambda cover_type: figures[cover_type.slug]["f1"])
        worst = figures[weakest.slug]
        share = f"{worst['rows'] / document['data']['rows']:.0%} of all rows"
        cards.append(("Lowest F1", _number(worst["f1"]), contents.name(weakest)))
        cards.append(("Test rows", f"{worst['rows']:,}", share))
    items = "".join(f"<div><dt>{name}</dt><dd>{value}<small>{below}</small></dd></div>" for name, value, below in cards)
    return f'<dl class="cards">{items}</dl>'


def _metrics(contents: Contents) -> str:
    columns = ("Cover type", "Rows", *METRICS.values(), "Threshold")
    rows = []
    for cover_type in contents.asked:
        name = f'<th scope="row">{contents.name(cover_type)}</th>'
        found = contents.document["cover_types"].get(cover_type.slug)
        if found is None:
            rows.append(f'<tr>{name}<td class="absent" colspan="{len(columns) - 1}">missing: a step failed</td></tr>')
            continue
        support = f"<td>{found['support']:,}<small>{found['support'] / found['rows']:.2%}</small></td>"
        cells = "".join(
            f"<td>{_number(found[key])}<small>{_interval(found[key + '_interval'])}</small></td>" for key in METRICS
        )
        rows.append(f"<tr>{name}{support}{cells}<td>{found['threshold']:.3f}</td></tr>")
    lead = (
        "Each cover type against all others, with 95% intervals. "
        "The share below its rows is the PR-AUC that guessing would reach."
    )
    notes = (
        "Precision, recall, F1 and accuracy are at the threshold with the best F1 on the validation rows. "
        "Intervals: Wilson (precision, recall, accuracy), bootstrap (F1), logit (PR-AUC), DeLong (ROC-AUC), "
        "normal (log loss, Brier)."
    )
    table = _table("metrics", "Metrics by cover type", columns, f"<tbody>{''.join(rows)}</tbody>")
    return _section("Each model on the test rows", lead, f'{table}<p class="notes">{notes}</p>')


def _confusion(contents: Contents) -> str:
    matrix = contents.document["confusion"]
    if matrix is None:
        return ""
    names = [contents.name(cover_type) for cover_type in contents.asked]
    rows = []
    for name, counts in zip(names, matrix["counts"], strict=True):
        total = sum(counts)
        cells = [(f"{count:,}", _percent(count, total), math.sqrt(count / max(total, 1))) for count in counts]
        rows.append((name, cells))
    lead = (
        "Rows: the true cover type. Columns: the predicted one, whose model has the highest score. "
        "Each share is of its row; the colour grows with the square root of the share, so that small confusions show."
    )
    return _section(
        "Confusion of the highest score",
        lead,
        _heat_map("Confusion matrix", ["True &darr;&ensp;predicted &rarr;", *names], rows),
    )


def _precision_recall(contents: Contents) -> str:
    if not contents.judged:
        return ""
    curves, legend = [], []
    for cover_type in contents.judged:
        found, curve = contents.document["cover_types"][cover_type.slug], contents.metrics[cover_type.slug]["pr_curve"]
        chosen = (found["recall"] or 0.0, found["precision"] or 0.0)
        hue, mark = contents.hue(cover_type), str(contents.schema.cover_types.index(cover_type) + 1)
        curves.append(charts.PrCurve(hue, mark, curve["recall"], curve["precision"], chosen))
        disc = f'<i class="disc" style="background:var(--{hue.role})">{mark}</i>'
        legend.append(f"<li>{disc}{escape(cover_type.title)}<span>{_number(found['pr_auc'])}</span></li>")
    corner = max(0.0, math.floor(min(min(curve.chosen) for curve in curves) * 10 - 0.5) / 10)
    text = "Precision over recall of every model, "
    figures = ""
    if corner:
        unmarked = [curve._replace(mark="") for curve in curves]
        figures = _figure("The whole range", charts.precision_recall(unmarked, 0.0, "pr-all", text + "whole range"))
    caption = f"From {corner:g} to 1"
    figures += _figure(caption, charts.precision_recall(curves, corner, "pr-corner", text + caption.lower()))
    lead = "Discs mark the chosen thresholds; dotted lines are lines of equal F1. Beside each name is its PR-AUC."
    return _section(
        "Precision and recall", lead, f'<ul class="legend">{"".join(legend)}</ul><div class="pair">{figures}</div>'
    )


def _learning_curves(contents: Contents) -> str:
    shown = [cover_type for cover_type in contents.asked if cover_type.slug in contents.curves]
    if not shown:
        return ""
    values = [
        contents.curves[cover_type.slug][part]["aucpr"] for cover_type in shown for part in ("train", "validation")
    ]
    lowest = min(0.9, math.floor(min(map(min, values)) * 10) / 10)
    figures = []
    for cover_type in shown:
        curve = contents.curves[cover_type.slug]
        validation = curve["validation"]["aucpr"]
        best = f"best {max(validation):.4f} after {curve['rounds'][validation.index(max(validation))]} rounds"
        label = f"{cover_type.title}: PR-AUC over rounds; on the validation rows {best}"
        plot = charts.learning_curve(curve, contents.hue(cover_type), lowest, f"curve-{cover_type.slug}", label)
        figures.append(_figure(f"{contents.name(cover_type)}<small>{best}</small>", plot))
    lead = (
        "PR-AUC over the boosting rounds: validation rows in colour, training rows dashed. "
        "A line that still rises says that more rounds would help. The vertical axes are all the same."
    )
    return _section("Learning curves", lead, f'<div class="grid">{"".join(figures)}</div>')


def _importances(contents: Contents) -> str:
    judged = contents.judged
    shares = {cover_type.slug: contents.metrics[cover_type.slug]["importances"] for cover_type in judged}
    features = {feature for share in shares.values() for feature in share}
    means = {feature: sum(share.get(feature, 0.0) for share in shares.values()) / len(judged) for feature in features}
    ranked = sorted(means, key=lambda feature: (-means[feature], feature))
    if not ranked:
        return ""
    top = max(value for share in shares.values() for value in share.values())
    rows = []
    for feature in ranked[:MOST_FEATURES]:
        values = [shares[cover_type.slug].get(feature, 0.0) for cover_type in judged]
        rows.append((escape(feature.replace("_", " ")), [(f"{value:.1%}", "", value / top) for value in values]))
    lead = "Share of the total gain of all splits of a model; the features are in order of their mean share."
    if rest := ranked[MOST_FEATURES:]:
        lead += f" {len(rest)} more features with at most {means[rest[0]]:.1%} on average are left out."
    columns = ["Feature", *(contents.name(cover_type) for cover_type in judged)]
    return _section("Feature importances", lead, _heat_map("Feature importances", columns, rows))


def _timeline(contents: Contents) -> str:
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
    return _section("Timeline", lead, f'<ul class="legend">{"".join(keys)}</ul>' + _scroll(plot, "Timeline"))


def _steps(contents: Contents) -> str:
    usages = contents.document["steps"]
    if not usages:
        return ""
    groups: dict[str, list[str]] = {}
    for usage in usages:
        figures = (
            f"{usage['wall_seconds']:,.2f} s",
            f"{usage['cpu_seconds']:,.2f} s",
            _bytes(usage["peak_rss_bytes"]),
            *(f"{usage[key]:,}" if usage[key] else "&ndash;" for key in ("rows_in", "rows_out")),
            *(_bytes(usage[key]) for key in ("bytes_in", "bytes_out")),
        )
        cached = ' <span class="cached">cached</span>' if usage["cached"] else ""
        cells = "".join(f"<td>{figure}</td>" for figure in figures)
        row = f'<tr><th scope="row">{escape(usage["step"])}{cached}</th>{cells}</tr>'
        groups.setdefault(_row_of(usage, contents), []).append(row)
    span = f'class="group" scope="rowgroup" colspan="{len(STEP_COLUMNS)}"'
    bodies = (f"<tbody><tr><th {span}>{escape(name)}</th></tr>{''.join(rows)}</tbody>" for name, rows in groups.items())
    most = _bytes(max(usage["peak_rss_bytes"] for usage in usages))
    lead = f"CPU time and peak memory are those of a step's whole process; the highest peak is {most}."
    if any(usage["cached"] for usage in usages):
        lead += " Cached: the result and these figures are an earlier run's."
    return _section("What each step used", lead, _table("steps", "Resources by step", STEP_COLUMNS, "".join(bodies)))


def _row_of(usage: Mapping[str, Any], contents: Contents) -> str:
    """Return the title of the cover type a step worked for, or else the step's own name."""
    slug = usage["name"].partition(".")[2]
    titles = {cover_type.slug: cover_type.title for cover_type in contents.schema.cover_types}
    return titles.get(slug, str(usage["name"]))


def _step_colours(contents: Contents) -> dict[str, str]:
    """Return each step's colour role, by the order in which the steps are first named."""
    steps = dict.fromkeys(usage["step"] for usage in contents.document["steps"])
    return {step: charts.STAGES[place % len(charts.STAGES)] for place, step in enumerate(steps)}


def _section(title: str, lead: str, body: str) -> str:
    return f"<section><h2>{title}</h2><p>{lead}</p>{body}</section>"


def _figure(caption: str, plot: str) -> str:
    return f"<figure><figcaption>{caption}</figcaption>{plot}</figure>"


def _scroll(body: str, label: str) -> str:
    """Let what is wider than the page scroll by itself, with the keyboard too."""
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{label}">{body}</div>'


def _table(kind: str, label: str, columns: Sequence[str], bodies: str) -> str:
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    table = f'<table class="{kind}" style="--n:{len(columns) - 1}"><thead><tr>{head}</tr></thead>{bodies}</table>'
    return _scroll(table, label)


def _heat_map(label: str, columns: Sequence[str], rows: Iterable[tuple[str, list[tuple[str, str, float]]]]) -> str:
    """Return a table of (text, text below, shade from 0 to 1) cells."""
    body = []
    for name, cells in rows:
        tds = (
            f'<td class="{"deep" if shade > _DARK_CELL else ""}" style="--a:{shade:.2f}">{text}<small>{below}</small>'
            for text, below, shade in cells
        )
        body.append(f'<tr><th scope="row">{name}</th>{"</td>".join(tds)}</td></tr>')
    return _table("heat", label, columns, f"<tbody>{''.join(body)}</tbody>")


def _number(value: float | None) -> str:
    return "&ndash;" if value is None else f"{value:.4f}"


def _interval(ends: Sequence[float] | None, before: str = "") -> str:
    return "" if ends is None else f"{before}{ends[0]:.4f}&ndash;{ends[1]:.4f}"


def _percent(count: int, total: int) -> str:
    return "" if not count else f"{count / total:.1%}" if count >= total / 1000 else "&lt;0.1%"


def _bytes(count: int) -> str:
    if not count:
        return "&ndash;"
    return f"{count / _GIBIBYTE:.2f} GiB" if count >= _GIBIBYTE else f"{count / _MEBIBYTE:.1f} MiB"


STYLE = (
    charts.PALETTE
    + """
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-variant-numeric:tabular-nums;
-webkit-text-size-adjust:100%;print-color-adjust:exact;-webkit-print-color-adjust:exact}
main{max-width:1180px;margin:0 auto;padding:40px 24px 64px}
h1{font-size:34px;line-height:1.15;letter-spacing:-.02em;margin:0 0 16px}
h2{font-size:20px;letter-spacing:-.01em;margin:0 0 4px}
header>p{margin:0;color:var(--muted);font-size:13px}
section{margin-top:48px}
section>p{margin:0 0 16px;color:var(--muted);max-width:76ch}
section>p.notes{font-size:13px;margin:12px 0 0}
dl,dd,figure,ul{margin:0;padding:0}
dt,small,.notes{color:var(--muted)}
code{font:inherit;font-family:ui-monospace,monospace;font-size:.93em}
header dl{display:flex;flex-wrap:wrap;gap:8px 32px}
dt{font-size:13px}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(210px,1fr));gap:16px;margin-top:28px}
.cards div{background:var(--panel);border-radius:10px;padding:16px 20px}
.cards dd{font-size:34px;line-height:1.2;font-weight:600;letter-spacing:-.02em}
.cards small{display:block;font-size:13px;font-weight:400;letter-spacing:0;margin-top:4px}
.banner{margin-top:24px;padding:14px 18px;border-radius:8px;border-left:5px solid var(--alarm);
background:var(--alarm-panel)}
.banner.note{border-color:var(--muted);background:var(--panel)}
.key{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:7px;vertical-align:-.5px}
.disc{display:inline-grid;place-items:center;width:20px;height:20px;border-radius:50%;margin-right:7px;
color:var(--paper);font:700 12px/1 system-ui,sans-serif}
.scroll{overflow-x:auto}.scroll:focus-visible{outline:2px solid var(--hue0);outline-offset:4px}
table{border-collapse:collapse;width:100%}
th{font-weight:500;text-align:left}
thead th{color:var(--muted);font-size:13px;vertical-align:bottom}
th,td{padding:7px 10px;border-bottom:1px solid var(--line)}
td,thead th+th{text-align:right}
td{white-space:nowrap}
tr>:first-child{padding-left:0}tr>:last-child{padding-right:0}
tbody th{white-space:nowrap}
td small{display:block;font-size:11.5px;line-height:1.3}
.metrics td,.metrics thead th+th{padding-left:6px;padding-right:5px}.metrics small{font-size:11px}
.absent{text-align:left;color:var(--alarm)}
.heat{border-collapse:separate;border-spacing:2px;table-layout:fixed;min-width:calc(280px + var(--n)*86px)}
.heat th:first-child{width:280px;white-space:normal}.heat thead .key{display:block;margin:0 auto 4px}
.heat th,.heat td{border:0}.heat thead th+th{text-align:center;line-height:1.3}.heat tbody th{padding-right:14px}
.heat td{text-align:center;border-radius:4px;padding:6px 8px;background:rgb(var(--heat)/var(--a))}
.heat td small{color:inherit;opacity:.8}.heat .deep{color:var(--on-heat)}.heat td small:empty{display:none}
.legend{display:flex;flex-wrap:wrap;gap:4px 22px;list-style:none;margin-bottom:12px}
.legend li{display:flex;align-items:center}.legend span{color:var(--muted);margin-left:8px}
.pair,.grid{display:grid;gap:20px}
.pair{grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr))}
.grid{grid-template-columns:repeat(auto-fill,minmax(230px,1fr))}
figcaption{font-size:14px;font-weight:500;margin-bottom:4px}
figcaption small{display:block;font-weight:400;font-size:12.5px}
svg{display:block;max-width:100%;height:auto;font-family:inherit}svg *{stroke-linejoin:round;stroke-linecap:butt}
.scroll svg{min-width:760px}
.steps{font-size:14px}.steps th,.steps td{padding-top:4px;padding-bottom:4px}
.steps .group{font-weight:600;padding-top:16px}
.cached{font-size:12px;color:var(--muted);border:1px solid var(--line);border-radius:9px;padding:0 7px;
margin-left:6px}
.scroll tr>th:first-child{position:sticky;left:0;background:var(--paper)}
@media(max-width:600px){
.grid{grid-template-columns:repeat(auto-fill,minmax(200px,1fr))}
.heat{min-width:calc(140px + var(--n)*74px)}.heat th:first-child{width:140px;font-size:13px}
.heat thead th{font-size:11px}
main{padding:24px 16px 48px}
h1,.cards dd{font-size:28px}
.cards{grid-template-columns:1fr 1fr;gap:10px}.cards div{padding:12px 14px}}
@media print{
main{max-width:none;padding:0}
body{font-size:11px}
section{margin-top:24px}
figure,tr,.cards div{break-inside:avoid}
h2{break-after:avoid}
.scroll{overflow:visible}.scroll svg{min-width:0}}
"""
)
