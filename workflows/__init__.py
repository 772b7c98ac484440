"""The workflow and its command line. Knows Argo and Hera, and no machine learning.

Modules:

- ``covertype``: the entry point of the command line.
- ``pipeline``: the workflow of a run.
- ``tasks``: its tasks, for each way to divide the steps among pods.
- ``wiring``: which step feeds which.
- ``pod_plan``: which way to divide the steps among pods suits a run.
- ``interfaces``: inputs, outputs and parameters of each step.
- ``rendering``: renders the pipeline as one of Argo's kinds.
- ``contract``: names, annotations and retry rules that others read from a workflow.

Packages:

- ``cli``: the verbs of the command line.
- ``settings``: settings of a run.
- ``argo``: the parts of a workflow for Argo.
- ``rendered``: reads and checks a rendered workflow.
- ``local``: the executor on this machine.
- ``runs``: runs on this machine, from the settings to the results.
- ``cluster``: runs on a cluster.
- ``terminal``: output on the terminal.
"""

__all__ = [
    "argo",
    "cli",
    "cluster",
    "contract",
    "interfaces",
    "local",
    "pipeline",
    "pod_plan",
    "rendered",
    "rendering",
    "runs",
    "settings",
    "tasks",
    "terminal",
    "wiring",
]
