"""BigQuery as a source: tables and queries read as Arrow batches, and datasets exported by BigQuery itself.

- ``address``: addresses of tables and projects; re-exported here.
- ``reader``: read a table or the result of a query; re-exported here.
- ``rows``: read the rows of a table by the Storage Read API or by REST.
- ``query``: run a query.
- ``jobs``: wait for jobs.
- ``client``, ``connection``: clients, credentials and retries.
- ``errors``: the translation of the clients' errors.
- ``sql``, ``export``, ``fetch``: export datasets by a script in BigQuery, and fetch their rows.
- ``load``: load the builtin table into BigQuery.
"""

from steps.google.bigquery.address import Address, parse_address, source_name
from steps.google.bigquery.reader import Needed, read, version_of

__all__ = ["Address", "Needed", "parse_address", "read", "source_name", "version_of"]
