"""The step that registers models, with a registry in a folder; with one in Cloud Storage it is in tests/emulators."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import xgboost

from steps import register
from steps.core import storage
from steps.io import open_destination
from steps.models import bundle
from steps.models.features import FeatureTransformer
from steps.registry import publishing
from tests.support import SCHEMA, Result, call, leftovers

if TYPE_CHECKING:
    from pathlib import Path

SLUGS = ("aspen", "krummholz")
LABELS = {slug: SCHEMA.cover_type(slug).label for slug in SLUGS}
BUNDLE = ("metadata.json", "model.ubj", "preprocessor.skops")
FILES = sorted([*(f"models/{slug}/{name}" for slug in SLUGS for name in (*BUNDLE, "metrics.json"))])


FILES += ["profile.json", "report.html", "report.json"]


class Run:
    """What a run leaves for the step, in a folder of its own; and the step's command line for it."""

    def __init__(self, folder: Path, *, pr_auc: float = 0.9, seed: int = 0, data: str = "d" * 64) -> None:
        self.folder, self.name = folder, folder.name
        folder.mkdir()
        rows = np.random.default_rng(0).random((50, 2), np.float32)
        matrix = xgboost.QuantileDMatrix(rows, label=rows[:, 0] > pr_auc / 2)
        booster = xgboost.train({"nthread": 1, "max_depth": 1}, matrix, 1)
        bundle.write_preprocessor(folder / "p.skops", FeatureTransformer(["a"], {}, []))
        for slug in SLUGS:
            facts = {"cover_type": slug, "label": LABELS[slug], "threshold": 0.25, "features": ["a"], "seed": seed}
            facts |= {"schema": SCHEMA.to_json(), "data_sha256": data}
            bundle.write(folder / slug, folder / "p.skops", booster, facts)
            self.judge(slug, pr_auc)
        document: dict[str, Any] = {
            "accuracy": None,
            "macro_f1": 0.5,
            "missing": [],
            "cover_types": {slug: {} for slug in SLUGS},
            "data": {"source": "builtin:", "source_sha256": "s" * 64, "data_sha256": data, "rows": 9},
        }
        storage.write_json(folder / "report.json", document)
        (folder / "report.html").write_text("<h1>Report</h1>")
        storage.write_json(folder / "profile.json", {"data_sha256": data})

    def judge(self, slug: str, pr_auc: float | None, support: int = 5) -> None:
        facts = {"cover_type": slug, "threshold": 0.25, "rows": 50, "support": support}
        storage.write_json(self.metrics(slug), {**facts, "metrics": {"pr_auc": {"value": pr_auc}}})

    def metrics(self, slug: str) -> Path:
        return self.folder / f"{slug}.metrics.json"

    def change(self, path: Path, **values: Any) -> None:
        storage.write_json(path, storage.read_json(path) | values)

    def register(self, registry: Path | str, *more: object, version: str | None = None) -> Result:
        options: list[object] = ["--registry", registry, "--version", self.name if version is None else version]
        for slug in SLUGS:
            options += ["--model", f"{slug}={self.folder / slug}", "--metrics", f"{slug}={self.metrics(slug)}"]
        for slug in SLUGS:
            options += ["--scores", f"{slug}={self.folder / slug}.scores"]
        for option, name in (
            ("report-html", "report.html"),
            ("report-json", "report.json"),
            ("profile", "profile.json"),
        ):
            options += [f"--{option}", self.folder / name]
        for option in ("registration", "summary", "usage"):
            options += [f"--{option}", self.folder / option]
        return call(register.main, *options, *more)

    def registration(self) -> dict[str, Any]:
        found: dict[str, Any] = storage.read_json(self.folder / "registration")
        return found


class Runs:
    """Makes runs, each with the next letter as its name."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.names = folder, itertools.chain("abcdefgh")

    def __call__(self, **options: Any) -> Run:
        return Run(self.folder / next(self.names), **options)


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    return tmp_path / "registry"


def alias(registry: Path, name: str) -> str:
    found: str = storage.read_json(registry / "aliases" / f"{name}.json")["version"]
    return found


def test_the_first_version_is_candidate_and_champion(runs: Runs, registry: Path) -> None:
    run = runs()
    result = run.register(registry, "--code-revision", "abc123")
    line = f"a registered in {registry}, is now champion: there was no champion"
    assert (result.code, result.log) == (0, line + "\n")
    assert (run.folder / "summary").read_text() == line
    version = registry / "versions" / "a"
    assert leftovers(version) == sorted([*FILES, "manifest.json"])
    assert (version / "models/aspen/model.ubj").read_bytes() == (run.folder / "aspen/model.ubj").read_bytes()
    assert (version / "models/aspen/metrics.json").read_bytes() == run.metrics("aspen").read_bytes()
    assert (alias(registry, "candidate"), alias(registry, "champion")) == ("a", "a")
    assert bundle.read(version / "models" / "krummholz").metadata["cover_type"] == "krummholz"


def test_registering_again_changes_nothing(runs: Runs, registry: Path) -> None:
    run = runs()
    run.register(registry)
    before = {name: (registry / name).stat().st_mtime_ns for name in leftovers(registry)}
    result = run.register(registry)
    assert result.code == 0
    assert result.log == f"a was registered already in {registry}, is champion: unchanged\n"
    assert run.registration()["already"]
    assert {name: (registry / name).stat().st_mtime_ns for name in leftovers(registry) if name != ".lock"} == {
        name: time for name, time in before.items() if name != ".lock"
    }


def test_another_content_under_the_same_version(runs: Runs, registry: Path) -> None:
    run = runs()
    run.register(registry)
    before = {name: (registry / name).read_bytes() for name in leftovers(registry)}
    result = runs(pr_auc=0.95).register(registry, version="a")
    assert result.code == 2
    assert "other content is already published ('models/aspen/metadata.json' differs)" in result.log
    assert {name: (registry / name).read_bytes() for name in leftovers(registry)} == before


def test_a_better_one_becomes_champion_and_a_worse_one_only_candidate(runs: Runs, registry: Path) -> None:
    for pr_auc, champion in ((0.9, "a"), (0.89, "a"), (0.9, "c"), (0.91, "d"), (0.9, "d")):
        run = runs(pr_auc=pr_auc)
        assert run.register(registry).code == 0
        assert (alias(registry, "candidate"), alias(registry, "champion")) == (run.name, champion)
    assert run.registration()["aliases"]["champion"]["reason"] == "mean PR-AUC 0.9000, the champion's 0.9100"
    assert (
        (run.folder / "summary")
        .read_text()
        .endswith("not champion, d stays: mean PR-AUC 0.9000, the champion's 0.9100")
    )


@pytest.mark.parametrize(
    ("more", "champion"), [([], "a"), (["--class-tolerance", "0.05"], "b"), (["--tolerance", "0.1"], "a")]
)
def test_no_cover_type_gets_much_worse(runs: Runs, registry: Path, more: list[str], champion: str) -> None:
    runs().register(registry)
    better = runs(pr_auc=0.99)
    better.judge("krummholz", 0.87)
    better.register(registry, *more)
    assert alias(registry, "champion") == champion
    if champion == "a":
        reason = better.registration()["aliases"]["champion"]["reason"]
        assert reason == "PR-AUC of krummholz 0.8700, the champion's 0.9000"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"data": "e" * 64}, "the champion was measured on other data"),
        ({"seed": 1}, "the seed is 1, the champion's 0"),
    ],
)
def test_what_cannot_be_compared_is_no_champion(
    runs: Runs, registry: Path, options: dict[str, Any], reason: str
) -> None:
    runs().register(registry)
    run = runs(pr_auc=0.99, **options)
    assert run.register(registry).code == 0
    assert alias(registry, "champion") == "a"
    assert run.registration()["aliases"]["champion"]["reason"] == f"not comparable, {reason}"


def test_a_champion_that_is_gone_or_has_no_lineage(runs: Runs, registry: Path) -> None:
    runs().register(registry)
    shutil.move(registry / "versions" / "a", registry / "away")
    second = runs()
    second.register(registry)
    assert second.registration()["aliases"]["champion"]["reason"].endswith("the champion a is not in the registry")
    publishing.publish({"x": second.metrics("aspen")}, open_destination(str(registry / "versions" / "a")))
    third = runs()
    third.register(registry)
    assert third.registration()["aliases"]["champion"]["reason"].endswith("the champion a has no lineage")
    assert alias(registry, "champion") == "a"


def test_the_run_names_the_version(runs: Runs, registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = runs()
    monkeypatch.setenv("COVERTYPE_RUN", "covertype-1")
    assert run.register(registry, version="").code == 0
    assert alias(registry, "champion") == "covertype-1"


@pytest.mark.parametrize("version", ["", "../x", "a/b", "-x"])
def test_versions_that_are_none(runs: Runs, registry: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COVERTYPE_RUN", raising=False)
    result = runs().register(registry, version=version)
    assert (result.code, result.errors) == (
        2,
        [f"error: {version!r} is not a version, in --version: use letters, digits and . _ -"],
    )


def test_what_is_missing(runs: Runs, registry: Path) -> None:
    run = runs()
    shutil.rmtree(run.folder / "aspen")
    assert run.register(registry).code == 66
    assert run.register(registry, "--model", f"ponderosa-pine={run.folder}").code == 2
    assert not registry.exists()


def test_a_broken_alias(runs: Runs, registry: Path) -> None:
    run = runs()
    run.register(registry)
    (registry / "aliases" / "champion.json").write_text("{}")
    result = runs().register(registry)
    assert (result.code, len(result.errors)) == (65, 1)
    assert "does not name a version" in result.log


def test_the_command_line_does_not_load_google_s_client() -> None:
    code = "import sys; from steps import register; print([name for name in sys.modules if name.startswith('google.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
