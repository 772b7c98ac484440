"""The verbs of the command line.

Modules with verbs:

- ``run_verbs``: run, train.
- ``workflow_verbs``: render, lint.
- ``result_verbs``: show, runs.
- ``compare_verb``: compare.
- ``cache_verbs``: cache ls, cache prune.
- ``predict_verb``: predict.
- ``registry_verbs``: versions, promote, rollback.
- ``verify_verbs``: verify, sign, reproduce.
- ``bigquery_verbs``: load-bigquery.

Packages with verbs:

- ``cluster``: verbs that talk to a cluster.
- ``doctor``: doctor, and its checks at Google.
- ``tracking``: log-mlflow.

Modules that they use:

- ``options``: the flags that several verbs share.
- ``registry_flag``: the flag of the registry, and its variable.
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
    "registry_flag",
    "registry_verbs",
    "result_verbs",
    "run_verbs",
    "tracking",
    "verify_verbs",
    "workflow_verbs",
]
