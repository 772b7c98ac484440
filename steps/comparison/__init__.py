"""The comparison of two versions on the same test rows, and the decision whether one becomes champion.

- ``scores``: all models' scores on the test rows, as one table.
- ``measures``: the metrics of the scores, and the influence of each row on them.
- ``paired``: differences of the metrics with simultaneous and single intervals.
- ``policy``: margins, floors and limits of the gate, read from a TOML file.
- ``checks``: floors, limits of slices, and limits of size and latency.
- ``decision``: the verdict about a challenger.
"""

__all__ = ["checks", "decision", "measures", "paired", "policy", "scores"]
