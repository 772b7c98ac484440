"""Files of a person's machine that become part of the workflow, which then needs nothing else to run elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

from steps.core import textfile
from steps.core.errors import NoInputError, UsageError


def text(file: str, option: str) -> str:
    """Return the text of a file that becomes part of the workflow."""
    try:
        return textfile.read(Path(file), UsageError)
    except FileNotFoundError:
        raise NoInputError("no such file", where=file, fix=f"check {option}") from None


def warm_start(place: str) -> str:
    """Return the best points of an earlier search as what becomes part of the workflow; a folder is that of a run."""
    from steps.search import warm_start as warm_points

    if "://" in place:
        fix = "copy the run's report.json to this machine"
        raise UsageError("an earlier search is read from a file", where=f"--warm-start {place}", fix=fix)
    path = Path(place)
    try:
        points = warm_points.read(path / "report.json" if path.is_dir() else path)
    except FileNotFoundError as error:
        fix = "check --warm-start: the folder of a run, or a file that a search wrote"
        raise NoInputError("no such file", where=str(error.filename), fix=fix) from None
    return json.dumps(warm_points.to_document(points))
