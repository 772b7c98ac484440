"""Executes a rendered workflow on this machine.

It supports the subset of Argo that the pipeline uses and refuses the rest. It knows no step of the pipeline: everything
it needs to know about one is in the annotations of its template (:mod:`workflows.contract`).

- ``executor``: starts leaves while there are free cores, uses cached results, retries.
- ``scheduler``: decides which task starts, is omitted or ends its DAG.
- ``nodes``: the state of a run as a tree of nodes.
- ``binding``: passes parameters and artifacts between nodes.
- ``processes``: starts steps as child processes of a fork server.
- ``warm``: the module that the fork server imports.
- ``socket_folder``: the folder for the socket of the fork server.
- ``cache``: results of steps by a hash of everything they depend on.
- ``fingerprint``: the code and the library versions that a step depends on.
- ``upkeep``: lists and prunes a cache.
"""

__all__ = [
    "binding",
    "cache",
    "executor",
    "fingerprint",
    "nodes",
    "processes",
    "scheduler",
    "socket_folder",
    "upkeep",
    "warm",
]
