"""The verbs of the command line.

Modules with verbs:

- ``run_verbs``: run, train.
- ``workflow_verbs``: render, lint.
- ``result_verbs``: show, runs.
- ``compare_verb``: compare.
- ``cache_verbs``: cache ls, cache prune.
- ``predict_verb``: predict.
- ``verify_verbs``: verify, sign, reproduce.
- ``bigquery_verbs``: load-bigquery.

Packages with verbs:

- ``cluster``: verbs that talk to a cluster.
- ``doctor``: doctor, and its checks at Google.

Modules that they use:

- ``options``: the flags that several verbs share.
- ``linting``: checks of a rendered workflow.
"""

__all__ = [
    "bigquery_verbs",
    "cache_verbs",
    "cluster",
    "compare_verb",
    "doctor",
    "linting",
    "options",
    "predict_verb",
    "result_verbs",
    "run_verbs",
    "verify_verbs",
    "workflow_verbs",
]
