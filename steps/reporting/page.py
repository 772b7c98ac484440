"""The report as one static HTML page: no script, nothing loaded, so that Argo's UI shows it and a mail can carry it."""

from __future__ import annotations

import math
from html import escape

from steps.reporting import charts, rows_section, search_section, steps_sections
from steps.reporting import html as page
from steps.reporting.contents import METRICS, Contents

MOST_FEATURES = 20


def render(contents: Contents) -> str:
    """Return the page; a section that has nothing to show is left out."""
    with charts.drawing():
        sections = [
            _header(contents),
            _banner(contents),
            _headline(contents),
            rows_section.section(contents),
            _metrics(contents),
            _confusion(contents),
            _precision_recall(contents),
            _learning_curves(contents),
            _importances(contents),
            _searches(contents),
            steps_sections.timeline(contents),
            steps_sections.table(contents),
        ]
    title = escape(f"{contents.schema.name}: model report")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    head += f"<style>{charts.PALETTE}{page.style()}</style>"
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
        (title, page.number(document[key]), page.interval(document[f"{key}_interval"], "95% interval "))
        for key, title in together.items()
    ]
    if judged:
        figures = document["cover_types"]
        weakest = min(judged, key=lambda cover_type: figures[cover_type.slug]["f1"])
        worst = figures[weakest.slug]
        share = f"{worst['rows'] / document['data']['rows']:.0%} of all rows"
        cards.append(("Lowest F1", page.number(worst["f1"]), contents.name(weakest)))
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
            f"<td>{page.number(found[key])}<small>{page.interval(found[key + '_interval'])}</small></td>"
            for key in METRICS
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
    table = page.table("metrics", "Metrics by cover type", columns, f"<tbody>{''.join(rows)}</tbody>")
    return page.section("Each model on the test rows", lead, f'{table}<p class="notes">{notes}</p>')


def _confusion(contents: Contents) -> str:
    matrix = contents.document["confusion"]
    if matrix is None:
        return ""
    names = [contents.name(cover_type) for cover_type in contents.asked]
    rows = []
    for name, counts in zip(names, matrix["counts"], strict=True):
        total = sum(counts)
        cells = [(f"{count:,}", page.percent(count, total), math.sqrt(count / max(total, 1))) for count in counts]
        rows.append((name, cells))
    lead = (
        "Rows: the true cover type. Columns: the predicted one, whose model has the highest score. "
        "Each share is of its row; the colour grows with the square root of the share, so that small confusions show."
    )
    return page.section(
        "Confusion of the highest score",
        lead,
        page.heat_map("Confusion matrix", ["True &darr;&ensp;predicted &rarr;", *names], rows),
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
        legend.append(f"<li>{disc}{escape(cover_type.title)}<span>{page.number(found['pr_auc'])}</span></li>")
    corner = max(0.0, math.floor(min(min(curve.chosen) for curve in curves) * 10 - 0.5) / 10)
    text = "Precision over recall of every model, "
    figures = ""
    if corner:
        unmarked = [curve._replace(mark="") for curve in curves]
        figures = page.figure("The whole range", charts.precision_recall(unmarked, 0.0, "pr-all", text + "whole range"))
    caption = f"From {corner:g} to 1"
    figures += page.figure(caption, charts.precision_recall(curves, corner, "pr-corner", text + caption.lower()))
    lead = "Discs mark the chosen thresholds; dotted lines are lines of equal F1. Beside each name is its PR-AUC."
    return page.section(
        "Precision and recall", lead, f'<ul class="legend">{"".join(legend)}</ul><div class="pair">{figures}</div>'
    )


def _learning_curves(contents: Contents) -> str:
    shown = [cover_type for cover_type in contents.asked if cover_type.slug in contents.curves]
    if not shown:
        return ""
    curves = [
        contents.curves[cover_type.slug][part]["pr_auc"] for cover_type in shown for part in ("train", "validation")
    ]
    # The first rounds are far below the rest: with them on the axis, nothing could be told from a curve's end.
    lowest = min(0.95, math.floor(min(min(curve[len(curve) // 3 :]) for curve in curves) * 20) / 20)
    figures = []
    for cover_type in shown:
        curve = contents.curves[cover_type.slug]
        validation = curve["validation"]["pr_auc"]
        best = f"best {max(validation):.4f} after {curve['rounds'][validation.index(max(validation))]} rounds"
        label = f"{cover_type.title}: PR-AUC over rounds; on the validation rows {best}"
        plot = charts.learning_curve(curve, contents.hue(cover_type), lowest, f"curve-{cover_type.slug}", label)
        figures.append(page.figure(f"{contents.name(cover_type)}<small>{best}</small>", plot))
    lead = (
        "PR-AUC (average precision) over the boosting rounds: validation rows in colour, training rows dashed. "
        "A line that still rises says that more rounds would help. The vertical axes are all the same. "
        "The best value of a curve is the best of many on these rows: the test rows above estimate the quality."
    )
    return page.section("Learning curves", lead, f'<div class="grid">{"".join(figures)}</div>')


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
        rows.append((escape(feature).replace("_", "_<wbr>"), [(f"{value:.1%}", "", value / top) for value in values]))
    lead = "Share of the total gain of all splits of a model; the features are in order of their mean share."
    if rest := ranked[MOST_FEATURES:]:
        lead += f" {len(rest)} more features with at most {means[rest[0]]:.1%} on average are left out."
    columns = ["Feature", *(contents.name(cover_type) for cover_type in judged)]
    return page.section("Feature importances", lead, page.heat_map("Feature importances", columns, rows))


def _searches(contents: Contents) -> str:
    shown = [cover_type for cover_type in contents.asked if contents.searches.get(cover_type.slug, {}).get("trials")]
    return search_section.section(
        [
            (each.slug, contents.name(each), each.title, contents.hue(each), contents.searches[each.slug])
            for each in shown
        ]
    )
