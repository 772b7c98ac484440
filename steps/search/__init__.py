"""The search for hyperparameters, and the test whether the best trial is better than the preset.

- ``search``: run a search.
- ``space``: search spaces.
- ``space_file``: read a search space from a TOML file.
- ``starting_points``: the points that are tried before the sampler chooses.
- ``warm_start``: read the best points of an earlier search.
- ``sampler``: choose points with Optuna.
- ``trials``: train and evaluate the trials.
- ``study``: the file of trials from which a search is resumed.
- ``holdout``: the division of the validation rows into two halves.
- ``gain``: the comparison of the best trial with the preset.
- ``trial_table``: the table of trials for the report.
"""

__all__ = [
    "gain",
    "holdout",
    "sampler",
    "search",
    "space",
    "space_file",
    "starting_points",
    "study",
    "trial_table",
    "trials",
    "warm_start",
]
