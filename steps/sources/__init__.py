"""Source tables on this machine, and the options for reading tables in BigQuery.

- ``files``: open local files as a source: CSV, gzipped CSV or parquet, with wildcards.
- ``layouts``: recognise the layout of a source by its columns.
- ``csv_head``: read the header of a CSV file.
- ``csv_lines``: lines of a CSV file that are no rows.
- ``csv_file``: read the rows of a CSV file.
- ``reading``: the options for reading from BigQuery.
- ``staging``: write the batches of a remote source to a local file.
"""

__all__ = ["csv_file", "csv_head", "csv_lines", "files", "layouts", "reading", "staging"]
