"""The verbs that talk to a cluster.

Modules with verbs:

- ``cluster_verbs``: submit, status, logs, stop, retry, fetch, deploy.
- ``predict_cluster_verbs``: submit-predict, render-predict, deploy-predict.
- ``rollout_verb``: rollout.

Module that they use:

- ``submission``: checks what is sent to a cluster, and sends it.
"""

__all__ = ["cluster_verbs", "predict_cluster_verbs", "rollout_verb", "submission"]
