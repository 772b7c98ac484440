"""The facts about a run in the lineage of its version: datasets, images, and the options of its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# The steps whose options decide the bytes of a model.
REPEATED_STEPS = ("prepare", "split", "preprocess", "train")


def run_facts(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``datasets``, ``images`` and ``parameters`` of a run.

    - ``datasets`` has the SHA-256 of each dataset by slug, as ``prepare`` wrote it.
    - ``images`` lists the images of the steps, as their templates name them. It is empty for a run outside of pods.
    - ``parameters`` has the options of each step that a model depends on, by the name of the step in the run.

    Args:
        report: The content of ``report.json``.
    """
    steps = report.get("steps", ())
    return {
        "datasets": report["data"].get("datasets", {}),
        "images": images_of(steps),
        "parameters": {
            use["name"]: use["options"] for use in steps if use["step"] in REPEATED_STEPS and "options" in use
        },
    }


def images_of(steps: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the images that the usages of steps name, sorted and each once."""
    return sorted({use["image"] for use in steps if use.get("image")})
