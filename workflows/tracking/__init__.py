"""MLflow: runs and registered versions in a tracking server or in a local database. MLflow is an optional library.

- ``connection``: connects to MLflow, and turns its errors into those of this project.
- ``records``: what is logged about a run or a version.
- ``run_log``: logs a record as a run of MLflow, once.
- ``model_packaging``: the models of a run as one model of MLflow.
- ``model_code``: the code of that model, which MLflow executes.
- ``registered_model``: versions and aliases of a registry as those of a registered model.
- ``local_store``: the database and the folder of artifacts on this machine.
"""

__all__ = [
    "connection",
    "local_store",
    "model_code",
    "model_packaging",
    "records",
    "registered_model",
    "run_log",
]
