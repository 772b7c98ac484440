"""Steps of the pipeline: each module is one container's work, and knows no Argo."""

# The modules that are steps, in the order in which the pipeline uses them.
NAMES = ("prepare", "split", "preprocess", "tune", "train", "evaluate", "report", "register")
# Runs several of them in one process.
CHAIN = "chain"
