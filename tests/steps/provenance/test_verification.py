"""The whole chain of a version, and which link is named for each planted break."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from steps.core import storage
from steps.core.errors import NoInputError
from steps.io import open_destination
from steps.models import bundle
from steps.provenance import links, signing, verification
from steps.provenance.links import State
from steps.provenance.origin import CodeAtHand, Reread
from steps.provenance.signing import Signer
from steps.provenance.verification import Means
from tests.registered_run import IMAGE, SLUGS, VERSION, change_entry, change_json, change_manifest, flip_byte
from tests.support import prepared

if TYPE_CHECKING:
    from steps.provenance.evidence import Evidence
    from steps.provenance.links import Link


def means(source: Path | None = None, code: str | None = None, key: Path | None = None) -> Means:
    """Return what is at hand: a source that is prepared in this process, and the digest of the recorded revision."""

    def reread(evidence: Evidence) -> Reread | None:
        if source is None or evidence.name != VERSION:
            return None
        folder = source.parent / f"again-{source.name}"
        profile, _ = prepared(source, folder, rows=900)
        datasets = {slug: storage.sha256_file(folder / f"{slug}.parquet") for slug in SLUGS}
        return Reread({**profile, "datasets": datasets})

    return Means(lambda _: CodeAtHand(bundle.code_sha256(), code), reread, Signer(key) if key else None)


def verify(registry: Path, at_hand: Means) -> dict[str, Link]:
    chain = verification.verify_version(open_destination(str(registry)), VERSION, at_hand)
    assert tuple(link.name for link in chain) == links.NAMES
    return {link.name: link for link in chain}


def sign(registry: Path, keys: Path) -> None:
    pytest.importorskip("model_signing", exc_type=ImportError)
    signing.sign_version(open_destination(str(registry)), VERSION, Signer(keys / "own.pem"))


def test_all_links_of_an_untouched_version(registry: Path, finished: Path, keys: Path, tmp_path: Path) -> None:
    sign(registry, keys)
    source = tmp_path / "table.csv"
    source.write_bytes((finished / "table.csv").read_bytes())
    chain = verify(registry, means(source, key=keys / "own.pub"))
    assert {name: link.state for name, link in chain.items()} == dict.fromkeys(links.NAMES, State.OK), chain
    assert chain["image"].detail == IMAGE
    assert chain["aliases"].detail == "candidate, champion"
    assert "test rows" in chain["metrics"].detail


def test_what_cannot_be_checked_is_said_and_is_no_break(registry: Path) -> None:
    chain = verify(registry, means())
    unchecked = {name for name, link in chain.items() if link.state is State.UNCHECKED}
    assert unchecked == {"source", "signature"}
    assert "--source" in chain["source"].detail
    assert "not signed" in chain["signature"].detail


def plant(what: str, registry: Path, source: Path) -> None:  # noqa: C901, PLR0912 - one branch a break
    """Break one thing."""
    version = registry / "versions" / VERSION
    if what == "data":
        text = source.read_text().splitlines()
        cells = text[5].split(",")
        cells[0] = str(int(cells[0]) + 1)
        source.write_text("\n".join([*text[:5], ",".join(cells), *text[6:]]) + "\n")
    elif what == "dataset":
        change_entry(version, "profile.json", lambda path: change_json(path, datasets=dict.fromkeys(SLUGS, "0" * 64)))
    elif what == "bundle":
        flip_byte(version / "models" / "aspen" / "model.ubj")
    elif what == "preprocessor":
        flip_byte(version / "models" / "aspen" / "preprocessor.skops")
    elif what == "metrics":
        flip_byte(version / "models" / "krummholz" / "metrics.json")
    elif what == "metrics and manifest":
        name = "models/krummholz/metrics.json"
        change_entry(version, name, lambda path: change_json(path, support=1))
    elif what == "scores":
        flip_byte(version / "test-scores.parquet", 2000)
    elif what == "report":
        flip_byte(version / "report.html")
    elif what == "report and manifest":
        change_entry(version, "report.json", lambda path: change_json(path, macro_f1=0.99))
    elif what == "manifest":
        path = version / "manifest.json"
        path.write_bytes(path.read_bytes().replace(b'"macro_f1": 0.', b'"macro_f1": 1.', 1))
    elif what == "alias":
        path = registry / "aliases" / "champion.json"
        path.write_bytes(path.read_bytes().replace(b'"version": "v1"', b'"version": "v0"'))
    elif what == "image":
        change_manifest(version, lambda lineage: lineage.update(images=[IMAGE.replace("ab", "cd")]))
    elif what == "code in the lineage":
        change_manifest(version, lambda lineage: lineage["cover_types"]["aspen"].update(code_sha256="0" * 64))
    elif what == "signature":
        flip_byte(version / "signature.json", -60)
    elif what == "everything consistently":
        change_manifest(version, lambda lineage: lineage.update(code_revision="0123456789ab"))


@pytest.mark.parametrize(
    ("what", "named"),
    [
        ("data", "source"),
        ("dataset", "datasets"),
        ("code", "code"),
        ("code in the lineage", "code"),
        ("image", "image"),
        ("bundle", "boosters"),
        ("preprocessor", "boosters"),
        ("metrics", "metrics"),
        ("metrics and manifest", "metrics"),
        ("scores", "metrics"),
        ("report", "report"),
        ("report and manifest", "report"),
        ("manifest", "manifest"),
        ("alias", "aliases"),
        ("signature", "signature"),
        ("everything consistently", "signature"),
    ],
)
def test_the_first_broken_link_is_the_one_that_was_broken(  # noqa: PLR0913, PLR0917 - fixtures
    registry: Path, finished: Path, keys: Path, tmp_path: Path, what: str, named: str
) -> None:
    sign(registry, keys)
    source = tmp_path / "table.csv"
    source.write_bytes((finished / "table.csv").read_bytes())
    plant(what, registry, source)
    at_hand = means(source, code="0" * 64 if what == "code" else None, key=keys / "own.pub")
    chain = list(verify(registry, at_hand).values())
    broken = links.first_broken(chain)
    assert broken is not None
    assert broken.name == named, [link.to_dict() for link in chain]


def test_only_a_signature_finds_a_consistent_change(registry: Path) -> None:
    plant("everything consistently", registry, Path())
    chain = verify(registry, means())
    assert links.first_broken(list(chain.values())) is None
    assert "changed consistently" in chain["signature"].detail


def test_a_version_that_does_not_exist(registry: Path) -> None:
    with pytest.raises(NoInputError):
        verification.verify_version(open_destination(str(registry)), "nothing", means())


def test_a_run_has_no_registry(finished: Path) -> None:
    files: dict[str, Any] = {"report.json": finished / "report.json", "report.html": finished / "report.html"}
    files["profile.json"] = finished / "profile.json"
    for slug in SLUGS:
        for name in ("model.ubj", "preprocessor.skops", "metadata.json"):
            files[f"models/{slug}/{name}"] = finished / slug / "model" / name
        files[f"models/{slug}/metrics.json"] = finished / slug / "metrics"
        files |= {f"scores/{slug}": finished / slug / "scores", f"datasets/{slug}": finished / slug / "dataset"}
    chain = {link.name: link for link in verification.verify_run("r", "", files, means())}
    assert {name for name, link in chain.items() if link.state is State.OK} == set(links.NAMES[1:7])
    assert chain["manifest"].detail == "a run has none: register it"
    other = {**files, "datasets/aspen": finished / "krummholz" / "dataset"}
    broken = links.first_broken(verification.verify_run("r", "", other, means()))
    assert broken == links.Link("datasets", State.BROKEN, "the dataset of aspen is not the one that prepare wrote")


@pytest.mark.parametrize(
    ("name", "content", "broken"),
    [
        ("profile.json", {"datasets": {"aspen": "0"}}, "source"),
        (f"models/{SLUGS[0]}/metrics.json", {"a": 1}, "metrics"),
        ("report.json", {"data": [], "steps": [5], "cover_types": []}, "report"),
    ],
)
def test_a_document_of_another_form_is_a_broken_link_even_if_the_manifest_fits(
    registry: Path, name: str, content: dict[str, Any], broken: str
) -> None:
    version = registry / "versions" / VERSION
    change_entry(version, name, lambda path: path.write_text(json.dumps(content)))
    first = links.first_broken(list(verify(registry, means()).values()))
    assert first is not None
    assert first.name == broken
    assert f"{name}: it has another form than this project writes (" in first.detail


def test_a_lineage_of_another_form_is_a_broken_manifest(registry: Path) -> None:
    def spoil(metadata: dict[str, Any]) -> None:
        metadata["cover_types"] = dict.fromkeys(metadata["cover_types"])

    change_manifest(registry / "versions" / VERSION, spoil)
    chain = verify(registry, means())
    assert {name for name, link in chain.items() if link.state is State.BROKEN} == {"manifest"}
    assert "(cover_types." in chain["manifest"].detail
    assert chain["code"].state is State.UNCHECKED


def test_a_mistake_of_verification_is_not_a_broken_link(registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(evidence: Evidence) -> Link:
        raise KeyError(evidence.name)

    monkeypatch.setattr("steps.provenance.results.metrics_link", wrong)
    with pytest.raises(KeyError):
        verify(registry, means())
