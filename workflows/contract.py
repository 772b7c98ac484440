"""Names, annotations and retry rules that the pipeline writes into a workflow, for others to read.

The local executor reads them, and so does whatever shows a run: each step by its cover type and its own name.

This module is separate from the templates because importing Hera takes most of a second.
"""

from steps.registry.paths import REPORT_HTML, REPORT_JSON

# Names of the input parameters that hold the address of a source, separated by commas. The cache key of a step contains
# a digest of that source's content instead of relying on its address.
SOURCE_ANNOTATION = "covertype/source-parameters"
# Names of the input parameters that hold a number of threads, which changes no result. A step uses the largest of them,
# or one thread. The local executor may raise them where cores would be idle.
THREADS_ANNOTATION = "covertype/threads-parameters"
# The step changes something outside the run, so a cached result must not replace its execution.
PUBLISHES_ANNOTATION = "covertype/publishes"
# Names of the outputs that resume those of an earlier attempt.
CONTINUES_ANNOTATION = "covertype/continues"
# Names of the parameters that may differ from that attempt's.
DESPITE_ANNOTATION = "covertype/continues-despite"
# Argo's variable for the time at which a workflow was created, which its retries share.
CREATED = "workflow.creationTimestamp.RFC3339"
# Exit codes after which a step is retried: 75 (TransientError) and 143 (a deleted pod or a drained node).
RETRIED_CODES = (75, 143)
# Argo retries lost pods as well. It must not retry out-of-memory kills, nor steps that exceeded their deadline, which
# also end with 143 and would exceed it again. These are messages of Argo and Kubernetes; an error of the step
# itself may be about another deadline.
RETRY_EXPRESSION = (
    f'lastRetry.status == "Error" || (asInt(lastRetry.exitCode) in {list(RETRIED_CODES)} '
    '&& not (lastRetry.message contains "exceeded its deadline") '
    '&& not (lastRetry.message contains "longer than the specified deadline"))'
)
# Name of the parameter with the cover type of a task. No step reads it: it is for labels, volumes and tables.
COVER_TYPE = "cover-type"
_MODEL = "model"
# File name of each artifact that is the report. The Argo UI shows the name of the artifact above the page.
# The page with the decision is the report with one section more, and takes its place in a folder.
REPORT_FILES = {"report": REPORT_HTML, "json": REPORT_JSON, "decision": REPORT_HTML}


def task_name(cover_type: str, step: str) -> str:
    """Return the name of the task of a step of a cover type, such as ``aspen-train``. Argo allows no dot in it."""
    return f"{cover_type}-{step}"


def task_path(task: str, cover_type: str | None) -> tuple[str, ...]:
    """Return the cover type and the step of a task; for the task of no single cover type or step, its name alone.

    Args:
        task: name of the task.
        cover_type: value of its parameter ``COVER_TYPE``, None where it has none.
    """
    step = task.removeprefix(task_name(cover_type, "")) if cover_type else task
    return (cover_type, step) if cover_type and step != task else (task,)


def model_of(artifact: str, cover_type: str | None) -> str | None:
    """Return the cover type whose model an output artifact is; None if it is no model.

    Args:
        artifact: name of the artifact: ``model`` of a task of one cover type, ``model-SLUG`` of a task of all.
        cover_type: cover type of the task, None where it has none.
    """
    if artifact == _MODEL:
        return cover_type
    return artifact.removeprefix(f"{_MODEL}-") if artifact.startswith(f"{_MODEL}-") else None
