"""The image's libraries: all that steps/ imports, in the versions of requirements/run.txt."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from steps import NAMES
from workflows.local.fingerprint import fingerprint

REQUIREMENTS = Path(__file__).parent.parent / "requirements"
# The same library for a processor alone, under a name of its own.
SAME = {"xgboost-cpu": "xgboost"}


def pins(name: str) -> dict[str, set[str]]:
    """Return the versions a lock file pins by distribution; markers may give one a version for each Python."""
    found: dict[str, set[str]] = {}
    for line in (REQUIREMENTS / name).read_text().splitlines():
        if pinned := re.match(r"([A-Za-z0-9._-]+)==([^ ;\\]+)", line):
            found.setdefault(SAME.get(pinned[1], pinned[1]), set()).add(pinned[2])
    return found


@pytest.mark.parametrize("variant", ["cpu", "gpu"])
def test_image_has_every_library_that_steps_import(variant: str) -> None:
    imported = {
        library.partition("==")[0].lower() for step in NAMES for library in fingerprint(f"steps.{step}").libraries
    }
    assert imported
    assert imported <= set(pins(f"image-{variant}.txt"))


@pytest.mark.parametrize("variant", ["cpu", "gpu"])
def test_image_has_the_versions_of_a_local_run(variant: str) -> None:
    here, image = pins("run.txt"), pins(f"image-{variant}.txt")
    assert {name: here.get(name) for name in image} == image


def test_cpu_image_has_no_cuda() -> None:
    text = (REQUIREMENTS / "image-cpu.txt").read_text()
    assert "xgboost-cpu==" in text
    assert "\nxgboost==" not in text
    assert "nvidia" not in text
