"""The links from the source to the image: source, datasets, code and image."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steps.comparison.scores import FILE as SCORES
from steps.core import storage
from steps.models import bundle
from steps.provenance.evidence import DATASET, Evidence
from steps.provenance.links import Link, make_link
from steps.registry.lineage import images_of
from steps.registry.paths import PROFILE, REPORT_JSON

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SHOWN = 12  # digits of a digest
_DIRTY, _UNKNOWN = "-dirty", ("", "unknown")


@dataclass(frozen=True)
class Reread:
    """The source, prepared again with the options of the run.

    Attributes:
        profile: The profile; empty if it could not be prepared.
        problem: Why it could not be prepared.
    """

    profile: Mapping[str, Any]
    problem: str = ""


@dataclass(frozen=True)
class CodeAtHand:
    """The code of this checkout.

    Attributes:
        sha256: The digest of the code that runs now.
        of_revision: The digest of the code at the revision in the lineage; None if git does not have that revision.
    """

    sha256: str
    of_revision: str | None = None


def source_link(evidence: Evidence, reread: Reread | None) -> Link:
    """Compare the digest of the source in lineage, report and profile, and with that of the source itself."""
    if evidence.registered and PROFILE not in evidence.paths and PROFILE not in evidence.problems:
        return make_link("source", [], "", unchecked="it was registered without the profile of its source")
    problems = [*evidence.wrong(PROFILE), *_differing(evidence, "source_sha256")]
    recorded = str(evidence.document(PROFILE).get("source_sha256"))
    if reread is None:
        why = f"recorded as {recorded[:_SHOWN]}: read it again with --source"
        return make_link("source", problems, "", unchecked=why)
    if reread.problem:
        problems.append(f"the source cannot be prepared again: {reread.problem}")
    elif reread.profile["source_sha256"] != recorded:
        problems.append(
            f"the source has the digest {reread.profile['source_sha256'][:_SHOWN]}, not {recorded[:_SHOWN]}"
        )
    return make_link("source", problems, f"read again: {recorded[:_SHOWN]}")


def datasets_link(evidence: Evidence, reread: Reread | None) -> Link:
    """Compare the digests of the datasets: as written, as read by ``split``, in the lineage, and prepared again."""
    profile = evidence.document(PROFILE)
    if not (written := profile.get("datasets")):
        problems = list(_differing(evidence, "data_sha256"))
        return make_link("datasets", problems, "", unchecked="the profile has no digests of the datasets")
    problems = [*_differing(evidence, "data_sha256"), *_differing(evidence, "datasets")]
    uses = evidence.usages()
    for slug in evidence.slugs:
        read = uses.get(f"{slug}-split", {}).get("sha256", {}).get("dataset")
        if uses and read != written.get(slug):  # a report that cannot be read is a link of its own
            problems.append(f"split of {slug} did not read the dataset that prepare wrote")
        path = evidence.paths.get(DATASET.format(slug=slug))
        if path and storage.sha256_file(path) != written.get(slug):
            problems.append(f"the dataset of {slug} is not the one that prepare wrote")
        if evidence.metadata(slug).get("data_sha256", profile["data_sha256"]) != profile["data_sha256"]:
            problems.append(f"the model of {slug} was trained on other data")
    if reread and reread.profile:
        problems += _differing_again(evidence, profile, reread.profile)
        return make_link("datasets", problems, f"{len(written)} datasets made again from the source")
    return make_link("datasets", problems, f"{len(written)} datasets: written by prepare, and read by split")


def _differing_again(evidence: Evidence, profile: Mapping[str, Any], again: Mapping[str, Any]) -> Iterator[str]:
    if again["data_sha256"] != profile["data_sha256"]:
        yield "the rows that are used now are others"
        return
    # Another version of pyarrow may write the same rows as other bytes.
    versions = {evidence.metadata(slug).get("libraries", {}).get("pyarrow") for slug in evidence.slugs}
    if versions == {importlib.metadata.version("pyarrow")}:
        for slug, digest in again["datasets"].items():
            if profile["datasets"].get(slug, digest) != digest:
                yield f"the dataset of {slug} made again is {digest[:_SHOWN]}, not {profile['datasets'][slug][:_SHOWN]}"


def _differing(evidence: Evidence, key: str) -> Iterator[str]:
    """Yield where the lineage or the report states another value than the profile."""
    stated = evidence.document(PROFILE).get(key)
    if stated is None:
        return
    if evidence.registered and evidence.lineage.get(key) != stated:
        yield f"the lineage and the profile differ in {key}"
    report = evidence.document(REPORT_JSON)
    if report and report["data"].get(key) != stated:
        yield f"the report and the profile differ in {key}"
    if key == "data_sha256" and SCORES in evidence.paths:
        scores = evidence.test_scores()
        if scores and scores.data_sha256 != stated:
            yield "the test scores are of other data"


def code_link(evidence: Evidence, code: CodeAtHand) -> Link:
    """Compare the digest of the code in all bundles and in the lineage, and with the code of its git revision."""
    digests = {slug: evidence.metadata(slug).get("code_sha256") for slug in evidence.slugs}
    digests = {slug: digest for slug, digest in digests.items() if digest}
    if not digests:
        return make_link("code", [], "", unchecked="no bundle can be read")
    problems = []
    first, stated = next(iter(digests.values())), evidence.lineage.get("cover_types", {})
    if len(set(digests.values())) > 1:
        problems.append("the models were trained with different code")
    for slug, digest in digests.items():
        if evidence.registered and stated.get(slug, {}).get("code_sha256") != digest:
            problems.append(f"the lineage and the model of {slug} differ in the digest of the code")
    revision = str(evidence.lineage.get("code_revision", ""))
    named = f"{str(first)[:_SHOWN]}, git revision {revision or 'unknown'}"
    dirty = revision.endswith(_DIRTY)
    if code.of_revision and not dirty and code.of_revision != first:
        problems.append(
            f"git revision {revision} has other code ({code.of_revision[:_SHOWN]}, not {str(first)[:_SHOWN]})"
        )
    state = ", with changes that were not committed" if dirty else ""
    if code.of_revision == first and not dirty:
        return make_link("code", problems, f"{named}: the code of that commit")
    if code.sha256 == first:
        return make_link("code", problems, f"{named}{state}: the code of this checkout")
    why = "the changes are in no commit" if dirty else "git here does not have that revision"
    why = "no revision was recorded" if revision in _UNKNOWN else why
    return make_link("code", problems, "", unchecked=f"{named}{state}: this checkout has other code, and {why}")


def image_link(evidence: Evidence) -> Link:
    """Compare the images that the steps ran in with those of the lineage; only a digest names one image for good."""
    if not (uses := evidence.usages()):
        return make_link("image", [], "", unchecked="the report does not say where the steps ran")
    ran = images_of(uses.values())
    problems = []
    if evidence.registered and "images" in evidence.lineage and evidence.lineage["images"] != ran:
        stated = ", ".join(evidence.lineage["images"]) or "none"
        problems.append(f"the lineage states the image {stated}, the steps ran in {', '.join(ran) or 'none'}")
    if not ran:
        return make_link("image", problems, "", unchecked="the steps ran in no pod")
    if loose := [image for image in ran if "@sha256:" not in image]:
        why = f"{loose[0]} has no digest: submit with --image NAME@sha256:..."
        return make_link("image", problems, "", unchecked=why)
    return make_link("image", problems, ", ".join(ran))


def code_at_hand(of_revision: str | None) -> CodeAtHand:
    """Return the code of this checkout."""
    return CodeAtHand(bundle.code_sha256(), of_revision)
