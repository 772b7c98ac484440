"""The model of one cover type: features, hyperparameters, training, the bundle, and its metrics.

- ``features``: the transformer from canonical columns to features.
- ``preprocessing``: fit the transformer and write the feature tables.
- ``hyperparameters``: the hyperparameters of a booster, and their checks.
- ``presets``: named sets of features and hyperparameters.
- ``matrix``: feature tables as quantised matrices for XGBoost.
- ``training``: train a booster and evaluate it during training.
- ``final_fit``: train the final model of a cover type.
- ``bundle``: read and write the model bundle.
- ``metrics``: the definitions of the metrics, which trials, learning curves and evaluation share.
- ``intervals``: metrics of one model with confidence intervals.
- ``multiclass``: metrics of all models together.
- ``evaluation``: evaluate a model on the test rows.
"""

__all__ = [
    "bundle",
    "evaluation",
    "features",
    "final_fit",
    "hyperparameters",
    "intervals",
    "matrix",
    "metrics",
    "multiclass",
    "preprocessing",
    "presets",
    "training",
]
