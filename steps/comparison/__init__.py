"""The comparison of two versions on the same test rows, and the decision whether one becomes champion.

- ``score_table``: all models' scores on the test rows, as one table.
- ``scores``: the file of these scores, and how it is made from the files of a run.
- ``measures``: the metrics of the scores, and the influence of each row on them.
- ``paired``: differences of the metrics with simultaneous and single intervals.
- ``reference``: what a comparison on a reference table is given, and returns.
- ``policy``: margins, floors and limits of the gate, read from a TOML file.
- ``checks``: floors, limits of slices, and limits of size and latency.
- ``decision``: the verdict about a challenger.
"""

__all__ = ["checks", "decision", "measures", "paired", "policy", "reference", "score_table", "scores"]
