"""Published files and the model registry: manifests, versions, aliases, decisions, and the champion.

- ``paths``: the paths in a registry, and the names that can be part of them.
- ``publishing``: publish files together, and fetch them.
- ``lineage``: the facts about a run in the lineage of its version.
- ``manifest``: the manifest of published files.
- ``destinations``: the interface of a destination, and folders as destinations.
- ``registration``: register the models of a run as a new version.
- ``versions``: the versions of a registry, and a list of them.
- ``aliases``: the aliases of a registry.
- ``decisions``: the stored decisions about versions.
- ``succession``: the champions one after another, by the decisions.
- ``judging``: what the gate judges of the versions.
- ``champion``: judge a version, promote it, and roll back.
"""

__all__ = [
    "aliases",
    "champion",
    "decisions",
    "destinations",
    "judging",
    "lineage",
    "manifest",
    "paths",
    "publishing",
    "registration",
    "succession",
    "versions",
]
