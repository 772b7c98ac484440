"""Reads local files that become part of the workflow, so that it can run on a cluster without them."""

from __future__ import annotations

import json
from pathlib import Path

from steps.core import textfile
from steps.core.errors import NoInputError, UsageError


def read_text(file: str, option: str) -> str:
    """Return the text of a file.

    Args:
        file: path of the file.
        option: command-line option that named it, for the error message.

    Raises:
        NoInputError: the file does not exist.
        UsageError: it is not a text file.
    """
    try:
        return textfile.read(Path(file), UsageError)
    except FileNotFoundError:
        raise NoInputError("no such file", where=file, fix=f"check {option}") from None


def read_warm_start(location: str) -> str:
    """Return the best points of an earlier search as JSON.

    Args:
        location: folder of a run on this machine, or a file that a search wrote.

    Raises:
        NoInputError: there is no such file.
        UsageError: the location is not on this machine.
        PipelineError: the file has no points, see ``steps.search.warm_start``.
    """
    from steps.registry.paths import REPORT_JSON
    from steps.search import warm_start

    if "://" in location:
        fix = "copy the run's report.json to this machine"
        raise UsageError(
            "an earlier search can only be read from a local file", where=f"--warm-start {location}", fix=fix
        )
    path = Path(location)
    try:
        points = warm_start.read(path / REPORT_JSON if path.is_dir() else path)
    except FileNotFoundError as error:
        fix = "check --warm-start: the folder of a run, or a file that a search wrote"
        raise NoInputError("no such file", where=str(error.filename), fix=fix) from None
    return json.dumps(warm_start.to_document(points))
