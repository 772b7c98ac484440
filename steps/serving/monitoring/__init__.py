"""What Prometheus reads.

- ``drift_metrics``: the counts of groups of values and their PSI.
- ``metrics``: all metrics of a worker, and those of several workers together.
"""

__all__ = ["drift_metrics", "metrics"]
