"""Compare the rows that are scored with those that the models were trained on.

- ``reference``: the distribution of each column in the profile of a run.
- ``counting``: count the rows that are scored, in the bins of the profile.
- ``grouping``: count rows given as features, in the groups of the PSI, as a server does.
- ``statistics``: population stability index, Kolmogorov-Smirnov statistic, total variation, and their limits.
- ``findings``: what drifted, as a document and as one line.
"""

__all__ = ["counting", "findings", "grouping", "reference", "statistics"]
