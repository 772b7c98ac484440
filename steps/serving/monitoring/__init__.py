"""Compare the rows of requests with those that the models were trained on.

- ``drift``: which rows are counted, and when.
- ``drift_metrics``: the counts and the PSI as metrics for Prometheus.
"""

__all__ = ["drift", "drift_metrics"]
