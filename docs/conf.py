"""Sphinx configuration of the documentation: ``make docs``. Nothing is fetched while it builds."""  # noqa: INP001

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from docs import generate  # noqa: E402

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "Covertype pipeline"
author = "The authors of the Covertype pipeline"
release = version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_heading_anchors = 3
# Quotes and dashes stay as they are written: an option begins with two hyphens.
smartquotes = False

html_theme = "furo"
html_title = "Covertype pipeline"
html_copy_source = False
html_show_sourcelink = False


def _fill(_app: Sphinx, _name: str, source: list[str]) -> None:
    """Replace the markers of generated sections in a page that Sphinx has read."""
    source[0] = generate.filled(source[0])


def setup(app: Sphinx) -> None:
    """Generate reference pages from the code as pages are read."""
    app.connect("source-read", _fill)
