from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import asdict
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import accuracy_score, f1_score

from steps import report, schema, tables
from steps.core import runtime, storage
from steps.datasets import notes as data_notes
from steps.models import metrics
from steps.reporting import charts, figures
from steps.reporting.contents import METRICS
from steps.search.study import Trial
from steps.search.trial_table import EMPTY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SLUGS = ("oak", "beech", "fir")
TITLES = ("Oak & <i>Holm oak</i>", "Beech/Hornbeam", "Fir $x^2$")
STEPS = ("split", "train")
TREES = (
    'name = "trees & <b>shrubs</b>"\ntarget = "Tree"\ncolumns = [{ name = "Height_<m>", dtype = "int16" }]\n'
    + "".join(
        f'[[cover_types]]\nlabel = "{slug[0]}"\nslug = "{slug}"\ntitle = "{title}"\n'
        for slug, title in zip(SLUGS, TITLES, strict=True)
    )
)
ROWS = 240
SHA = "0123456789abcdef" * 4
SCORED = pa.schema([(tables.ROW, pa.int64()), (tables.LABEL, pa.uint8()), (tables.SCORE, pa.float32())])
VOID = {"meta", "br", "wbr", "path", "use", "rect"}


class Inputs:
    """Files of a small run in a folder, and the step's arguments for them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "trees.toml").write_text(TREES)
        self.schema = schema.load(str(folder / "trees.toml"))
        generator = np.random.default_rng(0)
        self.truth = generator.integers(0, len(SLUGS), ROWS)
        self.scores = generator.random((len(SLUGS), ROWS)).astype(np.float32)
        self.scores[self.truth, np.arange(ROWS)] += np.float32(0.3)
        self.scores /= np.float32(1.3)
        self.data(dict.fromkeys(SLUGS, 400), [])
        self.usage("prepare", 0, 2)
        for place, slug in enumerate(SLUGS):
            self.evaluated(place, slug)
            for step_place, step in enumerate(STEPS):
                self.usage(f"{step}.{slug}", 2 + step_place, 0.5 + place)

    def data(self, used: dict[str, int], notes: list[str]) -> None:
        """Write the profile of a table of 400 rows a cover type, some of them used."""
        source = dict.fromkeys(SLUGS, 400)
        profile = dict.fromkeys(figures.PROFILE_FACTS, "x") | {
            "rows": sum(used.values()),
            "rows_read": 1200,
            "dropped": {"missing": 1200 - sum(used.values()), "duplicates": 0, "not_in_sample": 0},
            "data_sha256": SHA,
            "cover_types": used,
            "source_cover_types": source,
            "prevalence": data_notes.compare_prevalence(source, used),
            "notes": notes,
        }
        storage.write_json(self.folder / "profile.json", profile)

    def path(self, kind: str, slug: str) -> Path:
        return self.folder / slug / kind

    def labels(self, place: int) -> NDArray[np.uint8]:
        return np.asarray(self.truth == place, np.uint8)

    def evaluated(self, place: int, slug: str) -> None:
        labels, scores = self.labels(place), self.scores[place]
        found, counts = metrics.binary_metrics(labels, scores, 0.6)
        document = {
            "cover_type": slug,
            "label": slug[0],
            "rows": ROWS,
            "support": int(labels.sum()),
            "threshold": 0.6,
            "metrics": {name: estimate.to_dict() for name, estimate in found.items()},
            "confusion": {"tp": counts.tp, "fp": counts.fp, "fn": counts.fn, "tn": counts.tn},
            "pr_curve": {"recall": [0.1, 0.5, 1.0], "precision": [1.0, 0.8, 0.4]},
            "importances": {"Height_<m>": 0.75, f"only_{slug}": 0.25},
        }
        storage.write_json(self.path("metrics.json", slug), document)
        part = {"pr_auc": [0.6, 0.7, 0.65], "logloss": [0.5, 0.4, 0.4]}
        storage.write_json(self.path("curve.json", slug), {"rounds": [1, 2, 3], "train": part, "validation": part})
        with tables.open_writer(self.path("scores", slug), SCORED, tables.Metadata(self.schema, slug, SHA)) as writer:
            columns = [pa.array(np.arange(ROWS)), pa.array(labels), pa.array(scores)]
            writer.write(pa.RecordBatch.from_arrays(columns, schema=SCORED))

    def usage(self, name: str, started: float, wall: float) -> None:
        figures = {
            "wall_seconds": wall,
            "cpu_seconds": wall,
            "peak_rss_bytes": 1 << 30,
            "rows_in": 1234567,
            "rows_out": 0,
        }
        times = {"started": 1000.0 + started, "finished": 1000.0 + started + wall}
        document = {
            "step": name.partition(".")[0],
            "run": "now",
            **times,
            **figures,
            "bytes_in": 2 << 20,
            "bytes_out": 0,
        }
        storage.write_json(self.folder / "usage" / name, document)

    def run(self, *more: str, asked: Sequence[str] = SLUGS, name: str = "out") -> int:
        arguments = ["--schema", str(self.folder / "trees.toml"), "--profile", str(self.folder / "profile.json")]
        arguments += [f"--{kind}={self.folder / name}.{kind}" for kind in ("html", "json", "summary", "usage")]
        for slug in asked:
            arguments += ["--cover-type", slug]
            for option, kind in (("metrics", "metrics.json"), ("scores", "scores"), ("learning-curve", "curve.json")):
                arguments += [f"--{option}", f"{slug}={self.path(kind, slug)}"]
        for step in ("prepare", *(f"{step}.{slug}" for slug in asked for step in STEPS), "tune.oak"):
            arguments += ["--step-usage", f"{step}={self.folder / 'usage' / step}"]
        return runtime.run(report.main, [*arguments, *more])

    def page(self, name: str = "out") -> str:
        return (self.folder / f"{name}.html").read_text()

    def document(self, name: str = "out") -> dict[str, Any]:
        found: dict[str, Any] = storage.read_json(self.folder / f"{name}.json")
        return found

    def fail(self, *slugs: str) -> None:
        """Take away what the evaluation of these cover types wrote."""
        for slug in slugs:
            self.path("metrics.json", slug).unlink()
            self.path("scores", slug).unlink()


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inputs:
    monkeypatch.setenv("COVERTYPE_RUN", "now")
    return Inputs(tmp_path)


class Page(HTMLParser):
    """Reads a page, checks that its tags nest, and collects ids, references, text and unnamed figures."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: set[str] = set()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag not in VOID:
            self.open.append(tag)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        for value in found.values():
            self.references.update(re.findall(r"#([\w.-]+)", value or "") if not str(value).startswith("--") else ())

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data

    def count(self, tag: str) -> int:
        return sum(found == tag for found, _ in self.tags)


def check_page(text: str) -> Page:
    """What holds for every page: Argo's content security policy, unique ids that exist, names for all figures."""
    page = Page(text)
    assert not re.search(r"https?://|data:|@import|javascript:|\bon\w+=", text)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object", "image", "foreignobject"}
    assert len(page.ids) == len(set(page.ids))
    assert page.references <= set(page.ids)
    for tag, attributes in page.tags:
        if tag == "svg":
            assert attributes["role"] == "img"
            assert attributes["aria-label"]
    assert page.count("figure") == page.count("figcaption")
    assert not re.search(r"#0000[0-1][0-9a-f]\b", text), "a stand-in colour is left"
    variables = set(re.findall(r"var\(--([\w-]+)", text)) - {"a"}  # set on each cell of a heat map
    assert variables <= set(re.findall(r"--([\w-]+):", text))
    assert len(text) < 600_000
    return page


def test_a_whole_run(inputs: Inputs) -> None:
    assert inputs.run("--seed", "7", "--preset", "fast") == 0
    document = inputs.document()
    assert document["accuracy"] == pytest.approx(accuracy_score(inputs.truth, inputs.scores.argmax(axis=0)))
    one_vs_rest = [f1_score(inputs.labels(place), inputs.scores[place] >= 0.6) for place in range(len(SLUGS))]
    assert document["macro_f1"] == pytest.approx(np.mean(one_vs_rest))
    assert np.mean([document["cover_types"][slug]["f1"] for slug in SLUGS]) == pytest.approx(document["macro_f1"])
    for name in ("accuracy", "macro_f1"):
        low, high = document[f"{name}_interval"]
        assert low < document[name] < high
    assert document["confusion"]["cover_types"] == list(SLUGS)
    assert np.sum(document["confusion"]["counts"], axis=1).tolist() == np.bincount(inputs.truth).tolist()
    assert document["missing"] == []
    assert document["data"]["data_sha256"] == SHA
    assert [step["name"] for step in document["steps"]][:2] == ["prepare", "split.oak"]
    assert not any(step["cached"] for step in document["steps"])

    page = check_page(inputs.page())
    for text in (*TITLES, "trees & <b>shrubs</b>", "Height_<m>", SHA[:12], "fast", "1,234,567", "3-way accuracy"):
        assert text in page.text
    assert f"{document['accuracy']:.4f}" in page.text
    assert page.count("svg") == 3 + 2 + 1
    assert "missing" not in page.text

    line = f"accuracy {document['accuracy']:.4f}, macro F1 {document['macro_f1']:.4f}"
    assert (inputs.folder / "out.summary").read_text() == line
    assert storage.read_json(inputs.folder / "out.usage")["rows_in"] == ROWS * len(SLUGS)


def test_the_parts_of_a_cover_type_are_those_of_its_metrics(inputs: Inputs) -> None:
    assert inputs.run() == 0
    given, found = storage.read_json(inputs.path("metrics.json", "fir")), inputs.document()["cover_types"]["fir"]
    names = {name for metric in given["metrics"] for name in (metric, f"{metric}_interval")}
    assert set(found) == names | {"label", "title", "support", "rows", "threshold", "confusion", "search"}
    for name, estimate in given["metrics"].items():
        assert found[name] == estimate["value"]
        assert found[f"{name}_interval"] == [estimate["low"], estimate["high"]]
    assert found["confusion"] == given["confusion"]
    assert set(METRICS) == set(given["metrics"])


def test_equal_inputs_give_equal_bytes_and_matplotlib_is_left_as_it_was(inputs: Inputs) -> None:
    before = dict(mpl.rcParams)
    assert inputs.run(name="one") == inputs.run(name="two") == 0
    assert inputs.page("one") == inputs.page("two")
    assert inputs.document("one") == inputs.document("two")
    assert dict(mpl.rcParams) == before


def test_a_missing_cover_type_fails_after_both_files_are_written(
    inputs: Inputs, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs.fail("beech")
    assert inputs.run() == 1
    assert capsys.readouterr().err == "error: 1 of 3 cover types are missing: beech\n"
    document = inputs.document()
    assert document["missing"] == ["beech"]
    assert set(document["cover_types"]) == {"oak", "fir"}
    for name in ("accuracy", "accuracy_interval", "macro_f1", "macro_f1_interval", "confusion"):
        assert document[name] is None
    page = check_page(inputs.page())
    assert "1 of 3 cover types are missing: Beech/Hornbeam." in page.text
    assert 'role="alert"' in inputs.page()
    assert "missing: a step failed" in page.text
    assert (inputs.folder / "out.summary").read_text() == "1 of 3 cover types are missing: beech"


@pytest.mark.parametrize("kind", ["metrics.json", "scores"])
def test_one_of_its_files_absent_is_enough_to_miss_a_cover_type(inputs: Inputs, kind: str) -> None:
    inputs.path(kind, "oak").unlink()
    assert inputs.run() == 1
    assert inputs.document()["missing"] == ["oak"]


def test_a_run_of_which_nothing_is_left_is_reported_too(inputs: Inputs, capsys: pytest.CaptureFixture[str]) -> None:
    inputs.fail(*SLUGS)
    for slug in SLUGS:
        inputs.path("curve.json", slug).unlink()
    for usage in (inputs.folder / "usage").iterdir():
        usage.unlink()
    assert inputs.run() == 1
    assert "3 of 3 cover types are missing: oak, beech, fir" in capsys.readouterr().err
    assert inputs.document()["cover_types"] == {}
    assert check_page(inputs.page()).count("svg") == 0


def test_a_subset_has_a_macro_f1_and_no_accuracy(inputs: Inputs) -> None:
    assert inputs.run(asked=["fir", "oak"]) == 0
    document = inputs.document()
    assert document["accuracy"] is document["confusion"] is None
    expected = [f1_score(inputs.labels(place), inputs.scores[place] >= 0.6) for place in (2, 0)]
    assert document["macro_f1"] == pytest.approx(np.mean(expected))
    assert document["missing"] == []
    assert list(document["cover_types"]) == ["fir", "oak"]
    page = check_page(inputs.page())
    assert "2 of 3 cover types were asked for." in page.text
    assert (inputs.folder / "out.summary").read_text() == f"macro F1 {document['macro_f1']:.4f} over fir, oak"


def test_cached_steps_are_in_the_table_and_not_in_the_timeline(inputs: Inputs, monkeypatch: pytest.MonkeyPatch) -> None:
    path = inputs.folder / "usage" / "train.oak"
    storage.write_json(path, storage.read_json(path) | {"run": "before", "started": 1.0, "finished": 2.0})
    assert inputs.run() == 0
    assert {step["name"] for step in inputs.document()["steps"] if step["cached"]} == {"train.oak"}
    page = check_page(inputs.page())
    assert page.text.count("cached") == 1
    assert "6 steps took" in page.text

    monkeypatch.setenv("COVERTYPE_RUN", "later")
    assert inputs.run() == 0
    assert check_page(inputs.page()).text.count("cached") == 7
    assert "Timeline" not in inputs.page()


def test_a_perfect_model_is_drawn(inputs: Inputs) -> None:
    curve = {"rounds": [1], "train": {"pr_auc": [1.0]}, "validation": {"pr_auc": [1.0]}}
    for place, slug in enumerate(SLUGS):
        inputs.scores[place] = inputs.labels(place)
        inputs.evaluated(place, slug)
        storage.write_json(inputs.path("curve.json", slug), curve)
        inputs.usage(f"split.{slug}", 0, 0)
    assert inputs.run() == 0
    assert inputs.document()["accuracy"] == inputs.document()["macro_f1"] == 1
    check_page(inputs.page())


def test_more_features_than_fit_are_left_out_and_counted(inputs: Inputs) -> None:
    path = inputs.path("metrics.json", "oak")
    document = storage.read_json(path) | {"importances": {f"feature_{i:02}": 1 / 30 for i in range(30)}}
    storage.write_json(path, document)
    assert inputs.run() == 0
    assert "13 more features" in check_page(inputs.page()).text


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--cover-type", "oak"], "'oak' is there twice, in --cover-type"),
        (["--cover-type", "elm"], "unknown cover type 'elm'"),
        (["--metrics", "oak"], "'oak' is not NAME=PATH, in --metrics"),
        (["--scores", "oak=x"], "the name 'oak' occurs twice, in --scores"),
        (["--metrics", "elm=x"], "cover type 'elm' is not asked for, in --metrics"),
    ],
)
def test_a_wrong_command_line_is_refused(
    inputs: Inputs, capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    assert inputs.run(*more) in {2, 78}
    assert message in capsys.readouterr().err
    assert not (inputs.folder / "out.html").exists()


def test_a_cover_type_without_a_path_is_refused(inputs: Inputs, capsys: pytest.CaptureFixture[str]) -> None:
    assert inputs.run("--cover-type", "fir", asked=["oak"]) == 2
    assert "no path for cover type 'fir', in --metrics" in capsys.readouterr().err


def test_files_of_another_cover_type_or_data_are_refused(inputs: Inputs, capsys: pytest.CaptureFixture[str]) -> None:
    profile = inputs.folder / "profile.json"
    storage.write_json(profile, storage.read_json(profile) | {"data_sha256": "other"})
    assert inputs.run() == 65
    assert "these rows are not from the profile's data" in capsys.readouterr().err
    inputs.path("metrics.json", "oak").write_text(json.dumps({"cover_type": "fir"}))
    assert inputs.run() == 65
    assert "this is about cover type 'fir', not 'oak'" in capsys.readouterr().err


def test_matplotlib_is_loaded_only_to_draw() -> None:
    check = "import sys, steps.report; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_every_colour_role_has_a_colour_in_light_and_in_dark_mode() -> None:
    light, dark = charts.PALETTE.split("prefers-color-scheme")
    for role in charts.ROLES:
        assert f"--{role}:" in light
        assert f"--{role}:" in dark


def test_hues_differ_in_colour_or_dash() -> None:
    hues = [charts.Hue.of(position) for position in range(21)]
    assert len({str(hue) for hue in hues}) == 21


def trial(number: int, value: float, rate: float, state: str = "complete") -> dict[str, Any]:
    """Return a trial whose depth is searched in every second trial alone."""
    values = {"learning_rate": rate, **({"max_depth": number} if number % 2 else {}), "grow_policy": "lossguide"}
    parameters = {"rounds": 20, "max_depth": 6, **values}
    made = Trial(
        number=number,
        origin="tpe",
        state=state,
        value=value,
        values=values,
        parameters=parameters,
        best_rounds=20,
        seconds=1,
    )
    return asdict(made)


def trial_table_of(objective: str = "pr_auc") -> dict[str, Any]:
    trials = [
        trial(i, 0.5 + 0.3 * (i % 7) / 7, 0.1 * (1 + i % 5), "pruned" if i % 4 == 3 else "complete")
        for i in range(1, 13)
    ]
    return {
        "objective": objective,
        "best": 6,
        "gain": {
            "preset": 0.6,
            "best": 0.75,
            "gain": 0.15,
            "low": 0.1,
            "high": 0.2,
            "rows": 90,
            "positive_rows": 9,
            "significant": True,
        },
        "importances": {"learning_rate": 0.75, "max_depth": 0.25},
        "space": [
            {"name": "learning_rate", "low": 0.1, "high": 0.5, "log": True},
            {"name": "max_depth", "low": 1, "high": 12, "log": False},
            {"name": "grow_policy", "choices": ["lossguide", "depthwise"]},
        ],
        "trials": trials,
    }


def test_dropped_rows_and_other_shares_are_shown(inputs: Inputs) -> None:
    inputs.data({"oak": 400, "beech": 380, "fir": 20}, ["400 of 1,200 rows <b>were dropped</b>"])
    assert inputs.run() == 0
    data = inputs.document()["data"]
    assert data["prevalence"]["fir"] == {"source": round(1 / 3, 6), "used": 0.025, "differs": True}
    assert (data["class_counts"]["fir"], data["source_class_counts"]["fir"]) == (20, 400)
    page = check_page(inputs.page())
    for text in ("Rows used", "800 of 1,200 rows", "400 were left out for a missing value", "<b>were dropped</b>"):
        assert text in page.text
    assert "33.33%" in page.text
    assert "2.50%" in page.text


def test_where_all_rows_are_used_there_is_no_section_on_them(inputs: Inputs) -> None:
    assert inputs.run() == 0
    assert "Rows used" not in inputs.page()


@pytest.mark.parametrize("objective", ["pr_auc", "f1", "logloss"])
def test_searches_are_shown(inputs: Inputs, objective: str) -> None:
    storage.write_json(inputs.folder / "oak.json", trial_table_of(objective))
    storage.write_json(inputs.folder / "fir.json", EMPTY)
    tables_ = [f"--trial-table=oak={inputs.folder / 'oak.json'}", f"--trial-table=fir={inputs.folder / 'fir.json'}"]
    assert inputs.run(*tables_, "--trial-table=beech=absent.json") == 0
    text = inputs.page()
    page = check_page(text)
    assert "Hyperparameter search" in text
    assert "best 0.7571 in trial 6 of 12" in text
    assert "+0.1500<small>+0.1000 to +0.2000</small></td><td>yes</td><td>90<small>9 positive</small>" in text
    found = {slug: entry["search"] for slug, entry in inputs.document()["cover_types"].items()}
    assert (found["oak"]["trials"], found["oak"]["pruned"], found["oak"]["best"]) == (12, 3, 6)
    values = [point["value"] for point in found["oak"]["best_points"]]
    assert values == sorted(values, reverse=objective != "logloss")
    assert found["oak"]["best_points"][0]["parameters"]["rounds"] == 20
    assert (found["fir"], found["beech"]) == (None, None)
    assert text.count('id="search-oak') + text.count("#search-oak") > 0
    assert "parallel-fir" not in text
    assert inputs.run(name="plain") == 0
    assert page.count("svg") == Page(inputs.page("plain")).count("svg") + 2
    assert inputs.run(*tables_, name="again") == 0
    assert inputs.page("again") == text


def test_a_gain_that_is_not_significant_or_not_tested_is_shown_so(inputs: Inputs) -> None:
    none = dict.fromkeys(("preset", "best", "gain", "low", "high"))
    for change, words in (({"significant": False}, "<td>no</td>"), ({**none, "significant": False}, "not tested")):
        table = trial_table_of()
        storage.write_json(inputs.folder / "oak.json", {**table, "gain": {**table["gain"], **change}})
        assert inputs.run(f"--trial-table=oak={inputs.folder / 'oak.json'}") == 0
        check_page(inputs.page())
        assert words in inputs.page()


def test_without_a_search_there_is_no_section(inputs: Inputs) -> None:
    assert inputs.run() == 0
    assert "Hyperparameter search" not in inputs.page()


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", json.dumps({**EMPTY, "trials": [{}]}), json.dumps({**EMPTY, "trials": 1})]
)
def test_what_is_no_trial_table_is_said_so(inputs: Inputs, text: str) -> None:
    (inputs.folder / "oak.json").write_text(text)
    assert inputs.run(f"--trial-table=oak={inputs.folder / 'oak.json'}") == 65
    assert not (inputs.folder / "out.html").exists()
