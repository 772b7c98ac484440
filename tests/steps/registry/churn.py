"""Changes a registry in a process of its own, until it has done so many changes or is killed.

    python -m tests.steps.registry.churn REGISTRY FOLDER NAME COUNT ACTION...

``FOLDER`` has the files of runs, see ``make_runs``. Each change is announced on a line of its own before it begins, and
again when it has ended, with the champion: ``begin register NAME-3`` and ``end NAME-3 CHAMPION``.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from steps.comparison.policy import Policy
from steps.comparison.scores import FILE, assemble_test_scores, write_test_scores
from steps.core.errors import PipelineError
from steps.io import open_destination
from steps.registry import champion, decisions, destinations, registration
from steps.registry.aliases import Alias, read_alias
from steps.registry.versions import list_versions, read_version
from tests.steps.test_register import SLUGS, Run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from steps.registry.destinations import Destination
    from steps.registry.registration import Release

ROOT = Path(__file__).parents[3]
QUALITIES = (0.8, 0.85, 0.9, 0.95)


def make_runs(folder: Path) -> None:
    """Write the files of a run of each quality."""
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
        champion.promote(registry, champion.Request(version, Policy(), decisions.PROMOTE, "a trial"))
    else:
        champion.rollback(registry)


def main(uri: str, folder: str, name: str, count: str, *actions: str) -> None:
    """Do the changes."""
    registry, made, draw = open_destination(uri), releases(Path(folder)), random.Random(name)
    print("ready", flush=True)
    for number in range(int(count)):
        action, version = draw.choice(actions), f"{name}-{number}"
        present = read_alias(registry, "champion")
        if action != "register" and present is None:
            action = "register"
        if action == "promote":
            version = draw.choice([each.version for each in list_versions(registry).versions])
        elif action == "rollback" and present is not None:
            version = (present.earlier or (present.version,))[-1]
        print(f"begin {action} {version}", flush=True)
        try:
            change(registry, action, version, draw.choice(made))
        except PipelineError as error:
            if "there was no champion before" not in error.what:
                raise
        print(f"end {version} {champion_of(registry)}", flush=True)


def champion_of(registry: Destination) -> str:
    """Return the champion; an empty text if there is none."""
    found = read_alias(registry, "champion")
    return found.version if found else ""


def start(
    uri: str, folder: Path, name: str, count: int, *actions: str, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start a process that changes a registry, and wait until it begins."""
    words = [sys.executable, "-m", "tests.steps.registry.churn", uri, str(folder), name, str(count), *actions]
    known = {**os.environ, **(environment or {})}
    process = subprocess.Popen(words, cwd=ROOT, env=known, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "ready\n", process.communicate()
    return process


def expected_champions(lines: list[str], before: str) -> set[str]:
    """Return the champions that there may be after a process printed these lines and was killed."""
    ended = [line.split(" ")[2] for line in lines if line.startswith("end ")]
    last = ended[-1] if ended else before
    if lines and lines[-1].startswith("begin "):
        return {last, lines[-1].split(" ")[2]}
    return {last}


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


if __name__ == "__main__":
    main(*sys.argv[1:])
