"""Output on the terminal.

- ``comparison_table``: the comparison of two runs or versions.
- ``display``: progress of a run.
- ``grid``: a table of cover types by steps.
- ``result_tables``: results of runs and the content of the cache.
"""

__all__ = ["comparison_table", "display", "grid", "result_tables"]
