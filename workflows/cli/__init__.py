"""The verbs of the command line.

Modules with verbs:

- ``run_verbs``: run, train.
- ``workflow_verbs``: render, lint.
- ``result_verbs``: show, runs.
- ``compare_verb``: compare.
- ``mlflow_verb``: log-mlflow.
- ``cache_verbs``: cache ls, cache prune.
- ``predict_verb``: predict.
- ``registry_verbs``: versions, promote, rollback.
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
    "mlflow_verb",
    "options",
    "predict_verb",
    "registry_verbs",
    "result_verbs",
    "run_verbs",
    "verify_verbs",
    "workflow_verbs",
]
