"""The step that registers models, with a registry in a folder; with one in Cloud Storage it is in tests/emulators."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
import xgboost

from steps import register, tables
from steps.core import storage
from steps.io import open_destination
from steps.models import bundle
from steps.models.features import FeatureTransformer
from steps.registry import publishing
from steps.reporting import METRICS
from tests.support import SCHEMA, Result, call, leftovers

if TYPE_CHECKING:
    from pathlib import Path

SLUGS = ("aspen", "krummholz")
LABELS = {slug: SCHEMA.cover_type(slug).label for slug in SLUGS}
BUNDLE = ("metadata.json", "model.ubj", "preprocessor.skops")
DOCUMENTS = ("model_card.md", "profile.json", "report.html", "report.json", "test-scores.parquet")
MODELS = (*(f"models/{slug}/{name}" for slug in SLUGS for name in (*BUNDLE, "metrics.json")), "models/forest.bin")
FILES = sorted([*MODELS, *DOCUMENTS])
ROWS = 400
# Entries of the report that the model card shows.
UNDEFINED = {f"{name}{end}": None for name in METRICS for end in ("", "_interval")}
ROWS_USED: dict[str, Any] = {"rows": 9, "rows_read": 9, "notes": []}


class Run:
    """What a run leaves for the step, in a folder of its own; and the step's command line for it."""

    def __init__(self, folder: Path, *, pr_auc: float = 0.9, seed: int = 0, data: str = "d" * 64) -> None:
        self.folder, self.name = folder, folder.name
        folder.mkdir()
        rows = np.random.default_rng(0).random((50, 2), np.float32)
        matrix = xgboost.QuantileDMatrix(rows, label=rows[:, 0] > pr_auc / 2)
        booster = xgboost.train({"nthread": 1, "max_depth": 1, "objective": "binary:logistic"}, matrix, 1)
        transformer = FeatureTransformer(["a", "b"], {}, [])
        transformer.seen_ = {}
        bundle.write_preprocessor(folder / "p.skops", transformer)
        for slug in SLUGS:
            facts = {"cover_type": slug, "label": LABELS[slug], "threshold": 0.25, "features": ["a", "b"], "seed": seed}
            facts |= {"schema": SCHEMA.to_json(), "data_sha256": data}
            bundle.write(folder / slug, folder / "p.skops", booster, facts)
            self.judge(slug, pr_auc)
            self.score(slug, pr_auc, data, seed)
        document: dict[str, Any] = {
            "accuracy": None,
            "macro_f1": 0.5,
            "missing": [],
            "macro_f1_interval": None,
            "cover_types": {slug: {"title": slug, "rows": 50, "support": 5, **UNDEFINED} for slug in SLUGS},
            "data": {"source": "builtin:", "source_sha256": "s" * 64, "data_sha256": data, **ROWS_USED},
        }
        storage.write_json(folder / "report.json", document)
        (folder / "report.html").write_text("<main><h1>Report</h1></main>")
        storage.write_json(folder / "profile.json", {"data_sha256": data})

    def score(self, slug: str, quality: float, data: str, seed: int) -> None:
        """Write scores whose noise falls with the quality. The test rows depend on the seed, the noise does not."""
        random = np.random.default_rng(SLUGS.index(slug))
        labels = (np.arange(ROWS) % 4 == SLUGS.index(slug)).astype(np.uint8)
        scores = np.clip(0.25 + labels * 0.5 + random.normal(0, 2 * (1 - quality), ROWS), 0, 1).astype(np.float32)
        columns = {"row": np.arange(ROWS) * 2 + seed, "label": labels, "score": scores}
        batch = pa.RecordBatch.from_pydict({name: pa.array(values) for name, values in columns.items()})
        metadata = tables.Metadata(SCHEMA, slug, data)
        with tables.open_writer(self.scores(slug), batch.schema, metadata) as writer:
            writer.write(batch)

    def scores(self, slug: str) -> Path:
        return self.folder / f"{slug}.scores"

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
            options += ["--scores", f"{slug}={self.scores(slug)}"]
        for option, name in (
            ("report-html", "report.html"),
            ("report-json", "report.json"),
            ("profile", "profile.json"),
        ):
            options += [f"--{option}", self.folder / name]
        for option in ("registration", "decision", "summary", "usage"):
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
    assert "other content is already published ('model_card.md' differs)" in result.log
    assert {name: (registry / name).read_bytes() for name in leftovers(registry)} == before


def test_a_better_one_becomes_champion_and_a_worse_one_only_candidate(runs: Runs, registry: Path) -> None:
    for pr_auc, champion, verdict in (
        (0.9, "a", "first"),
        (0.85, "a", "worse"),
        (0.9, "a", "not worse"),
        (0.95, "d", "better"),
        (0.9, "d", "worse"),
    ):
        run = runs(pr_auc=pr_auc)
        assert run.register(registry).code == 0
        assert (alias(registry, "candidate"), alias(registry, "champion")) == (run.name, champion)
        decision = run.registration()["decision"]
        assert (decision["verdict"], decision["path"]) == (verdict, f"decisions/{run.name}/1.json")
    assert [uses_of(registry, name) for name in "abcde"] == [0, 1, 2, 3, 4]
    reason = run.registration()["aliases"]["champion"]["reason"]
    assert reason.startswith("worse: ")
    assert (run.folder / "summary").read_text().endswith(f"not champion, d stays: {reason}")
    assert reason in (run.folder / "decision").read_text().replace("&#39;", "'")


def uses_of(registry: Path, version: str) -> int:
    found: int = storage.read_json(registry / "decisions" / version / "1.json")["earlier_uses_of_test_rows"]
    return found


def test_a_policy_decides_what_is_promoted(runs: Runs, registry: Path, tmp_path: Path) -> None:
    runs().register(registry)
    policy = tmp_path / "policy.toml"
    policy.write_text('promote = ["better", "not worse"]')
    equal = runs()
    assert equal.register(registry, "--policy", policy).code == 0
    assert alias(registry, "champion") == "b"
    policy.write_text("floors = { f1 = 0.999 }")
    better = runs(pr_auc=0.95)
    assert better.register(registry, "--policy", policy).code == 0
    assert alias(registry, "champion") == "b"
    assert "refused by" in better.registration()["aliases"]["champion"]["reason"]
    digests = {storage.read_json(registry / f"decisions/{name}/1.json")["policy_sha256"] for name in "abc"}
    assert len(digests) == 3


@pytest.mark.parametrize("text", ["floors = 1", "floor = {}", "x"])
def test_a_policy_that_is_none(runs: Runs, registry: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "policy.toml").write_text(text)
    result = runs().register(registry, "--policy", tmp_path / "policy.toml")
    assert (result.code, len(result.errors)) == (78, 1)
    assert not registry.exists()


def test_a_limit_of_time_is_measured(runs: Runs, registry: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[limits]\nseconds_per_row = 1\nseconds_per_row_ratio = 1000")
    run = runs()
    for again in (False, True):
        assert run.register(registry, "--policy", policy).code == 0
        assert (alias(registry, "champion"), run.registration()["already"]) == ("a", again)
    better = runs(pr_auc=0.95)
    assert better.register(registry, "--policy", policy).code == 0
    assert alias(registry, "champion") == "b"
    checks = better.registration()["decision"]["gate"]["details"]["checks"]
    absolute, relative = (each for each in checks if each["name"] == "seconds_per_row")
    assert 0 < absolute["value"] == relative["value"] < 1
    assert relative["champion"] > 0
    policy.write_text("[limits]\nseconds_per_row = 1e-12")
    assert runs(pr_auc=0.99).register(registry, "--policy", policy).code == 0
    assert alias(registry, "champion") == "b"


@pytest.mark.parametrize(
    "text", ["[floors.cover_types.oak]\nf1 = 0.1", "[margins.cover_types.oak]\nf1 = 0.1", '[slices]\nnames = ["Soil"]']
)
def test_a_policy_for_other_models_changes_nothing(runs: Runs, registry: Path, tmp_path: Path, text: str) -> None:
    """The names are compared with the test scores before the version is published, not by the gate after it."""
    (tmp_path / "policy.toml").write_text(text)
    result = runs().register(registry, "--policy", tmp_path / "policy.toml")
    assert (result.code, len(result.errors)) == (78, 1)
    assert "there is no" in result.log
    assert not registry.exists()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"data": "e" * 64}, "no test rows in common: the data differ"),
        ({"seed": 1}, "no test rows in common: the splits differ"),
    ],
)
def test_what_cannot_be_compared_is_no_champion(
    runs: Runs, registry: Path, options: dict[str, Any], reason: str
) -> None:
    runs().register(registry)
    run = runs(pr_auc=0.99, **options)
    assert run.register(registry).code == 0
    assert alias(registry, "champion") == "a"
    assert run.registration()["aliases"]["champion"]["reason"].startswith(f"not comparable: {reason}")
    assert run.registration()["decision"]["test_rows_sha256"] is None


def test_a_champion_that_is_gone_or_foreign_or_older(runs: Runs, registry: Path) -> None:
    """None of them is an error of the new version: it is registered, and the reason says what to do."""
    first = runs()
    first.register(registry)
    shutil.move(registry / "versions" / "a", registry / "away")
    second = runs()
    second.register(registry)
    assert reason_of(second).startswith("not comparable: the champion a: there is no version and no alias 'a'")
    foreign = publishing.publish({"x": second.metrics("aspen")}, open_destination(str(registry / "versions" / "a")))
    third = runs()
    third.register(registry)
    assert "the champion a: the manifest is not that of this registered version" in reason_of(third)
    shutil.rmtree(foreign.manifest.location)
    older = registry / "versions" / "a"
    shutil.move(registry / "away", older)
    manifest = storage.read_json(older / "manifest.json")
    manifest["files"] = [entry for entry in manifest["files"] if entry["name"] != "test-scores.parquet"]
    del manifest["content_sha256"]  # manifests of older releases have none
    storage.write_json(older / "manifest.json", manifest)
    fourth = runs(pr_auc=0.95)
    fourth.register(registry)
    assert reason_of(fourth).startswith("not comparable: version a has no test scores, it is of an older release")
    assert "--force" in reason_of(fourth)
    assert alias(registry, "champion") == "a"


def test_a_champion_whose_test_scores_are_damaged(runs: Runs, registry: Path) -> None:
    runs().register(registry)
    (registry / "versions/a/test-scores.parquet").write_bytes(b"x")
    second = runs()
    assert second.register(registry).code == 0
    assert reason_of(second).startswith("not comparable: the champion a: this is not the file that was published")


def reason_of(run: Run) -> str:
    found: str = run.registration()["aliases"]["champion"]["reason"]
    return found


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
