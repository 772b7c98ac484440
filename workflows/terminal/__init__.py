"""Output on the terminal.

- ``display``: progress of a run.
- ``grid``: a table of cover types by steps.
- ``result_tables``: results of runs and the content of the cache.
"""

__all__ = ["display", "grid", "result_tables"]
