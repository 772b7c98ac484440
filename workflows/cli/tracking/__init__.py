"""Verbs that log runs and versions to a tracking server.

- ``mlflow_verb``: log-mlflow, and the flag ``--mlflow`` of run and train.
"""

__all__ = ["mlflow_verb"]
