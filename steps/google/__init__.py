"""All code that imports a client of Google's services. Other packages use it through ``steps.io``.

- ``session``: the credentials of the clients' HTTP sessions.
- ``gcs``: Cloud Storage.
- ``bigquery``: BigQuery.
"""

__all__ = ["bigquery", "gcs", "session"]
