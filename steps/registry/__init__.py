"""Published files and the model registry: manifests, versions, aliases, and the gate before the champion.

- ``publishing``: publish files together, and fetch them.
- ``lineage``: the facts about a run in the lineage of its version.
- ``manifest``: the manifest of published files.
- ``destinations``: the interface of a destination, and folders as destinations.
- ``registration``: register the models of a run as a new version.
- ``aliases``: the aliases of a registry.
- ``champion_gate``: the decision whether a new version becomes the champion.
"""

__all__ = ["aliases", "champion_gate", "destinations", "lineage", "manifest", "publishing", "registration"]
