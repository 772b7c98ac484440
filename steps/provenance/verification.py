"""The whole chain of a version or of a run, link by link."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from steps.core.errors import BadDataError
from steps.provenance import forms, origin, publication, results, signing
from steps.provenance.evidence import Evidence, collect_version
from steps.provenance.links import NAMES, Link, State, all_unchecked
from steps.registry import publishing
from steps.registry.paths import version_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from steps.provenance.origin import CodeAtHand, Reread
    from steps.provenance.signing import Signer
    from steps.registry.destinations import Destination


@dataclass(frozen=True)
class Means:
    """What verification has at hand besides the registry.

    Attributes:
        code: Returns the code of this checkout, for the git revision in the lineage.
        reread: Prepares the source again for a version's evidence; returns None if it is not to be read.
        signer: Whose signature is expected; None if the signature is only looked at.
    """

    code: Callable[[str], CodeAtHand]
    reread: Callable[[Evidence], Reread | None] = lambda _: None
    signer: Signer | None = None


def verify_version(registry: Destination, version: str, means: Means) -> list[Link]:
    """Return all links of a version.

    Args:
        registry: The registry.
        version: The name of a version, not of an alias.
        means: What is at hand.

    Raises:
        NoInputError: There is no such version.
        PipelineError: The registry cannot be read.
    """
    try:
        manifest = publishing.read_manifest(registry.below(version_path(version)))
        problem = forms.find_lineage_problem(manifest.metadata)
    except BadDataError as error:
        problem = error.what
    if problem:
        others = [name for name in NAMES if name not in {"manifest", "aliases"}]
        chain = [
            Link("manifest", State.BROKEN, problem),
            publication.aliases_link(registry, version),
            *all_unchecked(others, "the manifest is damaged"),
        ]
        return sorted(chain, key=lambda link: NAMES.index(link.name))
    with tempfile.TemporaryDirectory(prefix="covertype-verify-") as temporary:
        evidence = forms.without_malformed(collect_version(registry, version, manifest, Path(temporary)))
        return [
            *_links(evidence, means),
            publication.manifest_link(evidence),
            publication.aliases_link(registry, version),
            signing.signature_link(registry, evidence, means.signer, Path(temporary)),
        ]


def verify_run(name: str, revision: str, files: Mapping[str, Path], means: Means) -> list[Link]:
    """Return all links of a run on this machine, which has neither a manifest nor aliases nor a signature.

    Args:
        name: The name of the run.
        revision: The git revision of its code.
        files: Its files, by their names in :class:`Evidence`.
        means: What is at hand.
    """
    paths = {each: path for each, path in files.items() if path.is_file()}
    lineage: dict[str, Any] = {"version": name, "code_revision": revision}
    evidence = forms.without_malformed(Evidence(name, lineage, paths, registered=False))
    return [*_links(evidence, means), *all_unchecked(NAMES[-3:], "a run has none: register it")]


def _links(evidence: Evidence, means: Means) -> list[Link]:
    reread = means.reread(evidence)
    return [
        origin.source_link(evidence, reread),
        origin.datasets_link(evidence, reread),
        origin.code_link(evidence, means.code(str(evidence.lineage.get("code_revision", "")))),
        origin.image_link(evidence),
        results.boosters_link(evidence),
        results.metrics_link(evidence),
        results.report_link(evidence),
    ]
