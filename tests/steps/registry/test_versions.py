from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from steps.core.errors import BadDataError, NoInputError
from steps.registry import versions
from steps.registry.destinations import Folder
from tests.steps.test_register import Runs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def registry(tmp_path: Path) -> Folder:
    """A registry of two versions, of which the second is worse."""
    runs, root = Runs(tmp_path), tmp_path / "registry"
    for quality in (0.9, 0.8):
        runs(pr_auc=quality).register(root)
    return Folder(root)


def test_the_list(registry: Folder) -> None:
    first, second = versions.list_versions(registry).versions
    assert (first.version, first.aliases, second.version, second.aliases) == ("a", ("champion",), "b", ("candidate",))
    assert (first.accuracy, first.macro_f1, first.problem) == (None, 0.5, "")
    assert second.decision
    assert (second.decision["verdict"], second.decision["promotes"]) == ("worse", False)
    assert second.at == second.decision["at"]
    assert second.to_dict()["version"] == "b"


def test_damaged_versions_are_in_the_list(registry: Folder) -> None:
    root = registry.root / "versions"
    (root / "a" / "manifest.json").unlink()
    (root / "b" / "manifest.json").write_text("[]")
    shutil.copytree(root / "a", root / "c")
    found = {each.version: each.problem for each in versions.list_versions(registry).versions}
    assert found == {
        "a": "version 'a' has no manifest.json",
        "b": "not a manifest of published files",
        "c": "version 'c' has no manifest.json",
    }


def test_an_alias_of_a_version_that_is_gone_is_in_the_list(registry: Folder) -> None:
    shutil.rmtree(registry.root / "versions" / "a")
    found = {each.version: each for each in versions.list_versions(registry).versions}
    assert found["a"].aliases == ("champion",)
    assert found["a"].problem == "there is no version and no alias 'a'"


def test_damaged_aliases_and_decisions_do_not_hide_the_versions(registry: Folder) -> None:
    (registry.root / "aliases/champion.json").write_text("{")
    (registry.root / "decisions/b/1.json").write_text("[]")
    found = versions.list_versions(registry)
    assert [(each.version, each.aliases) for each in found.versions] == [("b", ("candidate",)), ("a", ())]
    assert [each.where for each in found.damaged] == [
        f"{registry.root}/aliases/champion.json",
        f"{registry.root}/decisions/b/1.json",
    ]


@pytest.mark.parametrize("value", [float("nan"), "high", [1.0], True])
def test_a_metric_that_is_no_number_is_left_out(registry: Folder, value: object) -> None:
    path = registry.root / "versions/a/manifest.json"
    document = json.loads(path.read_text())
    document["metadata"]["macro_f1"] = value
    del document["content_sha256"]
    path.write_text(json.dumps(document))
    found = {each.version: each.macro_f1 for each in versions.list_versions(registry).versions}
    assert found == {"a": None, "b": 0.5}


def test_a_folder_that_is_no_registry(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(NoInputError, match="this is no registry: there is no version"):
            versions.list_versions(Folder(folder))


def test_a_version_under_a_foreign_name(registry: Folder) -> None:
    shutil.copytree(registry.root / "versions" / "a", registry.root / "versions" / "z")
    with pytest.raises(BadDataError, match="the manifest is not that of this registered version"):
        versions.read_version(registry, "z")
    assert versions.read_version(registry, "a").metadata["version"] == "a"
