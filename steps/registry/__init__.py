"""Published files and the model registry: manifests, versions, aliases, decisions, and the champion.

- ``publishing``: publish files together, and fetch them.
- ``lineage``: the facts about a run in the lineage of its version.
- ``manifest``: the manifest of published files.
- ``destinations``: the interface of a destination, and folders as destinations.
- ``registration``: register the models of a run as a new version.
- ``versions``: the versions of a registry, and a list of them.
- ``aliases``: the aliases of a registry.
- ``decisions``: the stored decisions about versions.
- ``latency``: measure the time that versions take to score a row.
- ``candidates``: fetch what the gate judges.
- ``champion``: judge a version, promote it, and roll back.
"""

__all__ = [
    "aliases",
    "candidates",
    "champion",
    "decisions",
    "destinations",
    "latency",
    "lineage",
    "manifest",
    "publishing",
    "registration",
    "versions",
]
