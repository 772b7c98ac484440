"""Steps of the pipeline: each module is one container's work, and knows no Argo."""

import os
import sys


def _leave_out_current_folder() -> None:
    """Import from the project's folder where Python would import from the current one, with its ``json.py``.

    ``python -m steps.NAME`` begins the path with it, and so does an empty part of PYTHONPATH, as ``$PYTHONPATH:more``
    leaves it where the variable is not set. Only modules that Python itself starts with may be imported before.
    """
    root = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120
    if sys.argv[:1] == ["-m"] and not sys.flags.safe_path:
        sys.path[0] = root
    given = os.environ.get("PYTHONPATH")
    folders = given.split(os.pathsep) if given else []
    named = [folder for folder in folders if os.path.normpath(folder) != os.curdir]
    if named == folders:
        return
    os.environ["PYTHONPATH"] = os.pathsep.join(named)
    here = os.path.realpath(os.curdir)
    if here not in map(os.path.realpath, named):
        sys.path[:] = [root if os.path.realpath(folder) == here else folder for folder in sys.path]


def module_path() -> str:
    """Return the PYTHONPATH with which another interpreter imports the modules of this project before any others."""
    root = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120
    return os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))


_leave_out_current_folder()

# The modules that are steps, in the order in which the pipeline uses them.
NAMES = ("prepare", "split", "preprocess", "tune", "train", "evaluate", "report", "register")
# Runs those of a cover type in one process.
CHAIN = "chain"
# Runs all of them in one process.
PIPELINE = "pipeline"
# Scores a table with the models of a run. It is no part of the pipeline.
PREDICT = "predict"
# Answers requests for them. It is no part of the pipeline either.
SERVE = "serve"
