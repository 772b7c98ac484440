"""What the gate judges of the versions in a registry.

- ``candidates``: fetch the scores and the size of versions.
- ``latency``: measure the time that versions take to score a row.
"""

__all__ = ["candidates", "latency"]
