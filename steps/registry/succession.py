"""The champions of a registry one after another, as the stored decisions have them.

Each decision names the champion that it was made against, and says whether it promotes. That is enough to write the
alias ``champion`` again where somebody removed it, or where a process was killed between the decision and the move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from steps.core import runtime
from steps.registry.aliases import CHAMPION, Alias, Choice, change_alias, read_alias
from steps.registry.decisions import ROLLBACK, list_decisions
from steps.registry.manifest import MANIFEST
from steps.registry.paths import version_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from steps.registry.decisions import StoredDecision
    from steps.registry.destinations import Destination


def last_champion(stored: Iterable[StoredDecision]) -> Alias | None:
    """Return the alias ``champion`` after all decisions; None if none of them promotes a version.

    A decision against another champion than that of the decisions before shows that one of these did not move the
    alias: its process was killed, or another one was faster. The later decision counts.

    Args:
        stored: The decisions in the order in which they were stored.
    """
    line: list[str] = []  # the champions, the present one last
    made: dict[str, StoredDecision] = {}  # the last decision that made a version the champion
    for each in stored:
        champion = each.document["champion"]
        while line and line[-1] != champion:
            line.pop()
        if champion and not line:
            line.append(champion)
        if not each.document["promotes"]:
            continue
        if each.document["action"] == ROLLBACK:
            line = line[:-1] if line[-2:-1] == [each.version] else [each.version]
        else:
            line.append(each.version)
        made[each.version] = each
    if not line or line[-1] not in made:
        return None
    last = made[line[-1]]
    return Alias(last.version, None, last.document["reason"], last.path, last.at, tuple(line[:-1]))


def restore_champion(registry: Destination) -> None:
    """Write the alias ``champion`` again if it is missing, but the decisions promote a version that is there.

    Raises:
        BadDataError: The alias or a decision is damaged.
        TransientError: The service failed.
    """
    if read_alias(registry, CHAMPION) is not None:
        return
    found = last_champion(list_decisions(registry))
    if found is None or registry.read(f"{version_path(found.version)}/{MANIFEST}") is None:
        return

    def choose(present: Alias | None) -> Choice:
        if present is not None:
            return Choice(None, "another process was faster")
        return Choice(found.version, found.reason, found.decision, found.earlier)

    move = change_alias(registry, CHAMPION, choose)
    if move.moved:
        runtime.log(f"{move.uri} was missing: {found.version} is champion again, as the stored decisions have it")
