"""The verbs of the command line.

Modules with verbs:

- ``run_verbs``: run, train.
- ``workflow_verbs``: render, lint.
- ``result_verbs``: show, runs.
- ``mlflow_verb``: log-mlflow.
- ``cache_verbs``: cache ls, cache prune.
- ``cluster_verbs``: submit, status, logs, stop, retry, fetch, deploy.
- ``predict_verb``: predict.
- ``predict_cluster_verbs``: submit-predict, render-predict, deploy-predict.
- ``doctor_verb``: doctor.
- ``bigquery_verbs``: load-bigquery.

Modules that they use:

- ``options``: the flags that several verbs share.
- ``submission``: checks what is sent to a cluster, and sends it.
- ``linting``: checks of a rendered workflow.
- ``google_checks``: checks of credentials, permissions and locations at Google.
- ``google_fixes``: commands that fix failed checks.
"""

__all__ = [
    "bigquery_verbs",
    "cache_verbs",
    "cluster_verbs",
    "doctor_verb",
    "google_checks",
    "google_fixes",
    "linting",
    "mlflow_verb",
    "options",
    "predict_cluster_verbs",
    "predict_verb",
    "result_verbs",
    "run_verbs",
    "submission",
    "workflow_verbs",
]
