"""Output on the terminal.

- ``comparison_table``: the comparison of two runs or versions.
- ``chain_tables``: links of a version's chain, and models that were trained again.
- ``display``: progress of a run.
- ``grid``: a table of cover types by steps.
- ``result_tables``: results of runs and the content of the cache.
"""

__all__ = ["chain_tables", "comparison_table", "display", "grid", "result_tables"]
