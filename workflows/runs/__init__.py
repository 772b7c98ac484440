"""Runs of the pipeline on this machine.

- ``run_here``: renders, executes and publishes one run.
- ``results``: the folder of a run, its ``result.json``, and the list of runs.
- ``compared``: a run or a version as one side of a comparison.
- ``comparison``: the comparison of two of them.
- ``origins``: the code of a git revision, the source read again, models trained again, the files of a run.
- ``publishing``: uploads a finished run to a bucket.
- ``source_digest``: digests of the content of sources, for the cache.
"""

__all__ = ["compared", "comparison", "origins", "publishing", "results", "run_here", "source_digest"]
