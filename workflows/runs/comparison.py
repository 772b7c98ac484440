"""Compares two runs or versions: metrics on common test rows, parameters, data, time and size."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steps.comparison import paired
from steps.core.errors import NoInputError
from workflows.runs.compared import Side, read_run, read_version
from workflows.runs.results import run_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from steps.registry.destinations import Destination

# Facts about a model that are results or derived from others.
_NOT_PARAMETERS = {"cover_type", "label", "sha256", "schema", "data_sha256", "threshold", "calibration", "best_rounds"}
# Facts about the data that are compared, by their keys in report.json.
_DATA_KEYS = ("source", "source_sha256", "data_sha256", "rows_read", "rows", "dropped", "missing", "class_counts")


def read_sides(
    names: tuple[str, str], output: Path, registry: Callable[[], Destination] | None, on: str = ""
) -> tuple[Side, Side]:
    """Return both sides of a comparison.

    Args:
        names: The two names. With a registry each is a version or an alias, otherwise or if there is none, a run on
            this machine.
        output: The folder of the runs.
        registry: Opens the registry; None if none is given.
        on: The address of a reference table whose rows are compared; empty for the test rows.

    Raises:
        NoInputError: There is neither a version nor a run of a name.
        PipelineError: As ``compared.read_run``, ``compared.read_version`` and ``referenced.score_sides``.
    """
    opened = registry() if registry else None
    with tempfile.TemporaryDirectory(prefix="covertype-compare-") as folder:
        first, second = (
            _read_side(name, output, opened, Path(folder) / str(number)) for number, name in enumerate(names)
        )
        if on:
            from workflows.runs.referenced import score_sides  # it imports what scores rows

            first, second = score_sides(first, second, on, opened, Path(folder) / "reference")
    return first, second


def _read_side(name: str, output: Path, registry: Destination | None, folder: Path) -> Side:
    if registry is None:
        return read_run(output, name)
    try:
        return read_version(registry, name, folder)
    except NoInputError as error:
        if not run_folder(output, name).is_dir():
            raise
        try:
            return read_run(output, name)
        except NoInputError:
            raise error from None


def compare_sides(first: Side, second: Side) -> dict[str, Any]:
    """Return the comparison of two sides as JSON values. Gains are positive where the second is better.

    Raises:
        NoCommonRowsError: They have no test rows in common.
        BadDataError: A row has another cover type in each.
    """
    found = paired.compare(second.scores, first.scores)
    return {
        "first": _facts(first),
        "second": _facts(second),
        "test_rows": {
            "first": len(first.scores.rows),
            "second": len(second.scores.rows),
            "common": found.rows,
            "groups": found.groups,
            "same": first.scores.test_rows_sha256 == second.scores.test_rows_sha256,
        },
        "reference": first.reference.to_dict() if first.reference else None,
        "method": found.method,
        "metrics": [_metric(each) for each in found.differences],
        "parameters": differing_parameters(first.models, second.models),
        "data": [
            {"name": key, "first": first.data.get(key), "second": second.data.get(key)}
            for key in _DATA_KEYS
            if first.data.get(key) != second.data.get(key)
        ],
    }


def _facts(side: Side) -> dict[str, Any]:
    keys = ("name", "kind", "location", "seconds", "work_seconds", "size_bytes")
    return {key: getattr(side, key) for key in keys}


def _metric(each: paired.Difference) -> dict[str, Any]:
    ends = {key: getattr(each, key) for key in ("gain", "low", "high", "family_low", "family_high", "positive")}
    return {
        "metric": each.metric,
        "cover_type": each.cover_type,
        "first": each.champion,
        "second": each.challenger,
        **ends,
    }


def differing_parameters(
    first: Mapping[str, Mapping[str, Any]], second: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the settings of training that differ, for all cover types at once or for each.

    Args:
        first: The metadata of each model by slug.
        second: The same of the other side.

    Returns:
        ``name cover_type first second`` of each; the cover type is None if all have the same two values.
    """
    slugs = [slug for slug in first if slug in second]
    flat = [{slug: _flatten(models[slug]) for slug in slugs} for models in (first, second)]
    names = dict.fromkeys(name for side in flat for facts in side.values() for name in facts)
    found: list[dict[str, Any]] = []
    for name in names:
        pairs = {slug: tuple(side[slug].get(name) for side in flat) for slug in slugs}
        changed = {slug: pair for slug, pair in pairs.items() if pair[0] != pair[1]}
        if len(changed) == len(slugs) and all(pair == pairs[slugs[0]] for pair in changed.values()):
            changed = {"": pairs[slugs[0]]} if changed else {}
        found += [
            {"name": name, "cover_type": slug or None, "first": pair[0], "second": pair[1]}
            for slug, pair in changed.items()
        ]
    only = [(slug, slug in first) for slug in dict.fromkeys([*first, *second]) if slug not in slugs]
    return found + [
        {"name": "model", "cover_type": slug, "first": in_first, "second": not in_first} for slug, in_first in only
    ]


def _flatten(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return what went into a model, with the entries of ``parameters`` and ``libraries`` beside the others."""
    flat: dict[str, Any] = {}
    for key, value in metadata.items():
        if key in ("parameters", "libraries"):
            flat |= value
        elif key not in _NOT_PARAMETERS:
            flat[key] = value
    return flat
