"""The workflow and its command line. Knows Argo and Hera, and no machine learning.

Modules:

- ``covertype``: the entry point of the command line.
- ``pipeline``: the wiring of the steps to a workflow.
- ``interfaces``: inputs, outputs and parameters of each step.
- ``rendering``: renders the pipeline as one of Argo's kinds.
- ``contract``: annotations and retry rules that the local executor reads from a workflow.

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
    "rendered",
    "rendering",
    "runs",
    "settings",
    "terminal",
]
