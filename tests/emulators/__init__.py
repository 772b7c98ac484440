"""Tests of the code in ``steps/google`` against emulators of Google's services.

A module whose every function needs a client is tested here, not in ``tests/steps/google``:

| module | tested in |
|---|---|
| `gcs/store.py`, `gcs/transfer.py`, `gcs/errors.py` | `test_gcs.py` |
| `gcs/destination.py` | `test_register.py`, and without a service `tests/steps/registry/test_publishing.py` |
| `bigquery/address.py`, `bigquery/errors.py`, `bigquery/jobs.py`, `bigquery/client.py` | `test_bigquery_parts.py` |
| `bigquery/reader.py`, `bigquery/rows.py`, `bigquery/query.py`, `bigquery/connection.py` | `test_bigquery.py` |
| errors of all of them, provoked between client and emulator | `test_bigquery_faults.py` |
| `bigquery/sql.py`, `bigquery/export.py`, `bigquery/fetch.py` | `test_bigquery_export.py` |
| `bigquery/load.py` | `test_bigquery_load.py` |
| `session.py` | `tests/workflows/test_secrets.py` (``~/.netrc``) |
| `steps/io`, with objects in a bucket | `test_bucket_sources.py` |
| `workflows/cli/google_checks.py`, `google_fixes.py` | `test_google_checks.py` |
| whole runs from BigQuery to Cloud Storage | `test_cloud_run.py` |

``tests/test_layout.py`` reads this table.
"""
