"""Which files a step's fingerprint covers, on packages made for it."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from workflows.local.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILES = {
    "__init__.py": "",
    "train.py": "from {package}.models import bundle",
    "report.py": "from {package}.pages import page",
    "models/__init__.py": "",
    "models/bundle.py": "import numpy",
    "pages/__init__.py": "",
    "pages/page.py": "",
    "pages/templates/page.html": "<p>",
    "data/presets.toml": "a = 1",
}
_numbers = count()

Digests = dict[str, str]


@pytest.fixture
def digests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Digests]:
    """Return a function that makes the package, with some files changed, and returns the digests of its two steps."""
    monkeypatch.syspath_prepend(tmp_path)

    def of(**changes: str) -> Digests:
        package = f"made{next(_numbers)}"
        for name, text in {**FILES, **changes}.items():
            path = tmp_path / package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.format(package=package))
        return {step: fingerprint(f"{package}.{step}").code_sha256 for step in ("train", "report")}

    return of


def changed(before: Digests, after: Digests) -> set[str]:
    return {step for step in before if before[step] != after[step]}


@pytest.mark.parametrize(
    ("file", "text", "steps"),
    [
        ("pages/templates/page.html", "<b>", {"report"}),
        ("pages/templates/new.css", "b{}", {"report"}),
        ("pages/page.py", "X = 1", {"report"}),
        ("models/bundle.py", "import scipy", {"train"}),
        ("data/presets.toml", "a = 2", {"train", "report"}),
        ("pages/templates/README.md", "text", set()),
        ("models/unused.py", "X = 1", set()),
    ],
)
def test_a_change_reaches_the_steps_that_use_the_file(
    digests: Callable[..., Digests], file: str, text: str, steps: set[str]
) -> None:
    assert changed(digests(), digests(**{file: text.replace("{}", "{{}}")})) == steps


def test_templates_of_the_report_belong_to_the_report_alone() -> None:
    assert "steps.reporting.page" in fingerprint("steps.report").modules
    assert "steps.reporting.page" not in fingerprint("steps.train").modules
    assert "jinja2" in {name.partition("==")[0].lower() for name in fingerprint("steps.report").libraries}
