"""Sources on this machine: layouts, CSV and parquet files, and how a table in BigQuery is read."""
