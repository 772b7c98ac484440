"""Changes a registry in a process of its own, until it has done so many changes or is killed.

The process comes from the fork server, which has imported the steps. Each change is announced by a line before it
begins, and again when it has ended, with the champion: ``begin register NAME-3`` and ``end NAME-3 CHAMPION``.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from steps.comparison.policy import Policy
from steps.comparison.scores import FILE, assemble_test_scores, write_test_scores
from steps.core.errors import PipelineError
from steps.io import open_destination
from steps.registry import champion, decisions, destinations, registration
from steps.registry.aliases import Alias, read_alias
from steps.registry.decisions import PROMOTE
from steps.registry.succession import last_champion
from steps.registry.versions import list_versions, read_version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from steps.registry.destinations import Destination
    from steps.registry.registration import Release

QUALITIES = (0.8, 0.85, 0.9, 0.95)
SLUGS = ("aspen", "krummholz")


def make_runs(folder: Path) -> None:
    """Write the files of a run of each quality."""
    # Not in the processes that change a registry: it imports what trains, which takes seconds.
    from tests.steps.test_register import Run

    for quality in QUALITIES:
        run = Run(folder / str(quality), pr_auc=quality)
        models, scores = {slug: run.folder / slug for slug in SLUGS}, {slug: run.scores(slug) for slug in SLUGS}
        write_test_scores(run.folder / FILE, assemble_test_scores(models, scores))


def releases(folder: Path) -> list[Release]:
    """Return a release of each quality, without a name."""
    found = []
    for quality in QUALITIES:
        place = folder / str(quality)
        models, metrics = {}, {}
        for slug in SLUGS:
            models[slug], metrics[slug] = place / slug, place / f"{slug}.metrics.json"
        documents = {name: place / name for name in ("report.html", "report.json", "profile.json", FILE)}
        found.append(registration.collect_release("x", models, metrics, documents, ""))
    return found


def change(registry: Destination, action: str, version: str, release: Release) -> None:
    """Do one change."""
    if action == "register":
        named = replace(release, version=version, lineage={**release.lineage, "version": version})
        registration.register(named, registry, Policy())
    elif action == "promote":
        champion.promote(registry, champion.Request(version, Policy(), PROMOTE, "a trial"))
    else:
        champion.rollback(registry)


def change_registry(  # noqa: PLR0913, PLR0917 - what a process receives
    lines: Connection,
    environment: dict[str, str],
    uri: str,
    folder: Path,
    name: str,
    count: int,
    actions: tuple[str, ...],
) -> None:
    """Do the changes. ``folder`` has the files of runs, see ``make_runs``."""
    os.environ.update(environment)
    registry, made, draw = open_destination(uri), releases(folder), random.Random(name)
    for number in range(count):
        action, version = draw.choice(actions), f"{name}-{number}"
        present = read_alias(registry, "champion")
        if action != "register" and present is None:
            action = "register"
        if action == "promote":
            version = draw.choice([each.version for each in list_versions(registry).versions if not each.problem])
        elif action == "rollback" and present is not None:
            version = (present.earlier or (present.version,))[-1]
        lines.send(f"begin {action} {version}")
        try:
            change(registry, action, version, draw.choice(made))
        except PipelineError as error:
            if "there was no champion before" not in error.what:
                raise
        lines.send(f"end {version} {champion_of(registry)}")


def champion_of(registry: Destination) -> str:
    """Return the champion; an empty text if there is none."""
    found = read_alias(registry, "champion")
    return found.version if found else ""


@dataclass(frozen=True)
class Changes:
    """A process that changes a registry, and the lines that it sends."""

    process: BaseProcess
    lines: Connection

    def read_lines(self, begun: int = -1) -> list[str]:
        """Return the lines until so many changes have begun, or until the process ends."""
        found: list[str] = []
        while begun:
            try:
                found.append(self.lines.recv())
            except (EOFError, OSError):  # it has ended, perhaps in the middle of a line
                break
            begun -= found[-1].startswith("begin ")
        return found

    def finish(self) -> None:
        """Wait for the end, which must be a good one."""
        self.read_lines()
        self.process.join(300)
        assert self.process.exitcode == 0

    def kill(self, moments: random.Random) -> list[str]:
        """Kill the process during one of its first changes, and return the lines that it sent."""
        lines = self.read_lines(moments.randint(1, 6))
        time.sleep(moments.uniform(0, 0.3))
        assert self.process.exitcode is None
        self.process.kill()
        self.process.join()
        return lines + self.read_lines()


def start(uri: str, folder: Path, name: str, count: int, *actions: str) -> Changes:
    """Start a process that changes a registry."""
    context = multiprocessing.get_context("forkserver")
    received, sent = context.Pipe(duplex=False)
    # Of the environment, what tests set: the fork server has that of its start.
    own = {key: value for key, value in os.environ.items() if key.startswith(("AWS_", "STORAGE_"))}
    process = context.Process(target=change_registry, args=(sent, own, uri, folder, name, count, actions))
    process.start()
    sent.close()
    return Changes(process, received)


def expected_champions(lines: list[str], before: set[str]) -> set[str]:
    """Return the champions that there may be after a process printed these lines and was killed."""
    ended = [line.split(" ")[2] for line in lines if line.startswith("end ")]
    last = set(ended[-1:]) or before
    return last | {line.split(" ")[2] for line in lines[-1:] if line.startswith("begin ")}


def possible_champions(registry: Destination) -> set[str]:
    """Return the champion; without one, also that of a decision whose process was killed before it moved the alias.

    The next change finishes that move.
    """
    present = champion_of(registry)
    unfinished = None if present else last_champion(decisions.list_decisions(registry))
    return {present, unfinished.version} if unfinished else {present}


def check(registry: Destination) -> Alias | None:
    """Check that nothing in a registry is half there, and return the champion."""
    judged = {each.path: each for each in decisions.list_decisions(registry)}
    alias = read_alias(registry, "champion")
    for version in _named(registry):
        manifest = read_version(registry, version)
        present = set(registry.names_below(f"versions/{version}"))
        assert {f"versions/{version}/{entry.path}" for entry in manifest.files} <= present
    if alias:
        assert alias.decision in judged
        assert judged[alias.decision].version == alias.version
        assert judged[alias.decision].document["promotes"]
        for version in (*alias.earlier, alias.version):
            assert read_version(registry, version)
    return alias


def _named(registry: Destination) -> Iterator[str]:
    """Yield the versions that have a manifest; a killed process may have left files of another one in a bucket."""
    for name in registry.names_below("versions"):
        _, version, *rest = name.split("/")
        if rest == ["manifest.json"]:
            assert destinations.read_manifest(registry.below(f"versions/{version}"))
            yield version
