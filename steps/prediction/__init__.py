"""Score the rows of a table with the models of a run.

- ``startup``: start without the libraries that take longest to import.
- ``models``: read the models of a run or version.
- ``reading``: read the rows to score.
- ``rejects``: the rows that cannot be scored.
- ``output``: write the scores.
- ``judging``: judge the scores by labels in the input.
- ``predicting``: all of this, as a stream.
"""

__all__ = ["judging", "models", "output", "predicting", "reading", "rejects", "startup"]
