"""The links from the source to the image, from documents alone; the chain of a real version is in test_verification."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from steps.core import storage
from steps.models import bundle
from steps.provenance import origin
from steps.provenance.evidence import Evidence
from steps.provenance.links import State
from steps.provenance.origin import CodeAtHand, Reread

if TYPE_CHECKING:
    from pathlib import Path

HERE, OTHER = "a" * 64, "b" * 64
PROFILE = {"source_sha256": "s" * 64, "data_sha256": "d" * 64, "datasets": {"aspen": "e" * 64}}


class Made:
    """Writes the documents of a version with one model."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *, image: str = "", **lineage: Any) -> Evidence:
        steps = [
            {"name": "prepare", "step": "prepare", "image": image},
            {"name": "aspen-split", "step": "split", "image": image, "sha256": {"dataset": "e" * 64}},
        ]
        metadata = {"code_sha256": HERE, "data_sha256": "d" * 64, "libraries": {"pyarrow": "0"}}
        files = {
            "profile.json": PROFILE,
            "report.json": {"data": PROFILE, "steps": steps},
            "models/aspen/metadata.json": metadata,
        }
        for name, document in files.items():
            storage.write_json(self.folder / name, document)
        facts = {**PROFILE, "cover_types": {"aspen": {"code_sha256": HERE}}, "images": [image] if image else []}
        return Evidence("v", {**facts, **lineage}, {name: self.folder / name for name in files})


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


@pytest.mark.parametrize(
    ("revision", "code", "state", "words"),
    [
        ("0123456789ab", CodeAtHand(OTHER, HERE), State.OK, "the code of that commit"),
        ("0123456789ab", CodeAtHand(HERE, None), State.OK, "the code of this checkout"),
        ("0123456789ab-dirty", CodeAtHand(HERE, OTHER), State.OK, "with changes that were not committed"),
        ("0123456789ab-dirty", CodeAtHand(OTHER, OTHER), State.UNCHECKED, "the changes are in no commit"),
        ("0123456789ab", CodeAtHand(OTHER, None), State.UNCHECKED, "git here does not have that revision"),
        ("unknown", CodeAtHand(OTHER, None), State.UNCHECKED, "no revision was recorded"),
        ("0123456789ab", CodeAtHand(HERE, OTHER), State.BROKEN, "has other code"),
    ],
)
def test_the_code(made: Made, revision: str, code: CodeAtHand, state: State, words: str) -> None:
    link = origin.code_link(made(code_revision=revision), code)
    assert (link.state, words in link.detail) == (state, True), link


def test_models_of_different_code(made: Made) -> None:
    link = origin.code_link(made(cover_types={"aspen": {"code_sha256": OTHER}}), CodeAtHand(HERE))
    assert (link.state, "differ in the digest of the code" in link.detail) == (State.BROKEN, True)
    assert origin.code_link(Evidence("v", {}, {}), CodeAtHand(HERE)).state is State.UNCHECKED
    assert origin.code_at_hand(None) == CodeAtHand(bundle.code_sha256())


@pytest.mark.parametrize(
    ("image", "lineage", "state", "words"),
    [
        ("", {}, State.UNCHECKED, "no pod"),
        ("steps:dev", {}, State.UNCHECKED, "steps:dev has no digest"),
        ("steps@sha256:12", {}, State.OK, "steps@sha256:12"),
        ("steps@sha256:12", {"images": ["steps@sha256:13"]}, State.BROKEN, "steps@sha256:13"),
        ("", {"images": ["steps@sha256:13"]}, State.BROKEN, "the steps ran in none"),
    ],
)
def test_the_image(made: Made, image: str, lineage: dict[str, Any], state: State, words: str) -> None:
    link = origin.image_link(made(image=image, **lineage))
    assert (link.state, words in link.detail) == (state, True), link


def test_the_source(made: Made) -> None:
    evidence = made()
    assert origin.source_link(evidence, None).state is State.UNCHECKED
    assert origin.source_link(evidence, Reread(PROFILE)).state is State.OK
    other = origin.source_link(evidence, Reread({**PROFILE, "source_sha256": "t" * 64}))
    assert (other.state, "tttttttttttt, not ssssssssssss" in other.detail) == (State.BROKEN, True)
    assert (
        origin.source_link(evidence, Reread({}, "no label")).detail == "the source cannot be prepared again: no label"
    )
    stated = origin.source_link(made(source_sha256="t" * 64), None)
    assert stated.detail == "the lineage and the profile differ in source_sha256"
    assert (
        origin.source_link(Evidence("v", {}, {}), None).detail == "it was registered without the profile of its source"
    )


def test_the_datasets(made: Made) -> None:
    evidence = made()
    assert origin.datasets_link(evidence, None).state is State.OK
    assert "made again" in origin.datasets_link(evidence, Reread(PROFILE)).detail
    rows = origin.datasets_link(evidence, Reread({**PROFILE, "data_sha256": "x"}))
    assert rows.detail == "the rows that are used now are others"
    # Another pyarrow may write other bytes, so that only the rows are compared.
    other = Reread({**PROFILE, "datasets": {"aspen": "f" * 64}})
    assert origin.datasets_link(evidence, other).state is State.OK
    assert origin.datasets_link(Evidence("v", {}, {}), None).state is State.UNCHECKED


def test_datasets_that_split_did_not_read(made: Made) -> None:
    evidence = made()
    report = storage.read_json(evidence.paths["report.json"])
    report["steps"][1]["sha256"]["dataset"] = "0" * 64
    storage.write_json(evidence.paths["report.json"], report)
    link = origin.datasets_link(evidence, None)
    assert link.detail == "split of aspen did not read the dataset that prepare wrote"
