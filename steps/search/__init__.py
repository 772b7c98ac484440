"""The search for hyperparameters: space, trials, study, and whether the best trial is better than the preset."""
