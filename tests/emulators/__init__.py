"""Tests of the code in ``steps/google`` and ``steps/s3`` against emulators of the services.

A module whose every function needs a client is tested here, not in ``tests/steps``:

| module | tested in |
|---|---|
| `buckets/store.py`, `buckets/transfer.py`, and with them what every store promises | `test_bucket_objects.py` |
| `gcs/store.py`, `gcs/errors.py` | `test_bucket_objects.py`, `test_gcs.py` |
| `s3/store.py`, `s3/requests.py`, `s3/multipart.py`, `s3/errors.py` | `test_bucket_objects.py`, `test_s3.py` |
| `buckets/destination.py` | `test_bucket_publishing.py`, `test_bucket_registry.py`, `test_registry_interruptions.py` |
| the same without a service | `tests/steps/registry/test_publishing.py` |
| `bigquery/address.py`, `bigquery/errors.py`, `bigquery/jobs.py`, `bigquery/client.py` | `test_bigquery_parts.py` |
| `bigquery/reader.py`, `bigquery/rows.py`, `bigquery/query.py`, `bigquery/connection.py` | `test_bigquery.py` |
| errors of all of them, provoked between client and emulator | `test_bigquery_faults.py` |
| `bigquery/sql.py`, `bigquery/export.py`, `bigquery/fetch.py` | `test_bigquery_export.py` |
| `predict` from BigQuery, and to a bucket | `test_predict.py` |
| a reference table of the gate in each of the three | `test_reference_table.py` |
| `bigquery/load.py` | `test_bigquery_load.py` |
| `session.py` | `tests/workflows/test_secrets.py` (``~/.netrc``) |
| `steps/io`, with objects in a bucket | `test_bucket_sources.py` |
| `workflows/cli/doctor/google_checks.py`, `google_fixes.py` | `test_google_checks.py` |
| whole runs from BigQuery to Cloud Storage, and from S3 to S3 | `test_bucket_runs.py` |
| `workflows/cluster/artifact_store.py`, uploads | `test_submit_source.py` |

``tests/test_layout.py`` reads this table.
"""
