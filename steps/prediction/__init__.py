"""Score the rows of a table with the models of a run.

- ``startup``: start without the libraries that take longest to import.
- ``models``: read the models of a run or version.
- ``reading``: read the rows to score.
- ``rejects``: the rows that cannot be scored.
- ``output``: write the scores.
- ``judging``: judge the scores by labels in the input.
- ``training_profile``: the profile of the rows that the models were trained on.
- ``predicting``: all of this, as a stream.
- ``frames``: score a data frame in memory.
"""

__all__ = ["frames", "judging", "models", "output", "predicting", "reading", "rejects", "startup", "training_profile"]
