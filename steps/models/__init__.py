"""Models: features, hyperparameters, training, the bundle, and the metrics that judge them."""
